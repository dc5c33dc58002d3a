package io.csvimport.text;

import java.util.Collection;
import java.util.Comparator;
import java.util.function.Function;
import java.util.stream.IntStream;

/** Finds the known name that is nearest to a misspelt one. */
public final class NearestName {

    private NearestName() {}

    /** @param form in which the names are compared with the text */
    public static String to(String text, Collection<String> names, Function<String, String> form) {
        return names.stream()
                .min(Comparator.comparingInt(name -> distance(text, form.apply(name))))
                .orElseThrow();
    }

    /** Levenshtein distance: the number of letters to add, remove or replace. */
    private static int distance(String from, String to) {
        int[] above = IntStream.rangeClosed(0, to.length()).toArray();
        for (int i = 1; i <= from.length(); i++) {
            int[] row = new int[to.length() + 1];
            row[0] = i;
            for (int j = 1; j <= to.length(); j++) {
                int replaced = above[j - 1] + (from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1);
                row[j] = Math.min(replaced, 1 + Math.min(above[j], row[j - 1]));
            }
            above = row;
        }
        return above[to.length()];
    }
}
