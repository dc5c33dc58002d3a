package io.csvimport.api;

import com.fasterxml.jackson.databind.JsonNode;
import io.csvimport.text.Visible;
import java.math.BigDecimal;
import java.util.Locale;
import java.util.Objects;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/** The members of an import list beside its results: whether they say that there is more, or report an error. */
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
     * Why a member makes the list prove nothing, as the predicate of a sentence about the list.
     *
     * @param results how many imports the list has
     * @return null where it does not
     */
    static String flaw(String name, JsonNode value, long results) {
        String key = name.replaceAll("[^A-Za-z]", "").toLowerCase(Locale.ROOT);
        boolean isContainer = value.isContainerNode();
        String text = value.asText().strip();
        boolean isSet = isContainer ? !value.isEmpty() : !text.matches("(?i)|null|false|0");
        if (isSet && ERROR.matcher(key).matches() || DONE.matcher(key).matches() && text.equalsIgnoreCase("false")) {
            return "reports an error: \"" + name + "\"";
        }
        boolean goesOn = MORE.matcher(key).matches() && !(isContainer && key.startsWith("link"))
                || key.equals("rel") && text.equalsIgnoreCase("next")
                || !isContainer && TOTAL.matcher(key).matches() && !isAtMost(text, results)
                || !isContainer && PAGES.matcher(key).matches() && !isAtMost(text, 1);
        if (isSet && goesOn) {
            return "goes on: \"" + name + "\"" + (isContainer ? "" : " is " + Visible.of(text));
        }
        Stream<String> flaws = value.isArray()
                ? StreamSupport.stream(value.spliterator(), false).map(element -> flaw(name, element, results))
                : value.properties().stream().map(member -> flaw(member.getKey(), member.getValue(), results));
        return flaws.filter(Objects::nonNull).findFirst().orElse(null);
    }

    private static boolean isAtMost(String text, long most) {
        try {
            return new BigDecimal(text).compareTo(BigDecimal.valueOf(most)) <= 0;
        } catch (NumberFormatException e) {
            return false;
        }
    }
}
