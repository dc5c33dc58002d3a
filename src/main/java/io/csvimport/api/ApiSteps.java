package io.csvimport.api;

import io.csvimport.CsvImportUnsettledException;
import io.csvimport.job.CsvImportConstants;
import java.io.IOException;
import java.time.Instant;
import java.util.Map;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.http.base.HttpOperationFailedException;

/** The steps of the API's routes that read the answer to an upload, and that ask for the import list. */
public final class ApiSteps {

    private final ApiHealth health;
    private final ApiClock clock;
    /** In nanoseconds: an answer has asked for a pause, and no list is asked for before. */
    private volatile long listsFrom = System.nanoTime();

    public ApiSteps(ApiHealth health, ApiClock clock) {
        this.health = health;
        this.clock = clock;
    }

    /** A step of the route {@code csv-import-answer}: the id, the status, and the reason where there is no id. */
    public void read(Exchange exchange) {
        Message message = exchange.getMessage();
        ApiAnswer answer = ApiAnswer.read(message);
        health.answered(answer.status());
        clock.see(message.getHeader("Date", String.class));
        message.setBody(null);
        exchange.getExchangeExtension().setStreamCacheDisabled(false);
        boolean isSuccess = answer.status() / 100 == 2;
        String id = isSuccess ? ImportId.in(answer.body()) : null;
        exchange.setProperty(CsvImportConstants.IMPORT_ID, id);
        answer.explain(exchange, "");
        if (isSuccess) {
            exchange.setProperty(CsvImportConstants.REASON, id == null ? "no-id" : null);
        }
        if (id != null) {
            exchange.removeProperty(CsvImportConstants.DETAIL);
        }
    }

    /**
     * A step of the route {@code csv-import-check}: the credential and the organization are good.
     *
     * @throws IOException where the answer is no list
     */
    public void listed(Exchange exchange) throws IOException {
        ImportList.read(exchange.getMessage(), id -> false, null);
        health.answered(200);
        exchange.setProperty(CsvImportConstants.LISTED, true);
    }

    /** A step of the route {@code csv-import-check}: the list is refused, too; it is not this file alone. */
    public void notListed(Exchange exchange) {
        Throwable caught = exchange.getProperty(Exchange.EXCEPTION_CAUGHT, Throwable.class);
        if (caught instanceof HttpOperationFailedException refused) {
            health.refused(refused.getStatusCode());
        }
    }

    /**
     * A step of the route {@code csv-import-list}: the query, percent-encoded; the caller's headers are removed.
     *
     * @throws CsvImportUnsettledException where an answer has asked for a pause that is not over
     */
    public void query(Exchange exchange) throws CsvImportUnsettledException {
        long left = listsFrom - System.nanoTime();
        if (left > 0) {
            Instant next = Instant.now().plusNanos(left);
            throw new CsvImportUnsettledException("The API has asked for a pause before the next list", next, null);
        }
        Message message = exchange.getMessage();
        String query = CsvUpload.query(
                "id", message.getHeader(CsvImportConstants.IMPORT_ID, String.class),
                "template", message.getHeader("template", String.class));
        message.removeHeaders("*");
        message.setBody(null);
        // the answer may be larger than the memory: it is read once, as a stream
        exchange.getExchangeExtension().setStreamCacheDisabled(true);
        message.setHeader(Exchange.HTTP_QUERY, query.isEmpty() ? null : query);
    }

    /**
     * A step of the route {@code csv-import-list}: the API's collection as a stream.
     *
     * @throws HttpOperationFailedException where the status is not 2xx
     * @throws IOException where the gzip of the body cannot be read
     */
    public void list(Exchange exchange) throws HttpOperationFailedException, IOException {
        Message message = exchange.getMessage();
        if (message.getHeader(Exchange.HTTP_RESPONSE_CODE, Integer.class) / 100 != 2) {
            ApiAnswer answer = ApiAnswer.read(message);
            listsFrom = System.nanoTime()
                    + (answer.retryAfter() == null ? 0 : answer.retryAfter().toNanos());
            String location = message.getHeader("Location", String.class);
            throw new HttpOperationFailedException(
                    "GET csv-import", answer.status(), null, location, Map.of(), answer.body());
        }
        message.setBody(ApiAnswer.open(message));
    }
}
