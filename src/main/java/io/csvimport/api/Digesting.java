package io.csvimport.api;

import io.csvimport.file.Measurement;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Measures bytes on a thread of its own while they are sent: a file takes the longer of the two, not their sum. */
final class Digesting implements AutoCloseable {

    /** How many buffers are in use at a time. */
    private static final int BUFFERS = 16;

    private final Measurement measured = new Measurement();
    private final BlockingQueue<byte[]> free = new ArrayBlockingQueue<>(BUFFERS);
    private final ExecutorService thread = Executors.newSingleThreadExecutor(task -> {
        Thread digest = new Thread(task, "csv-import-digest");
        digest.setDaemon(true);
        return digest;
    });
    private volatile boolean isText = true;

    Digesting(int bufferSize) {
        for (int i = 0; i < BUFFERS; i++) {
            free.add(new byte[bufferSize]);
        }
    }

    /** The next buffer that is free. */
    byte[] buffer() throws IOException {
        try {
            return free.take();
        } catch (InterruptedException e) {
            throw interrupted();
        }
    }

    /** Measures a buffer, which is free then: the caller is done with it before it asks for the next. */
    void add(byte[] buffer, int length) {
        thread.execute(() -> {
            measured.update(buffer, 0, length);
            isText = measured.isText();
            free.add(buffer);
        });
    }

    /** Whether no NUL was found yet. */
    boolean isText() {
        return isText;
    }

    /** Waits until all is measured. */
    Measurement end() throws IOException {
        try {
            return thread.submit(() -> measured).get();
        } catch (InterruptedException e) {
            throw interrupted();
        } catch (ExecutionException e) {
            throw new IOException(e.getCause());
        }
    }

    private static InterruptedIOException interrupted() {
        Thread.currentThread().interrupt();
        return new InterruptedIOException("The upload was interrupted");
    }

    @Override
    public void close() {
        thread.shutdown();
    }
}
