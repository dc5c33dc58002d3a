package io.csvimport;

import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.stream.Stream;

/**
 * The failed-rows files of completed imports, CSV in UTF-8 with the header {@code row,error}: beside the imported file,
 * where that lies in a folder of this machine, otherwise in the data dir.
 */
final class FailedRowsFile implements FailedRowsStore {

    private static final String ENDING = ".failed-rows.csv";
    private static final int LONGEST_NAME = 50;

    private final Path folder;
    private final Path unfinished;

    FailedRowsFile(Path dataDir) {
        folder = dataDir.resolve("failed-rows");
        unfinished = folder.resolve("unfinished");
    }

    /** Rows that are written while they are read: not durable, and under no name of anything. */
    final class Unfinished implements FailedRows.Row, Closeable {

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

        /** Null where there was no row. */
        Path file() {
            return file;
        }

        @Override
        public void close() throws IOException {
            if (csv != null) {
                csv.close();
            }
        }
    }

    Unfinished begin() {
        return new Unfinished();
    }

    /** RFC 4180: quoted where it must be. */
    private static String field(String text) {
        return text.matches("(?s).*[\",\r\n].*|\\s.*|.*\\s") ? '"' + text.replace("\"", "\"\"") + '"' : text;
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

    @Override
    public String store(Delivery delivery, Path rows) throws IOException {
        Path imported = delivery.releasedTo == null ? null : Path.of(delivery.releasedTo);
        if (imported != null && imported.getParent() != null && Files.isDirectory(imported.getParent())) {
            return store(delivery.job, imported.resolveSibling(imported.getFileName() + ENDING), rows);
        }
        String name = String.valueOf(delivery.fileName);
        name = name.substring(0, Math.min(name.length(), LONGEST_NAME));
        Files.createDirectories(folder);
        return store(delivery.job, folder.resolve(delivery.job + "-" + name + ENDING), rows);
    }

    /** Durable, and nothing is overwritten; what is there already with these rows was stored before a crash. */
    private static String store(long job, Path wanted, Path rows) throws IOException {
        Path free = wanted;
        while (Files.exists(free)) {
            if (Files.mismatch(free, rows) == -1) {
                return free.toString();
            }
            free = free.resolveSibling(CsvUpload.tagged(free.getFileName().toString(), job));
        }
        Path whole = wanted.resolveSibling("." + job + ".failed-rows.tmp");
        Files.copy(rows, whole, StandardCopyOption.REPLACE_EXISTING);
        force(whole);
        Files.move(whole, free);
        force(free.getParent());
        return free.toString();
    }

    private static void force(Path path) throws IOException {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }
}
