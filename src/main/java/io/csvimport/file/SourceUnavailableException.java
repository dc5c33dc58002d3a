package io.csvimport.file;

import java.io.IOException;
import java.time.Instant;

/** The server of a source cannot be used now. The source has said why, and looks for it again. */
public final class SourceUnavailableException extends IOException {

    private static final long serialVersionUID = 1L;

    private final Instant nextAttempt;

    public SourceUnavailableException(String why, Instant nextAttempt, Throwable cause) {
        super(why, cause);
        this.nextAttempt = nextAttempt;
    }

    /** Before then, no connection is tried. */
    public Instant getNextAttempt() {
        return nextAttempt;
    }
}
