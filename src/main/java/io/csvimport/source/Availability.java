package io.csvimport.source;

import io.csvimport.api.ApiHealth;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether the server of a feed can be used: part of the readiness; logged when that changes, and once a minute while it
 * cannot. A server that comes and goes is not logged each time.
 */
public final class Availability {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");
    private static final long CALM_NANOS = Duration.ofSeconds(10).toNanos();
    private static final long REPEATED_NANOS = Duration.ofMinutes(1).toNanos();

    private final ApiHealth health;
    private final String feed;
    private final String server;
    private String logged;
    private long loggedAt = System.nanoTime() - REPEATED_NANOS;
    private boolean ended;

    /** @param server what it is called in messages */
    public Availability(ApiHealth health, String feed, String server) {
        this.health = health;
        this.feed = feed;
        this.server = server;
    }

    /** @param why a sentence for people, without secrets and full stop */
    public synchronized void failed(String why) {
        if (ended) {
            return;
        }
        health.sourceFailed(feed, why);
        long now = System.nanoTime();
        if (now - loggedAt >= (why.equals(logged) ? REPEATED_NANOS : CALM_NANOS)) {
            LOG.warn("{}; it is tried again", why);
            logged = why;
            loggedAt = now;
        }
    }

    public synchronized void works() {
        if (logged != null) {
            LOG.info("{} can be used again", server);
            logged = null;
        }
        health.sourceWorks(feed);
    }

    /** The feed has ended: the one that takes its place, if any, says anew what is wrong. */
    public synchronized void end() {
        ended = true;
        health.sourceWorks(feed);
    }
}
