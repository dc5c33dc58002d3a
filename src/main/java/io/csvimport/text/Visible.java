package io.csvimport.text;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.util.Set;

/** Text of strangers as it can be printed, stored or logged. */
public final class Visible {

    private static final Set<Integer> INVISIBLE = Set.of(
            (int) Character.CONTROL,
            (int) Character.FORMAT,
            (int) Character.LINE_SEPARATOR,
            (int) Character.PARAGRAPH_SEPARATOR,
            (int) Character.SURROGATE);

    private Visible() {}

    /** What would end the line, change its direction or not be seen as {@code \\u000a}: what is printed is one line. */
    public static String of(String text) {
        StringBuilder visible = new StringBuilder();
        text.codePoints().forEach(c -> {
            if (INVISIBLE.contains(Character.getType(c))) {
                Character.toString(c).chars().forEach(unit -> visible.append(String.format("\\u%04x", unit)));
            } else {
                visible.appendCodePoint(c);
            }
        });
        return visible.toString();
    }

    /** The text as every database can store it: a NUL, or half a surrogate pair, becomes U+FFFD. */
    public static String storable(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == 0 || Character.isSurrogate(c)) {
                return text.codePoints()
                        .map(point -> point == 0 || point >= 0xD800 && point <= 0xDFFF ? 0xFFFD : point)
                        .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                        .toString();
            }
        }
        return text;
    }

    /** What a message says alone, where it is a sentence of our own; with its kind, where it is not. */
    public static String reason(Throwable exception) {
        boolean sentence = exception.getClass() == IOException.class
                || exception instanceof FileSystemException file && file.getReason() != null;
        return sentence ? exception.getMessage() : exception.toString();
    }

    /** What a failure is, within a sentence: what it says, and its kind where that is no sentence of our own. */
    public static String kindAndReason(Throwable failure) {
        return failure.getClass() == IOException.class
                ? failure.getMessage()
                : failure.getClass().getSimpleName() + ": " + failure.getMessage();
    }
}
