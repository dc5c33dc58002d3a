package io.csvimport;

import java.time.Duration;

/** The growing pauses of whatever is tried again for ever: from 1 second, at most 1 minute. */
final class Pauses {

    private static final long LONGEST_SECONDS = 60;

    private Pauses() {}

    /** @param doublings how often the pause has grown already */
    static Duration growing(int doublings) {
        return Duration.ofSeconds(Math.min(1L << Math.min(Math.max(doublings, 0), 6), LONGEST_SECONDS));
    }
}
