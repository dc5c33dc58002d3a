package io.csvimport.tracking;

import io.csvimport.api.FailedRows;
import io.csvimport.file.SourceFile;
import io.csvimport.file.SourceFolders;
import io.csvimport.file.Sources;
import io.csvimport.job.Job;
import io.csvimport.text.FileNames;
import io.csvimport.text.Visible;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The failed-rows files of completed imports, CSV in UTF-8 with the header {@code row,error}: beside the imported file,
 * where that lies in a folder of its source, otherwise in the data dir.
 */
public final class FailedRowsFile {

    private static final String ENDING = ".failed-rows.csv";
    private static final int LONGEST_NAME = 70;
    private static final int BUFFER = 1 << 16;
    private static final String LINE_ENDS_AND_TABS = "\r\n\t";
    /** Also behind blanks and quotes, and in full or small width. */
    private static final Pattern FORMULA = Pattern.compile(
            "[\\t\\r\\n]|[\\p{Z}\\p{C}\"']*[-=+@\uFF0D\uFF1D\uFF0B\uFF20\uFE63\uFE66\uFE62\uFE6B\u2212]");

    private static final Pattern QUOTED = Pattern.compile("(?s).*[\",;\r\n\t].*|\\s.*|.*\\s");

    private final Path folder;
    private final Path unfinished;
    private final Sources sources;

    public FailedRowsFile(Path dataDir, Sources sources) {
        this.sources = sources;
        folder = dataDir.resolve("failed-rows");
        unfinished = folder.resolve("unfinished");
    }

    /** Rows that are written while they are read: not durable, and under no name of anything. */
    final class Unfinished implements FailedRows.Sink {

        private Path file;
        private Writer csv;

        @Override
        public void row(String number, String error) throws IOException {
            if (csv == null) {
                Files.createDirectories(unfinished);
                file = Files.createTempFile(unfinished, "", ENDING);
                csv = Files.newBufferedWriter(file);
                csv.append("row,error\n");
            }
            csv.append(field(number)).append(',').append(field(error)).append('\n');
        }

        @Override
        public Path file() {
            return file;
        }

        @Override
        public void close() throws IOException {
            if (csv != null) {
                csv.close();
            }
        }
    }

    public Unfinished begin() {
        return new Unfinished();
    }

    /**
     * RFC 4180: quoted where it must be. What a spreadsheet would take for a formula begins with an apostrophe, what
     * cannot be seen is written as {@code \\u0000}.
     */
    private static String field(String text) {
        StringBuilder cell = new StringBuilder(FORMULA.matcher(text).lookingAt() ? "'" : "");
        text.codePoints().forEach(c -> {
            if (LINE_ENDS_AND_TABS.indexOf(c) >= 0) {
                cell.appendCodePoint(c);
            } else {
                cell.append(Visible.of(Character.toString(c)));
            }
        });
        return QUOTED.matcher(cell).matches() ? '"' + cell.toString().replace("\"", "\"\"") + '"' : cell.toString();
    }

    /** Deletes what was written while a list was read, or was left over by a crash. */
    void clear() throws IOException {
        if (Files.isDirectory(unfinished)) {
            try (Stream<Path> files = Files.list(unfinished)) {
                files.forEach(FailedRowsFile::delete);
            }
        }
    }

    private static void delete(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Stores the rows under a name that nothing has yet, durably. What is there already with these rows was stored
     * before a crash.
     *
     * @param beside the imported file, if it lies in a folder of its source
     * @return where it went
     * @throws IOException where it cannot be stored now: it is tried again
     */
    String store(Job job, Path rows, boolean beside) throws IOException {
        String imported = beside ? job.releasedTo() : null;
        SourceFolders folders =
                imported == null ? null : sources.folders(imported).orElse(null);
        if (folders != null && !folders.isReadOnly() && folders.exists(SourceFolders.parent(imported))) {
            return store(folders, job.id(), folders.beside(imported, ENDING), rows);
        }
        String name = job.id() + "-" + FileNames.fit(String.valueOf(job.names().fileName()), ENDING, LONGEST_NAME);
        return store(SourceFolders.LOCAL, job.id(), folder.resolve(name).toString(), rows);
    }

    private static String store(SourceFolders folders, long job, String wanted, Path rows) throws IOException {
        int attempt = 0;
        String free = folders.numbered(wanted, job, attempt);
        while (folders.exists(free)) {
            if (hasContent(folders, free, rows)) {
                return free;
            }
            free = folders.numbered(wanted, job, ++attempt);
        }
        folders.copy(rows, free);
        return free;
    }

    private static boolean hasContent(SourceFolders folders, String path, Path rows) throws IOException {
        SourceFile stored;
        try {
            stored = folders.find(path);
        } catch (NoSuchFileException e) {
            // no plain file
            return false;
        }
        if (stored.size() != Files.size(rows)) {
            return false;
        }
        try (InputStream one = stored.open();
                InputStream other = Files.newInputStream(rows)) {
            byte[] piece;
            do {
                piece = one.readNBytes(BUFFER);
                if (!Arrays.equals(piece, other.readNBytes(BUFFER))) {
                    return false;
                }
            } while (piece.length > 0);
            return true;
        }
    }
}
