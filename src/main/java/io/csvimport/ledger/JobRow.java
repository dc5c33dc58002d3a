package io.csvimport.ledger;

import io.csvimport.job.Job;
import io.csvimport.job.Outcome;
import io.csvimport.job.State;
import io.csvimport.job.Trace;
import io.csvimport.text.NotifyAddresses;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.StatementContext;
import org.jdbi.v3.core.statement.Update;

/** The columns of {@code csv_import_delivery} that make a {@link Job}, and how this room reads and changes its rows. */
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
                new Outcome(
                        State.of(row.getString("state")),
                        row.getString("import_id"),
                        row.getInt("reconciled") == 1,
                        new Outcome.Why(row.getString("reason"), row.getString("detail"), (Integer)
                                row.getObject("http_status")),
                        row.getInt("failures"),
                        new Outcome.Rows((Integer) row.getObject("failed_rows"), row.getString("preview_rows")),
                        LedgerValues.instant(row.getString("next_attempt_at")),
                        LedgerValues.instant(row.getString("settled_at"))),
                LedgerValues.instant(row.getString("created_at")),
                row.getString("released_to"),
                new Trace(row.getString("traceparent"), row.getString("tracestate")),
                new Job.Look(
                        row.getString("csv_header"),
                        LedgerValues.number(row, "csv_rows"),
                        row.getString("expected"),
                        row.getString("found"),
                        row.getInt("waived") == 1));
    }

    /** Empty where another process was faster, or the item has its row already. */
    static Optional<Job> insert(Handle handle, Job job, String organization) {
        Instant now = Instant.now();
        OptionalLong id = Sql.number(
                handle,
                "INSERT INTO csv_import_delivery (source_key, item_key, envelope, source, state, organization, template,"
                        + " notify, file_name, file_path, file_size, sha256, duplicates, owner, attempts, sending_at, created_at,"
                        + " traceparent, tracestate, csv_header, csv_rows)"
                        + " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                        + " ON CONFLICT DO NOTHING RETURNING job",
                job.origin().sourceKey(),
                job.origin().itemKey(),
                job.origin().envelope(),
                job.origin().from(),
                job.state(),
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
                now,
                job.trace().traceparent(),
                job.trace().tracestate(),
                job.look().header(),
                job.look().rows());
        if (id.isEmpty()) {
            return Optional.empty();
        }
        Job inserted = job.inserted(id.getAsLong(), now);
        if (job.names().fileName() == null) {
            Sql.update(
                    handle,
                    "UPDATE csv_import_delivery SET file_name = ? WHERE job = ?",
                    inserted.names().fileName(),
                    inserted.id());
        }
        return Optional.of(inserted);
    }

    /**
     * Compare and set: false where the row is another process's or another attempt's by now, or not as expected.
     *
     * @param expected SQL: what the row has to be
     * @param set SQL, with the job's own values as parameters, such as {@code :outcome.reason}
     * @param more names and values of other parameters
     */
    static boolean change(Handle handle, Job job, String expected, String set, Object... more) {
        Update update = handle.createUpdate("UPDATE csv_import_delivery SET " + set
                        + " WHERE job = :id AND owner = :owner AND attempts = :attempt.number AND " + expected)
                .bindMethods(job);
        for (int i = 0; i < more.length; i += 2) {
            update.bind((String) more[i], more[i + 1]);
        }
        return update.execute() == 1;
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
        return Sql.number(handle, "SELECT 1 FROM csv_import_delivery WHERE " + where + " LIMIT 1", parameters)
                .isPresent();
    }
}
