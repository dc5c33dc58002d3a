package io.csvimport.tracking;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.csvimport.api.ImportList;
import io.csvimport.api.ListedName;
import io.csvimport.job.Job;
import io.csvimport.job.Outcome;
import io.csvimport.job.State;
import io.csvimport.job.Trace;
import io.csvimport.ledger.Imports;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.text.Normalizer;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which imports of a list are a delivery's, and which could be: bytes 27, template People, sent at noon. */
class ImportSearchTest {

    private static final Instant NOON = Instant.parse("2026-01-31T12:00:00.500Z");
    private static final String NAME = "Überblick März (1).csv";

    @Test
    void theSameNameSizeTemplateAndTimeIsCertain() throws IOException {
        assertNotNull(search("").certain());
        assertNull(search("'id': null").certain());
        assertNull(search("'template': 'Courses'").certain());
        assertNull(search("'size': 28").certain());
        assertNull(search("'created': '2026-01-31T11:59:50Z'").certain());
        assertNull(search("'originalFilename': 'Other.csv', 'file': null").certain());
    }

    @Test
    void theTaggedNameAloneIsCertainUnlessItIsOlderThanTheJob() throws IOException {
        String tagged = "'originalFilename': 'Überblick März (1)~17.csv', 'template': 'X', 'size': 5";
        assertNotNull(search(tagged).certain());
        assertNotNull(search(tagged + ", 'created': null").certain());
        assertNotNull(search("'originalFilename': '/in/?berblick_MÄRZ_(1)~17.csv', 'size': 0")
                .certain());
        assertNull(search("'originalFilename': 'Überblick März (1)_17.csv', 'file': null, 'size': 0")
                .certain());
        assertNull(search(tagged + ", 'created': '2026-01-30T12:00:00Z'").certain());
    }

    @Test
    void anotherSpellingOfTheNameIsFoundWhereItIsTheOnlyOne() throws IOException {
        String nfd = Normalizer.normalize(NAME, Normalizer.Form.NFD);
        for (String name : List.of(
                nfd,
                NAME.toUpperCase(),
                "/var/uploads/" + NAME,
                "C:\\uploads\\" + NAME,
                misread(NAME, StandardCharsets.ISO_8859_1),
                misread(NAME, Charset.forName("windows-1252")),
                misread(nfd, StandardCharsets.ISO_8859_1),
                misread(NAME, StandardCharsets.US_ASCII),
                "?berblick M?rz (1).csv",
                "_berblick_M_rz__1_.csv",
                "\uFFFDberblick M\uFFFDrz (1).csv",
                "??berblick M??rz (1).csv")) {
            String spelt = "'originalFilename': '" + name.replace("\\", "\\\\") + "', 'file': null";
            assertNull(search(spelt).certain(), name);
            assertNotNull(search(spelt).only(), name);
            assertNull(
                    search(spelt + "}, {'id': 9, 'size': 27, 'template': 'People'")
                            .only(),
                    name);
            assertEquals(1, search(spelt + ", 'size': 0").candidates().size(), name);
        }
        for (String name : List.of("Überblick Marz (1).csv", "Uberblick_Mai (1).csv", "?".repeat(200), "")) {
            assertNull(
                    search("'originalFilename': '" + name + "', 'file': null").only(), name);
        }
    }

    @Test
    void aLongNameIsComparedInNoTime() {
        ListedName name = new ListedName("ü".repeat(120) + ".csv");
        assertFalse(name.isAlike("?".repeat(400) + "x"));
        assertTrue(name.isAlike("?".repeat(170) + ".csv"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                // by its size
                "'originalFilename': null, 'file': null",
                "'originalFilename': 'Report', 'file': null",
                "'template': null",
                // by its name
                "'size': 0",
                "'size': null",
                "'size': 300",
                "'size': 9999",
                "'size': '27 B'",
                "'originalFilename': 'Überblick März (1)'",
                "'originalFilename': 'ueberblick', 'file': 'upload/Überblick März (1).CSV', 'size': 0",
                // by neither, as it tells none
                "'originalFilename': null, 'file': 'upload/5ad3', 'size': 0",
                "'originalFilename': '', 'file': null, 'size': 300",
                // by its time
                "'created': '2026-01-31T11:59:50Z'",
                "'created': '2026-01-31T12:00'",
                "'created': '2026-01-31T06:00:00'",
                "'created': '2026-01-31 22:00:00'",
                "'created': '2026-01-31T12:00Z'",
                "'created': '2026-01-31T11:00:00Z'",
                "'created': '2026-01-31'",
                "'created': 1769860801",
                "'created': '1769860801.25'",
                "'created': 1769860801000",
                "'created': 1769860801000000",
                "'created': 'Sat, 31 Jan 2026 12:00:01 GMT'",
                "'created': '20260131120001'",
                "'created': null",
                "'created': 'just now'",
                "'created': {'date': '2026-01-31'}",
                // by its template, spelt otherwise
                "'template': 'PEOPLE'",
                "'id': null",
                "'id': {'value': 7}"
            })
    void whatDoesNotSurelyDisagreeCouldBeIt(String entry) throws IOException {
        assertEquals(1, search(entry).candidates().size());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "'originalFilename': 'Other.csv', 'file': null, 'size': 28",
                "'created': '2026-01-31T11:40:00.001Z'",
                "'created': '2026-01-30T21:30:01'",
                "'created': 1769850000",
                "'created': 1769850000000",
                "'created': '2026-01-31T12:00:01+02:00'",
                "'originalFilename': null, 'file': null, 'size': 12",
                "'created': '2026-01-31T10:00:00Z'",
                "'created': '2026-01-29'",
                "'id': 8"
            })
    void whatSurelyDisagreesIsNot(String entry) throws IOException {
        assertEquals(List.of(), search(entry).candidates());
    }

    @Test
    void aTemplateThatIsGivenByItsIdIsWhateverTheListCallsItUntilThatIsKnown() throws IOException {
        String named = "'template': 'Persons'}";
        assertEquals(1, searchAlone(named + ", {'id': 8").candidates().size());
        // an earlier import of the same template shows what it is called
        assertEquals(
                1,
                searchAlone(named + ", {'id': 8, 'template': 'Persons'")
                        .candidates()
                        .size());
        assertNotNull(searchAlone(named + ", {'id': 8, 'template': 'Persons'").certain());
        assertEquals(
                0,
                searchAlone(named + ", {'id': 8, 'template': 'Personen'")
                        .candidates()
                        .size());
    }

    private static String misread(String name, Charset charset) {
        return new String(name.getBytes(StandardCharsets.UTF_8), charset);
    }

    private static ImportSearch search(String entry) throws IOException {
        // what shows that the template is listed by the name that it is given by
        return searchAlone(entry + "}, {'id': 8, 'template': 'People', 'created': '2026-01-01T01:01:01Z'");
    }

    /** Members that are given twice: the last one counts. */
    private static ImportSearch searchAlone(String entry) throws IOException {
        String json = ("{'count': 2, 'results': [{'id': 7, 'originalFilename': '" + NAME + "', 'file': '" + NAME
                        + "', 'size': 27, 'template': 'People', 'created': '2026-01-31T12:00:01.123Z'"
                        + (entry.startsWith("}") ? "" : ", ") + entry + "}]}")
                .replace('\'', '"');
        ImportList list = ImportList.read(
                200, null, new ByteArrayInputStream(json.getBytes(StandardCharsets.UTF_8)), id -> true, null);
        Job job = new Job(
                17,
                new Job.Origin("file", "key", null, null, null),
                new Job.Naming("People", List.of(), NAME, "skip"),
                new Job.Content(27, null),
                "owner",
                new Job.Attempt(1, NOON, null),
                Outcome.CLAIMED.to(State.UNKNOWN),
                NOON.minusSeconds(3600),
                null,
                Trace.NONE,
                Job.Look.NONE);
        return new ImportSearch(
                job,
                NOON,
                NOON.plusSeconds(20),
                list,
                new HashMap<>(Map.of("8", List.of(new Imports.Known("8", 3, "People", null)))));
    }
}
