package io.csvimport;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.camel.Exchange;
import org.apache.camel.Message;

/**
 * The API's collection of imports, read as a stream: of each import only what tells it from others is kept, whatever
 * else and however much it lists (statement ids, failed rows).
 *
 * @param results how many imports the answer has
 * @param count how many the API says there are; -1 where it does not say
 * @param flaw why what is not in it may be among the API's imports nevertheless, as the end of a sentence that begins
 *     with the list; null where it is whole
 */
record ImportList(List<Entry> entries, long results, long count, String flaw) {

    /** The API's usual page: a list of exactly so many may go on. */
    private static final int PAGE = 100;

    /** RFC 8288. */
    private static final Pattern NEXT =
            Pattern.compile(".*\\brel\\s*=\\s*\"?[^\",;]*\\bnext\\b.*", Pattern.CASE_INSENSITIVE | Pattern.DOTALL);

    /** The characters of a statement id, a UUID. */
    private static final int STATEMENT_ID = 36;

    private static final ObjectMapper JSON = new ObjectMapper();

    /**
     * One import; null, or -1 for the size in bytes, where the list does not tell.
     *
     * @param name the name that it was uploaded with
     * @param file another name of the file's, or a path
     * @param failedRows unreadable where the list does not tell
     * @param statements a number that grows with that of the statements
     * @param rowsFile where its failed rows were written, null where they were not
     */
    record Entry(
            String id,
            ListedTime created,
            long size,
            String name,
            String file,
            String template,
            FailedRows failedRows,
            boolean hasStatements,
            long statements,
            Path rowsFile) {

        /** As the list has them. */
        Stream<String> names() {
            return Stream.of(name, file).filter(Objects::nonNull);
        }
    }

    /** The ids of its imports; an id may be missing (null), or there twice. */
    List<String> ids() {
        return entries.stream().map(Entry::id).collect(Collectors.toList());
    }

    /** Whether what is not in it is not among the API's imports (of the template, where it is filtered). */
    boolean isWhole() {
        return flaw == null;
    }

    /** The list in an answer of the API. */
    static ImportList read(Message answer, Predicate<String> wanted, Supplier<? extends FailedRows.Sink> files)
            throws IOException {
        int status = answer.getHeader(Exchange.HTTP_RESPONSE_CODE, Integer.class);
        String link = String.valueOf(answer.getHeader("Link"));
        return read(status, link, answer.getBody(InputStream.class), wanted, files);
    }

    static ImportList read(
            int status,
            String link,
            InputStream in,
            Predicate<String> wanted,
            Supplier<? extends FailedRows.Sink> files)
            throws IOException {
        ImportList list;
        try (in) {
            list = read(in, wanted, files);
        } catch (JsonProcessingException e) {
            throw new IOException(
                    "The import list (status " + status + ") is no JSON document: " + e.getOriginalMessage());
        }
        String flaw = status != 200
                ? "has the status " + status
                : NEXT.matcher(link).matches() ? "goes on: Link: " + Visible.of(link) : list.flaw;
        return new ImportList(list.entries, list.results, list.count, flaw);
    }

    /**
     * @param wanted the ids that are kept; an import may be read before its id is known
     * @param files where their failed rows are written; null: nowhere
     * @throws IOException where the answer is no collection, or ends before its end
     */
    static ImportList read(InputStream in, Predicate<String> wanted, Supplier<? extends FailedRows.Sink> files)
            throws IOException {
        List<Entry> entries = new ArrayList<>();
        Map<String, JsonNode> others = new LinkedHashMap<>();
        long results = 0;
        boolean listed = false;
        boolean ended;
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
                } else {
                    others.put(
                            name,
                            value.isNumeric()
                                    ? JsonNodeFactory.instance.textNode(json.getText())
                                    : json.readValueAsTree());
                }
            }
            if (!listed || json.currentToken() != JsonToken.END_OBJECT) {
                throw new IOException("The import list has no results, or no end");
            }
            ended = isAtEnd(json);
        }
        return new ImportList(entries, results, count(others.get("count")), flaw(others, results, ended));
    }

    private static boolean isAtEnd(JsonParser json) throws IOException {
        try {
            return json.nextToken() == null;
        } catch (JsonProcessingException e) {
            return false;
        }
    }

    private static long count(JsonNode count) {
        return count != null && count.asText().matches("\\d{1,18}") ? Long.parseLong(count.asText()) : -1;
    }

    private static String flaw(Map<String, JsonNode> others, long results, boolean ended) {
        if (!ended) {
            return "has something behind its end";
        } else if (results == PAGE) {
            return "has exactly " + PAGE + " imports, the API's usual page";
        }
        return others.entrySet().stream()
                .map(other -> ListEnvelope.flaw(other.getKey(), other.getValue(), results))
                .filter(Objects::nonNull)
                .findFirst()
                .orElse(null);
    }

    private static Entry entry(JsonParser json, Predicate<String> wanted, Supplier<? extends FailedRows.Sink> files)
            throws IOException {
        String id = null;
        ListedTime created = null;
        long size = -1;
        String name = null;
        String file = null;
        String template = null;
        FailedRows failedRows = null;
        Path rowsFile = null;
        long counted = -1;
        long measured = 0;
        long idsBegin = -1;
        while (json.nextToken() == JsonToken.FIELD_NAME) {
            measured = Math.max(measured, length(json, idsBegin));
            idsBegin = -1;
            String member = json.currentName();
            JsonToken value = json.nextToken();
            switch (member) {
                case "id" -> id = ImportId.of(json);
                case "created" -> created = ListedTime.read(text(json));
                case "size" -> size = size(text(json));
                case "originalFilename" -> name = text(json);
                case "file" -> file = text(json);
                case "template" -> template = text(json);
                case "failedRows" -> {
                    boolean written = files != null && (id == null || wanted.test(id));
                    boolean again = failedRows != null;
                    try (FailedRows.Sink rows = written ? files.get() : null) {
                        failedRows = FailedRows.read(json, written ? rows : (row, error) -> {});
                        rowsFile = written ? rows.file() : null;
                    }
                    failedRows = again ? FailedRows.UNREADABLE : failedRows;
                }
                // as the API's document spells them, and as they are meant
                case "statemenIds", "statementIds", "alllStatementIds", "allStatementIds" -> {
                    if (value.isStructStart()) {
                        counted = Math.max(counted, count(json));
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
        measured = Math.max(measured, length(json, idsBegin));
        return new Entry(
                id,
                created,
                size,
                name,
                file,
                template,
                failedRows == null ? FailedRows.UNREADABLE : failedRows,
                counted > 0 || measured > STATEMENT_ID,
                counted < 0 || counted == 0 && measured > STATEMENT_ID ? measured : counted,
                rowsFile);
    }

    /** The bytes of a string of statement ids, with what stands behind it. */
    private static long length(JsonParser json, long begin) {
        return begin < 0 ? 0 : position(json) - begin;
    }

    private static long position(JsonParser json) {
        return json.currentTokenLocation().getByteOffset();
    }

    /** The elements of an array, or the members of an object. */
    private static long count(JsonParser json) throws IOException {
        long count = 0;
        while (!json.nextToken().isStructEnd()) {
            if (json.currentToken() != JsonToken.FIELD_NAME) {
                json.skipChildren();
                count++;
            }
        }
        return count;
    }

    private static String text(JsonParser json) throws IOException {
        boolean told = json.currentToken().isScalarValue() && json.currentToken() != JsonToken.VALUE_NULL;
        return told && !json.getText().isBlank() ? json.getText() : null;
    }

    private static long size(String text) {
        return text != null && text.matches("\\d{1,18}") ? Long.parseLong(text) : -1;
    }
}
