package io.csvimport.ledger;

import io.csvimport.CsvImportUnsettledException;
import java.time.Instant;
import java.util.List;

/** What is open in the ledger, counted. */
public final class OpenJobs {

    /** @param oldest when the oldest of them was made; null where there is none */
    public record Count(String state, long count, Instant oldest) {}

    private final Database database;

    public OpenJobs(Database database) {
        this.database = database;
    }

    /** The jobs that are not released, by state, and those that are being voided. */
    public List<Count> jobs() throws CsvImportUnsettledException {
        return counts("SELECT state, COUNT(*) AS count, MIN(created_at) AS oldest FROM csv_import_delivery"
                + " WHERE released_at IS NULL AND state IN ('claimed', 'sending', 'waiting', 'unknown', 'held')"
                + " GROUP BY state UNION ALL SELECT 'voiding', COUNT(*), MIN(created_at) FROM csv_import_delivery"
                + " WHERE state = 'voiding'");
    }

    /** The audit events that are not sent. */
    public Count events() throws CsvImportUnsettledException {
        return counts("SELECT 'events' AS state, COUNT(*) AS count, MIN(created_at) AS oldest FROM csv_import_event"
                        + " WHERE sent_at IS NULL")
                .get(0);
    }

    private List<Count> counts(String sql) throws CsvImportUnsettledException {
        return database.look(handle -> handle.select(sql).mapTo(Count.class).list());
    }
}
