package io.csvimport;

import java.io.IOException;
import java.time.Instant;

/** The server of a source cannot be used now. The source has said why, and looks for it again. */
final class SourceAwayException extends IOException {

    private static final long serialVersionUID = 1L;

    private final Instant nextAttempt;

    SourceAwayException(String why, Instant nextAttempt, Throwable cause) {
        super(why, cause);
        this.nextAttempt = nextAttempt;
    }

    /** Before then, no connection is tried. */
    Instant getNextAttempt() {
        return nextAttempt;
    }
}
