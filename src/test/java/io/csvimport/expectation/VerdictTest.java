package io.csvimport.expectation;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_16BE;
import static java.nio.charset.StandardCharsets.UTF_16LE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.csvimport.expectation.Expectation.Otherwise;
import io.csvimport.expectation.Expectation.Rows;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.charset.Charset;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The look at a CSV: what it is, and whether that is as expected. */
class VerdictTest {

    private static final List<String> HEADER = List.of("id", "name", "email");

    private static Expectation expectation(List<String> header, Rows rows, Charset encoding, Otherwise otherwise) {
        return new Expectation(
                "people.yaml:1", "People", null, null, null, Duration.ZERO, header, false, rows, encoding, otherwise);
    }

    private static Expectation header(String... names) {
        return expectation(List.of(names), Rows.NONE, null, Otherwise.HOLD);
    }

    private static Expectation encoding(String name) {
        return expectation(null, Rows.NONE, Charset.forName(name), Otherwise.HOLD);
    }

    private static CsvContent read(byte[] bytes, Expectation... expectations) throws IOException {
        return CsvContent.read(new ByteArrayInputStream(bytes), List.of(expectations));
    }

    private static CsvContent read(String text, Expectation... expectations) throws IOException {
        return read(text.getBytes(UTF_8), expectations);
    }

    private static Verdict verdict(CsvContent csv, Expectation... expectations) {
        return Verdict.of(csv, List.of(expectations), null, Map.of());
    }

    private static byte[] marked(String text, Charset encoding) {
        return ("\uFEFF" + text).getBytes(encoding);
    }

    // what it is

    @ParameterizedTest
    @ValueSource(
            strings = {
                "id,name,email\n1,a,b\n2,c,d\n",
                "id,name,email\r\n1,a,b\r\n2,c,d\r\n",
                "id,name,email\r1,a,b\r2,c,d",
                "id;name;email\n1;a,a;b\n2;c;d",
                "id\tname\temail\n1\ta\tb\n2\tc\td",
                "\n\r\nid,name,email\n\n1,a,b\n\n\n2,c,d\n\n",
                "\"id\",\"name\",\"email\"\n1,\"a\nb\r\n\r\nc\",\"say \"\"no\"\"\"\n2,\"c,d\",e\n",
                "id,name,email\n1\n2,\"\",\"\",,,\n",
                "id,name,email\n1,5\" pipe,b\n2,c,d\n"
            })
    void aCsvHasItsHeaderAndItsRows(String csv) throws IOException {
        assertEquals(new CsvContent(HEADER, 2, null, null), read(csv));
    }

    @Test
    void theSeparatorIsTheOneThatGivesTheExpectedHeader() throws IOException {
        String csv = "id;name,first;name,last;email\n";
        assertEquals(
                List.of("id", "name,first", "name,last", "email"), read(csv).header());
        Expectation byComma = header("id;name", "first;name", "last;email");
        assertEquals(byComma.header(), read(csv, byComma).header());
        assertNull(verdict(read(csv, byComma), byComma));
        assertEquals(List.of("id"), read("id\n1\n").header());
    }

    @Test
    void aByteOrderMarkIsNoPartOfTheHeader() throws IOException {
        String csv = "id,name,email\n1,Zoë,b\n";
        for (String encoding : List.of("UTF-8", "UTF-16BE", "UTF-16LE", "UTF-32BE", "UTF-32LE")) {
            CsvContent read = read(marked(csv, Charset.forName(encoding)));
            assertEquals(new CsvContent(HEADER, 1, null, null), read, encoding);
        }
    }

    @Test
    void aHeaderInLatin1IsReadWhereNoEncodingIsExpected() throws IOException {
        Expectation expected = header("id", "größe", "straße");
        CsvContent csv = read("id,größe,straße\n1,ä,€\n".getBytes(Charset.forName("windows-1252")), expected);
        assertEquals(new CsvContent(expected.header(), 1, null, null), csv);
    }

    @Test
    void linesWithoutAnyCharacterAreNoHeader() throws IOException {
        CsvContent csv = read("\r\n\n\r\n");
        assertEquals(new CsvContent(List.of(), 0, null, null), csv);
        Verdict verdict = verdict(csv, header("id"));
        assertEquals("the header id", verdict.expected());
        assertEquals("no header", verdict.found());
    }

    @Test
    void anEmptyFirstColumnIsPartOfTheHeader() throws IOException {
        assertEquals(List.of("", "b"), read(",b\n1,2\n").header());
    }

    @Test
    void aQuoteThatIsNotClosedIsFound() throws IOException {
        CsvContent csv = read("id,name,email\n1,a,b\n2,\"c,d\n3,e,f\n");
        assertEquals(new CsvContent(HEADER, -1, null, "a field without end that begins near line 3"), csv);
        Verdict verdict = verdict(csv, encoding("UTF-8"));
        assertEquals("fields and a header that end", verdict.expected());
        assertEquals(csv.flaw(), verdict.found());
    }

    /** Endless, but for the memory that a reader would need. */
    private static InputStream repeated(String beginning, String line, int megabytes) {
        byte[] lines = line.repeat((1 << 20) / line.length()).getBytes(UTF_8);
        return new SequenceInputStream(
                new ByteArrayInputStream(beginning.getBytes(UTF_8)),
                new SequenceInputStream(java.util.Collections.enumeration(IntStream.range(0, megabytes)
                        .mapToObj(i -> new ByteArrayInputStream(lines))
                        .toList())));
    }

    @Test
    void aFieldWithoutEndIsGivenUpBeforeItNeedsMemory() throws IOException {
        CsvContent csv = CsvContent.read(repeated("id,name\n1,a\n2,\"", "b,c\n", 300), List.of());
        assertEquals(
                new CsvContent(List.of("id", "name"), -1, null, "a field without end that begins near line 3"), csv);
    }

    @Test
    void aHeaderWithoutEndIsGivenUpBeforeItNeedsMemory() throws IOException {
        CsvContent csv = CsvContent.read(repeated("", "abc,", 100), List.of());
        assertEquals(new CsvContent(List.of(), -1, null, "a header line that does not end"), csv);
    }

    @Test
    void bytesThatCannotBeReadAreAFailureAndNoFinding() {
        InputStream broken = new InputStream() {
            private int left = 100_000;

            @Override
            public int read() throws IOException {
                // again and again: reading into an array keeps the failure of all but its first byte to itself
                if (left == 0) {
                    throw new IOException("gone");
                }
                left--;
                return left % 10 == 0 ? '\n' : 'a';
            }
        };
        IOException gone = assertThrows(IOException.class, () -> CsvContent.read(broken, List.of()));
        assertEquals("gone", gone.getMessage());
    }

    // the header

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "id,email,name|id, email, name",
                "id,name|id, name",
                "id,name,email,|id, name, email, ''",
                "id,name,Email|id, name, Email",
                "id, name,email|id, ' name', email"
            })
    void aHeaderIsExactlyTheExpectedOne(String line, String found) throws IOException {
        Verdict verdict = verdict(read(line + "\n1,2,3\n"), header("id", "name", "email"));
        assertEquals("the header id, name, email", verdict.expected());
        assertEquals("the header " + found, verdict.found());
        assertEquals(Otherwise.HOLD, verdict.otherwise());
    }

    @Test
    void ofALongHeaderTheFirstDifferenceIsNamed() throws IOException {
        List<String> names =
                IntStream.rangeClosed(1, 500).mapToObj(i -> "column" + i).toList();
        Expectation expected = header(names.toArray(String[]::new));
        String line = String.join(",", names);
        Verdict other = verdict(read(line.replace("column37,", "Column37,")), expected);
        assertEquals("the header of 500 columns, of which column 37 is column37", other.expected());
        assertEquals("the header of 500 columns, of which column 37 is Column37", other.found());
        Verdict cut = verdict(read(line.substring(0, line.indexOf(",column400"))), expected);
        assertEquals("the header of 399 columns, without a column 400", cut.found());
        String longest = "x".repeat(100_000);
        Verdict wide = verdict(read(longest + "," + longest), expected);
        assertTrue(wide.found().length() < 400, wide.found());
    }

    @Test
    void theHeaderOfTheLastImportIsExpectedOnceThereIsOne() throws IOException {
        Expectation last = new Expectation(
                "p.yaml:1", "People", null, null, null, Duration.ZERO, null, true, Rows.NONE, null, Otherwise.REJECT);
        CsvContent csv = read("id,mail\n");
        assertNull(Verdict.of(csv, List.of(last), null, Map.of()));
        assertNull(Verdict.of(csv, List.of(last), List.of("id", "mail"), Map.of()));
        Verdict verdict = Verdict.of(csv, List.of(last), List.of("id", "email"), Map.of());
        assertEquals("the header of the last import id, email", verdict.expected());
        assertEquals("the header id, mail", verdict.found());
        assertEquals(Otherwise.REJECT, verdict.otherwise());
    }

    // the rows

    @Test
    void soManyRowsAreExpectedAtLeast() throws IOException {
        Expectation two = expectation(null, new Rows(2, null), null, Otherwise.WARN);
        assertNull(verdict(read("id\n1\n2\n"), two));
        Verdict verdict = verdict(read("id\n1\n\n"), two);
        assertEquals("at least 2 rows", verdict.expected());
        assertEquals("1 row", verdict.found());
    }

    @ParameterizedTest
    @CsvSource({"1000,700,", "1000,699,30.1", "1000,640,36", "3,2,33", "10,7,", "0,0,", "100,5000,"})
    void asManyPercentOfTheLastRowsMayBeMissing(long before, long now, String percent) {
        Expectation expected = expectation(null, new Rows(0, 30), null, Otherwise.HOLD);
        CsvContent csv = new CsvContent(HEADER, now, null, null);
        Map<Expectation, Verdict.Last> lasts = Map.of(expected, new Verdict.Last(7, before));
        Verdict verdict = Verdict.of(csv, List.of(expected), null, lasts);
        if (percent == null) {
            assertNull(verdict);
        } else {
            String last = before == 3 ? "3" : "1,000";
            assertEquals(
                    "no more than 30 % fewer rows than the " + last + " of the last import (job 7)",
                    verdict.expected());
            String fewer = percent.equals("30.1") ? "over 30" : percent;
            assertEquals(now + " rows (" + fewer + " % fewer)", verdict.found());
        }
        assertNull(verdict(csv, expected));
    }

    // the encoding

    @Test
    void bytesOfAnotherEncodingAreFoundNearTheirLine() throws IOException {
        String csv = "id,name\n1,Anna\n2,Zoë\n3,Eva\n";
        assertNull(verdict(read(csv, encoding("UTF-8")), encoding("UTF-8")));
        CsvContent latin = read(csv.getBytes(ISO_8859_1), encoding("UTF-8"));
        assertEquals(3, latin.rows());
        Verdict verdict = verdict(latin, encoding("UTF-8"));
        assertEquals("the encoding UTF-8", verdict.expected());
        assertEquals("bytes that are no UTF-8 near line 3", verdict.found());
        assertNull(verdict(read(csv.getBytes(ISO_8859_1), encoding("ISO-8859-1")), encoding("ISO-8859-1")));
        assertEquals(
                "bytes that are no US-ASCII near line 3",
                verdict(read(csv, encoding("US-ASCII")), encoding("US-ASCII")).found());
    }

    /** A byte that is no UTF-8 may come where a buffer is just full. */
    @ParameterizedTest
    @ValueSource(strings = {"windows-1252", "UTF-8 and windows-1252"})
    void aFileInWindows1252IsReadWhereverItsBytesAre(String encodings) throws IOException {
        for (int length = 0; length < 40; length++) {
            String name = "Zo\u00eb" + "x".repeat(length);
            ByteArrayOutputStream csv = new ByteArrayOutputStream();
            csv.write("id,name\n".getBytes(UTF_8));
            for (int row = 0; row < 20_000; row++) {
                boolean isUtf8 = encodings.startsWith("UTF-8") && row % 2 == 0;
                csv.write((row + "," + name + "\n").getBytes(isUtf8 ? UTF_8 : Charset.forName("windows-1252")));
            }
            CsvContent read = read(csv.toByteArray(), encoding("UTF-8"));
            assertNull(read.flaw());
            assertEquals(20_000, read.rows());
            assertTrue(read.encodingFlaw().startsWith("bytes that are no UTF-8 near line "), read.encodingFlaw());
        }
    }

    @Test
    void ofTwoEncodingsTheFirstIsLookedAt() throws IOException {
        Expectation[] both = {encoding("UTF-8"), encoding("windows-1252")};
        Verdict verdict = verdict(read("id\nZo\u00eb\n".getBytes(ISO_8859_1), both), both);
        assertEquals("the encoding UTF-8", verdict.expected());
        assertNull(verdict(read("id\nZo\u00eb\n", both), both));
    }

    @Test
    void aFailureOfTheReaderIsNoFinding() {
        InputStream broken = new InputStream() {
            @Override
            public int read() {
                throw new IllegalStateException("gone");
            }
        };
        assertThrows(IllegalStateException.class, () -> read(broken));
    }

    private static CsvContent read(InputStream bytes) throws IOException {
        return CsvContent.read(bytes, List.of());
    }

    @Test
    void aCharacterThatIsCutAtTheEndIsFound() throws IOException {
        byte[] cut = "id\nZo\u00c3".getBytes(ISO_8859_1);
        assertEquals(
                "bytes that are no UTF-8 near line 2",
                read(cut, encoding("UTF-8")).encodingFlaw());
    }

    @Test
    void farBehindTheFirstBufferALineIsStillCounted() throws IOException {
        byte[] csv = ("id,name\n" + "1,Anna\n".repeat(100_000) + "2,Zoë\n").getBytes(ISO_8859_1);
        CsvContent read = read(csv, encoding("UTF-8"));
        assertEquals(100_001, read.rows());
        assertEquals("bytes that are no UTF-8 near line 100002", read.encodingFlaw());
    }

    @Test
    void aByteOrderMarkOfAnotherEncodingIsFound() throws IOException {
        String csv = "id,name\n1,Zoë\n";
        CsvContent wide = read(marked(csv, UTF_16LE), encoding("UTF-8"));
        assertEquals("the byte order mark of UTF-16LE", wide.encodingFlaw());
        assertEquals(List.of("id", "name"), wide.header());
        assertEquals(
                "the byte order mark of UTF-8",
                read(marked(csv, UTF_8), encoding("ISO-8859-1")).encodingFlaw());
        assertNull(read(marked(csv, UTF_8), encoding("UTF-8")).encodingFlaw());
        assertNull(read(marked(csv, UTF_16BE), encoding("UTF-16")).encodingFlaw());
        assertNull(read(marked(csv, UTF_16LE), encoding("UTF-16LE")).encodingFlaw());
        assertEquals("no byte order mark", read(csv, encoding("UTF-16")).encodingFlaw());
    }

    // several

    @Test
    void allThatIsWrongIsNamedAndTheStrictestCounts() throws IOException {
        Expectation warns = expectation(HEADER, new Rows(5, null), null, Otherwise.WARN);
        Expectation rejects = new Expectation(
                "b.yaml:9",
                "People",
                null,
                null,
                null,
                Duration.ZERO,
                HEADER,
                false,
                Rows.NONE,
                UTF_8,
                Otherwise.REJECT);
        Verdict verdict = verdict(read("id,name\n1,Zoë\n".getBytes(ISO_8859_1), warns, rejects), warns, rejects);
        assertEquals(Otherwise.REJECT, verdict.otherwise());
        assertEquals("the header id, name, email; at least 5 rows; the encoding UTF-8", verdict.expected());
        assertEquals("the header id, name; 1 row; bytes that are no UTF-8 near line 2", verdict.found());
        assertEquals("people.yaml:1, b.yaml:9", verdict.places());
        assertEquals(
                Otherwise.WARN,
                verdict(read("id,name,email\n1\n", warns, rejects), warns, rejects)
                        .otherwise());
    }

    @Test
    void aCsvWithoutEndOfLastLineCountsItsLastRow() throws IOException {
        assertEquals(
                3,
                read("id\n" + IntStream.range(0, 3).mapToObj(String::valueOf).collect(Collectors.joining("\n")))
                        .rows());
    }
}
