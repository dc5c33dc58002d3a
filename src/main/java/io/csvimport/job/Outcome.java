package io.csvimport.job;

import java.time.Instant;

/**
 * What has become of a job so far.
 *
 * @param importId the API's id; of a duplicate, the first import's
 * @param reconciled whether the id was found in the import list, or by a person
 * @param failures that concern this file alone
 * @param nextAttempt null where none is due at a time
 * @param settledAt null while its fate is open
 */
public record Outcome(
        State state,
        String importId,
        boolean reconciled,
        Why why,
        int failures,
        Rows rows,
        Instant nextAttempt,
        Instant settledAt) {

    /** The reason of what a person has withdrawn. */
    public static final String BY_HAND = "by-hand";

    public static final Outcome CLAIMED = new Outcome(State.CLAIMED, null, false, Why.NONE, 0, Rows.NONE, null, null);

    /**
     * @param reason a word or two for machines, null where there is nothing to explain
     * @param detail a sentence for people
     * @param httpStatus of the API's answer, null where there was none
     */
    public record Why(String reason, String detail, Integer httpStatus) {

        public static final Why NONE = new Why(null, null, null);
    }

    /**
     * @param failed how many rows failed, by the preview or the import list; null where that is not known
     * @param first the first that failed in the preview, JSON of row to error
     */
    public record Rows(Integer failed, String first) {

        public static final Rows NONE = new Rows(null, null);
    }

    public String reason() {
        return why.reason;
    }

    public String detail() {
        return why.detail;
    }

    /** Another state, for the same reason. */
    public Outcome to(State next) {
        return to(next, null);
    }

    /** Another state, for the same reason; it is tried, or looked for, again at that time. */
    public Outcome to(State next, Instant again) {
        // an import keeps the time when it was accepted
        Instant settled = next.isImported() && state.isImported() ? settledAt : Instant.now();
        return new Outcome(next, importId, reconciled, why, failures, rows, again, next.isSettled() ? settled : null);
    }

    /** Accepted, as the import list or a person has shown. */
    public Outcome reconciled(String id) {
        return new Outcome(State.ACCEPTED, id, true, Why.NONE, failures, rows, null, Instant.now());
    }

    /** The same for another reason. */
    public Outcome because(String reason, String detail) {
        return answered(importId, new Why(reason, detail, why.httpStatus));
    }

    /** The same with what the API has said, or with the reason why it has said nothing. */
    public Outcome answered(String id, Why answer) {
        return new Outcome(state, id, reconciled, answer, failures, rows, nextAttempt, settledAt);
    }

    /** The same after so many failures that concern this file alone. */
    public Outcome failed(int times) {
        return new Outcome(state, importId, reconciled, why, times, rows, nextAttempt, settledAt);
    }

    public Outcome with(Rows failed) {
        return new Outcome(state, importId, reconciled, why, failures, failed, nextAttempt, settledAt);
    }
}
