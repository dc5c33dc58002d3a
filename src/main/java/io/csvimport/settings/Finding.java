package io.csvimport.settings;

/**
 * What a check has found, for who starts the product.
 *
 * @param text what was found and, unless that is good, what to do
 */
public record Finding(Level level, String text) {

    public enum Level {
        OK,
        WARNING,
        FAILED
    }

    public static Finding ok(String text) {
        return new Finding(Level.OK, text);
    }

    public static Finding warning(String text) {
        return new Finding(Level.WARNING, text);
    }

    public static Finding failed(String text) {
        return new Finding(Level.FAILED, text);
    }
}
