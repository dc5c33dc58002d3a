package io.csvimport.api;

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

/** The API's id of an import: opaque text, compared and percent-encoded, never parsed or calculated with. */
public final class ImportId {

    /** Bytes in UTF-8: the limit of a PostgreSQL index and of common URLs. */
    private static final int LONGEST = 2000;

    private static final JsonFactory JSON = new JsonFactory();

    private static final Pattern PRINTABLE = Pattern.compile("[^\\p{Cc}\\p{Cf}\\p{Cs}\\p{Cn}\\p{Zl}\\p{Zp}]+");

    /** One word, and no piece of JSON or HTML that was cut off: an id in braces has its closing one. */
    private static final Pattern WORD = Pattern.compile("(?!\\{[^}]*$)[^\\s\"<>\\[][^\\s\"<>]*");

    private static final Pattern SENTENCE = Pattern.compile(
            "<.*" + "|\\S+\\s+\\S+\\s+\\S.*" + "|(?:\\p{L}+|\\d+)[.,:;!?]*(?:\\s+(?:\\p{L}+|\\d+)[.,:;!?]*)+");

    /** What software writes for no value. */
    private static final Set<String> NO_VALUE = Set.of("null", "nil", "none", "undefined", "nan", ".", "..");

    /** One-word answers that are no id. */
    private static final Set<String> STATUS_WORDS = Set.of(
            ("ok okay yes no true false ack acknowledged accept accepted success successful succeeded done created"
                            + " queued enqueued pending processing processed received started scheduled submitted stored"
                            + " saved uploaded imported importing inprogress running complete completed finished waiting"
                            + " thanks welcome hello pong error failed failure rejected denied invalid refused forbidden"
                            + " unauthorized notfound badrequest badgateway gatewaytimeout timeout timedout unavailable"
                            + " serviceunavailable internalservererror conflict maintenance unknown empty")
                    .split(" "));

    private ImportId() {}

    /**
     * The id in the body of an upload's answer: a JSON object's {@code id}, a JSON string or number, or one word of plain
     * text.
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
            } else if (first != null) {
                id = of(json);
                id = id == null || isStatus(id) || SENTENCE.matcher(id).matches() ? null : id;
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
    public static String of(JsonParser json) throws IOException {
        JsonToken token = json.currentToken();
        return token == JsonToken.VALUE_STRING || token.isNumeric() ? of(json.getText()) : null;
    }

    /** The id without the blanks around it; null where the text is null, empty, too long, not printable, or no value. */
    public static String of(String text) {
        String id = text == null ? "" : text.strip();
        boolean valid = PRINTABLE.matcher(id).matches()
                && id.getBytes(StandardCharsets.UTF_8).length <= LONGEST
                && !NO_VALUE.contains(id.toLowerCase(Locale.ROOT));
        return valid ? id : null;
    }

    private static String word(String text) {
        boolean isWord = WORD.matcher(text).matches() && text.codePoints().anyMatch(Character::isLetterOrDigit);
        return isWord && !isStatus(text) ? of(text) : null;
    }

    private static boolean isStatus(String word) {
        return word.codePoints().noneMatch(Character::isDigit)
                && STATUS_WORDS.contains(word.replaceAll("[^\\p{L}]", "").toLowerCase(Locale.ROOT));
    }
}
