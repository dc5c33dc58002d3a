package io.csvimport.ledger;

import io.csvimport.CsvImportUnsettledException;
import java.time.Instant;
import java.util.List;

/** The jobs by feed, for people: those of a day, and those that are not settled. */
public final class JobCounts {

    /**
     * @param from the feed, as {@code from} of the job list
     * @param hour and its tens of minutes, as in {@code 2026-01-31T04:5}, in UTC: some zones begin a day at a half hour
     */
    public record Hour(String from, String hour, String state, long count) {}

    /** @param oldest the job that was made first */
    public record Open(String from, String state, long count, long oldest) {}

    private final Database database;

    public JobCounts(Database database) {
        this.database = database;
    }

    /** By the hour in which they arrived. */
    public List<Hour> since(Instant time) throws CsvImportUnsettledException {
        return database.look(handle -> handle.select(
                        "SELECT source AS \"from\", substr(created_at, 1, 15) AS hour, state, COUNT(*) AS count"
                                + " FROM csv_import_delivery WHERE created_at >= ? GROUP BY 1, 2, 3 ORDER BY 1, 2",
                        time)
                .mapTo(Hour.class)
                .list());
    }

    /** What waits, is being sent, is looked for or held; without what is released already. */
    public List<Open> open() throws CsvImportUnsettledException {
        return database.look(handle -> handle.select(
                        "SELECT source AS \"from\", state, COUNT(*) AS count, MIN(job) AS oldest FROM csv_import_delivery"
                                + " WHERE released_at IS NULL"
                                + " AND state IN ('claimed', 'sending', 'waiting', 'unknown', 'held')"
                                + " GROUP BY 1, 2 ORDER BY 4")
                .mapTo(Open.class)
                .list());
    }

    /** The templates of the newest thousand jobs, in their order. */
    public List<String> templates() throws CsvImportUnsettledException {
        return database.look(handle -> handle.select(
                        "SELECT DISTINCT template FROM (SELECT template FROM csv_import_delivery WHERE state IN ('accepted',"
                                + " 'completed', 'duplicate') ORDER BY job DESC LIMIT 1000) newest"
                                + " WHERE template IS NOT NULL ORDER BY template")
                .mapTo(String.class)
                .list());
    }
}
