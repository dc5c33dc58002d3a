package io.csvimport.ledger;

import io.csvimport.job.Job;
import io.csvimport.job.Outcome;
import io.csvimport.job.State;
import io.csvimport.text.NotifyAddresses;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.StatementContext;

/** The columns of {@code csv_import_delivery} that make a {@link Job}. */
final class JobRow {

    private JobRow() {}

    static Job read(ResultSet row, StatementContext context) throws SQLException {
        return new Job(
                row.getLong("job"),
                new Job.Origin(
                        row.getString("source"),
                        row.getString("source_key"),
                        row.getString("item_key"),
                        row.getString("file_path"),
                        row.getString("envelope")),
                new Job.Naming(
                        row.getString("template"),
                        NotifyAddresses.of(row.getString("notify")),
                        row.getString("file_name"),
                        row.getString("duplicates")),
                new Job.Content(row.getLong("file_size"), row.getString("sha256")),
                row.getString("owner"),
                new Job.Attempt(
                        row.getInt("attempts"),
                        LedgerValues.instant(row.getString("sending_at")),
                        LedgerValues.instant(row.getString("api_time"))),
                outcome(row),
                LedgerValues.instant(row.getString("created_at")),
                row.getString("released_to"));
    }

    private static Outcome outcome(ResultSet row) throws SQLException {
        return new Outcome(
                State.of(row.getString("state")),
                row.getString("import_id"),
                row.getInt("reconciled") == 1,
                new Outcome.Why(
                        row.getString("reason"), row.getString("detail"), (Integer) row.getObject("http_status")),
                row.getInt("failures"),
                new Outcome.Rows((Integer) row.getObject("failed_rows"), row.getString("preview_rows")),
                LedgerValues.instant(row.getString("next_attempt_at")),
                LedgerValues.instant(row.getString("settled_at")));
    }

    /** Empty where another process was faster, or the item has its row already. */
    static Optional<Job> insert(Handle handle, Job job, String organization) {
        Instant now = Instant.now();
        Optional<Long> id = handle.select(
                        "INSERT INTO csv_import_delivery (source_key, item_key, envelope, source, state, organization, template, notify,"
                                + " file_name, file_path, file_size, sha256, duplicates, owner, attempts, sending_at, created_at)"
                                + " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING job",
                        job.origin().sourceKey(),
                        job.origin().itemKey(),
                        job.origin().envelope(),
                        job.origin().from(),
                        job.state().toString(),
                        organization,
                        job.names().template(),
                        job.names().addressList(),
                        job.names().fileName(),
                        job.origin().path(),
                        job.content().size(),
                        job.content().sha256(),
                        job.names().duplicates(),
                        job.owner(),
                        job.attempt().number(),
                        job.attempt().began(),
                        now)
                .mapTo(Long.class)
                .findFirst();
        if (id.isEmpty()) {
            return Optional.empty();
        }
        Job inserted = job.inserted(id.get(), now);
        if (job.names().fileName() == null) {
            handle.execute(
                    "UPDATE csv_import_delivery SET file_name = ? WHERE job = ?",
                    inserted.names().fileName(),
                    inserted.id());
        }
        return Optional.of(inserted);
    }

    static Optional<Job> find(Handle handle, long job) {
        return select(handle, "job = ?", job).stream().findFirst();
    }

    /** @param where with what may follow it */
    static List<Job> select(Handle handle, String where, Object... parameters) {
        return handle.select("SELECT * FROM csv_import_delivery WHERE " + where, parameters)
                .map(JobRow::read)
                .list();
    }

    static boolean exists(Handle handle, String where, Object... parameters) {
        return handle.select("SELECT 1 FROM csv_import_delivery WHERE " + where + " LIMIT 1", parameters)
                .mapTo(Integer.class)
                .findFirst()
                .isPresent();
    }
}
