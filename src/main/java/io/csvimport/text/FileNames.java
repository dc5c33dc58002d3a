package io.csvimport.text;

import java.nio.charset.StandardCharsets;

/** Names of files that fit their file system: too long a one is cut between two characters, its ending stays. */
public final class FileNames {

    /** Bytes, in UTF-8: what most file systems take. */
    public static final int LONGEST = 255;

    private FileNames() {}

    /** The name and its ending, the name cut so that both together have so many bytes at most. */
    public static String fit(String name, String ending, int bytes) {
        int left = bytes - length(ending);
        int end = name.length();
        while (end > 0 && length(name.substring(0, end)) > left) {
            end = name.offsetByCodePoints(end, -1);
        }
        return name.substring(0, end) + ending;
    }

    private static int length(String text) {
        return text.getBytes(StandardCharsets.UTF_8).length;
    }

    /** {@code .csv} of {@code people.csv}; empty where there is none. */
    public static String extension(String name) {
        return name.substring(stem(name).length());
    }

    /** {@code people} of {@code people.csv}. */
    public static String stem(String name) {
        int dot = name.lastIndexOf('.');
        return dot > 0 ? name.substring(0, dot) : name;
    }
}
