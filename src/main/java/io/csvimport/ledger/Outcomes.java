package io.csvimport.ledger;

import io.csvimport.CsvImportUnsettledException;
import io.csvimport.file.FileMark;
import io.csvimport.file.SourceFile;
import io.csvimport.job.Job;
import io.csvimport.job.Outcome;
import io.csvimport.job.State;
import io.csvimport.text.Visible;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Writes what becomes of jobs; what settles one with its audit event, in one transaction. A row that has moved on since
 * it was read, as it may on a shared ledger, stays as it is: each method returns the row as it now is.
 */
public final class Outcomes {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");

    private final Database database;
    private final String organization;
    private final Owner owner;
    private final AuditEvents events;
    private final Duration trackAfter;

    private static final String LOOK =
            "csv_header = :look.header, csv_rows = :look.rows, expected = :look.expected," + " found = :look.found";

    /** @param trackAfter how long after it was accepted an import is looked up first; null: it is not followed */
    public Outcomes(Ledger ledger, AuditEvents events, Duration trackAfter) {
        database = ledger.database();
        organization = ledger.organization();
        owner = ledger.owner();
        this.events = events;
        this.trackAfter = trackAfter;
    }

    /** Whatever was being sent by a process that has ended since has an unknown outcome from now on. */
    public void markUnfinished() throws CsvImportUnsettledException {
        database.durable(handle -> {
            List<Job> unfinished = JobRow.select(
                    handle, "released_at IS NULL AND state = 'sending' AND owner NOT IN " + owner.living());
            for (Job job : unfinished) {
                Outcome unknown = job.outcome()
                        .because("process-ended", "The process ended while the file was being sent")
                        .to(State.UNKNOWN);
                if (JobRow.change(
                        handle,
                        job.with(unknown),
                        "state = 'sending'",
                        "state = :state, reason = :outcome.reason, detail = :outcome.detail")) {
                    JobHistory.insert(handle, job, unknown);
                }
            }
            return null;
        });
    }

    /** What is done in the same transaction; nothing is written where the row has moved on. */
    private interface Then {
        void run(Handle handle, Optional<Job> written);
    }

    /** Commits an outcome, durably. */
    public Job write(Job job, Outcome outcome) throws CsvImportUnsettledException {
        return write(job, outcome, true, (handle, written) -> {});
    }

    /**
     * Commits an outcome that this process has seen itself. If the row has moved on, an import gets a row of its own: it is
     * in the job list, has its event, and may be voided.
     *
     * @param durable false where the outcome is found out again after a power failure
     */
    public Job writeSeen(Job job, Outcome outcome, boolean durable) throws CsvImportUnsettledException {
        return write(job, outcome, durable, (handle, written) -> {
            if (written.isEmpty() && outcome.state() == State.ACCEPTED) {
                insertLate(handle, job, outcome);
            }
        });
    }

    /** What the ledger refuses to store is this job's failure: it is held, and a person decides. */
    private Job write(Job job, Outcome outcome, boolean durable, Then then) throws CsvImportUnsettledException {
        try {
            Database.Work<Optional<Job>> work = handle -> {
                Optional<Job> written = write(handle, job, outcome);
                then.run(handle, written);
                return written;
            };
            // a shared database may fail, and forget, while this process lives on
            Optional<Job> written = durable || database.isShared() ? database.durable(work) : database.relaxed(work);
            return written.isPresent() ? written.get() : movedOn(job, outcome);
        } catch (LedgerRefusedException e) {
            String detail = e.getMessage()
                    + (outcome.importId() == null ? "" : "; the import is " + Visible.of(outcome.importId()));
            Outcome storable = outcome.answered(
                            null,
                            new Outcome.Why("unstorable", detail, outcome.why().httpStatus()))
                    .with(new Outcome.Rows(outcome.rows().failed(), null));
            Outcome kept = outcome.state().isSettled() ? storable.to(State.HELD) : storable;
            Job held = database.durable(handle -> write(handle, job, kept)).orElse(job.with(kept));
            held.log(LOG, Level.WARN, "");
            return held;
        }
    }

    /** The row as it now is; one that is gone has nothing to wait for. */
    private Job movedOn(Job job, Outcome outcome) throws CsvImportUnsettledException {
        Job now = database.read(handle -> JobRow.find(handle, job.id()))
                .orElse(job.with(outcome.because("forgotten", "The ledger does not have the job any more")
                        .to(State.WITHDRAWN)));
        boolean isOurs = owner.id().equals(now.owner());
        now.log(
                LOG,
                Level.INFO,
                isOurs ? ", written meanwhile by another feed or a request" : ", written by another process");
        return now;
    }

    /** Empty where the row is another process's or another attempt's by now, or settled. */
    private Optional<Job> write(Handle handle, Job job, Outcome outcome) {
        Job written = job.with(outcome);
        boolean isFollowed = outcome.state() == State.ACCEPTED && trackAfter != null;
        boolean changed = Sql.update(
                        handle,
                        "UPDATE csv_import_delivery SET state = ?, import_id = ?, reason = ?, detail = ?, http_status = ?,"
                                + " next_attempt_at = ?, reconciled = ?, settled_at = ?, track_at = ?, failed_rows = ?,"
                                + " preview_rows = ?, failures = ?, csv_header = ?, csv_rows = ?, expected = ?, found = ?"
                                + " WHERE job = ? AND owner = ? AND attempts = ?"
                                + " AND state IN ('claimed', 'sending', 'waiting', 'unknown', 'held')",
                        outcome.state(),
                        outcome.importId(),
                        outcome.reason(),
                        outcome.detail(),
                        outcome.why().httpStatus(),
                        outcome.nextAttempt(),
                        outcome.reconciled(),
                        outcome.settledAt(),
                        isFollowed ? outcome.settledAt().plus(trackAfter) : null,
                        outcome.rows().failed(),
                        outcome.rows().first(),
                        outcome.failures(),
                        job.look().header(),
                        job.look().rows(),
                        job.look().expected(),
                        job.look().found(),
                        job.id(),
                        job.owner(),
                        job.attempt().number())
                == 1;
        if (changed && outcome.state().isSettled()) {
            events.insert(handle, written);
        }
        if (changed && outcome.state() == State.ACCEPTED) {
            EarlierImports.accepted(handle, organization, written);
        }
        if (changed && (outcome.state() == State.HELD || !outcome.state().isSettled())) {
            JobHistory.insert(handle, job, outcome);
        }
        return changed ? Optional.of(written) : Optional.empty();
    }

    /** What the content of a job is that is not sent yet, where the row does not say so; nobody waits for it. */
    public void looked(Job job) throws CsvImportUnsettledException {
        database.relaxed(handle -> JobRow.change(handle, job, "settled_at IS NULL", LOOK));
    }

    /** Tells, once for a job, that it is not as expected, though it is imported; false where that was told before. */
    public boolean suspicious(Job job) throws CsvImportUnsettledException {
        return database.relaxed(handle -> {
            boolean isNew = JobRow.change(handle, job, "settled_at IS NULL AND found IS NULL", LOOK);
            if (isNew) {
                events.insert(handle, job, "suspicious");
            }
            return isNew;
        });
    }

    /** An import that the ledger does not know: its upload was given up before its answer came. */
    private void insertLate(Handle handle, Job attempt, Outcome accepted) {
        boolean known = JobRow.exists(
                handle,
                "import_id = ? AND organization = ? AND state <> 'duplicate'",
                accepted.importId(),
                organization);
        if (known) {
            return;
        }
        Job.Origin origin = attempt.origin();
        Job.Origin late = new Job.Origin(
                origin.from(), "late|" + attempt.id() + "|" + accepted.importId(), null, null, origin.envelope());
        Optional<Job> inserted = JobRow.insert(
                handle,
                Job.of(late, attempt.names().withDuplicates("import"), attempt.content())
                        .with(attempt.attempt(), owner.id())
                        .with(attempt.trace()),
                organization);
        if (inserted.isPresent()) {
            String detail = "Attempt " + attempt.attempt().number() + " of job " + attempt.id()
                    + " was accepted after it had been given up: where that job has another import, void one of them";
            Optional<Job> written = write(handle, inserted.get(), accepted.because("late", detail));
            released(handle, written.orElseThrow(), null, null);
            written.get().log(LOG, Level.WARN, "");
        }
    }

    /**
     * Commits, durably, that a job which waits is not to be sent. The source releases one that is a file; any other one
     * is released here.
     */
    public Job withdraw(Job job, String reason, String detail) throws CsvImportUnsettledException {
        Outcome withdrawn = job.outcome().because(reason, detail).to(State.WITHDRAWN);
        return write(job, withdrawn, true, (handle, written) -> {
            if (written.isPresent() && job.origin().path() == null) {
                released(handle, written.get(), null, null);
            }
        });
    }

    /** Its file is gone: what was not sent is withdrawn, what is settled has no more to do. */
    public Job gone(Job job, String to) throws CsvImportUnsettledException {
        Job now = job;
        if (job.isUnsent()) {
            Optional<Job> withdrawn = database.durable(c -> withdraw(c, job));
            withdrawn.ifPresent(written -> written.log(LOG, Level.INFO, ""));
            // a job that was settled meanwhile has moved its file itself
            now = withdrawn.isPresent()
                    ? withdrawn.get()
                    : database.read(c -> JobRow.find(c, job.id())).orElse(job);
        }
        if (!now.state().isUndecided()) {
            released(now, to);
        }
        return now;
    }

    private Optional<Job> withdraw(Handle handle, Job gone) {
        return write(
                handle,
                gone,
                gone.outcome()
                        .because("gone", "The file was taken away or replaced before it was sent")
                        .to(State.WITHDRAWN));
    }

    /** Withdraws a job whose file is gone, and of which nothing was sent; false where it is none. */
    boolean withdrawGone(Handle handle, Job job) {
        if (!job.isUnsent()
                || job.origin().path() == null
                || !FileMark.isGone(job.origin().path(), job.origin().sourceKey())) {
            return false;
        }
        Optional<Job> withdrawn = withdraw(handle, job);
        withdrawn.ifPresent(written -> {
            released(handle, written, null, null);
            written.log(LOG, Level.INFO, "");
        });
        return withdrawn.isPresent();
    }

    /** The source has released the item: its key may come again, as a new job. Where this is lost, it is swept. */
    public void released(Job job, String to) throws CsvImportUnsettledException {
        released(job, to, null);
    }

    /** @param key of the file at its new place, as {@link SourceFile#key} gives it */
    public void released(Job job, String to, String key) throws CsvImportUnsettledException {
        database.relaxed(handle -> released(handle, job, to, key));
    }

    private static int released(Handle handle, Job job, String to, String key) {
        return Sql.update(
                handle,
                "UPDATE csv_import_delivery SET released_at = ?, released_to = ?, released_key = ? WHERE job = ?"
                        + " AND settled_at IS NOT NULL AND released_at IS NULL",
                Instant.now(),
                to,
                key,
                job.id());
    }
}
