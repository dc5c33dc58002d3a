package io.csvimport.job;

import java.time.Duration;

/** The growing pauses of whatever is tried again for ever. */
public final class Pauses {

    private static final long LONGEST_SECONDS = 60;
    private static final long REFUSED_SECONDS = 5;
    private static final long LONGEST_REFUSED_SECONDS = 600;

    private Pauses() {}

    /** From 1 second, at most 1 minute. @param doublings how often the pause has grown already */
    public static Duration growing(int doublings) {
        return growing(1, doublings, LONGEST_SECONDS);
    }

    /** @param asked for by an answer; where that is null or zero, the pause grows */
    public static Duration askedOrGrowing(Duration asked, int doublings) {
        return asked == null || asked.isZero() ? growing(doublings) : asked;
    }

    /** From 5 seconds, at most 10 minutes: an account that is tried too often is locked. */
    public static Duration afterRefusal(int doublings) {
        return growing(REFUSED_SECONDS, doublings, LONGEST_REFUSED_SECONDS);
    }

    private static Duration growing(long first, int doublings, long longest) {
        return Duration.ofSeconds(Math.min(first << Math.min(Math.max(doublings, 0), 7), longest));
    }
}
