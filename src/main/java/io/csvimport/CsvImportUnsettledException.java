package io.csvimport;

import java.time.Duration;
import java.time.Instant;

/**
 * The fate of a CSV is not settled yet. Nothing is lost: the ledger knows how far it came. The source must keep the
 * item and offer it again. An offer before {@link #getNextAttempt()} fails at once, without a call to the API.
 */
public class CsvImportUnsettledException extends Exception {

    private static final long serialVersionUID = 1L;

    private final Instant nextAttempt;
    private final boolean ofItemAlone;

    public CsvImportUnsettledException(String message, Instant nextAttempt, Throwable cause) {
        this(message, nextAttempt, false, cause);
    }

    /** What keeps this item from its turn does not concern later ones. */
    public CsvImportUnsettledException(String message, Duration pause, Throwable cause) {
        this(message, Instant.now().plus(pause), true, cause);
    }

    private CsvImportUnsettledException(String message, Instant nextAttempt, boolean ofItemAlone, Throwable cause) {
        super(message, cause);
        this.nextAttempt = nextAttempt;
        this.ofItemAlone = ofItemAlone;
    }

    /** What keeps this item from its turn does not concern later ones. */
    public static CsvImportUnsettledException ofItemAlone(String message, Duration pause) {
        return new CsvImportUnsettledException(message, pause, null);
    }

    /** Whether later items of the same source need not wait for this one. */
    public boolean isOfItemAlone() {
        return ofItemAlone;
    }

    public Instant getNextAttempt() {
        return nextAttempt;
    }
}
