package io.csvimport.ledger;

import io.csvimport.CsvImportUnsettledException;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;

/** The audit events that the audit endpoint has not taken yet. */
public final class UnsentEvents {

    /** One event; its payload is sent as it is. */
    public record Event(String id, String payload, int failures) {}

    private final Database database;

    public UnsentEvents(Database database) {
        this.database = database;
    }

    /**
     * The first event of each job, where it is due: those that were never refused, then the others.
     *
     * @param longest pause; what is to wait longer was written before the clock was set back
     */
    public List<Event> due(Duration longest) throws CsvImportUnsettledException {
        Instant now = Instant.now();
        return database.read(handle -> handle.select(
                        "SELECT id, payload, failures FROM csv_import_event due WHERE sent_at IS NULL"
                                + " AND (retry_at <= ? OR retry_at > ?) AND NOT EXISTS (SELECT 1"
                                + " FROM csv_import_event earlier WHERE earlier.job = due.job"
                                + " AND earlier.sequence < due.sequence AND earlier.sent_at IS NULL)"
                                + " ORDER BY retry_at, sequence LIMIT 1000",
                        now,
                        now.plus(longest))
                .mapTo(Event.class)
                .list());
    }

    /** The audit endpoint has taken them; what a power failure loses of it is sent again. */
    public void sent(Collection<String> ids) throws CsvImportUnsettledException {
        Instant now = Instant.now();
        database.relaxed(handle -> {
            ids.forEach(id -> handle.execute("UPDATE csv_import_event SET sent_at = ? WHERE id = ?", now, id));
            return null;
        });
    }

    /** The audit endpoint has refused the event: it is due again then. */
    public void refused(Event event, Instant again) throws CsvImportUnsettledException {
        database.relaxed(handle -> handle.execute(
                "UPDATE csv_import_event SET failures = ?, retry_at = ? WHERE id = ?",
                event.failures + 1,
                again,
                event.id));
    }
}
