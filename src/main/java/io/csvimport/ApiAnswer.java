package io.csvimport;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.http.base.HttpOperationFailedException;

/** Reads what the API answers, tolerantly: its document gives no example of the upload's answer. */
public final class ApiAnswer {

    private static final int MOST = 500;

    private final ApiHealth health;
    private final ApiClock clock;
    /** In nanoseconds: before, the API is asked for no list, as it has asked. */
    private volatile long listsFrom = System.nanoTime();

    ApiAnswer(ApiHealth health, ApiClock clock) {
        this.health = health;
        this.clock = clock;
    }

    /** A step of the route {@code csv-import-answer}: the id, the status, and the reason where there is no id. */
    public void read(Exchange exchange) {
        Message answer = exchange.getMessage();
        int status = answer.getHeader(Exchange.HTTP_RESPONSE_CODE, Integer.class);
        health.answered(status);
        clock.see(answer.getHeader("Date", String.class));
        String body = "";
        String broken = "";
        try {
            body = AnswerBody.text(answer);
        } catch (IOException e) {
            // the status counts, whatever stands in the body
            broken = ", and not to the end: " + Visible.kindAndReason(e);
        }
        answer.setBody(null);
        exchange.getExchangeExtension().setStreamCacheDisabled(false);
        String id = status / 100 == 2 ? ImportId.in(body) : null;
        exchange.setProperty(Delivery.IMPORT_ID, id);
        exchange.setProperty(Delivery.HTTP_STATUS, status);
        exchange.setProperty(Delivery.RETRY_AFTER, HttpDate.retryAfter(answer));
        if (id == null) {
            exchange.setProperty(Delivery.REASON, status / 100 == 2 ? "no-id" : "http-" + status);
            exchange.setProperty(Delivery.DETAIL, detail(status, body) + broken);
        }
    }

    /** What the API says; empty where that cannot be read: the status counts, whatever stands in the body. */
    static String text(Message answer) {
        try {
            return AnswerBody.text(answer);
        } catch (IOException e) {
            return "";
        }
    }

    /** A sentence for people, with the beginning of what the API says. */
    static String detail(int status, String body) {
        String text = body.strip();
        return "The API answered " + status
                + (text.isEmpty() ? "" : ": " + text.substring(0, Math.min(text.length(), MOST)));
    }

    /**
     * A step of the route {@code csv-import-check}: the credential and the organization are good.
     *
     * @throws IOException where the answer is no list
     */
    public void listed(Exchange exchange) throws IOException {
        ImportList.read(exchange.getMessage(), id -> false, null);
        health.answered(200);
        exchange.setProperty(Delivery.LISTED, true);
    }

    /** A step of the route {@code csv-import-check}: there is no list, either; what is refused is not the file alone. */
    public void notListed(Exchange exchange) {
        Throwable caught = exchange.getProperty(Exchange.EXCEPTION_CAUGHT, Throwable.class);
        if (caught instanceof HttpOperationFailedException refused) {
            health.refused(refused.getStatusCode());
        }
    }

    /**
     * A step of the route {@code csv-import-list}: the query, and no other header of the caller's.
     *
     * @throws CsvImportUnsettledException where an answer has asked for a pause that is not over
     */
    public void query(Exchange exchange) throws CsvImportUnsettledException {
        long left = listsFrom - System.nanoTime();
        if (left > 0) {
            throw new CsvImportUnsettledException(
                    "The API has asked for a pause before the next list",
                    Instant.now().plusNanos(left),
                    null);
        }
        Message message = exchange.getMessage();
        List<String> query = new ArrayList<>();
        Map.of("id", "csvImportId", "template", "template").forEach((parameter, header) -> {
            String value = message.getHeader(header, String.class);
            if (value != null) {
                query.add(parameter + "=" + CsvUpload.encode(value));
            }
        });
        message.removeHeaders("*");
        message.setBody(null);
        // the answer may be larger than the memory: whoever asked reads it as it comes, once
        exchange.getExchangeExtension().setStreamCacheDisabled(true);
        message.setHeader(Exchange.HTTP_QUERY, query.isEmpty() ? null : String.join("&", query));
    }

    /**
     * A step of the route {@code csv-import-list}: the API's collection as a stream.
     *
     * @throws HttpOperationFailedException where there is none
     * @throws IOException where its gzip cannot be read
     */
    public void list(Exchange exchange) throws HttpOperationFailedException, IOException {
        Message answer = exchange.getMessage();
        int status = answer.getHeader(Exchange.HTTP_RESPONSE_CODE, Integer.class);
        if (status / 100 != 2) {
            Duration pause = HttpDate.retryAfter(answer);
            listsFrom = System.nanoTime() + (pause == null ? 0 : pause.toNanos());
            throw new HttpOperationFailedException(
                    "GET csv-import", status, null, answer.getHeader("Location", String.class), Map.of(), text(answer));
        }
        answer.setBody(AnswerBody.open(answer));
    }
}
