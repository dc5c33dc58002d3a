package io.csvimport.ledger;

import static io.csvimport.ledger.Database.query;
import static io.csvimport.ledger.Database.update;
import static io.csvimport.ledger.Deliveries.text;

import io.csvimport.CsvImportUnsettledException;
import io.csvimport.file.SourceFile;
import io.csvimport.job.Job;
import io.csvimport.job.Outcome;
import io.csvimport.job.State;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/** The accepted jobs that are followed until the API lists their imports as completed. */
public final class FollowedImports {

    /**
     * @param looks how often it was looked up
     * @param listed how it was listed at the latest look, null where it was not
     */
    public record Followed(Job job, int looks, String listed, boolean released) {

        static Followed read(ResultSet row) throws SQLException {
            return new Followed(
                    JobRow.read(row),
                    row.getInt("track_looks"),
                    row.getString("listed"),
                    row.getString("released_at") != null);
        }
    }

    /**
     * How a completed import has ended.
     *
     * @param file where the failed rows are written, null where there are none
     * @param key of that file, as {@link SourceFile#key} gives it
     */
    public record Completed(int failedRows, String file, String key) {}

    /**
     * What a look has shown of one import.
     *
     * @param completed null where it is looked up again, after a pause
     */
    public record Look(Followed followed, String listed, Completed completed, Duration pause) {}

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
        return database.read(c -> query(
                c,
                Followed::read,
                // what is followed is accepted, or being voided; by "state = 'accepted'" SQLite would read all of that
                // state
                "SELECT * FROM csv_import_delivery WHERE track_at IS NOT NULL AND (track_at <= ? OR track_at > ?)"
                        + " AND state <> 'voiding' AND organization = ? ORDER BY track_at LIMIT 5000",
                text(Instant.now()),
                text(Instant.now().plus(longest)),
                organization));
    }

    /** Writes what looks have shown, in one transaction; answers the jobs that are completed by that. */
    public List<Job> write(List<Look> looks) throws CsvImportUnsettledException {
        return database.durable(c -> {
            List<Job> written = new ArrayList<>();
            for (Look look : looks) {
                if (look.completed == null) {
                    lookAgain(c, look);
                } else {
                    complete(c, look.followed.job, look.completed).ifPresent(written::add);
                }
            }
            return written;
        });
    }

    private Optional<Job> complete(Handle c, Job job, Completed completed) {
        int updated = update(
                c,
                "UPDATE csv_import_delivery SET state = 'completed', track_at = NULL, failed_rows = ?,"
                        + " failed_rows_file = ?, failed_rows_key = ?, reason = NULL, detail = NULL"
                        + " WHERE job = ? AND owner = ? AND state = 'accepted'",
                completed.failedRows,
                completed.file,
                completed.key,
                job.id(),
                job.owner());
        if (updated == 0) {
            return Optional.empty();
        }
        String detail =
                completed.file == null ? null : "failed rows: " + completed.failedRows + ", in " + completed.file;
        Job now = job.with(job.outcome()
                .because(null, detail)
                .with(new Outcome.Rows(completed.failedRows, null))
                .to(State.COMPLETED));
        events.insert(c, now);
        return Optional.of(now);
    }

    private static void lookAgain(Handle c, Look look) {
        update(
                c,
                "UPDATE csv_import_delivery SET track_at = ?, track_looks = ?, listed = ?"
                        + " WHERE job = ? AND owner = ? AND state = 'accepted' AND track_at IS NOT NULL",
                text(Instant.now().plus(look.pause)),
                look.followed.looks + 1,
                look.listed,
                look.followed.job.id(),
                look.followed.job.owner());
    }

    /** The import stays accepted, and is not followed any more; empty where it was not followed. */
    public Optional<Job> giveUp(Job job, String reason, String detail) throws CsvImportUnsettledException {
        Job unlisted = job.with(job.outcome().because(reason, detail).with(Outcome.Rows.NONE));
        return database.durable(c -> {
            int updated = update(
                    c,
                    "UPDATE csv_import_delivery SET track_at = NULL, reason = ?, detail = ?"
                            + " WHERE job = ? AND owner = ? AND state = 'accepted' AND track_at IS NOT NULL",
                    reason,
                    detail,
                    job.id(),
                    job.owner());
            if (updated == 0) {
                return Optional.empty();
            }
            events.insert(c, unlisted, "unlisted");
            return Optional.of(unlisted);
        });
    }
}
