package io.csvimport.ledger;

import io.csvimport.CsvImportUnsettledException;
import io.csvimport.job.Job;
import io.csvimport.job.Outcome;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/** What has happened to a job, for people: the attempts that did not settle it, and its audit events. */
public final class JobHistory {

    /** Rows of one job; what a file comes to that is tried for weeks has long been said. */
    private static final int MOST = 500;

    /** @param times how often it came to the same, one after another, from the first to the last */
    public record Attempt(
            String state, String reason, String detail, Integer httpStatus, int times, String firstAt, String lastAt) {}

    /**
     * @param id as in the event
     * @param sentAt when the audit endpoint took it, null where it has not yet
     * @param failures how often it has refused it
     */
    public record Event(String id, String createdAt, String sentAt, int failures) {}

    private final Database database;

    public JobHistory(Database database) {
        this.database = database;
    }

    /** In the order of time. */
    public List<Attempt> attempts(long job) throws CsvImportUnsettledException {
        return database.look(handle -> handle.select(
                        "SELECT state, reason, detail, http_status, times, first_at, last_at FROM csv_import_attempt"
                                + " WHERE job = ? ORDER BY sequence",
                        job)
                .mapTo(Attempt.class)
                .list());
    }

    /** In the order of time. */
    public List<Event> events(long job) throws CsvImportUnsettledException {
        return database.look(handle -> handle.select(
                        "SELECT id, created_at, sent_at, failures FROM csv_import_event WHERE job = ? ORDER BY sequence",
                        job)
                .mapTo(Event.class)
                .list());
    }

    /** What the preview said of a file that it has rejected, JSON of row to error; empty where it said nothing. */
    public Optional<String> previewRows(long job) throws CsvImportUnsettledException {
        return database.look(handle -> handle.select(
                        "SELECT preview_rows FROM csv_import_delivery WHERE job = ? AND preview_rows IS NOT NULL", job)
                .mapTo(String.class)
                .findFirst());
    }

    /** An attempt has come to something that does not settle the job, or a person decides. */
    static void insert(Handle handle, Job job, Outcome outcome) {
        Instant now = Instant.now();
        int again = handle.execute(
                "UPDATE csv_import_attempt SET times = times + 1, last_at = ? WHERE sequence = (SELECT MAX(sequence)"
                        + " FROM csv_import_attempt WHERE job = ?) AND state = ? AND reason IS NOT DISTINCT FROM ?"
                        + " AND detail IS NOT DISTINCT FROM ? AND http_status IS NOT DISTINCT FROM ?",
                now,
                job.id(),
                outcome.state(),
                outcome.reason(),
                outcome.detail(),
                outcome.why().httpStatus());
        if (again == 0) {
            handle.execute(
                    "INSERT INTO csv_import_attempt (job, state, reason, detail, http_status, first_at, last_at)"
                            + " SELECT ?, ?, ?, ?, ?, ?, ? WHERE (SELECT COUNT(*) FROM csv_import_attempt WHERE job = ?) < "
                            + MOST,
                    job.id(),
                    outcome.state(),
                    outcome.reason(),
                    outcome.detail(),
                    outcome.why().httpStatus(),
                    now,
                    now,
                    job.id());
        }
    }
}
