package io.csvimport.ledger;

import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Objects;

/**
 * The write-ahead log of the SQLite file, which is forced to the disk (fsync) outside of transactions: those that wait for
 * the disk at the same time share one fsync, and the others go on meanwhile.
 */
final class WriteAheadLog implements Closeable {

    private final Path path;
    private final Object key;
    private FileChannel channel;
    private volatile long written;
    private long forced;
    /** The system says an error of the disk once: those that wait with who has heard it are not on the disk either. */
    private IOException broken;

    WriteAheadLog(Path path) throws IOException {
        this.path = path;
        key = Files.readAttributes(path, BasicFileAttributes.class).fileKey();
        channel = open();
    }

    private FileChannel open() throws IOException {
        if (!Objects.equals(
                Files.readAttributes(path, BasicFileAttributes.class).fileKey(), key)) {
            throw new IOException("another file was put in its place");
        }
        return FileChannel.open(path, StandardOpenOption.WRITE);
    }

    /** SQLite has written a commit: answers its number. By one thread at a time. */
    @SuppressWarnings("NonAtomicVolatileUpdate")
    long committed() {
        return ++written;
    }

    /** Waits until a commit, and all before it, are on the disk. */
    synchronized void force(long commit) throws IOException {
        boolean interrupted = false;
        try {
            while (forced < commit) {
                if (broken != null) {
                    throw new IOException(broken.getMessage(), broken);
                }
                interrupted |= Thread.interrupted();
                // those that come from now on wait for the next fsync
                long last = written;
                try {
                    force();
                    forced = last;
                } catch (IOException e) {
                    broken = e;
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void force() throws IOException {
        try {
            channel.force(false);
        } catch (ClosedByInterruptException e) {
            channel = open();
            channel.force(false);
        }
    }

    /** Whether all commits are on the disk. */
    synchronized boolean isForced() {
        return forced == written;
    }

    @Override
    public synchronized void close() throws IOException {
        channel.close();
    }
}
