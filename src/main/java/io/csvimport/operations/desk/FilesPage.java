package io.csvimport.operations.desk;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * A page of files.
 *
 * @param query what was asked for
 * @param bounded whether only the newest files were looked through
 * @param more whether there are older ones
 */
public record FilesPage(Map<String, String> query, List<FileLine> lines, boolean bounded, boolean more) {

    public String of(String name) {
        return query.getOrDefault(name, "");
    }

    public boolean isFiltered() {
        return !query.isEmpty();
    }

    /** The query of the next page. */
    public String older() {
        Map<String, String> next = new LinkedHashMap<>(query);
        next.put("before", lines.get(lines.size() - 1).id());
        return encoded(next);
    }

    public static String encoded(String name, String value) {
        return encoded(Map.of(name, value));
    }

    static String encoded(Map<String, String> query) {
        return query.entrySet().stream()
                .map(entry -> entry.getKey() + "=" + URLEncoder.encode(entry.getValue(), StandardCharsets.UTF_8))
                .collect(Collectors.joining("&"));
    }
}
