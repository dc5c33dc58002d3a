package io.csvimport.text;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Text of strangers as it can be printed, stored or logged. */
public final class Visible {

    private static final Pattern INVISIBLE = Pattern.compile("[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}\\p{Cs}]");
    private static final Pattern UNSTORABLE = Pattern.compile("[\\x00\\p{Cs}]");

    private Visible() {}

    /** What would end the line, change its direction or not be seen as {@code \\u000a}: what is printed is one line. */
    public static String of(String text) {
        return INVISIBLE.matcher(text).replaceAll(found -> Matcher.quoteReplacement(escaped(found.group())));
    }

    private static String escaped(String text) {
        return text.chars().mapToObj(unit -> String.format("\\u%04x", unit)).collect(Collectors.joining());
    }

    /** The text as every database can store it: a NUL, or half a surrogate pair, becomes U+FFFD. */
    public static String storable(String text) {
        // nearly all texts are: no pattern for them
        boolean isStorable = text.chars().noneMatch(c -> c == 0 || Character.isSurrogate((char) c));
        return isStorable ? text : UNSTORABLE.matcher(text).replaceAll("\uFFFD");
    }

    /** What a failure is, within a sentence: what it says, and its kind where that is no sentence of our own. */
    public static String reason(Throwable failure) {
        boolean sentence = failure.getClass() == IOException.class
                || failure instanceof FileSystemException file && file.getReason() != null;
        return (sentence ? "" : failure.getClass().getSimpleName() + ": ") + failure.getMessage();
    }
}
