package io.csvimport.expectation;

import de.siegmar.fastcsv.reader.AbstractBaseCsvCallbackHandler;
import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.CsvRecord;
import de.siegmar.fastcsv.reader.CsvRecordHandler;
import de.siegmar.fastcsv.reader.RecordWrapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.charset.Charset;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;

/**
 * What a pass over a CSV has found, read as CSV: quoted line ends, the separators {@code ,} {@code ;} and tab, any encoding.
 *
 * @param header the names of the columns; empty where there is no record at all
 * @param rows the records after the header; -1 where they cannot be counted
 * @param encodingFlaw what is not of the expected encoding, or null
 * @param flaw why it is no CSV from some line on, or null
 */
public record CsvContent(List<String> header, long rows, String encodingFlaw, String flaw) {

    /** Characters of the longest field; a quote that is not closed ends there. */
    private static final int LONGEST_FIELD = 1 << 20;
    /** Characters of the longest header. */
    private static final int LONGEST_HEADER = 1 << 20;
    /** Characters in which the separator is looked for. */
    private static final int BEGINNING = 1 << 16;

    private static final String OPEN_FIELD = "a field without end that begins near line ";

    /** @throws IOException where the bytes cannot be read; what they say is no failure */
    public static CsvContent read(InputStream bytes, List<Expectation> expectations) throws IOException {
        CsvText text = new CsvText(bytes, encoding(expectations));
        Counter counter = new Counter();
        // twice, so that it is never read by single characters
        try (BufferedReader all = new BufferedReader(text, 2 * BEGINNING)) {
            char[] beginning = new char[BEGINNING];
            all.mark(BEGINNING);
            int length = 0;
            for (int n = 0; n >= 0 && length < BEGINNING; n = all.read(beginning, length, BEGINNING - length)) {
                length += n;
            }
            all.reset();
            char separator = separator(new String(beginning, 0, length), expectations);
            Iterator<Counter> records = builder(separator).build(counter, all).iterator();
            while (records.hasNext() && counter.flaw == null) {
                records.next();
            }
        } catch (CsvParseException e) {
            if (e.getCause() instanceof IOException io) {
                throw io;
            }
            if (e.getCause() != null && !(e.getCause() instanceof CsvParseException)) {
                throw e;
            }
            counter.isOpen();
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
        if (counter.flaw == null && !counter.ended) {
            counter.isOpen();
        }
        boolean counted = counter.flaw == null;
        return new CsvContent(
                List.copyOf(counter.header),
                counted ? Math.max(0, counter.records - 1) : -1,
                text.flaw(),
                counter.flaw);
    }

    /** Whether it is one that a later CSV may be compared with. */
    public boolean hasHeader() {
        return flaw == null && !header.isEmpty();
    }

    /** The one that is looked at, of several the first; null where none is expected. */
    static Charset encoding(List<Expectation> expectations) {
        return expectations.stream()
                .map(Expectation::encoding)
                .filter(Objects::nonNull)
                .findFirst()
                .orElse(null);
    }

    private static CsvReader.CsvReaderBuilder builder(char separator) {
        return CsvReader.builder()
                .fieldSeparator(separator)
                .ignoreDifferentFieldCount(true)
                .maxBufferSize(LONGEST_FIELD);
    }

    /** The one that gives an expected header, else the one that gives most columns. */
    public static char separator(String beginning, List<Expectation> expectations) {
        char best = ',';
        int most = 0;
        for (char separator : new char[] {',', ';', '\t'}) {
            List<String> header = first(beginning, separator);
            if (expectations.stream().anyMatch(expectation -> header.equals(expectation.header()))) {
                return separator;
            }
            if (header.size() > most) {
                best = separator;
                most = header.size();
            }
        }
        return best;
    }

    private static List<String> first(String beginning, char separator) {
        CsvRecordHandler handler = CsvRecordHandler.of(limits -> limits.maxFields(BEGINNING + 1));
        Iterator<CsvRecord> records =
                builder(separator).build(handler, new StringReader(beginning)).iterator();
        return records.hasNext() ? records.next().getFields() : List.of();
    }

    /** Keeps the header, and counts the records. */
    private static final class Counter extends AbstractBaseCsvCallbackHandler<Counter> {
        private final List<String> header = new ArrayList<>();
        private int headerLength;
        private long records;
        private boolean ended;
        private String flaw;

        @Override
        protected void handleField(int index, char[] buffer, int offset, int length, boolean quoted) {
            if (length == 1 && buffer[offset] == CsvText.END && index == 0 && !quoted) {
                ended = true;
            } else if (records == 0 && flaw == null) {
                headerLength += length + 1;
                if (headerLength > LONGEST_HEADER) {
                    header.clear();
                    flaw = "a header line that does not end";
                } else {
                    header.add(new String(buffer, offset, length));
                }
            }
        }

        @Override
        protected RecordWrapper<Counter> buildRecord() {
            if (isEmptyLine() && records == 0) {
                header.clear();
            }
            records += ended || isEmptyLine() ? 0 : 1;
            return wrapRecord(this);
        }

        void isOpen() {
            flaw = OPEN_FIELD + getStartingLineNumber();
        }
    }
}
