package io.csvimport.job;

import java.util.Locale;

/** The state of a job, spelt in lower case in the ledger, the audit events and the operations. */
public enum State {
    /** Its row is written, nothing was sent. */
    CLAIMED,
    /** Committed before the first byte leaves. */
    SENDING,
    /** Nothing was accepted; tried again. */
    WAITING,
    /** The API may have accepted it: looked for in the import list. */
    UNKNOWN,
    /** A person decides. */
    HELD,
    ACCEPTED,
    /** The API lists the import, and which of its rows failed. */
    COMPLETED,
    DUPLICATE,
    REJECTED,
    WITHDRAWN,
    /** Committed before the DELETE. */
    VOIDING,
    VOIDED;

    private final String text = name().toLowerCase(Locale.ROOT);

    /** @throws IllegalArgumentException where there is no such state */
    public static State of(String text) {
        return valueOf(text.toUpperCase(Locale.ROOT));
    }

    /** Whether it has its outcome: it is not sent again by itself. The states from HELD on are settled. */
    public boolean isSettled() {
        return compareTo(HELD) >= 0;
    }

    /** Whether the API has accepted it, whatever became of it later. */
    public boolean isImported() {
        return this == ACCEPTED || this == COMPLETED || this == VOIDING || this == VOIDED;
    }

    /** Whether nothing of it is with the API. */
    public boolean isUnsent() {
        return this == CLAIMED || this == WAITING;
    }

    /** Whether it may be with the API, or a person decides: it is not done with, though its file may be gone. */
    public boolean isUndecided() {
        return this == SENDING || this == UNKNOWN || this == HELD;
    }

    /** The outcome that the source of a settled job is told. */
    public String outcome() {
        return (isImported() ? ACCEPTED : this).text;
    }

    @Override
    public String toString() {
        return text;
    }
}
