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

    /**
     * What a kill or a full disk cut short becomes a line of its own, and is sent again whole.
     *
     * @param event one line of JSON, without its line end
     */
    public synchronized void append(String event) throws IOException {
        Files.createDirectories(file.getParent());
        try (FileChannel channel =
                FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            long end = channel.size();
            String begin = end == 0 || lastByte(channel, end) == '\n' ? "" : "\n";
            ByteBuffer line = ByteBuffer.wrap((begin + event + "\n").getBytes(StandardCharsets.UTF_8));
            try {
                channel.position(end);
                while (line.hasRemaining()) {
                    channel.write(line);
                }
                channel.force(false);
            } catch (IOException e) {
                channel.truncate(end);
                throw e;
            }
        }
    }

    private static byte lastByte(FileChannel channel, long size) throws IOException {
        ByteBuffer last = ByteBuffer.allocate(1);
        channel.read(last, size - 1);
        return last.get(0);
    }
}
