package io.csvimport;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.InputStream;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.temporal.TemporalAccessor;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * The API's collection of imports, read as a stream: of each import only what tells it from others is kept, whatever
 * else and however much it lists (statement ids, failed rows).
 *
 * @param results how many imports the answer has
 * @param count how many the API says there are; -1 where it does not say
 */
record ImportList(List<Entry> entries, long results, long count) {

    /** The API's usual page: a list of exactly so many may go on. */
    private static final int PAGE = 100;

    /** As in 2026-01-31T04:05:06.789Z, ...+01:00, ...+0100, or without a zone; a blank for the T. */
    private static final DateTimeFormatter TIME = new DateTimeFormatterBuilder()
            .append(DateTimeFormatter.ISO_LOCAL_DATE)
            .appendPattern("['T'][ ]")
            .append(DateTimeFormatter.ISO_LOCAL_TIME)
            .appendPattern("[XXX][XX][X]")
            .toFormatter(Locale.ROOT);

    private static final JsonFactory JSON = new JsonFactory();

    /** One import; null, or -1 for the size in bytes, where the list does not tell. */
    record Entry(String id, Instant created, long size, Set<String> names, String template) {}

    /** Whether what is not in it is not among the API's imports (of the template, where it is filtered). */
    boolean isWhole() {
        return results != PAGE && count <= results;
    }

    /** @throws IOException where the answer is no collection, or ends before its end */
    static ImportList read(InputStream in) throws IOException {
        List<Entry> entries = new ArrayList<>();
        long count = -1;
        boolean listed = false;
        try (JsonParser json = JSON.createParser(in)) {
            if (json.nextToken() != JsonToken.START_OBJECT) {
                throw new IOException("The import list is no JSON object");
            }
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                String name = json.currentName();
                JsonToken value = json.nextToken();
                if (name.equals("results") && value == JsonToken.START_ARRAY) {
                    listed = true;
                    while (json.nextToken() == JsonToken.START_OBJECT) {
                        entries.add(entry(json));
                    }
                    if (json.currentToken() != JsonToken.END_ARRAY) {
                        throw new IOException("The import list has something else than imports");
                    }
                } else if (name.equals("count") && value == JsonToken.VALUE_NUMBER_INT) {
                    count = json.getLongValue();
                } else {
                    json.skipChildren();
                }
            }
            if (!listed || json.currentToken() != JsonToken.END_OBJECT) {
                throw new IOException("The import list has no results, or no end");
            }
        }
        return new ImportList(entries, entries.size(), count);
    }

    private static Entry entry(JsonParser json) throws IOException {
        String id = null;
        Instant created = null;
        long size = -1;
        String template = null;
        Set<String> names = new HashSet<>();
        while (json.nextToken() == JsonToken.FIELD_NAME) {
            String name = json.currentName();
            JsonToken value = json.nextToken();
            String text = value.isScalarValue() && value != JsonToken.VALUE_NULL && !name.equals("statemenIds")
                    ? json.getText()
                    : null;
            switch (name) {
                case "id" -> id = text;
                case "created" -> created = time(text);
                case "size" -> size = text != null && text.matches("\\d{1,18}") ? Long.parseLong(text) : -1;
                case "originalFilename", "file" -> names.add(text);
                case "template" -> template = text;
                default -> {
                    // not needed to tell one import from another
                }
            }
            json.skipChildren();
        }
        return new Entry(id, created, size, names, template);
    }

    /** ISO-8601, of UTC where it names no zone, or milliseconds since 1970; null where it is neither. */
    private static Instant time(String text) {
        if (text == null || text.matches("\\d{1,18}")) {
            return text == null ? null : Instant.ofEpochMilli(Long.parseLong(text));
        }
        try {
            TemporalAccessor time = TIME.parseBest(text, OffsetDateTime::from, LocalDateTime::from);
            return time instanceof LocalDateTime local
                    ? local.toInstant(ZoneOffset.UTC)
                    : OffsetDateTime.from(time).toInstant();
        } catch (DateTimeException e) {
            return null;
        }
    }
}
