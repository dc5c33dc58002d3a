package io.csvimport;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
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
import java.util.function.Predicate;

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

    private static final ObjectMapper JSON = new ObjectMapper();

    /**
     * One import; null, or -1 for the size in bytes, where the list does not tell.
     *
     * @param statements a number that grows with that of the statements
     * @param rowsFile where its failed rows were written, null where they were not
     */
    record Entry(
            String id,
            Instant created,
            long size,
            Set<String> names,
            String template,
            FailedRows failedRows,
            long statements,
            Path rowsFile) {}

    /** Whether what is not in it is not among the API's imports (of the template, where it is filtered). */
    boolean isWhole() {
        return results != PAGE && count <= results;
    }

    /** All imports, without their failed rows. */
    static ImportList read(InputStream in) throws IOException {
        return read(in, id -> true, null);
    }

    /**
     * @param wanted the ids that are kept; an import may be read before its id is known
     * @param files where their failed rows are written; null: nowhere
     * @throws IOException where the answer is no collection, or ends before its end
     */
    static ImportList read(InputStream in, Predicate<String> wanted, FailedRowsFile files) throws IOException {
        List<Entry> entries = new ArrayList<>();
        long results = 0;
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
                        Entry entry = entry(json, wanted, files);
                        results++;
                        if (wanted.test(entry.id)) {
                            entries.add(entry);
                        }
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
        return new ImportList(entries, results, count);
    }

    private static Entry entry(JsonParser json, Predicate<String> wanted, FailedRowsFile files) throws IOException {
        String id = null;
        Instant created = null;
        long size = -1;
        String template = null;
        Set<String> names = new HashSet<>();
        FailedRows failedRows = FailedRows.NONE;
        Path rowsFile = null;
        long counted = -1;
        long measured = 0;
        long idsBegin = -1;
        while (json.nextToken() == JsonToken.FIELD_NAME) {
            measured = idsBegin < 0 ? measured : position(json) - idsBegin;
            idsBegin = -1;
            String name = json.currentName();
            JsonToken value = json.nextToken();
            switch (name) {
                case "id" -> id = text(json);
                case "created" -> created = time(text(json));
                case "size" -> size = size(text(json));
                case "originalFilename", "file" -> names.add(text(json));
                case "template" -> template = text(json);
                case "failedRows" -> {
                    boolean written = files != null && (id == null || wanted.test(id));
                    try (FailedRowsFile.Unfinished rows = written ? files.begin() : null) {
                        failedRows = FailedRows.read(json, written ? rows : (row, error) -> {});
                        rowsFile = written ? rows.file() : null;
                    }
                }
                // as the API's document spells them, and as they are meant
                case "statemenIds", "statementIds", "alllStatementIds", "allStatementIds" -> {
                    if (value == JsonToken.START_ARRAY) {
                        counted = count(json);
                    } else if (value == JsonToken.VALUE_STRING) {
                        // its length says enough, and reading it would hold it in memory
                        idsBegin = position(json);
                    }
                }
                default -> {
                    // not needed to tell one import from another
                }
            }
            json.skipChildren();
        }
        measured = idsBegin < 0 ? measured : position(json) - idsBegin;
        return new Entry(id, created, size, names, template, failedRows, counted < 0 ? measured : counted, rowsFile);
    }

    private static long position(JsonParser json) {
        return json.currentTokenLocation().getByteOffset();
    }

    private static long count(JsonParser json) throws IOException {
        long count = 0;
        while (json.nextToken() != JsonToken.END_ARRAY) {
            json.skipChildren();
            count++;
        }
        return count;
    }

    private static String text(JsonParser json) throws IOException {
        return json.currentToken().isScalarValue() && json.currentToken() != JsonToken.VALUE_NULL
                ? json.getText()
                : null;
    }

    private static long size(String text) {
        return text != null && text.matches("\\d{1,18}") ? Long.parseLong(text) : -1;
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
