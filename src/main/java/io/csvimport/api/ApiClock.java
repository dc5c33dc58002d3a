package io.csvimport.api;

import java.time.Instant;

/**
 * The API's clock: the Date header of its latest answer plus the time since then by this process's monotonic clock, as the
 * machine's own clock may be set during an upload. Precise to the second, never ahead.
 */
public final class ApiClock {

    private record Seen(Instant date, long nanoTime) {}

    private volatile Seen seen;

    /** @param date an HTTP date (RFC 9110); null or anything else is ignored */
    public void see(String date) {
        Instant read = HttpDate.parse(date);
        if (read != null) {
            seen = new Seen(read, System.nanoTime());
        }
    }

    /** Returns null before the first answer. */
    public Instant now() {
        Seen latest = seen;
        return latest == null ? null : latest.date.plusNanos(System.nanoTime() - latest.nanoTime);
    }
}
