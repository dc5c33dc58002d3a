package io.csvimport.api;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.text.Normalizer;
import java.util.BitSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * A file name as a server may list it: in another Unicode normalization or case, with a path before it, its UTF-8 read as
 * Latin-1 or Windows-1252, and characters replaced.
 */
public final class ListedName {

    private static final String REPLACEMENTS = "?_\uFFFD*+-";
    private static final List<Charset> MISREADINGS =
            List.of(StandardCharsets.ISO_8859_1, Charset.forName("windows-1252"));

    private final Set<String> spellings = new LinkedHashSet<>();

    public ListedName(String name) {
        spellings.add(name);
        for (Normalizer.Form form : Normalizer.Form.values()) {
            String normalized = Normalizer.normalize(name, form);
            spellings.add(normalized);
            for (Charset charset : MISREADINGS) {
                spellings.add(new String(normalized.getBytes(StandardCharsets.UTF_8), charset));
            }
        }
    }

    public boolean isAlike(String listed) {
        String bare = listed.substring(Math.max(listed.lastIndexOf('/'), listed.lastIndexOf('\\')) + 1);
        Set<String> readings = new LinkedHashSet<>(List.of(listed, bare));
        for (Normalizer.Form form : Normalizer.Form.values()) {
            readings.add(Normalizer.normalize(bare, form));
        }
        return readings.stream().map(reading -> reading.codePoints().toArray()).anyMatch(reading -> spellings.stream()
                .anyMatch(spelling -> isAlike(spelling, reading)));
    }

    /** Letters and digits of ASCII and the dot are kept; any other character may have been replaced byte by byte. */
    private static boolean isAlike(String spelling, int[] listed) {
        // the lengths of the beginnings of the listed name that match the spelling so far
        BitSet ends = new BitSet();
        ends.set(0);
        for (int c : spelling.codePoints().toArray()) {
            BitSet next = new BitSet();
            boolean kept = c < 128 && Character.isLetterOrDigit(c) || c == '.';
            int bytes = kept ? 0 : Character.toString(c).getBytes(StandardCharsets.UTF_8).length;
            for (int end = ends.nextSetBit(0); end >= 0; end = ends.nextSetBit(end + 1)) {
                if (end < listed.length && fold(c) == fold(listed[end])) {
                    next.set(end + 1);
                }
                for (int n = 0;
                        n < bytes && end + n < listed.length && REPLACEMENTS.indexOf(listed[end + n]) >= 0;
                        n++) {
                    next.set(end + n + 1);
                }
                if (Character.isISOControl(c)) {
                    next.set(end);
                }
            }
            ends = next;
        }
        return ends.get(listed.length);
    }

    private static int fold(int c) {
        return Character.toLowerCase(Character.toUpperCase(c));
    }
}
