package io.csvimport;

import java.time.Instant;

/**
 * The API's own clock, by the Date header of its latest answer and the time since on this process's monotonic clock: the
 * machine's clock may be set while an upload is under way. To the second, and never ahead.
 */
final class ApiClock {

    private record Seen(Instant date, long at) {}

    private volatile Seen seen;

    /** @param date an HTTP date (RFC 9110); null, or anything else, is passed over */
    void see(String date) {
        Instant read = HttpDate.parse(date);
        if (read != null) {
            seen = new Seen(read, System.nanoTime());
        }
    }

    /** Null before the first answer. */
    Instant now() {
        Seen latest = seen;
        return latest == null ? null : latest.date.plusNanos(System.nanoTime() - latest.at);
    }
}
