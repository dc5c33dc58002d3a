package io.csvimport.sandbox;

import static io.csvimport.sandbox.SandboxRefusal.bad;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** Reads a query strictly: known parameters, none twice, percent-encoded UTF-8. */
final class SandboxQuery {
    private SandboxQuery() {}

    /** Null is an empty query. */
    static Map<String, String> parse(String query, Set<String> known) {
        Map<String, String> parameters = new LinkedHashMap<>();
        if (query == null) {
            return parameters;
        }
        for (String pair : query.split("&", -1)) {
            String name = pair.split("=", 2)[0];
            if (!known.contains(name)) {
                throw bad("unknown query parameter '" + name + "', known are "
                        + known.stream().sorted().toList());
            }
            if (parameters.containsKey(name) || pair.length() == name.length()) {
                throw bad("query parameter '" + name + "' is given twice or without a value");
            }
            parameters.put(name, decode(pair.substring(name.length() + 1)));
        }
        return parameters;
    }

    /** Decodes percent-encoded UTF-8; a character that must be encoded and is not is refused, a raw plus is a space. */
    static String decode(String raw) {
        if (!raw.replaceAll("%[0-9A-Fa-f]{2}", "").matches("[A-Za-z0-9._~!$&'()*+,;=:@/?-]*")) {
            throw bad("'" + raw + "' is not percent-encoded");
        }
        String bytes = URLDecoder.decode(raw, StandardCharsets.ISO_8859_1);
        return utf8(bytes.getBytes(StandardCharsets.ISO_8859_1), "'" + raw + "'");
    }

    /** Decodes UTF-8, refusing what is not. */
    static String utf8(byte[] bytes, String what) {
        String text = new String(bytes, StandardCharsets.UTF_8);
        if (!Arrays.equals(bytes, text.getBytes(StandardCharsets.UTF_8))) {
            throw bad(what + " is not UTF-8");
        }
        return text;
    }
}
