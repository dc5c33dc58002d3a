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
    /** Why something that was appended is not on the disk. */
    private IOException unforced;

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
        try {
            Files.createDirectories(file.getParent());
            open();
            long end = written.size();
            String begin = end == 0 || lastByte(written, end) == '\n' ? "" : "\n";
            ByteBuffer line = ByteBuffer.wrap((begin + event + "\n").getBytes(StandardCharsets.UTF_8));
            try {
                written.position(end);
                while (line.hasRemaining()) {
                    written.write(line);
                }
            } catch (IOException e) {
                written.truncate(end);
                throw e;
            }
        } catch (IOException e) {
            throw NamedOutput.named(file, e);
        }
    }

    /** Opens the file that has the name now. What was written to one that was rotated away is forced first. */
    private void open() throws IOException {
        FileChannel channel =
                FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        try {
            Object key = Files.readAttributes(file, BasicFileAttributes.class).fileKey();
            if (written != null && !Objects.equals(key, writtenKey)) {
                forceWritten();
            }
            close();
            written = channel;
            writtenKey = key;
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }

    /**
     * Returns once all that was appended is on the disk.
     *
     * @throws IOException where some of it is not: all since the last call is to be appended again
     */
    public synchronized void force() throws IOException {
        try {
            if (written != null) {
                forceWritten();
            }
            if (unforced != null) {
                throw unforced;
            }
        } catch (IOException e) {
            throw NamedOutput.named(file, e);
        } finally {
            unforced = null;
            close();
        }
    }

    /** A second attempt would succeed, and force nothing: the system forgets what it could not write. */
    private void forceWritten() throws IOException {
        try {
            written.force(false);
        } catch (IOException e) {
            unforced = e;
            throw e;
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
