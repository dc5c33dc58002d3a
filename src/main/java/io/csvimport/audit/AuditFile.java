package io.csvimport.audit;

import io.csvimport.file.NamedOutput;
import io.csvimport.settings.Settings;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.HashMap;
import java.util.Map;
import org.apache.camel.Handler;

/**
 * The default audit trail: one event a line, in UTF-8. A round of the outbox is forced to the disk before its events count
 * as delivered. The file is opened for every event, so that it may be rotated at any time.
 */
public final class AuditFile {

    private final Path file;
    /** What was written to since the last {@link #force}, by its file key: more than one where the file was rotated. */
    private final Map<Object, FileChannel> written = new HashMap<>();

    public AuditFile(Settings settings) {
        file = settings.path("data-dir").resolve("audit").resolve("csv-import-audit.jsonl");
    }

    public Path file() {
        return file;
    }

    /**
     * Appends an event; after a line that a kill or a full disk cut short, on a line of its own.
     *
     * @param event one line of JSON, without its line end
     */
    @Handler
    public synchronized void append(String event) throws IOException {
        try {
            Files.createDirectories(file.getParent());
            FileChannel channel = open();
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
        } catch (IOException e) {
            throw NamedOutput.named(file, e);
        }
    }

    private FileChannel open() throws IOException {
        FileChannel opened =
                FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        try {
            Object key = Files.readAttributes(file, BasicFileAttributes.class).fileKey();
            FileChannel before = written.putIfAbsent(key, opened);
            if (before == null) {
                return opened;
            }
            opened.close();
            return before;
        } catch (IOException e) {
            opened.close();
            throw e;
        }
    }

    /**
     * Returns once all that was appended is on the disk.
     *
     * @throws IOException where some of it is not: all since the last call is to be appended again, as a second attempt
     *     would succeed without writing what the system has dropped
     */
    public synchronized void force() throws IOException {
        IOException failure = null;
        for (FileChannel channel : written.values()) {
            try (channel) {
                channel.force(false);
            } catch (IOException e) {
                failure = e;
            }
        }
        written.clear();
        if (failure != null) {
            throw NamedOutput.named(file, failure);
        }
    }

    private static byte lastByte(FileChannel channel, long size) throws IOException {
        ByteBuffer last = ByteBuffer.allocate(1);
        channel.read(last, size - 1);
        return last.get(0);
    }
}
