package io.csvimport.ledger;

import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/** Lock files: what they stand for belongs to one process at a time, until it closes them or ends. */
final class LedgerLocks implements Closeable {

    private final List<FileChannel> channels = new ArrayList<>();

    /**
     * @param what the file stands for
     * @param setting that names it
     * @throws IOException where another process holds the lock, or the file cannot be written; the message says what to do
     */
    void lock(Path file, String what, String setting) throws IOException {
        FileChannel channel;
        try {
            channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        } catch (IOException e) {
            throw new IOException("The " + what + " cannot be written by this user: " + e + " (" + setting + ")");
        }
        channels.add(channel);
        try {
            if (channel.tryLock() != null) {
                return;
            }
        } catch (OverlappingFileLockException e) {
            // this very process has it: the same answer
        }
        throw new IOException(
                "Another process works on the " + what + ": stop it, or give this one another (" + setting + ")");
    }

    @Override
    public void close() throws IOException {
        for (FileChannel channel : channels) {
            channel.close();
        }
    }
}
