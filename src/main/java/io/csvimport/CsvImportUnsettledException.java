package io.csvimport;

import java.time.Instant;

/**
 * The fate of a CSV is not settled yet. Nothing is lost: the ledger knows how far it came. The source must keep the
 * item and offer it again; before {@link #getNextAttempt()} that fails at once, without a call to the API.
 */
public class CsvImportUnsettledException extends Exception {

    private static final long serialVersionUID = 1L;

    private final Instant nextAttempt;

    public CsvImportUnsettledException(String message, Instant nextAttempt, Throwable cause) {
        super(message, cause);
        this.nextAttempt = nextAttempt;
    }

    public Instant getNextAttempt() {
        return nextAttempt;
    }
}
