package io.csvimport.pipeline;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.csvimport.CsvImportUnsettledException;
import io.csvimport.CsvRejectedException;
import io.csvimport.api.ApiAnswer;
import io.csvimport.api.ApiHealth;
import io.csvimport.api.FailedRows;
import io.csvimport.job.CsvImportConstants;
import io.csvimport.job.Delivery;
import io.csvimport.job.Job;
import io.csvimport.job.Outcome;
import io.csvimport.job.Pauses;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.support.LRUCacheFactory;

/**
 * What the API's preview says of a CSV: the steps of {@code csv-import-gate}, and of {@code csv-import-preview} for the
 * user's own routes. A preview stores nothing, so whatever goes wrong with it, it may be asked for again.
 */
public final class Preview {

    /** The reason of a preview whose failed rows or statements cannot be read. */
    static final String UNREADABLE = "preview-unreadable";

    /** Failed rows that are kept in ledger and reason file. */
    private static final int MOST_ROWS = 1000;

    private static final ObjectMapper JSON = new ObjectMapper();

    private final ApiHealth health;
    /** Previews in a row without an answer, by job: their pause grows. */
    private final Map<Long, Integer> failures = LRUCacheFactory.newLRUCache(1000);

    public Preview(ApiHealth health) {
        this.health = health;
    }

    /** Begins the preview of a message of the user's: no delivery of the ledger. */
    public void begin(Exchange exchange) throws CsvImportUnsettledException {
        Delivery.begin(exchange);
    }

    /** Says why there is no preview, where the API has answered with another status than 200. */
    public void answered(Exchange exchange) throws IOException {
        Message message = exchange.getMessage();
        int status = message.getHeader(Exchange.HTTP_RESPONSE_CODE, Integer.class);
        health.answered(status);
        if (status != 200) {
            ApiAnswer.read(message).explain(exchange, "Preview: ");
        } else {
            message.setBody(ApiAnswer.open(message));
        }
    }

    /** Counts the failed rows; none where that cannot be read. It is read as a stream: its statements may be many. */
    public void read(Exchange exchange) {
        if (exchange.getProperty(CsvImportConstants.OUTCOME) == null) {
            try {
                read(exchange, Delivery.of(exchange));
            } catch (IOException e) {
                explain(exchange, UNREADABLE, "The answer of the preview cannot be read: " + e.getMessage());
            }
        }
        exchange.removeProperty(CsvImportConstants.UPLOAD);
        exchange.getMessage().setBody(null);
        exchange.getExchangeExtension().setStreamCacheDisabled(false);
    }

    /** The pause after a preview without an answer: longer with each in a row, or as long as the API asks for. */
    public void pause(Exchange exchange) {
        long job = Delivery.of(exchange).job().id();
        if (!"waiting".equals(exchange.getProperty(CsvImportConstants.OUTCOME))) {
            failures.remove(job);
        } else {
            Duration asked = exchange.getProperty(CsvImportConstants.RETRY_AFTER, Duration.class);
            int doublings = failures.merge(job, 1, Integer::sum) - 1;
            exchange.setProperty(CsvImportConstants.RETRY_AFTER, Pauses.askedOrGrowing(asked, doublings));
        }
    }

    private void read(Exchange exchange, Delivery delivery) throws IOException {
        ObjectNode first = JSON.createObjectNode();
        FailedRows failed = null;
        try (InputStream body = exchange.getMessage().getBody(InputStream.class);
                JsonParser json = JSON.createParser(body)) {
            if (json.nextToken() != JsonToken.START_OBJECT) {
                throw new IOException("The preview is no JSON object");
            }
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                boolean rows = json.currentName().equals("failedRows");
                json.nextToken();
                if (rows && failed != null) {
                    throw new IOException("The preview has failedRows twice");
                } else if (rows) {
                    failed = FailedRows.read(json, (row, error) -> {
                        if (first.size() < MOST_ROWS) {
                            first.put(row, error);
                        }
                    });
                } else {
                    json.skipChildren();
                }
            }
            if (json.nextToken() != null) {
                throw new IOException("The preview is more than one JSON object");
            }
        }
        if (failed == null || !failed.isReadable()) {
            throw new IOException("failedRows " + (failed == null ? "is missing" : "is no object of row to error"));
        }
        exchange.setProperty(CsvImportConstants.FAILED_ROWS, failed.count());
        if (failed.count() > 0) {
            Job job = delivery.job();
            delivery.became(job.with(job.outcome().with(new Outcome.Rows(failed.count(), first.toString()))));
            explain(
                    exchange,
                    "failed-rows",
                    "The preview says that " + failed.count() + (failed.count() == 1 ? " row fails" : " rows fail"));
        }
    }

    /**
     * Hands the API's own answer to the user's route, as a stream.
     *
     * @throws CsvRejectedException where the CSV is bad input, for this module or for the API
     * @throws CsvImportUnsettledException where there is no preview now
     */
    public void answer(Exchange exchange) throws CsvRejectedException, CsvImportUnsettledException {
        exchange.removeProperty(CsvImportConstants.UPLOAD);
        String outcome = exchange.getProperty(CsvImportConstants.OUTCOME, String.class);
        String reason = exchange.getProperty(CsvImportConstants.REASON, String.class);
        String detail = exchange.getProperty(CsvImportConstants.DETAIL, String.class);
        exchange.removeProperty(CsvImportConstants.DELIVERY);
        exchange.removeProperty(CsvImportConstants.OUTCOME);
        if ("rejected".equals(outcome)) {
            throw new CsvRejectedException(reason, detail);
        }
        if (outcome != null) {
            Duration pause = exchange.getProperty(CsvImportConstants.RETRY_AFTER, Duration.class);
            throw new CsvImportUnsettledException(
                    reason + ": " + detail, Instant.now().plus(pause == null ? Duration.ofSeconds(1) : pause), null);
        }
        exchange.getMessage().removeHeaders("*");
    }

    private static void explain(Exchange exchange, String reason, String detail) {
        exchange.setProperty(CsvImportConstants.REASON, reason);
        exchange.setProperty(CsvImportConstants.DETAIL, detail);
    }
}
