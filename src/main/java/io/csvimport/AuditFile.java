package io.csvimport;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Objects;
import org.apache.camel.Handler;

/**
 * The default audit trail: one event a line, UTF-8, on the disk before it counts as delivered: a round of the outbox at
 * once. The file is opened for every event, so that it may be rotated at any time.
 */
public final class AuditFile {

    private final Path file;
    /** The file, as it was when it was written to last: it may have been rotated since. */
    private FileChannel written;

    private Object writtenKey;

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
    @Handler
    public synchronized void append(String event) throws IOException {
        Files.createDirectories(file.getParent());
        FileChannel channel =
                FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        Object key = Files.readAttributes(file, BasicFileAttributes.class).fileKey();
        if (!Objects.equals(key, writtenKey)) {
            force();
        }
        close();
        written = channel;
        writtenKey = key;
        long end = channel.size();
        String begin = end == 0 || lastByte(channel, end) == '\n' ? "" : "\n";
        ByteBuffer line = ByteBuffer.wrap((begin + event + "\n").getBytes(StandardCharsets.UTF_8));
        try {
            channel.position(end);
            while (line.hasRemaining()) {
                channel.write(line);
            }
        } catch (IOException e) {
            channel.truncate(end);
            throw e;
        }
    }

    /** Returns once all that was appended is on the disk. */
    public synchronized void force() throws IOException {
        if (written != null) {
            written.force(false);
            close();
        }
    }

    private void close() throws IOException {
        if (written != null) {
            written.close();
            written = null;
        }
    }

    private static byte lastByte(FileChannel channel, long size) throws IOException {
        ByteBuffer last = ByteBuffer.allocate(1);
        channel.read(last, size - 1);
        return last.get(0);
    }
}
