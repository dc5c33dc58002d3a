package io.csvimport.source.sftp;

import com.jcraft.jsch.ChannelSftp;
import com.jcraft.jsch.JSchException;
import io.csvimport.file.SourceAwayException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;

/**
 * The connections to the server of a feed. Each is used by one thread at a time, and kept for the next one; where the
 * server lets in no more of them, they are waited for. One is enough.
 */
final class SftpConnections {

    /** So long no more connections than the server has let in are tried. */
    private static final long LIMITED = Duration.ofMinutes(10).toNanos();

    private final SftpSession login;
    private final SftpTrouble trouble;
    private final Deque<ChannelSftp> idle = new ArrayDeque<>();
    /** With the time each was begun, by {@link System#nanoTime}. */
    private final Map<ChannelSftp, Long> open = new HashMap<>();

    private int opening;
    private int most = Integer.MAX_VALUE;
    private long limitedUntil;
    private boolean closed;

    SftpConnections(SftpSession login, SftpTrouble trouble) {
        this.login = login;
        this.trouble = trouble;
    }

    /**
     * A connection for this thread alone.
     *
     * @param patience how long one is waited for, where the server lets in no more; null is until there is one
     * @throws SourceAwayException where there is none, and in the pause after that
     */
    ChannelSftp take(Duration patience) throws IOException {
        long began = System.nanoTime();
        while (true) {
            ChannelSftp channel = takeIdle(patience == null ? Long.MAX_VALUE : patience.toNanos(), began);
            if (channel != null) {
                return channel;
            }
            channel = connect();
            if (channel != null) {
                return channel;
            }
        }
    }

    /** Null where a new one may be made, which is counted as being opened. */
    private synchronized ChannelSftp takeIdle(long patience, long began) throws IOException {
        while (true) {
            if (closed) {
                throw new IOException("The feed has ended");
            }
            for (ChannelSftp channel = idle.poll(); channel != null; channel = idle.poll()) {
                if (channel.isConnected()) {
                    return channel;
                }
                end(channel);
            }
            if (System.nanoTime() - limitedUntil >= 0 || open.isEmpty() && opening == 0) {
                most = Integer.MAX_VALUE;
            }
            if (open.size() + opening < most) {
                trouble.check();
                opening++;
                return null;
            }
            if (System.nanoTime() - began >= patience) {
                throw new IOException("All connections that the server allows are in use");
            }
            try {
                wait(1000);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IOException("Interrupted while waiting for a connection", e);
            }
        }
    }

    /** Null where the server lets in no more than there are. */
    private ChannelSftp connect() throws IOException {
        ChannelSftp channel = null;
        JSchException failure = null;
        long began = System.nanoTime();
        try {
            channel = login.open();
        } catch (JSchException e) {
            failure = e;
        } finally {
            opened(channel, began);
        }
        if (channel == null && !isLimited()) {
            throw trouble.failed(failure, began);
        }
        return channel;
    }

    private synchronized void opened(ChannelSftp channel, long began) {
        opening--;
        if (channel != null) {
            open.put(channel, began);
        }
        notifyAll();
    }

    /** Whether another connection works: then it is one too many that was refused. */
    private synchronized boolean isLimited() {
        int working =
                (int) open.keySet().stream().filter(ChannelSftp::isConnected).count();
        if (working > 0) {
            most = working;
            limitedUntil = System.nanoTime() + LIMITED;
        }
        return working > 0;
    }

    synchronized void giveBack(ChannelSftp channel) {
        if (closed) {
            end(channel);
        } else {
            idle.push(channel);
        }
        notifyAll();
    }

    /** A connection broke: it ends, and so do the idle ones, which may be broken too. */
    SourceAwayException failed(ChannelSftp channel, Throwable failure) {
        long began;
        synchronized (this) {
            began = open.getOrDefault(channel, System.nanoTime());
            end(channel);
            endIdle();
        }
        return trouble.failed(failure, began);
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
