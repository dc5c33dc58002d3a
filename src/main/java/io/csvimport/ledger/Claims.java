package io.csvimport.ledger;

import io.csvimport.CsvImportUnsettledException;
import io.csvimport.file.SourceFile;
import io.csvimport.job.Job;
import io.csvimport.job.Outcome;
import io.csvimport.job.State;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jdbi.v3.core.Handle;

/** Writes the rows of new jobs, and commits that the upload of one may start. */
public final class Claims {

    /** States of a first job of the same bytes whose duplicates are settled with it. */
    private static final Set<State> SETTLED_FIRST = EnumSet.of(State.ACCEPTED, State.COMPLETED, State.HELD);

    /** From this size on, in bytes, a file may be digested while it is sent; below, a pass takes less time than a commit. */
    public static final long LARGE = 10_000_000;

    /** As the index has it; the parameters are organization, template and size. */
    static final String SAME_SIZE = "organization = ? AND template = ? AND file_size = ? AND file_size >= 10000000";

    private static final String UNSENT = "state IN ('claimed', 'waiting')";

    /**
     * What a claim has come to.
     *
     * @param job the row as it now is; null where another process has the item, or it is to be digested first
     * @param mayGoOn whether it may be sent; otherwise it is a duplicate, or waits for its turn
     */
    public record Claim(Job job, boolean mayGoOn) {}

    private final Database database;
    private final String organization;
    private final Owner owner;
    private final Outcomes outcomes;

    public Claims(Ledger ledger, Outcomes outcomes) {
        database = ledger.database();
        organization = ledger.organization();
        owner = ledger.owner();
        this.outcomes = outcomes;
    }

    /**
     * Writes the row of a job that has none, and, where it is to be the only one of its bytes, finds the first of them:
     * the job is settled as its duplicate, or waits while that one has no result yet. What has no digest yet must be the first of
     * its size. A claim is on the disk when its begin is: until then its source has all there is.
     *
     * @param source of the file, or null
     */
    public Claim claim(Job job, SourceFile source, boolean single) throws CsvImportUnsettledException {
        Claim claim = database.relaxed(handle -> claim(handle, job, source, single));
        boolean isDuplicate = claim.job != null && claim.job.state() == State.DUPLICATE;
        return isDuplicate ? new Claim(outcomes.write(claim.job, claim.job.outcome()), false) : claim;
    }

    private Claim claim(Handle handle, Job job, SourceFile source, boolean single) {
        boolean isLarge = job.content().size() >= LARGE;
        if (single && job.id() == 0 && job.content().sha256() == null && hasSameSize(handle, job)) {
            return new Claim(null, false);
        }
        if (isLarge && job.id() != 0) {
            digested(handle, job);
        }
        Optional<Job> found = job.id() != 0 ? Optional.of(job) : insert(handle, job);
        if (found.isEmpty() || job.id() == 0 && isGone(handle, found.get(), source)) {
            return new Claim(null, false);
        }
        Job claimed = found.get();
        Optional<Job> undigested = single && isLarge ? undigested(handle, claimed) : Optional.empty();
        if (undigested.isPresent()) {
            return new Claim(awaits(handle, claimed, undigested.get(), "size"), false);
        }
        if (!single || becomeSingle(handle, claimed)) {
            return new Claim(claimed, true);
        }
        List<Job> others = JobRow.select(
                handle,
                "organization = ? AND template = ? AND sha256 = ? AND job <> ?"
                        + " AND (single = 1 OR duplicates = 'import' OR state = 'held')"
                        + " AND state NOT IN ('duplicate', 'rejected', 'withdrawn', 'voided') ORDER BY job",
                organization,
                claimed.names().template(),
                claimed.content().sha256(),
                claimed.id());
        // a held one whose file was taken away, or came again, is not waited for; a path of another machine says
        // nothing here
        if (others.removeIf(other -> other.state() == State.HELD
                        && owner.isHere(other.owner())
                        && outcomes.withdrawGone(handle, other))
                && becomeSingle(handle, claimed)) {
            return new Claim(claimed, true);
        }
        Optional<Job> settled = others.stream()
                .filter(other -> SETTLED_FIRST.contains(other.state()))
                .findFirst();
        if (settled.isPresent()) {
            String importId = settled.get().outcome().importId();
            Outcome duplicate =
                    claimed.outcome().answered(importId, Outcome.Why.NONE).to(State.DUPLICATE);
            return new Claim(claimed.with(duplicate), false);
        }
        return new Claim(others.isEmpty() ? claimed : awaits(handle, claimed, others.get(0), "bytes"), false);
    }

    private Optional<Job> insert(Handle handle, Job job) {
        return JobRow.insert(handle, job.with(job.attempt(), owner.id()), organization);
    }

    /** Another process has released the file since it was recalled: the row is taken back, nothing is left to deliver. */
    private boolean isGone(Handle handle, Job job, SourceFile source) {
        boolean isGone = database.isShared() && source != null && !source.isThere();
        if (isGone) {
            handle.execute("DELETE FROM csv_import_delivery WHERE job = ?", job.id());
        }
        return isGone;
    }

    private boolean becomeSingle(Handle handle, Job job) {
        return Sql.update(
                        handle,
                        "UPDATE csv_import_delivery SET single = 1 WHERE job = ? AND NOT EXISTS (SELECT 1"
                                + " FROM csv_import_delivery first WHERE (first.single = 1 OR first.duplicates = 'import') AND first.job <> ?"
                                + " AND first.organization = ? AND first.template = ? AND first.sha256 = ? AND first.state IN"
                                + " ('claimed', 'sending', 'waiting', 'unknown', 'held', 'accepted', 'completed', 'voiding'))",
                        job.id(),
                        job.id(),
                        organization,
                        job.names().template(),
                        job.content().sha256())
                == 1;
    }

    private boolean hasSameSize(Handle handle, Job job) {
        return JobRow.exists(
                handle,
                SAME_SIZE,
                organization,
                job.names().template(),
                job.content().size());
    }

    /**
     * Another job whose bytes may be the same, and may be imported: that is known once they are digested. One that was not sent
     * yet stops before its last byte where it has the bytes of this one.
     */
    private Optional<Job> undigested(Handle handle, Job job) {
        return JobRow.select(
                        handle,
                        SAME_SIZE + " AND job <> ? AND sha256 IS NULL"
                                + " AND state IN ('sending', 'unknown') ORDER BY job LIMIT 1",
                        organization,
                        job.names().template(),
                        job.content().size(),
                        job.id())
                .stream()
                .findFirst();
    }

    /**
     * Commits, durably, the digest of a job that has none yet: of what is being sent, before its last byte may leave.
     *
     * @return false where that may not leave: the row has moved on, or another job has the same bytes
     */
    public boolean digested(Job job) throws CsvImportUnsettledException {
        return database.durable(handle -> digested(handle, job));
    }

    private boolean digested(Handle handle, Job job) {
        return JobRow.change(handle, job, "state = :state AND sha256 IS NULL", "sha256 = :content.sha256, single = 0")
                && (job.names().duplicates().equals("import") || becomeSingle(handle, job));
    }

    /** The job list tells what a claimed job waits for, and what a person can do while the API has nothing of that. */
    private static Job awaits(Handle handle, Job job, Job first, String same) {
        String advice = first.isUnsent()
                ? ". If that is not to be imported, take its file away, or withdraw it if it has none: DELETE /csv-imports/"
                        + first.id()
                : "";
        Outcome waits = job.outcome()
                .because(
                        "same-" + same,
                        "It waits for job " + first.id() + " (" + first.names().fileName() + ", from "
                                + first.origin().from() + ", " + first.state() + "), which has the same " + same
                                + advice);
        Job waiting = job.with(waits);
        JobRow.change(handle, waiting, UNSENT, "reason = :outcome.reason, detail = :outcome.detail");
        return waiting;
    }

    /** Writes, durably, the row of a job that its source then releases; empty where its item was kept before. */
    public Optional<Job> keep(Job job) throws CsvImportUnsettledException {
        return database.durable(handle -> insert(handle, job));
    }

    /**
     * Commits that the next byte may leave.
     *
     * @return empty where it may not: another upload of this name and template is in flight, or the row has moved on
     */
    public Optional<Job> begin(Job job, Job.Attempt attempt) throws CsvImportUnsettledException {
        int updated = database.durable(handle -> Sql.update(
                handle,
                "UPDATE csv_import_delivery SET state = 'sending', attempts = ?, sending_at = ?, api_time = ?, owner = ?,"
                        + " next_attempt_at = NULL WHERE job = ? AND owner = ? AND attempts = ?"
                        + " AND " + UNSENT + " AND NOT EXISTS (SELECT 1"
                        + " FROM csv_import_delivery other WHERE other.organization = ? AND other.template = ?"
                        + " AND other.file_name = ? AND other.state IN ('sending', 'unknown'))",
                attempt.number(),
                attempt.began(),
                attempt.apiTime(),
                owner.id(),
                job.id(),
                job.owner(),
                job.attempt().number(),
                organization,
                job.names().template(),
                job.names().fileName()));
        return updated == 0
                ? Optional.empty()
                : Optional.of(job.with(attempt, owner.id()).with(job.outcome().to(State.SENDING)));
    }

    /**
     * Takes back a begin that may be committed, or still be on its way, without this process having heard of it: nothing
     * was sent. It counts as an attempt, so that it cannot be committed later.
     */
    public void takeBack(Job job, Job.Attempt attempt) throws CsvImportUnsettledException {
        database.durable(handle -> handle.execute(
                "UPDATE csv_import_delivery SET state = 'waiting', attempts = ? WHERE job = ? AND (owner = ?"
                        + " AND attempts = ? AND " + UNSENT
                        + " OR owner = ? AND sending_at = ? AND state = 'sending')",
                attempt.number(),
                job.id(),
                job.owner(),
                job.attempt().number(),
                owner.id(),
                attempt.began()));
    }

    /** The bytes of a job have moved; its source is the file from now on. */
    public Job moved(Job job, Job.Origin to) throws CsvImportUnsettledException {
        database.durable(handle -> handle.execute(
                "UPDATE csv_import_delivery SET source_key = ?, file_path = ?, envelope = ? WHERE job = ?",
                to.sourceKey(),
                to.path(),
                to.envelope(),
                job.id()));
        return job.with(to);
    }
}
