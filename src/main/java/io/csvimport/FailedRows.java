package io.csvimport;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32C;

/**
 * The failed rows of a CSV as the API tells them, {@code {"2": "error"}}, read as a stream: there may be as many as the
 * CSV has rows.
 *
 * @param digest tells these rows from others, in whatever order they come
 */
record FailedRows(int count, long digest) {

    static final FailedRows NONE = new FailedRows(0, 0);

    /** Takes one row. */
    interface Row {
        void row(String number, String error) throws IOException;
    }

    /** Reads the value that the parser has come to; what is no object has no rows. */
    static FailedRows read(JsonParser json, Row each) throws IOException {
        if (json.currentToken() != JsonToken.START_OBJECT) {
            json.skipChildren();
            return NONE;
        }
        int count = 0;
        long digest = 0;
        while (json.nextToken() == JsonToken.FIELD_NAME) {
            String number = json.currentName();
            String error =
                    json.nextToken().isScalarValue() ? json.getText() : String.valueOf((Object) json.readValueAsTree());
            CRC32C crc = new CRC32C();
            crc.update((number + "\n" + error).getBytes(StandardCharsets.UTF_8));
            digest += crc.getValue();
            count++;
            each.row(number, error);
        }
        return new FailedRows(count, digest);
    }
}
