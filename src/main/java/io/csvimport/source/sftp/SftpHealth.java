package io.csvimport.source.sftp;

import com.jcraft.jsch.JSchAlgoNegoFailException;
import com.jcraft.jsch.JSchChangedHostKeyException;
import com.jcraft.jsch.JSchException;
import com.jcraft.jsch.JSchUnknownHostKeyException;
import io.csvimport.api.ApiHealth;
import io.csvimport.file.SourceUnavailableException;
import io.csvimport.job.Pauses;
import io.csvimport.text.Visible;
import java.time.Duration;
import java.time.Instant;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is wrong with the server of a feed: said in the log and by readiness, each time that it changes and every minute,
 * and waited for with growing pauses.
 */
final class SftpHealth {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");
    private static final long SAID_EVERY = Duration.ofMinutes(1).toNanos();
    /** After so long without a failure the pauses begin anew. */
    private static final long FORGOTTEN_AFTER = Duration.ofMinutes(2).toNanos();

    private final ApiHealth health;
    private final String feed;
    private final SftpServer server;
    private int failures;
    private long failed = System.nanoTime() - FORGOTTEN_AFTER;
    private long closedUntil = System.nanoTime();
    private String why;
    private String said;
    private long saidAt;
    private boolean ended;

    SftpHealth(ApiHealth health, String feed, SftpServer server) {
        this.health = health;
        this.feed = feed;
        this.server = server;
    }

    /**
     * The server failed; no connection is made until the pause is over.
     *
     * @param since when the connection was made, or what has failed was begun ({@link System#nanoTime}): what is older
     *     than the latest failure belongs to that failure, and adds nothing to its pause
     */
    synchronized SourceUnavailableException failed(Throwable failure, long since) {
        if (ended || since - failed < 0) {
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
        health.sourceFailed(feed, why);
        if (!why.equals(said) || now - saidAt >= SAID_EVERY) {
            LOG.warn("{}; it is tried again in {} s", why, pause.toSeconds());
            said = why;
            saidAt = now;
        }
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
        if (said != null && !isPausing()) {
            LOG.info("{} of the feed {} can be read again", place(), feed);
            said = null;
            health.sourceWorks(feed);
        }
    }

    /** Bytes of a file arrived: the pauses begin anew. */
    synchronized void work() {
        failures = 0;
    }

    /** The feed has ended: the one that takes its place, if any, says anew what is wrong. */
    synchronized void end() {
        ended = true;
        health.sourceWorks(feed);
    }

    private String place() {
        return server.host() + ":" + server.port();
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
    private String explain(Throwable failure) {
        Throwable cause = cause(failure);
        String file = server.knownHostsFile();
        if (cause instanceof JSchChangedHostKeyException) {
            return place() + " shows another host key than the one in " + file
                    + ": nothing is sent to it. Ask its operator"
                    + " whether the key was changed, and only then put the new one there";
        }
        if (cause instanceof JSchUnknownHostKeyException) {
            return place() + " shows a host key that is not in " + file
                    + ": nothing is sent to it. Compare the key with its"
                    + " operator, and add it: ssh-keyscan -p " + server.port() + " " + server.host()
                    + " >> " + file;
        }
        if (cause instanceof JSchAlgoNegoFailException none) {
            return place() + " offers only algorithms that are no longer considered safe ("
                    + Visible.of(none.getServerProposal())
                    + "): nothing is sent to it. Ask its operator for newer ones, or allow one for this feed: "
                    + "the parameter algorithms of its Kamelet, csv-import-sftp-source";
        }
        if (isRefused(failure)) {
            return place() + " refuses the login of " + server.username() + ": check the name, and the password or"
                    + " the private key";
        }
        return place() + " cannot be used: " + Visible.of(plain(cause));
    }
}
