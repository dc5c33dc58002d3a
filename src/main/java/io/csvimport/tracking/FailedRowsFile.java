package io.csvimport.tracking;

import io.csvimport.api.FailedRows;
import io.csvimport.file.FileMark;
import io.csvimport.file.Sha256;
import io.csvimport.file.SourceFile;
import io.csvimport.file.SourceFolders;
import io.csvimport.file.Sources;
import io.csvimport.job.Job;
import io.csvimport.text.FileNames;
import io.csvimport.text.Visible;
import java.io.IOException;
import java.io.InputStream;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.camel.util.FileUtil;

/**
 * The failed-rows files of completed imports, CSV in UTF-8 with the header {@code row,error}: beside the imported file,
 * where that lies in a folder of its source, otherwise in the data dir.
 */
public final class FailedRowsFile {

    private static final String ENDING = ".failed-rows.csv";
    private static final int LONGEST_NAME = 70;
    private static final Pattern OTHER_THAN_LINE_ENDS = Pattern.compile("[^\r\n\t]+");
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

    /** Rows that are written while they are read: not durable, under a temporary name. */
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

    public FailedRows.Sink begin() {
        return new Unfinished();
    }

    /**
     * RFC 4180: quoted where it must be. What a spreadsheet would take for a formula begins with an apostrophe, what
     * cannot be seen is written as {@code \\u0000}.
     */
    private static String field(String text) {
        String visible = OTHER_THAN_LINE_ENDS
                .matcher(text)
                .replaceAll(part -> Matcher.quoteReplacement(Visible.of(part.group())));
        String cell = (FORMULA.matcher(text).lookingAt() ? "'" : "") + visible;
        return QUOTED.matcher(cell).matches() ? '"' + cell.replace("\"", "\"\"") + '"' : cell;
    }

    /** Deletes what was written while a list was read, or was left over by a crash. */
    void clear() {
        if (Files.isDirectory(unfinished)) {
            FileUtil.removeDir(unfinished.toFile());
        }
    }

    /**
     * Stores the rows durably, under a name that is free; a file that has these rows already was stored before a crash.
     *
     * @param beside whether to try beside the imported file, where that lies in a folder of its source
     * @return where they are
     * @throws IOException where they cannot be stored now
     */
    String store(Job job, Path rows, boolean beside) throws IOException {
        String imported = beside ? job.releasedTo() : null;
        SourceFolders folders =
                imported == null ? null : sources.folders(imported).orElse(null);
        if (folders != null && !folders.isReadOnly() && folders.exists(SourceFolders.parent(imported))) {
            return store(folders, job.id(), SourceFolders.beside(imported, ENDING), rows);
        }
        String name = job.id() + "-" + FileNames.fit(String.valueOf(job.names().fileName()), ENDING, LONGEST_NAME);
        return store(SourceFolders.LOCAL, job.id(), folder.resolve(name).toString(), rows);
    }

    private static String store(SourceFolders folders, long job, String wanted, Path rows) throws IOException {
        String name = SourceFolders.free(wanted, job, path -> !folders.exists(path) || hasContent(folders, path, rows));
        if (!folders.exists(name)) {
            try (InputStream bytes = Files.newInputStream(rows)) {
                folders.put(bytes, name);
            }
        }
        return name;
    }

    private static boolean hasContent(SourceFolders folders, String path, Path rows) throws IOException {
        try {
            SourceFile stored = folders.find(path);
            return stored.size() == Files.size(rows) && Sha256.of(stored).equals(Sha256.of(FileMark.of(rows)));
        } catch (NoSuchFileException e) {
            // no plain file
            return false;
        }
    }
}
