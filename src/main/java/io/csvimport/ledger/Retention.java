package io.csvimport.ledger;

import io.csvimport.CsvImportUnsettledException;
import io.csvimport.file.SourceFile;
import java.time.Instant;
import java.util.List;

/** Finds and deletes rows that were kept long enough, in small batches: no upload waits long for them. */
public final class Retention {

    /** A job that is released. */
    public record Done(long job, String releasedAt) {}

    /**
     * A job whose files are kept: the imported one, and that of its failed rows; each null where there is none.
     *
     * @param releasedKey of the imported file as {@link SourceFile#key} gives it; null: released by an earlier version
     */
    public record Kept(
            long job,
            String releasedTo,
            String releasedKey,
            long fileSize,
            String sha256,
            String failedRowsFile,
            String failedRowsKey) {}

    public static final int BATCH = 200;

    private final Database database;
    private final Owner owner;

    public Retention(Ledger ledger) {
        database = ledger.database();
        owner = ledger.owner();
    }

    /** Jobs that were released before a time, in that order; one whose events are not all sent and old is passed over. */
    public List<Done> done(Instant before, Done after) throws CsvImportUnsettledException {
        return database.look(handle -> handle.select(
                        "SELECT job, released_at FROM csv_import_delivery done WHERE released_at < ?"
                                + " AND (released_at, job) > (?, ?) AND state <> 'voiding' AND NOT EXISTS (SELECT 1"
                                + " FROM csv_import_event kept WHERE kept.job = done.job"
                                + " AND (kept.sent_at IS NULL OR kept.sent_at >= ?)) ORDER BY released_at, job LIMIT "
                                + BATCH,
                        before,
                        after.releasedAt,
                        after.job,
                        before)
                .mapTo(Done.class)
                .list());
    }

    /** Deletes them with their history. */
    public void forget(List<Done> jobs) throws CsvImportUnsettledException {
        database.relaxed(handle -> {
            for (Done done : jobs) {
                handle.execute("DELETE FROM csv_import_event WHERE job = ?", done.job);
                handle.execute("DELETE FROM csv_import_attempt WHERE job = ?", done.job);
                handle.execute("DELETE FROM csv_import_delivery WHERE job = ? AND state <> 'voiding'", done.job);
            }
            return null;
        });
    }

    /** Deletes due times before a time that wait for nothing, with their events, and expectations that are no more. */
    public void forgetDueTimes(Instant before) throws CsvImportUnsettledException {
        database.relaxed(handle -> {
            handle.execute("DELETE FROM csv_import_event WHERE job < 0 AND sent_at < ?", before);
            handle.execute("DELETE FROM csv_import_due WHERE due < ? AND state NOT IN ('late', 'missing')", before);
            handle.execute("DELETE FROM csv_import_expectation WHERE since IS NULL"
                    + " AND expectation NOT IN (SELECT expectation FROM csv_import_due)"
                    + " AND -expectation NOT IN (SELECT job FROM csv_import_event WHERE job < 0)");
            return null;
        });
    }

    /** Jobs of this data dir's processes that were released before a time and have files. */
    public List<Kept> withFiles(Instant before) throws CsvImportUnsettledException {
        return database.look(handle -> handle.select(
                        "SELECT * FROM csv_import_delivery WHERE released_at < ?"
                                + " AND COALESCE(released_to, failed_rows_file) IS NOT NULL"
                                + " AND state IN ('accepted', 'completed', 'voided') AND owner LIKE ?"
                                + " ORDER BY released_at, job LIMIT " + BATCH,
                        before,
                        owner.here())
                .mapTo(Kept.class)
                .list());
    }

    public void forgetFiles(Kept job) throws CsvImportUnsettledException {
        database.relaxed(handle -> handle.execute(
                "UPDATE csv_import_delivery SET released_to = NULL, failed_rows_file = NULL WHERE job = ?", job.job));
    }
}
