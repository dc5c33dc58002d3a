package io.csvimport.expectation;

import io.csvimport.expectation.Expectation.Otherwise;
import io.csvimport.text.Visible;
import java.nio.charset.Charset;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * That a CSV is not as expected.
 *
 * @param otherwise what becomes of it, by the strictest of the expectations that it breaks
 * @param expected what these say, in words
 * @param found what it has instead
 * @param places where they are written down
 */
public record Verdict(Otherwise otherwise, String expected, String found, String places) {

    /** Of the last import that the rows are compared with. */
    public record Last(long job, long rows) {}

    private static final int LONGEST = 1000;
    private static final int LONGEST_HEADER = 200;
    private static final int LONGEST_NAME = 60;

    /**
     * @param lastHeader of the last import without failed rows, null where there is none
     * @param lasts the last import of each expectation that compares the rows, where there is one
     * @return null where it is as expected
     */
    public static Verdict of(
            CsvContent csv, List<Expectation> expectations, List<String> lastHeader, Map<Expectation, Last> lasts) {
        Otherwise otherwise = Otherwise.WARN;
        Map<String, String> all = new LinkedHashMap<>();
        Set<String> places = new LinkedHashSet<>();
        Charset encoding = CsvContent.encoding(expectations);
        for (Expectation expectation : expectations) {
            Map<String, String> findings = findings(csv, expectation, lastHeader, lasts.get(expectation));
            if (csv.encodingFlaw() != null && encoding != null && encoding.equals(expectation.encoding())) {
                findings.put("the encoding " + encoding, csv.encodingFlaw());
            }
            if (!findings.isEmpty()) {
                all.putAll(findings);
                places.add(expectation.place());
                boolean isStricter = expectation.otherwise().compareTo(otherwise) > 0;
                otherwise = isStricter ? expectation.otherwise() : otherwise;
            }
        }
        return places.isEmpty()
                ? null
                : new Verdict(otherwise, joined(all.keySet()), joined(all.values()), String.join(", ", places));
    }

    /** What is expected, and what was found instead. */
    private static Map<String, String> findings(
            CsvContent csv, Expectation expectation, List<String> lastHeader, Last last) {
        Map<String, String> findings = new LinkedHashMap<>();
        if (csv.flaw() != null) {
            findings.put("fields and a header that end", csv.flaw());
        }
        List<String> header = expectation.headerOfLast() ? lastHeader : expectation.header();
        if (header != null && csv.flaw() == null && !header.equals(csv.header())) {
            String whose = expectation.headerOfLast() ? "the header of the last import" : "the header";
            int differs = firstDifference(header, csv.header());
            findings.put(header(whose, header, differs), header("the header", csv.header(), differs));
        }
        long rows = csv.rows();
        Expectation.Rows some = expectation.rows();
        if (rows >= 0 && rows < some.min()) {
            findings.put("at least " + rows(some.min()), rows(rows));
        }
        if (rows >= 0 && last != null && (last.rows - rows) * 100 > some.maxDrop() * last.rows) {
            long percent = (last.rows - rows) * 100 / last.rows;
            findings.put(
                    "no more than " + some.maxDrop() + " % fewer rows than the " + number(last.rows)
                            + " of the last import (job " + last.job + ")",
                    rows(rows) + " (" + (percent > some.maxDrop() ? "" : "over ") + percent + " % fewer)");
        }
        return findings;
    }

    private static int firstDifference(List<String> one, List<String> other) {
        int column = 0;
        while (column < one.size() && column < other.size() && one.get(column).equals(other.get(column))) {
            column++;
        }
        return column;
    }

    /** A short one whole, of a long one where it differs first. */
    private static String header(String whose, List<String> header, int differs) {
        if (header.isEmpty()) {
            return "no header";
        }
        String whole = header.stream().map(Verdict::name).collect(Collectors.joining(", "));
        if (whole.length() <= LONGEST_HEADER) {
            return whose + " " + whole;
        }
        String columns = header.size() == 1 ? "1 column" : number(header.size()) + " columns";
        return whose + " of " + columns + ", "
                + (differs < header.size()
                        ? "of which column " + number(differs + 1L) + " is " + name(header.get(differs))
                        : "without a column " + number(differs + 1L));
    }

    /** A name whose blanks would not be seen is quoted. */
    private static String name(String column) {
        String visible = Visible.of(column);
        String shown = visible.length() <= LONGEST_NAME ? visible : visible.substring(0, LONGEST_NAME) + "…";
        return shown.equals(shown.strip()) && !shown.isEmpty() ? shown : "'" + shown + "'";
    }

    private static String rows(long rows) {
        return number(rows) + (rows == 1 ? " row" : " rows");
    }

    private static String number(long number) {
        return String.format(Locale.ROOT, "%,d", number);
    }

    private static String joined(Collection<String> pieces) {
        String text = String.join("; ", new LinkedHashSet<>(pieces));
        return text.length() <= LONGEST ? text : text.substring(0, LONGEST) + "…";
    }
}
