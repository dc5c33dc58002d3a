package io.csvimport.operations.desk;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.csvimport.api.FailedRows;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What the API's preview says of a CSV, read as a stream.
 *
 * @param failed how many rows fail; -1 where that cannot be read
 * @param rows the first of them, by number, and their errors
 * @param statements how many statements the others make
 * @param first the first of these, JSON
 */
public record PreviewResult(long failed, Map<String, String> rows, long statements, List<String> first) {

    private static final JsonFactory JSON = new ObjectMapper().getFactory();
    private static final int FIRST = 5;

    static PreviewResult read(InputStream answer, int most) throws IOException {
        long failed = -1;
        long statements = 0;
        Map<String, String> rows = new LinkedHashMap<>();
        List<String> first = new ArrayList<>();
        try (JsonParser json = JSON.createParser(answer)) {
            if (json.nextToken() != JsonToken.START_OBJECT) {
                return new PreviewResult(failed, rows, statements, first);
            }
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
                                if (first.size() < FIRST) {
                                    first.add(json.<JsonNode>readValueAsTree().toPrettyString());
                                } else {
                                    json.skipChildren();
                                }
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
        return new PreviewResult(failed, rows, statements, first);
    }
}
