package io.csvimport.api;

import io.csvimport.CsvImportUnsettledException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.apache.camel.CamelContext;
import org.apache.camel.Exchange;
import org.apache.camel.Processor;

/**
 * The step before each request of the API: at most so many requests in any minute, bursts allowed, in the order in
 * which they come. By the monotonic clock: Camel's throttler takes the wall clock, and stops where that is set back.
 */
public final class Pace implements Processor {

    private static final long MINUTE = TimeUnit.MINUTES.toNanos(1);
    private static final long STEP = TimeUnit.MILLISECONDS.toNanos(200);

    /** When the latest requests have left or will leave, in nanoseconds; the oldest one is the next to be replaced. */
    private final long[] turns;

    private long taken;

    /** @param requests in a minute; 0: unlimited */
    public Pace(int requests) {
        turns = new long[requests];
    }

    /**
     * Waits for the turn.
     *
     * @throws CsvImportUnsettledException where the process stops meanwhile
     */
    @Override
    public void process(Exchange exchange) throws CsvImportUnsettledException {
        if (turns.length == 0) {
            return;
        }
        long turn = take(System.nanoTime());
        CamelContext context = exchange.getContext();
        for (long left = turn - System.nanoTime(); left > 0; left = turn - System.nanoTime()) {
            if (context.isStopping() || Thread.currentThread().isInterrupted()) {
                throw CsvImportUnsettledException.ofItemAlone(
                        "The process stops before the request's turn", Duration.ofSeconds(1));
            }
            LockSupport.parkNanos(this, Math.min(left, STEP));
        }
    }

    public synchronized long take(long now) {
        int next = (int) (taken % turns.length);
        long turn = taken < turns.length || turns[next] + MINUTE - now < 0 ? now : turns[next] + MINUTE;
        turns[next] = turn;
        taken++;
        return turn;
    }
}
