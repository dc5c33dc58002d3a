package io.csvimport.api;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.Closeable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.regex.Pattern;
import java.util.zip.CRC32C;

/**
 * The failed rows of a CSV as the API documents them, {@code {"2": "error"}}, read as a stream: there may be as many as
 * the CSV has rows. An empty object or array has none. Every other form is unreadable: it says neither that rows failed
 * nor that none did.
 *
 * @param count -1 where they are unreadable
 * @param digest equal for the same rows in whatever order
 */
public record FailedRows(int count, long digest) {

    static final FailedRows NONE = new FailedRows(0, 0);
    static final FailedRows UNREADABLE = new FailedRows(-1, 0);

    private static final Pattern NUMBER = Pattern.compile("[1-9]\\d{0,17}");

    public interface Row {
        void row(String number, String error) throws IOException;
    }

    /** Takes the rows of one import while they are read. */
    public interface Sink extends Row, Closeable {
        /** Where they are written; null where there was no row. */
        Path file();
    }

    public boolean isReadable() {
        return count >= 0;
    }

    /** Reads the value that the parser has come to, to its end; each row is passed on, until one is unreadable. */
    public static FailedRows read(JsonParser json, Row each) throws IOException {
        if (json.currentToken() == JsonToken.START_ARRAY) {
            int elements = 0;
            for (; json.nextToken() != JsonToken.END_ARRAY; elements++) {
                json.skipChildren();
            }
            return elements == 0 ? NONE : UNREADABLE;
        }
        if (json.currentToken() != JsonToken.START_OBJECT) {
            return UNREADABLE;
        }
        int count = 0;
        long digest = 0;
        boolean readable = true;
        while (json.nextToken() == JsonToken.FIELD_NAME) {
            String number = json.currentName();
            JsonToken value = json.nextToken();
            readable &= NUMBER.matcher(number).matches() && value != JsonToken.VALUE_NULL && !value.isBoolean();
            if (!readable) {
                json.skipChildren();
                continue;
            }
            String error = value.isScalarValue() ? json.getText() : String.valueOf((Object) json.readValueAsTree());
            CRC32C crc = new CRC32C();
            crc.update((number + "\n" + error).getBytes(StandardCharsets.UTF_8));
            digest += crc.getValue();
            count++;
            each.row(number, error);
        }
        return readable ? new FailedRows(count, digest) : UNREADABLE;
    }
}
