package io.csvimport;

import static io.csvimport.Database.query;
import static io.csvimport.Database.update;

import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.time.Duration;
import java.time.Instant;
import java.time.Period;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Forgets what was kept long enough: settled jobs with their events after {@code csv-import.ledger.keep}, imported files
 * after {@code csv-import.imported.keep}. What is forgotten is no duplicate any more.
 */
public final class Housekeeping {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");
    /** Rows of one transaction: an upload waits for no long one. */
    private static final int BATCH = 200;

    private static final Duration UNSENT = Duration.ofHours(1);

    private record Done(long job, String releasedAt) {}

    private record Imported(
            Done done, String file, String key, long size, String sha256, String failedRows, String failedRowsKey) {}

    private final Settings settings;
    private final Database database;
    private final Deliveries deliveries;
    private final Outcomes outcomes;
    private final Owner owner;
    private final Sources sources;

    Housekeeping(
            Settings settings,
            Database database,
            Deliveries deliveries,
            Outcomes outcomes,
            Owner owner,
            Sources sources) {
        this.settings = settings;
        this.database = database;
        this.deliveries = deliveries;
        this.outcomes = outcomes;
        this.owner = owner;
        this.sources = sources;
    }

    /** The step of the route {@code csv-import-housekeeping}. */
    public void forget() throws CsvImportUnsettledException {
        if (settings.find("imported.keep").isPresent()) {
            deleteImported(before("imported.keep"));
        }
        forgetAbandoned();
        if (owner.leads()) {
            forgetJobs(before("ledger.keep"));
            database.durable(c -> update(
                    c,
                    "DELETE FROM csv_import_owner WHERE lease_until < " + database.clock(Duration.ofDays(-1))
                            + " AND owner <> ?",
                    owner.id()));
        }
    }

    /** In the order in which they were done; one whose events are not all sent and old is passed over. */
    private void forgetJobs(String before) throws CsvImportUnsettledException {
        List<Done> batch;
        Done last = new Done(0, "");
        do {
            Done after = last;
            batch = database.look(c -> query(
                    c,
                    row -> new Done(row.getLong("job"), row.getString("released_at")),
                    "SELECT job, released_at FROM csv_import_delivery done WHERE released_at < ?"
                            + " AND (released_at, job) > (?, ?) AND state <> 'voiding' AND NOT EXISTS (SELECT 1"
                            + " FROM csv_import_event kept WHERE kept.job = done.job"
                            + " AND (kept.sent_at IS NULL OR kept.sent_at >= ?)) ORDER BY released_at, job LIMIT "
                            + BATCH,
                    before,
                    after.releasedAt,
                    after.job,
                    before));
            for (Done done : batch) {
                last = done;
            }
            List<Done> forgotten = batch;
            database.relaxed(c -> {
                for (Done done : forgotten) {
                    update(c, "DELETE FROM csv_import_event WHERE job = ?", done.job);
                    update(c, "DELETE FROM csv_import_delivery WHERE job = ? AND state <> 'voiding'", done.job);
                }
                return null;
            });
        } while (batch.size() == BATCH);
    }

    /** Items that their source does not offer any more. */
    private void forgetAbandoned() throws CsvImportUnsettledException {
        deliveries.eachAbandoned(Instant.now().minus(UNSENT), job -> {
            String why = "Its source has not offered it again for " + UNSENT.toMinutes() + " minutes";
            Job now = outcomes.withdraw(job, "gone", why);
            if (now.state() == State.WITHDRAWN) {
                now.log(LOG, Level.INFO, "");
            }
        });
    }

    private String before(String setting) {
        return Deliveries.text(ZonedDateTime.now(ZoneOffset.UTC)
                .minus(Period.parse(settings.get(setting)))
                .toInstant());
    }

    private void deleteImported(String before) throws CsvImportUnsettledException {
        List<Imported> batch;
        do {
            batch = database.look(c -> query(
                    c,
                    row -> new Imported(
                            new Done(row.getLong("job"), row.getString("released_at")),
                            row.getString("released_to"),
                            row.getString("released_key"),
                            row.getLong("file_size"),
                            row.getString("sha256"),
                            row.getString("failed_rows_file"),
                            row.getString("failed_rows_key")),
                    "SELECT * FROM csv_import_delivery WHERE released_at < ?"
                            + " AND COALESCE(released_to, failed_rows_file) IS NOT NULL"
                            + " AND state IN ('accepted', 'completed', 'voided') AND owner LIKE ?"
                            + " ORDER BY released_at, job LIMIT " + BATCH,
                    before,
                    owner.here()));
            for (Imported imported : batch) {
                deleteQuietly(imported.file, found -> isReleased(imported, found));
                deleteQuietly(imported.failedRows, found -> found.key().equals(imported.failedRowsKey));
                database.relaxed(c -> update(
                        c,
                        "UPDATE csv_import_delivery SET released_to = NULL, failed_rows_file = NULL WHERE job = ?",
                        imported.done.job));
            }
        } while (batch.size() == BATCH);
    }

    /** Where its identity tells nothing, in a ledger of an earlier version or on a file system without, its bytes do. */
    private static boolean isReleased(Imported imported, SourceFile found) throws IOException {
        if (found.key().equals(imported.key)) {
            return true;
        }
        boolean perhaps = imported.key == null
                ? found.size() == imported.size
                : found instanceof FileMark mark && mark.looksLike(imported.key);
        return perhaps && Sha256.of(found).equals(imported.sha256);
    }

    private interface Check {
        boolean isIt(SourceFile found) throws IOException;
    }

    /** Deletes the very file; another one that has its name now stays. */
    private void deleteQuietly(String file, Check check) {
        if (file == null) {
            return;
        }
        try {
            // one on a server that is no source any more stays there
            Optional<SourceFolders> folders = sources.folders(file);
            if (folders.isPresent() && check.isIt(folders.get().find(file))) {
                folders.get().delete(file);
            }
        } catch (NoSuchFileException e) {
            LOG.debug("{} is gone already", file);
        } catch (IOException e) {
            LOG.warn("{} was kept long enough, and cannot be deleted: {}", file, e.toString());
        }
    }
}
