package io.csvimport.source.sftp;

import com.jcraft.jsch.ChannelSftp;
import com.jcraft.jsch.JSchException;
import com.jcraft.jsch.SftpException;
import io.csvimport.file.SourceUnavailableException;
import io.csvimport.text.Visible;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;

/**
 * The connections to the server of a feed. Each is used by one thread at a time, and kept for the next one. If the
 * server allows no more of them, threads wait for a free one. One is enough.
 */
final class SftpConnections {

    /** A call of JSch's; names that go into it are quoted, because it reads patterns in them. */
    interface Call<T> {
        T in(ChannelSftp channel) throws SftpException, IOException;
    }

    /** So long no more connections than the server has let in are tried. */
    private static final long LIMITED = Duration.ofMinutes(10).toNanos();

    private final SftpSession login;
    private final SftpHealth serverHealth;
    private final Deque<ChannelSftp> idle = new ArrayDeque<>();
    /** With the time each was begun, by {@link System#nanoTime}. */
    private final Map<ChannelSftp, Long> open = new HashMap<>();

    private boolean opening;
    private long limited = System.nanoTime() - LIMITED;
    private boolean closed;

    SftpConnections(SftpSession login, SftpHealth serverHealth) {
        this.login = login;
        this.serverHealth = serverHealth;
    }

    /**
     * A connection for this thread alone.
     *
     * @param patience how long one is waited for, where the server lets in no more; null is until there is one
     * @throws SourceUnavailableException where there is none, and in the pause after that
     */
    ChannelSftp take(Duration patience) throws IOException {
        long began = System.nanoTime();
        ChannelSftp channel = null;
        while (channel == null) {
            channel = mayConnect() ? connect() : idle();
            if (channel == null && patience != null && System.nanoTime() - began >= patience.toNanos()) {
                throw new IOException("All connections that the server allows are in use");
            }
        }
        return channel;
    }

    /** Whether a new one is to be made: one after another, and none while the server lets in no more. */
    private synchronized boolean mayConnect() throws IOException {
        if (closed) {
            throw new IOException("The feed has ended");
        }
        boolean may = idle.isEmpty() && !opening && (open.isEmpty() || System.nanoTime() - limited >= LIMITED);
        if (may) {
            serverHealth.check();
            opening = true;
        }
        return may;
    }

    /** One that another has given back, or null where none is within a second. */
    private synchronized ChannelSftp idle() throws IOException {
        try {
            if (idle.isEmpty()) {
                wait(1000);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("Interrupted while waiting for a connection", e);
        }
        ChannelSftp channel = idle.poll();
        if (channel != null && !channel.isConnected()) {
            end(channel);
            return null;
        }
        return channel;
    }

    /** Null where the server lets in no more than there are: another connection works, and this one was refused. */
    private ChannelSftp connect() throws IOException {
        long began = System.nanoTime();
        ChannelSftp channel = null;
        try {
            channel = login.open();
            return channel;
        } catch (JSchException e) {
            if (isAnyConnected()) {
                limited = System.nanoTime();
                return null;
            }
            throw serverHealth.failed(e, began);
        } finally {
            opened(channel, began);
        }
    }

    private synchronized boolean isAnyConnected() {
        return open.keySet().stream().anyMatch(ChannelSftp::isConnected);
    }

    private synchronized void opened(ChannelSftp channel, long began) {
        opening = false;
        if (channel != null) {
            open.put(channel, began);
        }
        notifyAll();
    }

    /** Bytes of a file arrived. */
    void work() {
        serverHealth.work();
    }

    /** @param givesBack false where the connection is needed further; where the call fails, it is given back or ended */
    <T> T call(String location, ChannelSftp channel, Call<T> call, boolean givesBack) throws IOException {
        try {
            T result = call.in(channel);
            if (givesBack) {
                giveBack(channel);
            }
            return result;
        } catch (SftpException e) {
            // what the server itself answers has no cause
            boolean answered = e.getCause() == null && channel.isConnected();
            if (!answered) {
                throw failed(channel, e);
            }
            giveBack(channel);
            if (e.id == ChannelSftp.SSH_FX_NO_SUCH_FILE) {
                throw new NoSuchFileException(location);
            }
            if (e.id == ChannelSftp.SSH_FX_PERMISSION_DENIED) {
                throw new AccessDeniedException(Visible.of(location), null, "the server does not permit it");
            }
            throw failed(location, e);
        } catch (NoSuchFileException e) {
            giveBack(channel);
            throw e;
        } catch (IOException e) {
            end(channel);
            throw e;
        }
    }

    static FileSystemException failed(String location, Exception e) {
        FileSystemException failed = new FileSystemException(
                Visible.of(location), null, "the server cannot do it, or its disk is full: " + SftpHealth.plain(e));
        failed.initCause(e);
        return failed;
    }

    private synchronized void giveBack(ChannelSftp channel) {
        if (closed) {
            end(channel);
        } else {
            idle.push(channel);
        }
        notifyAll();
    }

    /** A connection broke: it ends, and so do the idle ones, which may be broken too. */
    SourceUnavailableException failed(ChannelSftp channel, Throwable failure) {
        long began;
        synchronized (this) {
            began = open.getOrDefault(channel, System.nanoTime());
            end(channel);
            endIdle();
        }
        return serverHealth.failed(failure, began);
    }

    synchronized void end(ChannelSftp channel) {
        open.remove(channel);
        try {
            channel.getSession().disconnect();
        } catch (JSchException e) {
            // it has ended by itself
            channel.disconnect();
        }
        notifyAll();
    }

    /** Ends those that are idle, and the others once they are given back. */
    synchronized void close() {
        closed = true;
        endIdle();
        notifyAll();
    }

    private void endIdle() {
        for (ChannelSftp channel = idle.poll(); channel != null; channel = idle.poll()) {
            end(channel);
        }
    }
}
