package io.csvimport.ledger;

import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * The write-ahead log of the SQLite file, which is forced to the disk (fsync) outside of transactions: those that wait for
 * the disk at the same time share one fsync, and the others go on meanwhile.
 */
final class WriteAheadLog implements Closeable {

    private final Path path;
    private FileChannel channel;
    private volatile long written;
    private long forced;

    WriteAheadLog(Path path) throws IOException {
        this.path = path;
        channel = open();
    }

    private FileChannel open() throws IOException {
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
                interrupted |= Thread.interrupted();
                // those that come from now on wait for the next fsync
                long last = written;
                try {
                    channel.force(false);
                    forced = last;
                } catch (ClosedByInterruptException e) {
                    channel = open();
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
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
