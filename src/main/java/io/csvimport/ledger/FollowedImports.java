package io.csvimport.ledger;

import io.csvimport.CsvImportUnsettledException;
import io.csvimport.file.SourceFile;
import io.csvimport.job.Job;
import io.csvimport.job.Outcome;
import io.csvimport.job.State;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * The accepted jobs that are followed until the API lists their imports as completed. What a power failure takes of these
 * writes is found again in the next list.
 */
public final class FollowedImports {

    /**
     * @param looks how often it was looked up
     * @param listed how it was listed at the latest look; null where it was not
     */
    public record Followed(Job job, int looks, String listed, boolean released) {}

    private static final String FOLLOWED =
            " WHERE job = ? AND owner = ? AND state = 'accepted' AND track_at IS NOT NULL";

    private final Database database;
    private final String organization;
    private final AuditEvents events;

    public FollowedImports(Database database, String organization, AuditEvents events) {
        this.database = database;
        this.organization = organization;
        this.events = events;
    }

    /** @param longest pause: what is to wait longer was written before the clock was set back */
    public List<Followed> due(Duration longest) throws CsvImportUnsettledException {
        Instant now = Instant.now();
        return database.read(handle -> handle.select(
                        // all of these are accepted or voiding; for "state = 'accepted'" SQLite would read every
                        // accepted row
                        "SELECT * FROM csv_import_delivery WHERE track_at IS NOT NULL AND (track_at <= ? OR track_at > ?)"
                                + " AND state <> 'voiding' AND organization = ? ORDER BY track_at LIMIT 5000",
                        now,
                        now.plus(longest),
                        organization)
                .map((row, context) -> new Followed(
                        JobRow.read(row, context),
                        row.getInt("track_looks"),
                        row.getString("listed"),
                        row.getString("released_at") != null))
                .list());
    }

    /** Looks it up again after the pause. */
    public void again(Followed followed, String listed, Duration pause) throws CsvImportUnsettledException {
        database.relaxed(handle -> handle.execute(
                "UPDATE csv_import_delivery SET track_at = ?, track_looks = ?, listed = ?" + FOLLOWED,
                Instant.now().plus(pause),
                followed.looks + 1,
                listed,
                followed.job.id(),
                followed.job.owner()));
    }

    /**
     * Completes the job.
     *
     * @param file where the failed rows are written; null where there are none
     * @param key of that file, as {@link SourceFile#key} gives it
     * @return the job as it now is; empty where it is not followed any more
     */
    public Optional<Job> complete(Job job, int failedRows, String file, String key) throws CsvImportUnsettledException {
        String detail = file == null ? null : "failed rows: " + failedRows + ", in " + file;
        Job completed = job.with(job.outcome()
                .because(null, detail)
                .with(new Outcome.Rows(failedRows, null))
                .to(State.COMPLETED));
        return write(
                completed,
                "completed",
                "UPDATE csv_import_delivery SET state = 'completed', track_at = NULL, failed_rows = ?,"
                        + " failed_rows_file = ?, failed_rows_key = ?, reason = NULL, detail = NULL" + FOLLOWED,
                failedRows,
                file,
                key,
                job.id(),
                job.owner());
    }

    /** Leaves the import accepted and follows it no longer; empty where it was not followed. */
    public Optional<Job> giveUp(Job job, String reason, String detail) throws CsvImportUnsettledException {
        return write(
                job.with(job.outcome().because(reason, detail).with(Outcome.Rows.NONE)),
                "unlisted",
                "UPDATE csv_import_delivery SET track_at = NULL, reason = ?, detail = ?" + FOLLOWED,
                reason,
                detail,
                job.id(),
                job.owner());
    }

    private Optional<Job> write(Job job, String event, String sql, Object... parameters)
            throws CsvImportUnsettledException {
        return database.relaxed(handle -> {
            if (handle.execute(sql, parameters) == 0) {
                return Optional.empty();
            }
            events.insert(handle, job, event);
            return Optional.of(job);
        });
    }
}
