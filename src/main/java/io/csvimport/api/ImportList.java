package io.csvimport.api;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.TextNode;
import io.csvimport.text.Visible;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
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
 * The API's collection of imports, read as a stream: of each import only what identifies it is kept, however many
 * statement ids and failed rows the answer has.
 *
 * @param entries the imports that were asked for
 * @param results how many imports the answer has
 * @param flaw why an import that is missing here may exist nevertheless, as the predicate of a sentence about the list;
 *     null where the list is whole
 */
public record ImportList(List<Entry> entries, long results, String flaw) {

    /** The API's usual page: a list of exactly so many may go on. */
    private static final int PAGE = 100;

    /** A link to more (RFC 8288). */
    private static final Pattern NEXT =
            Pattern.compile(".*\\brel\\s*=\\s*\"?[^\",;]*\\bnext\\b.*", Pattern.CASE_INSENSITIVE | Pattern.DOTALL);

    /** The characters of a statement id, a UUID. */
    private static final int STATEMENT_ID = 36;

    private static final ObjectMapper JSON = new ObjectMapper();

    /**
     * One import; what the list does not give is null, the size -1.
     *
     * @param size in bytes
     * @param name the name that it was uploaded with
     * @param file another name of the file, or a path
     * @param failedRows unreadable where the list gives none
     * @param statements a number that grows with that of the statements
     * @param rowsFile where its failed rows were written; null where they were not
     */
    public record Entry(
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

        public Stream<String> names() {
            return Stream.of(name, file).filter(Objects::nonNull);
        }
    }

    /** The ids of its imports; an id may be missing (null), or there twice. */
    public List<String> ids() {
        return entries.stream().map(Entry::id).collect(Collectors.toList());
    }

    /** Whether an import that is missing here does not exist (in its template, where the list is filtered). */
    public boolean isWhole() {
        return flaw == null;
    }

    /**
     * Reads the list in an answer of the API to its end, and closes it.
     *
     * @param wanted the ids that are kept; an import may be read before its id is known
     * @param files where the failed rows of these are written; null: nowhere
     * @throws IOException where the answer is no collection, or is cut short
     */
    public static ImportList read(Message answer, Predicate<String> wanted, Supplier<? extends FailedRows.Sink> files)
            throws IOException {
        int status = answer.getHeader(Exchange.HTTP_RESPONSE_CODE, Integer.class);
        return read(status, answer.getHeader("Link", String.class), answer.getBody(InputStream.class), wanted, files);
    }

    public static ImportList read(
            int status,
            String link,
            InputStream in,
            Predicate<String> wanted,
            Supplier<? extends FailedRows.Sink> files)
            throws IOException {
        List<Entry> entries = new ArrayList<>();
        Map<String, JsonNode> others = new LinkedHashMap<>();
        long results = -1;
        try (in;
                JsonParser json = JSON.createParser(in)) {
            if (json.nextToken() != JsonToken.START_OBJECT) {
                throw new IOException("The import list is no JSON object");
            }
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                String name = json.currentName();
                JsonToken value = json.nextToken();
                if (name.equals("results") && value == JsonToken.START_ARRAY) {
                    results = Math.max(results, 0);
                    for (; json.nextToken() == JsonToken.START_OBJECT; results++) {
                        Entry entry = entry(json, wanted, files);
                        if (wanted.test(entry.id)) {
                            entries.add(entry);
                        }
                    }
                    if (json.currentToken() != JsonToken.END_ARRAY) {
                        throw new IOException("The import list has something else than imports");
                    }
                } else {
                    // a number as it is written
                    others.put(name, value.isNumeric() ? TextNode.valueOf(json.getText()) : json.readValueAsTree());
                }
            }
            if (results < 0 || json.currentToken() != JsonToken.END_OBJECT) {
                throw new IOException("The import list has no results, or no end");
            }
            String flaw = status != 200
                    ? "has the status " + status
                    : link != null && NEXT.matcher(link).matches()
                            ? "goes on: Link: " + Visible.of(link)
                            : flaw(others, results, isAtEnd(json));
            return new ImportList(entries, results, flaw);
        } catch (JsonProcessingException e) {
            throw new IOException(
                    "The import list (status " + status + ") is no JSON document: " + e.getOriginalMessage());
        }
    }

    private static boolean isAtEnd(JsonParser json) throws IOException {
        try {
            return json.nextToken() == null;
        } catch (JsonProcessingException e) {
            return false;
        }
    }

    private static String flaw(Map<String, JsonNode> others, long results, boolean isAtEnd) {
        if (!isAtEnd) {
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
        Map<String, String> texts = new HashMap<>();
        FailedRows failedRows = null;
        Path rowsFile = null;
        // statement ids: how many there are in an array or object, how many bytes in a string
        long counted = -1;
        long bytes = 0;
        long idsBegin = -1;
        while (true) {
            JsonToken next = json.nextToken();
            if (idsBegin >= 0) {
                bytes = Math.max(bytes, position(json) - idsBegin);
                idsBegin = -1;
            }
            if (next != JsonToken.FIELD_NAME) {
                break;
            }
            String member = json.currentName();
            JsonToken value = json.nextToken();
            switch (member) {
                case "id" -> id = ImportId.of(json);
                case "created", "size", "originalFilename", "file", "template" -> texts.put(member, text(json));
                case "failedRows" -> {
                    boolean isRepeated = failedRows != null;
                    boolean isWritten = files != null && (id == null || wanted.test(id));
                    try (FailedRows.Sink rows = isWritten ? files.get() : null) {
                        failedRows = FailedRows.read(json, isWritten ? rows : (row, error) -> {});
                        rowsFile = isWritten ? rows.file() : null;
                    }
                    failedRows = isRepeated ? FailedRows.UNREADABLE : failedRows;
                }
                // as the API's document spells them, and as they are meant
                case "statemenIds", "statementIds", "alllStatementIds", "allStatementIds" -> {
                    if (value.isStructStart()) {
                        counted = Math.max(counted, count(json));
                    } else if (value == JsonToken.VALUE_STRING) {
                        // reading the string would hold it in memory
                        idsBegin = position(json);
                    }
                }
                default -> {
                    // not needed to tell one import from another
                }
            }
            json.skipChildren();
        }
        boolean hasStatements = counted > 0 || bytes > STATEMENT_ID;
        return new Entry(
                id,
                ListedTime.read(texts.get("created")),
                number(texts.get("size")),
                texts.get("originalFilename"),
                texts.get("file"),
                texts.get("template"),
                failedRows == null ? FailedRows.UNREADABLE : failedRows,
                hasStatements,
                counted > 0 || counted == 0 && !hasStatements ? counted : bytes,
                rowsFile);
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
        boolean isText = json.currentToken().isScalarValue() && json.currentToken() != JsonToken.VALUE_NULL;
        return isText && !json.getText().isBlank() ? json.getText() : null;
    }

    private static long number(String text) {
        return text != null && text.matches("\\d{1,18}") ? Long.parseLong(text) : -1;
    }
}
