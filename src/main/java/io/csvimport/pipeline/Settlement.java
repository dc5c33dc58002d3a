package io.csvimport.pipeline;

import io.csvimport.CsvImportUnsettledException;
import io.csvimport.api.CsvUpload;
import io.csvimport.file.FileMark;
import io.csvimport.job.CsvImportConstants;
import io.csvimport.job.Delivery;
import io.csvimport.job.Job;
import io.csvimport.job.Outcome;
import io.csvimport.job.Pauses;
import io.csvimport.job.State;
import io.csvimport.ledger.Outcomes;
import io.csvimport.settings.Settings;
import java.time.Duration;
import java.time.Instant;
import org.apache.camel.Exchange;
import org.apache.camel.support.SynchronizationAdapter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The steps of the end of a delivery: what became of it is written, and its source gets the answer. */
public final class Settlement {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");

    private final Settings settings;
    private final Outcomes outcomes;
    private final Attempts attempts;

    public Settlement(Settings settings, Outcomes outcomes, Attempts attempts) {
        this.settings = settings;
        this.outcomes = outcomes;
        this.attempts = attempts;
    }

    /** Counts a failure that concerns this file alone; the last that is allowed makes it held. */
    public void countFailure(Exchange exchange) {
        Delivery delivery = Delivery.of(exchange);
        Job job = delivery.job();
        Outcome failed = failedAgain(job, outcome(exchange, job));
        delivery.became(job.with(job.outcome().failed(failed.failures())));
        exchange.setProperty(CsvImportConstants.OUTCOME, failed.state().toString());
        exchange.setProperty(CsvImportConstants.DETAIL, failed.detail());
    }

    /** From a second to a minute, longer with each attempt; what the API asks for with Retry-After, up to ten minutes. */
    public static void pause(Exchange exchange) {
        Duration asked = exchange.getProperty(CsvImportConstants.RETRY_AFTER, Duration.class);
        int doublings = Delivery.of(exchange).job().attempt().number() - 1;
        exchange.setProperty(CsvImportConstants.PAUSE, Pauses.askedOrGrowing(asked, doublings));
    }

    /**
     * It waits for others, and the ledger has nothing to write.
     *
     * @throws CsvImportUnsettledException always; later files need not wait for it
     */
    public static void postpone(Exchange exchange) throws CsvImportUnsettledException {
        throw CsvImportUnsettledException.ofItemAlone(
                exchange.getProperty(CsvImportConstants.DETAIL, String.class),
                exchange.getProperty(CsvImportConstants.PAUSE, Duration.class));
    }

    /** What the steps before have found out. */
    private static Outcome outcome(Exchange exchange, Job job) {
        Outcome.Why why = new Outcome.Why(
                exchange.getProperty(CsvImportConstants.REASON, String.class),
                exchange.getProperty(CsvImportConstants.DETAIL, String.class),
                exchange.getProperty(CsvImportConstants.HTTP_STATUS, Integer.class));
        return job.outcome()
                .answered(exchange.getProperty(CsvImportConstants.IMPORT_ID, String.class), why)
                .to(State.of(exchange.getProperty(CsvImportConstants.OUTCOME, String.class)));
    }

    /**
     * Writes what became of the delivery; a settled one with its audit event.
     *
     * @throws CsvImportUnsettledException where it waits or its outcome is unknown, for the pause of the exchange
     */
    public void settle(Exchange exchange) throws CsvImportUnsettledException {
        Delivery delivery = Delivery.of(exchange);
        Job job = delivery.job();
        if (job.state().isSettled()) {
            exchange.setProperty(CsvImportConstants.SUMMARY, job.summary());
            return;
        }
        Outcome outcome = outcome(exchange, job);
        // a local file, or the import list, shows its outcome after a power failure; any other source is about to drop
        // its item
        boolean durable = outcome.state().isSettled()
                && !(exchange.getProperty(CsvImportConstants.SOURCE_FILE) instanceof FileMark);
        String next = "it is looked for in the import list";
        if (!outcome.state().isSettled()) {
            Duration pause = exchange.getProperty(CsvImportConstants.PAUSE, Duration.class);
            outcome = outcome.to(outcome.state(), Instant.now().plus(pause));
            if (outcome.state() == State.UNKNOWN) {
                CsvUpload upload = exchange.getProperty(CsvImportConstants.UPLOAD, CsvUpload.class);
                attempts.isUnknown(delivery, upload.isComplete());
            } else {
                next = "next attempt in " + pause.toSeconds() + " s";
            }
        }
        // whatever the ledger says to it
        delivery.became(job.with(outcome));
        delivery.became(attempts.write(delivery.job(), durable));
        Job now = delivery.job();
        if (now.state().isSettled()) {
            // the row may have moved on
            exchange.setProperty(CsvImportConstants.OUTCOME, now.state().outcome());
            exchange.setProperty(CsvImportConstants.SUMMARY, now.summary());
            return;
        }
        LOG.warn("{}; {}", now.summary(), next);
        throw new CsvImportUnsettledException(
                now.summary(),
                now.outcome().nextAttempt(),
                exchange.getProperty(Exchange.EXCEPTION_CAUGHT, Throwable.class));
    }

    /** Counts a failure that concerns this file alone; where it was the last that is allowed, a person decides. */
    public Outcome failedAgain(Job job, Outcome outcome) {
        Outcome failed = outcome.failed(outcome.failures() + 1);
        if (failed.failures() < settings.number("max-attempts")) {
            return failed;
        }
        String detail = (failed.detail() == null ? "" : failed.detail() + "; ") + "it has failed " + failed.failures()
                + " times for reasons of its own (csv-import.max-attempts): a person decides, POST /csv-imports/"
                + job.id() + "/retry tries again";
        return failed.because(failed.reason(), detail).to(State.HELD);
    }

    /** Tells the caller of {@code direct:csv-import}; where that is no packaged source, its end is the release. */
    public void tell(Exchange exchange) throws CsvImportUnsettledException {
        Job job = Delivery.of(exchange).job();
        exchange.removeProperty(CsvImportConstants.UPLOAD);
        if (!job.state().isSettled()) {
            throw new CsvImportUnsettledException(job.summary(), Instant.now().plusSeconds(1), null);
        }
        exchange.getMessage().setHeader(CsvImportConstants.OUTCOME, exchange.getProperty(CsvImportConstants.OUTCOME));
        exchange.getMessage()
                .setHeader(CsvImportConstants.IMPORT_ID, job.outcome().importId());
        exchange.getMessage().setHeader(CsvImportConstants.REASON, job.outcome().reason());
        if (exchange.getProperty(CsvImportConstants.FEED) == null) {
            exchange.getExchangeExtension().addOnCompletion(new SynchronizationAdapter() {
                @Override
                public void onComplete(Exchange done) {
                    try {
                        outcomes.released(job, null);
                    } catch (CsvImportUnsettledException e) {
                        LOG.warn("{}: {}", job.summary(), e.getMessage());
                    }
                }
            });
        }
    }
}
