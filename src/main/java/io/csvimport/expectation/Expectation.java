package io.csvimport.expectation;

import java.nio.charset.Charset;
import java.nio.file.FileSystems;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.text.Normalizer;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.function.Predicate;

/**
 * One entry of a file of {@code expectations/}. What is null, empty or NONE is not expected.
 *
 * @param place the file and the line, as in {@code people.yaml:3}
 * @param feed as {@code from} of the audit events; null: whichever feed brings it
 * @param files a glob of file names, which names the template of a file that neither a header nor a folder gives; null: any
 * @param due by when an import must be there
 * @param grace how long after that it is late, before it is missing
 * @param header the names of the columns, in their order
 * @param headerOfLast whether the header must be that of the last import of the template that had no failed rows
 * @param encoding of the bytes
 * @param otherwise what becomes of a file that breaks it
 */
public record Expectation(
        String place,
        String template,
        String feed,
        String files,
        Due due,
        Duration grace,
        List<String> header,
        boolean headerOfLast,
        Rows rows,
        Charset encoding,
        Otherwise otherwise) {

    /**
     * Of the records after the header.
     *
     * @param min 0: any
     * @param maxDrop percent of the rows of the last import of the template that may be missing; null: any
     */
    public record Rows(long min, Integer maxDrop) {

        public static final Rows NONE = new Rows(0, null);
    }

    /** What becomes of a file that breaks an expectation; the later one wins. */
    public enum Otherwise {
        /** It is told, and imported. */
        WARN,
        /** A person decides. */
        HOLD,
        REJECT
    }

    /** What it is known by across restarts: another time is another expectation, another number of rows is not. */
    public String key() {
        return String.join(
                "|",
                template,
                Objects.requireNonNullElse(feed, ""),
                Objects.requireNonNullElse(files, ""),
                due == null ? "" : due.toString());
    }

    /** From when on an import counts for a due time. */
    public Instant opens(Instant time) {
        return due.opens(time, grace);
    }

    /** Whether a file of this template and feed is meant. */
    public boolean applies(String template, String feed, String fileName) {
        return this.template.equals(template) && (this.feed == null || this.feed.equals(feed)) && matches(fileName);
    }

    /** Whether the bytes of a file must be looked at. */
    public boolean isOfContent() {
        return header != null || headerOfLast || !rows.equals(Rows.NONE) || encoding != null;
    }

    /** Which file names are meant; null: any. */
    public Predicate<String> names() {
        return files == null ? null : this::matches;
    }

    /** An umlaut is one character, also where a sender writes it as two. */
    private static String composed(String name) {
        return Normalizer.normalize(name, Normalizer.Form.NFC);
    }

    boolean matches(String fileName) {
        try {
            return files == null
                    || fileName != null
                            && FileSystems.getDefault()
                                    .getPathMatcher("glob:" + composed(files))
                                    .matches(Path.of(composed(fileName)));
        } catch (InvalidPathException e) {
            // it is rejected for its name
            return false;
        }
    }
}
