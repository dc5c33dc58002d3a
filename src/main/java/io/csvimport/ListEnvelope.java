package io.csvimport;

import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigDecimal;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/** What stands beside the results of an import list: whether it says that there are more, or that something failed. */
final class ListEnvelope {

    private static final Pattern MORE = Pattern.compile(
            "links?|remaining|.*(?:next|more|continu|cursor|scroll|truncat|partial|incomplete|resumption).*");
    private static final Pattern TOTAL =
            Pattern.compile("(?:total|count|hits)|(?:total|count|numberof|numof|full|overall)"
                    + "(?:count|total|of|results|items|elements|hits|records|entries|imports|rows)+");
    private static final Pattern PAGES = Pattern.compile("(?:total|num|numberof|last)?pages?(?:count|total)?");
    private static final Pattern DONE =
            Pattern.compile("(?:is)?(?:last|final|complete|completed|success|successful|ok)");
    private static final Pattern ERROR =
            Pattern.compile(".*(?:error|exception|warning).*|faults?|failed|failures?|timeout|timedout");

    private ListEnvelope() {}

    /**
     * What in a member makes the list prove nothing, as the end of a sentence that begins with it.
     *
     * @return null where nothing does
     */
    static String flaw(String name, JsonNode value, long results) {
        String key = name.replaceAll("[^A-Za-z]", "").toLowerCase(Locale.ROOT);
        if (value.isContainerNode()) {
            if (!value.isEmpty() && ERROR.matcher(key).matches()) {
                return "tells an error: \"" + name + "\"";
            }
            if (!value.isEmpty() && MORE.matcher(key).matches() && !key.startsWith("link")) {
                return "goes on: \"" + name + "\"";
            }
            return within(name, value, results);
        }
        String text = value.asText().strip();
        boolean nothing = text.isEmpty() || text.matches("(?i)null|false|0");
        if (DONE.matcher(key).matches() && text.equalsIgnoreCase("false")
                || !nothing && ERROR.matcher(key).matches()) {
            return "tells an error: \"" + name + "\"";
        }
        boolean more = MORE.matcher(key).matches()
                || key.equals("rel") && text.equalsIgnoreCase("next")
                || TOTAL.matcher(key).matches() && !isAtMost(text, results)
                || PAGES.matcher(key).matches() && !isAtMost(text, 1);
        return more && !nothing ? "goes on: \"" + name + "\" is " + Visible.of(text) : null;
    }

    private static String within(String name, JsonNode value, long results) {
        if (value.isArray()) {
            for (JsonNode element : value) {
                String flaw = flaw(name, element, results);
                if (flaw != null) {
                    return flaw;
                }
            }
        }
        for (Map.Entry<String, JsonNode> field : value.properties()) {
            String flaw = flaw(field.getKey(), field.getValue(), results);
            if (flaw != null) {
                return flaw;
            }
        }
        return null;
    }

    private static boolean isAtMost(String text, long most) {
        try {
            return new BigDecimal(text).compareTo(BigDecimal.valueOf(most)) <= 0;
        } catch (NumberFormatException e) {
            return false;
        }
    }
}
