package io.csvimport;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.apache.camel.Exchange;
import org.apache.camel.Message;

/** Reads what the API answers, tolerantly: its document gives no example of the upload's answer. */
public final class ApiAnswer {

    private static final int MOST = 500;
    private static final ObjectMapper JSON = new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
    /** One word with a digit in it: no "OK", no page of HTML. */
    private static final Pattern PLAIN_ID = Pattern.compile("(?=.*\\d)[A-Za-z0-9._~:-]{1,200}");

    private final ApiHealth health;
    private final ApiClock clock;

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
        String body = answer.getBody(String.class);
        String id = status / 100 == 2 ? importId(body) : null;
        exchange.setProperty(Delivery.IMPORT_ID, id);
        exchange.setProperty(Delivery.HTTP_STATUS, status);
        exchange.setProperty(Delivery.RETRY_AFTER, answer.getHeader("Retry-After", String.class));
        if (id == null) {
            exchange.setProperty(Delivery.REASON, status / 100 == 2 ? "no-id" : "http-" + status);
            exchange.setProperty(Delivery.DETAIL, detail(status, body));
        }
    }

    /** A sentence for people, with the beginning of what the API says. */
    static String detail(int status, String body) {
        String text = body == null ? "" : body.strip();
        return "The API answered " + status
                + (text.isEmpty() ? "" : ": " + text.substring(0, Math.min(text.length(), MOST)));
    }

    /** A step of the route {@code csv-import-list}: the query, and no other header of the caller's. */
    public void query(Exchange exchange) {
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
     * The import id of an upload's answer: a JSON object's {@code id}, a JSON string, a JSON number, or plain text.
     *
     * @return null where there is none
     */
    static String importId(String body) {
        String text = body == null ? "" : body.strip();
        try {
            JsonNode node = JSON.readTree(text);
            JsonNode id = node.isObject() ? node.path("id") : node;
            return id.isTextual() || id.isIntegralNumber() ? plain(id.asText()) : null;
        } catch (JsonProcessingException e) {
            return plain(text);
        }
    }

    private static String plain(String id) {
        String bare = id.strip();
        return PLAIN_ID.matcher(bare).matches() ? bare : null;
    }

    /** The pause that a Retry-After header asks for, seconds or an HTTP date (RFC 9110); null where it asks for none. */
    static Duration retryAfter(String header) {
        if (header == null) {
            return null;
        }
        try {
            return header.strip().matches("\\d{1,9}")
                    ? Duration.ofSeconds(Long.parseLong(header.strip()))
                    : Duration.between(
                            Instant.now(), ZonedDateTime.parse(header.strip(), DateTimeFormatter.RFC_1123_DATE_TIME));
        } catch (DateTimeException e) {
            return null;
        }
    }
}
