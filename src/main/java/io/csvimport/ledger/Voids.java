package io.csvimport.ledger;

import io.csvimport.CsvImportUnsettledException;
import io.csvimport.job.Job;
import io.csvimport.job.State;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/** The jobs whose imports are voided: that is committed before the API is asked, and goes on until it has answered. */
public final class Voids {

    private static final String VOIDING = "state = 'voiding'";
    /** Source keys of rows for imports that the ledger did not know. */
    private static final String UNKNOWN = "void:";

    private final Database database;
    private final String organization;
    private final Owner owner;
    private final AuditEvents events;

    public Voids(Ledger ledger, AuditEvents events) {
        database = ledger.database();
        organization = ledger.organization();
        owner = ledger.owner();
        this.events = events;
    }

    /**
     * The jobs whose void is to go on: of this process after a failure, of one that has ended at once.
     *
     * @param longest pause: what is to wait longer was written before the clock was set back
     */
    public List<Long> due(Duration longest) throws CsvImportUnsettledException {
        Instant now = Instant.now();
        String ended = owner.leads() ? "owner NOT IN " + owner.living() + " OR " : "";
        return database.read(handle -> handle.select(
                        "SELECT job FROM csv_import_delivery WHERE " + VOIDING + " AND organization = ? AND (" + ended
                                + "owner = ? AND (next_attempt_at IS NULL OR next_attempt_at NOT BETWEEN ? AND ?))"
                                + " ORDER BY job LIMIT 100",
                        organization,
                        owner.id(),
                        now,
                        now.plus(longest))
                .mapTo(Long.class)
                .list());
    }

    public Optional<Job> ofJob(long job) throws CsvImportUnsettledException {
        return last("job = ?", job);
    }

    public Optional<Job> ofImport(String importId) throws CsvImportUnsettledException {
        return last("import_id = ? AND state <> 'duplicate'", importId);
    }

    private Optional<Job> last(String where, Object value) throws CsvImportUnsettledException {
        return database
                .read(handle -> JobRow.select(
                        handle, "organization = ? AND " + where + " ORDER BY job DESC LIMIT 1", organization, value))
                .stream()
                .findFirst();
    }

    /**
     * A row for an import that the ledger does not know: its void goes on after a crash, and has its event. It is not due
     * before {@link #begin}, which follows at once.
     */
    public Job insert(String source, String importId) throws CsvImportUnsettledException {
        Instant now = Instant.now();
        return database.durable(handle -> handle.select(
                        "INSERT INTO csv_import_delivery (source_key, source, state, organization, import_id, duplicates,"
                                + " owner, created_at, settled_at, released_at, next_attempt_at)"
                                + " VALUES (?, ?, 'voiding', ?, ?, 'import', ?, ?, ?, ?, ?) RETURNING *",
                        UNKNOWN + UUID.randomUUID(),
                        source,
                        organization,
                        importId,
                        owner.id(),
                        now,
                        now,
                        now,
                        now.plusSeconds(10))
                .map(JobRow::read)
                .one());
    }

    /** Commits that the import is to be voided, by this process; empty where it is no import any more. */
    public Optional<Job> begin(Job job) throws CsvImportUnsettledException {
        int updated = database.durable(handle -> handle.execute(
                "UPDATE csv_import_delivery SET state = 'voiding', owner = ?, next_attempt_at = NULL"
                        + " WHERE job = ? AND state IN ('accepted', 'completed', 'voiding')",
                owner.id(),
                job.id()));
        Job voiding = job.with(job.attempt(), owner.id()).with(job.outcome().to(State.VOIDING));
        return updated == 1 ? Optional.of(voiding) : Optional.empty();
    }

    /** Empty where another process has gone on with it meanwhile. */
    public Optional<Job> voided(Job voiding) throws CsvImportUnsettledException {
        Job voided = voiding.with(voiding.outcome().because(null, null).to(State.VOIDED));
        String set = "state = :state, track_at = NULL, next_attempt_at = NULL, reason = NULL, detail = NULL";
        return database.durable(handle -> {
            if (!JobRow.change(handle, voided, VOIDING, set)) {
                return Optional.empty();
            }
            EarlierImports.failed(handle, organization, voided);
            return Optional.of(events.insert(handle, voided));
        });
    }

    /** The API refuses for good: the import is what it was before; what the ledger did not know, it forgets again. */
    public void refused(Job voiding) throws CsvImportUnsettledException {
        String key = voiding.origin().sourceKey();
        database.durable(handle -> key != null && key.startsWith(UNKNOWN)
                ? handle.execute(
                        "DELETE FROM csv_import_delivery WHERE job = ? AND owner = ? AND " + VOIDING,
                        voiding.id(),
                        voiding.owner())
                : JobRow.change(
                        handle,
                        voiding,
                        VOIDING,
                        "next_attempt_at = NULL, reason = NULL, detail = NULL,"
                                + " state = CASE WHEN failed_rows IS NULL THEN 'accepted' ELSE 'completed' END"));
    }

    /** It is tried again after a pause, and says why. */
    public Job waits(Job voiding, String reason, String detail, Duration pause) throws CsvImportUnsettledException {
        Job waits = voiding.with(voiding.outcome()
                .because(reason, detail)
                .to(State.VOIDING, Instant.now().plus(pause)));
        database.durable(handle -> JobRow.change(
                handle,
                waits,
                VOIDING,
                "next_attempt_at = :outcome.nextAttempt, reason = :outcome.reason, detail = :outcome.detail"));
        return waits;
    }
}
