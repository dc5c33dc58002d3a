package io.csvimport.operations.desk;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.csvimport.api.FailedRows;
import java.io.IOException;
import java.io.InputStream;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What the API's preview says of a CSV, read as a stream.
 *
 * @param failed how many rows fail; -1 where that cannot be read
 * @param rows the first of them, by number, and their errors
 * @param statements how many statements the others make
 */
public record PreviewResult(long failed, Map<String, String> rows, long statements) {

    static PreviewResult read(InputStream answer, int most) throws IOException {
        long failed = 0;
        long statements = 0;
        Map<String, String> rows = new LinkedHashMap<>();
        try (JsonParser json = new JsonFactory().createParser(answer)) {
            json.nextToken();
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                String name = json.currentName();
                boolean isObject = json.nextToken() == JsonToken.START_OBJECT;
                if (name.equals("failedRows")) {
                    failed = FailedRows.read(json, (row, error) -> {
                                if (rows.size() < most) {
                                    rows.put(row, error);
                                }
                            })
                            .count();
                } else if (isObject && name.equals("statements")) {
                    while (json.nextToken() == JsonToken.FIELD_NAME) {
                        if (json.nextToken() == JsonToken.START_ARRAY) {
                            while (json.nextToken() != JsonToken.END_ARRAY) {
                                statements++;
                                json.skipChildren();
                            }
                        } else {
                            json.skipChildren();
                        }
                    }
                } else {
                    json.skipChildren();
                }
            }
        }
        return new PreviewResult(failed, rows, statements);
    }
}
