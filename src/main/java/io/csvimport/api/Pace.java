package io.csvimport.api;

import io.csvimport.CsvImportUnsettledException;
import io.csvimport.job.CsvImportConstants;
import io.csvimport.job.Delivery;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.apache.camel.CamelContext;
import org.apache.camel.Exchange;
import org.apache.camel.Processor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The step before each request of the API: at most so many requests in any minute, bursts allowed, in the order in
 * which they come, and none while the API has asked for a pause. By the monotonic clock: Camel's throttler takes the wall
 * clock, and stops where that is set back.
 */
public final class Pace implements Processor {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");
    private static final long MINUTE = TimeUnit.MINUTES.toNanos(1);
    private static final long STEP = TimeUnit.MILLISECONDS.toNanos(200);

    /** When the latest requests have left or will leave, in nanoseconds; the oldest one is the next to be replaced. */
    private final long[] turns;

    private long taken;
    /** In nanoseconds: no request is sent before. */
    private volatile long pausedUntil = System.nanoTime();

    /** @param requests in a minute; 0: unlimited */
    public Pace(int requests) {
        turns = new long[requests];
    }

    /**
     * Waits for the turn.
     *
     * @throws CsvImportUnsettledException where the process stops meanwhile; and where the API has asked for a pause, and
     *     this is no upload of a feed: whoever asks it something asks again
     */
    @Override
    public void process(Exchange exchange) throws CsvImportUnsettledException {
        await(exchange, System.nanoTime());
        if (turns.length > 0) {
            await(exchange, take(System.nanoTime()));
        }
    }

    /** An upload of a feed may wait here: no caller waits for its answer. */
    private static boolean isUpload(Exchange exchange) {
        Delivery delivery = Delivery.of(exchange);
        return delivery != null
                && exchange.getProperty(CsvImportConstants.FEED) != null
                && delivery.isClaimed()
                && delivery.job().state().isUnsent();
    }

    private void await(Exchange exchange, long turn) throws CsvImportUnsettledException {
        CamelContext context = exchange.getContext();
        for (long left = left(turn); left > 0; left = left(turn)) {
            if (context.isStopping() || Thread.currentThread().isInterrupted()) {
                throw CsvImportUnsettledException.ofItemAlone(
                        "The process stops before the request's turn", Duration.ofSeconds(1));
            }
            long pause = pausedUntil - System.nanoTime();
            if (pause > 0 && !isUpload(exchange)) {
                throw new CsvImportUnsettledException(
                        "The API has asked for a pause of all requests",
                        Instant.now().plusNanos(pause),
                        null);
            }
            LockSupport.parkNanos(this, Math.min(left, STEP));
        }
    }

    private long left(long turn) {
        long now = System.nanoTime();
        return Math.max(turn - now, pausedUntil - now);
    }

    /**
     * An answer was 429: the limit is that of the credential, and so no request is sent for as long as it asks.
     *
     * @param asked null where it asks for no time
     */
    synchronized void pause(Duration asked) {
        long now = System.nanoTime();
        long left = pausedUntil - now;
        if (asked == null || asked.toNanos() <= left) {
            return;
        }
        pausedUntil = now + asked.toNanos();
        if (left <= 0) {
            LOG.warn(
                    "The API has answered 429 and asks for a pause: no request is sent for {} s, then all goes on",
                    asked.toSeconds());
        }
    }

    /** Ends the pause. */
    public synchronized void resume() {
        pausedUntil = System.nanoTime();
    }

    public synchronized long take(long now) {
        int next = (int) (taken % turns.length);
        long turn = taken < turns.length || turns[next] + MINUTE - now < 0 ? now : turns[next] + MINUTE;
        turns[next] = turn;
        taken++;
        return turn;
    }
}
