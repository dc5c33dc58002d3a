package io.csvimport.api;

import io.csvimport.file.Measurement;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.Semaphore;

/**
 * Measures a file on a thread of its own while it is sent: it takes the longer of the two, not their sum. Both read it;
 * the measuring stays close to the sending, so that the disk reads it once.
 */
final class Digesting implements AutoCloseable {

    /** How far the measuring may be before the sending, in buffers: 64 MB. */
    private static final int AHEAD = 1 << 10;

    private final Semaphore ahead = new Semaphore(AHEAD);
    private final FutureTask<Measurement> measurement;
    private volatile boolean isText = true;

    /** @param size how much of the file is measured, in bytes */
    Digesting(Path file, long size) {
        measurement = new FutureTask<>(() -> measure(file, size));
        Thread thread = new Thread(measurement, "csv-import-digest");
        thread.setDaemon(true);
        thread.start();
    }

    private Measurement measure(Path file, long size) throws IOException, InterruptedException {
        Measurement measured = new Measurement();
        byte[] buffer = new byte[CsvUpload.BUFFER];
        try (InputStream in = Files.newInputStream(file, LinkOption.NOFOLLOW_LINKS)) {
            int n = -1;
            while (n != 0 && measured.size() < size) {
                ahead.acquire();
                n = in.readNBytes(buffer, 0, (int) Math.min(buffer.length, size - measured.size()));
                measured.update(buffer, 0, n);
                isText = measured.isText();
            }
        }
        return measured;
    }

    /** The next buffer is read to be sent. */
    void sending() {
        ahead.release();
    }

    /** Whether no NUL was found yet. */
    boolean isText() {
        return isText;
    }

    /** Waits until all is measured. @throws IOException where the file cannot be read */
    Measurement end() throws IOException {
        ahead.release(Integer.MAX_VALUE / 2);
        try {
            return measurement.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("The upload was interrupted");
        } catch (ExecutionException e) {
            throw e.getCause() instanceof IOException unreadable ? unreadable : new IOException(e.getCause());
        }
    }

    @Override
    public void close() {
        measurement.cancel(true);
    }
}
