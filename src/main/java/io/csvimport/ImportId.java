package io.csvimport;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/** The API's id of an import: opaque text, compared and percent-encoded, never taken apart or calculated with. */
final class ImportId {

    /** Bytes in UTF-8: what an index of the ledger and a URL can carry. */
    private static final int LONGEST = 2000;

    private static final JsonFactory JSON = new JsonFactory();

    /** One word, and no piece of JSON or HTML that was cut off: an id in braces has its closing one. */
    private static final Pattern WORD = Pattern.compile("(?!\\{[^}]*$)[^\\s\"<>\\[][^\\s\"<>]*");

    private static final Pattern SENTENCE = Pattern.compile(
            "<.*" + "|\\S+\\s+\\S+\\s+\\S.*" + "|(?:\\p{L}+|\\d+)[.,:;!?]*(?:\\s+(?:\\p{L}+|\\d+)[.,:;!?]*)+");
    private static final Pattern NO_LETTER = Pattern.compile("[^\\p{L}]");

    /** What software writes for nothing. */
    private static final Set<String> NOTHING = Set.of("null", "nil", "none", "undefined", "nan", ".", "..");

    /** What an API says in a word where it does not tell the id. */
    private static final Set<String> SAYINGS = Set.of(
            ("ok okay yes no true false ack acknowledged accept accepted success successful succeeded done created"
                            + " queued enqueued pending processing processed received started scheduled submitted stored"
                            + " saved uploaded imported importing inprogress running complete completed finished waiting"
                            + " thanks welcome hello pong error failed failure rejected denied invalid refused forbidden"
                            + " unauthorized notfound badrequest badgateway gatewaytimeout timeout timedout unavailable"
                            + " serviceunavailable internalservererror conflict maintenance unknown empty")
                    .split(" "));

    private ImportId() {}

    /**
     * The id in an upload's answer: a JSON object's {@code id}, a JSON string or number, or one word of plain text.
     *
     * @return null where there is none
     */
    static String in(String body) {
        String text = body.strip();
        try (JsonParser json = JSON.createParser(text)) {
            JsonToken first = json.nextToken();
            String id = null;
            if (first == JsonToken.START_OBJECT) {
                while (json.nextToken() == JsonToken.FIELD_NAME) {
                    boolean named = json.currentName().equals("id");
                    json.nextToken();
                    id = named ? of(json) : id;
                    json.skipChildren();
                }
            } else if (first != null && first.isScalarValue()) {
                id = of(json);
                id = id == null || isSaying(id) || SENTENCE.matcher(id).matches() ? null : id;
            } else if (first != null) {
                json.skipChildren();
            }
            return json.nextToken() == null ? id : word(text);
        } catch (JsonProcessingException e) {
            return word(text);
        } catch (IOException e) {
            throw new UncheckedIOException("Text is read from memory", e);
        }
    }

    /** The string or number that the parser has come to, a number as it is written; null where it is neither. */
    static String of(JsonParser json) throws IOException {
        JsonToken token = json.currentToken();
        return token == JsonToken.VALUE_STRING || token.isNumeric() ? of(json.getText()) : null;
    }

    /** The id without the blanks around it; null where it is none: empty, too long, or not printable. */
    static String of(String text) {
        String id = text == null ? "" : text.strip();
        boolean sane = !id.isEmpty()
                && id.getBytes(StandardCharsets.UTF_8).length <= LONGEST
                && !NOTHING.contains(id.toLowerCase(Locale.ROOT))
                && id.codePoints().allMatch(ImportId::isPrintable);
        return sane ? id : null;
    }

    private static String word(String text) {
        return WORD.matcher(text).matches() && text.codePoints().anyMatch(Character::isLetterOrDigit) && !isSaying(text)
                ? of(text)
                : null;
    }

    private static boolean isSaying(String word) {
        return word.codePoints().noneMatch(Character::isDigit)
                && SAYINGS.contains(NO_LETTER.matcher(word).replaceAll("").toLowerCase(Locale.ROOT));
    }

    private static boolean isPrintable(int c) {
        return switch (Character.getType(c)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.UNASSIGNED,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR -> false;
            default -> true;
        };
    }
}
