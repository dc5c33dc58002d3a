package io.csvimport.operations.desk;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.CsvRecord;
import de.siegmar.fastcsv.writer.CsvWriter;
import io.csvimport.CsvImportUnsettledException;
import io.csvimport.expectation.CsvContent;
import io.csvimport.file.SourceFile;
import io.csvimport.file.SourceFolders;
import io.csvimport.file.Sources;
import io.csvimport.ledger.JobHistory;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.PushbackInputStream;
import java.io.Reader;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The CSVs of jobs where they now are, and the rows of them that failed. */
record StoredFiles(Sources sources, JobHistory history) {

    static final String GONE = "The file is not on this machine any more";

    /** A page reads no further for the text of rows, bytes. */
    private static final long LONGEST_LOOK = 20_000_000;

    private static final ObjectMapper JSON = new ObjectMapper();

    /** The file of a job, with the size that it had; one on a server is looked for only when it is read. */
    boolean isAtHand(FileLine line) {
        String path = path(line);
        return !path.isEmpty()
                && (path.startsWith("/")
                        ? find(line).isPresent()
                        : sources.folders(path).isPresent());
    }

    Optional<SourceFile> find(FileLine line) {
        return find(path(line)).filter(file -> String.valueOf(file.size()).equals(line.text("fileSize")));
    }

    private static String path(FileLine line) {
        return line.text(line.text("releasedTo").isEmpty() ? "filePath" : "releasedTo");
    }

    private Optional<SourceFile> find(String path) {
        Optional<SourceFolders> folders = path.isEmpty() ? Optional.empty() : sources.folders(path);
        try {
            return folders.isEmpty()
                    ? Optional.empty()
                    : Optional.of(folders.get().find(path));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /** The first failed rows, with their own text where the file is at hand. */
    List<FailedRow> failedRows(FileLine line, int most) throws CsvImportUnsettledException {
        Map<Long, String> errors = Map.of();
        Map<Long, String> texts = new HashMap<>();
        try {
            errors = errors(line, most);
            addTexts(line, errors.keySet(), texts);
        } catch (IOException | RuntimeException e) {
            // the message alone says what is wrong
            texts.clear();
        }
        List<FailedRow> rows = new ArrayList<>();
        errors.forEach((row, error) -> rows.add(new FailedRow(row.toString(), error, texts.getOrDefault(row, ""))));
        return rows;
    }

    /** What the API said, by row: of an import in its failed-rows file, of a rejected file in the ledger. */
    private Map<Long, String> errors(FileLine line, int most) throws IOException, CsvImportUnsettledException {
        Map<Long, String> errors = new LinkedHashMap<>();
        Optional<SourceFile> stored = find(line.text("failedRowsFile"));
        if (stored.isPresent()) {
            try (InputStream bytes = stored.get().open();
                    CsvReader<CsvRecord> csv =
                            CsvReader.builder().ofCsvRecord(new InputStreamReader(bytes, StandardCharsets.UTF_8))) {
                for (CsvRecord row : csv) {
                    if (errors.size() == most) {
                        break;
                    }
                    if (row.getField(0).matches("\\d{1,18}")) {
                        errors.put(Long.valueOf(row.getField(0)), row.getField(1));
                    }
                }
            }
        } else {
            String preview = history.previewRows(line.number()).orElse("{}");
            JSON.readValue(preview, new TypeReference<Map<Long, String>>() {}).forEach((row, error) -> {
                if (errors.size() < most) {
                    errors.put(row, error);
                }
            });
        }
        return errors;
    }

    private void addTexts(FileLine line, Set<Long> rows, Map<Long, String> texts) throws IOException {
        Optional<SourceFile> file = find(line);
        long last = rows.stream().mapToLong(Long::longValue).max().orElse(0);
        if (file.isPresent() && last > 0) {
            try (Table table = Table.open(file.get())) {
                long read = 0;
                for (CsvRecord row : table.rows) {
                    if (rows.contains(++table.number)) {
                        texts.put(table.number, table.shown(String.join(table.separator + " ", row.getFields())));
                    }
                    read += row.getFields().stream().mapToInt(String::length).sum();
                    if (table.number == last || read > LONGEST_LOOK) {
                        break;
                    }
                }
            }
        }
    }

    /** The header and the failed rows whole, in the encoding of the file. The stream deletes its file when it is closed. */
    Optional<InputStream> failedRowsCsv(FileLine line) throws IOException, CsvImportUnsettledException {
        Set<Long> failed = errors(line, Integer.MAX_VALUE).keySet();
        Optional<SourceFile> file = find(line);
        if (failed.isEmpty() || file.isEmpty()) {
            return Optional.empty();
        }
        Path rows = Files.createTempFile("csv-import-failed-rows", ".csv");
        try (Table table = Table.open(file.get());
                OutputStream bytes = Files.newOutputStream(rows)) {
            bytes.write(table.mark);
            CsvWriter csv = CsvWriter.builder()
                    .fieldSeparator(table.separator)
                    .build(new OutputStreamWriter(bytes, table.charset));
            for (CsvRecord row : table.rows) {
                if (++table.number == 1 || failed.contains(table.number)) {
                    csv.writeRecord(row.getFields());
                }
            }
            csv.flush();
        } catch (IOException | RuntimeException e) {
            Files.deleteIfExists(rows);
            throw e;
        }
        return Optional.of(Files.newInputStream(rows, StandardOpenOption.DELETE_ON_CLOSE));
    }

    /**
     * A CSV that is read. One without a byte order mark of UTF-16 is read as ISO 8859-1, whatever it is: written so again, its
     * bytes are the same.
     */
    private static final class Table implements AutoCloseable {

        /** UTF-8's byte order mark. */
        private static final byte[] MARK = {(byte) 0xef, (byte) 0xbb, (byte) 0xbf};

        private final CsvReader<CsvRecord> rows;
        private final Charset charset;
        private final char separator;
        private final byte[] mark;
        private long number;

        private Table(CsvReader<CsvRecord> rows, Charset charset, char separator, byte[] mark) {
            this.rows = rows;
            this.charset = charset;
            this.separator = separator;
            this.mark = mark;
        }

        static Table open(SourceFile file) throws IOException {
            PushbackInputStream bytes = new PushbackInputStream(file.open(), MARK.length);
            byte[] start = bytes.readNBytes(MARK.length);
            boolean isMarked = Arrays.equals(start, MARK);
            boolean isWide = start.length > 1 && (start[0] & 0xff) + (start[1] & 0xff) == 0xff + 0xfe;
            if (!isMarked) {
                bytes.unread(start);
            }
            // written by this charset, UTF-16 has its mark again
            Charset charset = isWide ? StandardCharsets.UTF_16 : StandardCharsets.ISO_8859_1;
            BufferedReader reader = new BufferedReader(new InputStreamReader(bytes, charset));
            char separator = separator(reader);
            return new Table(
                    CsvReader.builder()
                            .fieldSeparator(separator)
                            .skipEmptyLines(false)
                            .ofCsvRecord((Reader) reader),
                    charset,
                    separator,
                    isMarked ? MARK : new byte[0]);
        }

        private static char separator(BufferedReader reader) throws IOException {
            char[] start = new char[4096];
            reader.mark(start.length);
            int length = Math.max(0, reader.read(start));
            reader.reset();
            return CsvContent.separator(new String(start, 0, length), List.of());
        }

        /** As UTF-8, which most files are. */
        String shown(String text) {
            return charset.equals(StandardCharsets.ISO_8859_1)
                    ? new String(text.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8)
                    : text;
        }

        @Override
        public void close() throws IOException {
            rows.close();
        }
    }
}
