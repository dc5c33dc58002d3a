package io.csvimport.pipeline;

import io.csvimport.CsvChangedException;
import io.csvimport.CsvImportUnsettledException;
import io.csvimport.CsvRejectedException;
import io.csvimport.api.ApiHealth;
import io.csvimport.api.CsvUpload;
import io.csvimport.api.ProxyRefusedException;
import io.csvimport.job.CsvImportConstants;
import io.csvimport.job.Delivery;
import io.csvimport.job.FatalErrors;
import io.csvimport.job.Job;
import io.csvimport.text.Visible;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.camel.CamelException;
import org.apache.camel.CamelExchangeException;
import org.apache.camel.Exchange;
import org.apache.camel.TypeConversionException;
import org.apache.camel.spi.ExceptionHandler;
import org.apache.camel.util.ObjectHelper;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The steps of the route configuration {@code csv-import-errors}, which set what a failure means for the delivery; and the
 * handler of failures that reach a scheduler or a feed, which logs each once a minute.
 */
public final class Failure implements ExceptionHandler {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");

    /** The reason of a failure that is a bug. */
    static final String FAILED = "failed";

    private static final long SILENT_NANOS = Duration.ofMinutes(1).toNanos();

    private final ApiHealth health;
    private final Map<String, Long> logged = new ConcurrentHashMap<>();

    public Failure(ApiHealth health) {
        this.health = health;
    }

    /** Bad input, which an upload may have been broken off for; the first reason counts. */
    public void rejected(Exchange exchange) {
        if ("rejected".equals(exchange.getProperty(CsvImportConstants.OUTCOME))) {
            return;
        }
        CsvRejectedException rejected = ObjectHelper.getException(
                CsvRejectedException.class, exchange.getProperty(Exchange.EXCEPTION_CAUGHT, Throwable.class));
        decide(exchange, "rejected", rejected.getReason(), rejected.getMessage());
    }

    /** The file is gone or was replaced: there is nothing to send any more. */
    public void withdrawn(Exchange exchange) {
        decide(exchange, "withdrawn", "changed", caught(exchange));
    }

    /** Sending had begun: the API may have the file. */
    public void unknown(Exchange exchange) {
        boolean complete =
                exchange.getProperty(CsvImportConstants.UPLOAD, CsvUpload.class).isComplete();
        decide(
                exchange,
                "unknown",
                complete ? "no-answer" : "broken-off",
                (complete ? "No answer to the upload: " : "The connection broke during the upload: ")
                        + caught(exchange));
    }

    /** Nothing was sent. */
    public void waiting(Exchange exchange) {
        health.failed("The API cannot be reached");
        if (exchange.getProperty(Exchange.EXCEPTION_CAUGHT) instanceof ProxyRefusedException proxy) {
            exchange.setProperty(CsvImportConstants.RETRY_AFTER, proxy.retryAfter());
            if (proxy.isOfCredential()) {
                health.answered(407);
            }
        }
        decide(exchange, "waiting", "unreachable", "The API cannot be reached: " + caught(exchange));
    }

    /** Nothing was sent, for another reason than a missing connection: a bug, here or in a route of the user's. */
    public void failed(Exchange exchange) {
        Delivery delivery = Delivery.of(exchange);
        Job job = delivery.job();
        String detail = "An unexpected failure: " + caught(exchange);
        if (exchange.getContext().isStopping()) {
            // what the step needs is stopped already
            decide(exchange, "waiting", "stopped", detail);
            return;
        }
        if (job == null || !detail.equals(job.outcome().detail())) {
            LOG.error(
                    "{}: nothing was sent; it is tried again, up to csv-import.max-attempts times",
                    delivery.place(),
                    exchange.getProperty(Exchange.EXCEPTION_CAUGHT, Throwable.class));
        }
        decide(exchange, "waiting", FAILED, detail);
    }

    /** Whether an upload was under way, and its first byte may have left. */
    public boolean isSent(Exchange exchange) {
        CsvUpload upload = exchange.getProperty(CsvImportConstants.UPLOAD, CsvUpload.class);
        return upload != null && upload.isStarted() && !hasOutcome(exchange);
    }

    /** Whether a file is on its way to the API, and no byte has left. */
    public boolean isUnsent(Exchange exchange) {
        CsvUpload upload = exchange.getProperty(CsvImportConstants.UPLOAD, CsvUpload.class);
        Delivery delivery = Delivery.of(exchange);
        return !hasOutcome(exchange)
                && (upload == null ? delivery != null && delivery.isClaimed() : !upload.isStarted());
    }

    private static boolean hasOutcome(Exchange exchange) {
        return exchange.getProperty(CsvImportConstants.OUTCOME) != null;
    }

    private static String caught(Exchange exchange) {
        return reason(exchange.getProperty(Exchange.EXCEPTION_CAUGHT, Throwable.class));
    }

    /** What was caught, within a sentence: what it says, and its kind where that is no sentence of our own. */
    public static String reason(Throwable caught) {
        if (caught instanceof TypeConversionException && caught.getCause() != null) {
            // its own message shows the value, as Java prints an array
            return reason(caught.getCause());
        }
        boolean own = caught instanceof CsvChangedException || caught instanceof ProxyRefusedException;
        return own ? caught.getMessage() : Visible.reason(caught);
    }

    /** Sets the outcome of the exchange's delivery, and why. */
    public static void decide(Exchange exchange, String outcome, String reason, String detail) {
        exchange.setProperty(CsvImportConstants.OUTCOME, outcome);
        exchange.setProperty(CsvImportConstants.REASON, reason);
        exchange.setProperty(CsvImportConstants.DETAIL, detail);
    }

    private boolean isLoggedAlready(Throwable exception) {
        long now = System.nanoTime();
        logged.values().removeIf(at -> now - at > SILENT_NANOS);
        return logged.putIfAbsent(exception.toString(), now) != null;
    }

    @Override
    public void handleException(Throwable exception) {
        handleException(null, null, exception);
    }

    @Override
    public void handleException(String message, Throwable exception) {
        handleException(message, null, exception);
    }

    @Override
    public void handleException(String message, Exchange exchange, Throwable thrown) {
        FatalErrors.endIfOutOfMemory(thrown);
        // a split says only which of its exchanges has failed
        boolean wrapped = thrown instanceof CamelExchangeException && thrown.getCause() != null;
        Throwable exception = wrapped ? thrown.getCause() : thrown;
        if (exception instanceof CsvImportUnsettledException || isLoggedAlready(exception)) {
            return;
        }
        if (exception instanceof IOException || exception instanceof CamelException) {
            LOG.warn("{}; it is tried again", Visible.reason(exception));
        } else {
            LOG.error("{}", message, exception);
        }
    }
}
