package io.csvimport;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * The default audit trail: one event a line, UTF-8, on the disk before it counts as delivered. The file is opened for
 * every event, so that it may be rotated at any time.
 */
public final class AuditFile {

    private final Path file;

    AuditFile(Settings settings) {
        file = settings.path("data-dir").resolve("audit").resolve("csv-import-audit.jsonl");
    }

    Path file() {
        return file;
    }

    /** @param event one line of JSON, without its line end */
    public synchronized void append(String event) throws IOException {
        Files.createDirectories(file.getParent());
        ByteBuffer line = ByteBuffer.wrap((event + "\n").getBytes(StandardCharsets.UTF_8));
        try (FileChannel channel = FileChannel.open(
                file, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.APPEND)) {
            while (line.hasRemaining()) {
                channel.write(line);
            }
            channel.force(false);
        }
    }
}
