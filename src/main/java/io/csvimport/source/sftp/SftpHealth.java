package io.csvimport.source.sftp;

import com.jcraft.jsch.JSchAlgoNegoFailException;
import com.jcraft.jsch.JSchChangedHostKeyException;
import com.jcraft.jsch.JSchException;
import com.jcraft.jsch.JSchUnknownHostKeyException;
import io.csvimport.file.SourceUnavailableException;
import io.csvimport.job.Pauses;
import io.csvimport.source.Availability;
import io.csvimport.text.Visible;
import java.time.Duration;
import java.time.Instant;

/** Logs what is wrong with the server of a feed and what to do, and keeps connections from it for growing pauses. */
final class SftpHealth {

    /** After so long without a failure the pauses begin anew. */
    private static final long FORGOTTEN_AFTER = Duration.ofMinutes(2).toNanos();

    private final Availability availability;
    private final SftpServer server;
    private int failures;
    private long failed = System.nanoTime() - FORGOTTEN_AFTER;
    private long closedUntil = System.nanoTime();
    private String why;

    SftpHealth(Availability availability, SftpServer server) {
        this.availability = availability;
        this.server = server;
    }

    /**
     * The server failed; no connection is made until the pause is over.
     *
     * @param since when the connection was made, or what has failed was begun ({@link System#nanoTime}): what is older
     *     than the latest failure belongs to that failure, and adds nothing to its pause
     */
    synchronized SourceUnavailableException failed(Throwable failure, long since) {
        if (since - failed < 0) {
            return unavailable(explain(failure), failure);
        }
        long now = System.nanoTime();
        if (now - failed >= FORGOTTEN_AFTER && now - closedUntil >= FORGOTTEN_AFTER) {
            failures = 0;
        }
        Duration pause = isRefused(failure) ? Pauses.afterRefusal(failures) : Pauses.growing(failures);
        failures++;
        failed = now;
        closedUntil = now + pause.toNanos();
        why = explain(failure);
        availability.failed(why);
        return unavailable(why, failure);
    }

    private SourceUnavailableException unavailable(String reason, Throwable cause) {
        return new SourceUnavailableException(reason, Instant.now().plusNanos(closedUntil - System.nanoTime()), cause);
    }

    synchronized boolean isPausing() {
        return System.nanoTime() - closedUntil < 0;
    }

    /** @throws SourceUnavailableException during the pause after a failure */
    synchronized void check() throws SourceUnavailableException {
        if (isPausing()) {
            throw unavailable(why, null);
        }
    }

    /** The folder was listed. */
    synchronized void listed() {
        if (!isPausing()) {
            availability.works();
        }
    }

    /** Bytes of a file arrived: the pauses begin anew. */
    synchronized void work() {
        failures = 0;
    }

    private String place() {
        return server.getHost() + ":" + server.getPort();
    }

    /** A failure without the class names that JSch puts into its messages. */
    static String plain(Throwable failure) {
        return String.valueOf(failure.getMessage()).replaceFirst("^((\\w+\\.)*\\w+Exception: )+", "");
    }

    private static Throwable cause(Throwable failure) {
        Throwable cause = failure;
        while (cause.getCause() != null && !(cause instanceof JSchException)) {
            cause = cause.getCause();
        }
        return cause;
    }

    /** Whether the server has refused the login. */
    private static boolean isRefused(Throwable failure) {
        return String.valueOf(cause(failure).getMessage())
                .matches("(?s)(Auth|Login trials|SSH_MSG_DISCONNECT: (14|2 Too many authentication)).*");
    }

    /** What is wrong, and what to do. */
    String explain(Throwable failure) {
        Throwable cause = cause(failure);
        String file = server.getKnownHostsFile();
        if (cause instanceof JSchChangedHostKeyException) {
            return place() + " shows another host key than the one in " + file
                    + ": nothing is sent to it. Ask its operator"
                    + " whether the key was changed, and only then put the new one there";
        }
        if (cause instanceof JSchUnknownHostKeyException) {
            return place() + " shows a host key that is not in " + file
                    + ": nothing is sent to it. Compare the key with its"
                    + " operator, and add it: ssh-keyscan -p " + server.getPort() + " " + server.getHost()
                    + " >> " + file;
        }
        if (cause instanceof JSchAlgoNegoFailException none) {
            return place() + " offers only algorithms that are no longer considered safe ("
                    + Visible.of(none.getServerProposal())
                    + "): nothing is sent to it. Ask its operator for newer ones, or allow one for this feed: "
                    + "the parameter algorithms of its Kamelet, csv-import-sftp-source";
        }
        if (isRefused(failure)) {
            return place() + " refuses the login of " + server.getUsername() + ": check the name, and the password or"
                    + " the private key";
        }
        return place() + " cannot be used: " + Visible.of(plain(cause));
    }
}
