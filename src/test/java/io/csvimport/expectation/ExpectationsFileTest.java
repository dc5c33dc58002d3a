package io.csvimport.expectation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.csvimport.Manual;
import io.csvimport.expectation.Expectation.Otherwise;
import io.csvimport.expectation.Expectation.Rows;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What users write down, and what is said of their mistakes. */
class ExpectationsFileTest {

    private static ExpectationsFile read(String text) {
        return ExpectationsFile.read("expectations/people.yaml", text.getBytes(StandardCharsets.UTF_8), Map.of());
    }

    private static Expectation entry(String text) {
        ExpectationsFile file = read(text);
        assertEquals(List.of(), file.mistakes());
        return file.entries().get(0);
    }

    /** The mistakes, without the name of the file. */
    private static List<String> mistakes(String text) {
        ExpectationsFile file = read(text);
        assertEquals(List.of(), file.entries());
        return file.mistakes().stream()
                .map(mistake -> mistake.replaceFirst("expectations/people.yaml:", ""))
                .toList();
    }

    @Test
    void whatTheManualShowsHasNoMistake() {
        List<String> shown = Manual.expectations().toList();
        assertEquals(6, shown.size());
        shown.forEach(file -> assertEquals(List.of(), read(file).mistakes()));
    }

    @Test
    void aFileInAnotherEncodingIsAMistake() {
        byte[] bytes = "# from HR\n- template: Pr\u00fcfung\n".getBytes(StandardCharsets.ISO_8859_1);
        assertEquals(
                List.of("expectations/people.yaml:2: it is not in UTF-8"),
                ExpectationsFile.read("expectations/people.yaml", bytes, Map.of())
                        .mistakes());
    }

    @Test
    void aFileThatIsNestedTooDeeplyIsAMistake() {
        assertEquals(List.of("1: it is nested too deeply"), mistakes("[".repeat(100_000)));
    }

    @Test
    void aPatternMatchesANameWhoseUmlautsAreTwoCharacters() {
        Expectation entry = entry("- { template: Pr\u00fcfung, files: \"Pr\u00fcfung *.csv\" }");
        assertTrue(entry.matches("Pru\u0308fung 4.csv"));
        assertTrue(entry.matches("Pr\u00fcfung 4.csv"));
    }

    @Test
    void anEntrySaysAllThatIsExpected() {
        Expectation entry = entry(
                """
                # from HR
                - template: People
                  feed: csv-import-from-folder
                  files: "people-*.csv"
                  due: "06:00"
                  days: MON-FRI
                  zone: Europe/Berlin
                  grace: PT1H
                  header: [id, name, "e-mail, home"]
                  rows: { min: 100, max-drop: 30% }
                  encoding: UTF-8
                  otherwise: hold
                """);
        assertEquals("expectations/people.yaml:2", entry.place());
        assertEquals("People", entry.template());
        assertEquals("file", entry.feed());
        assertEquals("people-*.csv", entry.files());
        assertEquals("06:00 MON-FRI Europe/Berlin", entry.due().toString());
        assertEquals(Duration.ofHours(1), entry.grace());
        assertEquals(List.of("id", "name", "e-mail, home"), entry.header());
        assertEquals(new Rows(100, 30), entry.rows());
        assertEquals(StandardCharsets.UTF_8, entry.encoding());
        assertEquals(Otherwise.HOLD, entry.otherwise());
    }

    @Test
    void whatIsLeftOutIsNotExpected() {
        Expectation entry = entry("- template: People\n  header: same-as-last\n");
        assertTrue(entry.headerOfLast());
        assertNull(entry.header());
        assertNull(entry.due());
        assertEquals(Rows.NONE, entry.rows());
        assertEquals(Duration.ZERO, entry.grace());
        assertEquals(Otherwise.WARN, entry.otherwise());
    }

    @ParameterizedTest
    @CsvSource({"06:00", "6:00", "'\"06:00\"'", "06:00:00", "0 0 6 ? * *"})
    void theTimeMayBeWrittenAsPeopleDo(String due) {
        Expectation entry = entry("- template: People\n  zone: UTC\n  due: " + due);
        Instant noon = Instant.parse("2026-01-01T12:00:00Z");
        assertEquals(
                "2026-01-02T06:00:00Z", entry.due().next(noon).orElseThrow().toString());
    }

    @Test
    void aTimeIsShownToTheSecondWhereItHasSome() {
        Due due = entry("- { template: A, due: 06:00:30, zone: UTC }").due();
        assertEquals("2026-01-02 06:00:30", due.show(Instant.parse("2026-01-02T06:00:30.5Z")));
        assertEquals("2026-01-02 06:00", due.show(Instant.parse("2026-01-02T06:00:00Z")));
    }

    @Test
    void aFileOfWindowsIsReadToo() {
        Expectation entry = entry("\uFEFF- template: People\r\n  due: 06:00\r\n  zone: UTC\r\n");
        assertEquals("06:00 UTC", entry.due().toString());
    }

    @Test
    void daysMayBeAList() {
        Expectation entry = entry("- template: People\n  due: 06:00\n  zone: UTC\n  days: [MON, WED]");
        Instant tuesday = Instant.parse("2026-01-06T12:00:00Z");
        assertEquals(
                "2026-01-07T06:00:00Z", entry.due().next(tuesday).orElseThrow().toString());
    }

    @Test
    void anEmptyFileIsNoMistake() {
        for (String text : List.of("", "# nothing yet\n", "---\n", "[]")) {
            assertEquals(new ExpectationsFile(List.of(), List.of()), read(text));
        }
    }

    @Test
    void aGraceIsNotNegativeAsAWhole() {
        String people = "- { template: People, due: 06:00, grace: ";
        assertEquals(Duration.ofHours(23), entry(people + "P1DT-1H }\n").grace());
        assertEquals(List.of("1: grace is an ISO-8601 duration such as PT1H: 'PT-1H'"), mistakes(people + "PT-1H }\n"));
    }

    @Test
    void allMistakesOfAFileAreNamedAtOnce() {
        assertEquals(
                List.of(
                        "2: duo is not known; the nearest is due",
                        "4: due is a time of day such as 06:00, or a Quartz cron expression such as 0 0 6 ? * MON-FRI:"
                                + " 'at six'",
                        "5: days are such as MON-FRI or MON,THU: MO",
                        "6: zone is a time zone such as Europe/Berlin: 'Berlin'",
                        "7: grace is an ISO-8601 duration such as PT1H: '1h'",
                        "8: rows.min is a number from 0 on: 'many'",
                        "8: rows.max-drop is a percentage from 0% to 100%: '130%'",
                        "9: encoding is one that Java knows, such as UTF-8 or windows-1252: 'UTF-9'",
                        "10: otherwise is hold, reject or warn: 'fail'",
                        "11: template is missing: the one of the CSVs that are expected"),
                mistakes(
                        """
                                - template: People
                                  duo: 06:00
                                - template: Courses
                                  due: at six
                                  days: MO
                                  zone: Berlin
                                  grace: 1h
                                  rows: { min: many, max-drop: 130% }
                                  encoding: UTF-9
                                  otherwise: fail
                                - header: [id]
                                """));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "template: A                             | nothing is expected: give due, header, rows, encoding or files",
                "{template: A, days: MON, header: [a]}   | days goes with due, which is missing",
                "{template: A, due: 06:00, days: MO}     | days are such as MON-FRI or MON,THU: MO",
                "{template: A, due: 06:00, days: [[a]]}  | days are such as MON-FRI or MON,THU: ",
                "{template: A, due: 0 0 6 * * ?, days: MON} | days go with a time of day: a cron expression names its own",
                "{template: A, due: 0 0 6 ? * MON 2020}  | due has no time to come: '0 0 6 ? * MON 2020'",
                "{template: A, due: }                    | due is empty",
                "{template: A, due: [06:00, 07:00]}      | due is one value, no list",
                "{template: A, header: as-ever}          | header is a list of the names of the columns, as in [id, name],"
                        + " or same-as-last",
                "{template: A, rows: 100}                | rows is names and values: max-drop, min",
                "{template: A, rows: {mix: 1}}           | rows.mix is not known; the nearest is rows.min",
                "{template: A, template: B, due: 06:00}  | template is given twice",
                "{template: A, files: a/*.csv}           | files is a pattern of names, without folders: 'a/*.csv'",
                "{template: A, files: '{a'}              | files is a pattern of names such as people-*.csv: '{a'",
                "just words                              | an entry is names and values: days, due, encoding, feed, files,"
                        + " grace, header, otherwise, rows, template, zone",
            })
    void aMistakeIsSaid(String entry, String said) {
        List<String> mistakes = mistakes("\n- " + entry);
        assertEquals("2: " + said, mistakes.get(0).strip().replaceAll(": $", ":"));
        assertEquals(1, mistakes.size(), mistakes.toString());
    }

    @Test
    void aFileThatIsNoYamlSaysWhere() {
        assertEquals(
                List.of("2: it is no YAML: mapping values are not allowed here"), mistakes("- template: A\n  b: c: d"));
        assertTrue(mistakes("template: A").get(0).startsWith("1: a file is a list of entries"));
    }

    @Test
    void theSecondOfTwoThatAreTheSameIsAMistake() {
        String entry = "- { template: A, due: 06:00, zone: UTC }\n";
        assertEquals(
                List.of(
                        "2: the same template, feed, files and due are at expectations/people.yaml:1: make one of the two"),
                mistakes(entry + entry));
        ExpectationsFile other = ExpectationsFile.read(
                "expectations/b.yaml",
                entry.getBytes(StandardCharsets.UTF_8),
                Map.of(entry(entry).key(), entry(entry).place()));
        assertTrue(other.mistakes().get(0).contains("are at expectations/people.yaml:1"), other.toString());
    }
}
