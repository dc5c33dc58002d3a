package io.csvimport;

import static io.csvimport.Database.query;
import static io.csvimport.Database.update;

import java.io.IOException;
import java.time.Duration;
import java.time.Period;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Forgets what was kept long enough: settled jobs with their events after {@code csv-import.ledger.keep}, imported files
 * after {@code csv-import.imported.keep}. What is forgotten is no duplicate any more.
 */
public final class Housekeeping {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");
    private static final int BATCH = 1000;
    private static final String DONE = "released_at < ? AND state <> 'voiding'";

    private record Imported(long job, String file, String failedRows) {}

    private final Settings settings;
    private final Database database;
    private final Owner owner;
    private final Sources sources;

    Housekeeping(Settings settings, Database database, Owner owner, Sources sources) {
        this.settings = settings;
        this.database = database;
        this.owner = owner;
        this.sources = sources;
    }

    /** The step of the route {@code csv-import-housekeeping}. */
    public void forget() throws CsvImportUnsettledException {
        if (settings.find("imported.keep").isPresent()) {
            deleteImported(before("imported.keep"));
        }
        if (owner.leads()) {
            String before = before("ledger.keep");
            database.inTransaction(c -> update(
                    c,
                    "DELETE FROM csv_import_event WHERE sent_at < ? AND job IN"
                            + " (SELECT job FROM csv_import_delivery WHERE " + DONE + ")",
                    before,
                    before));
            database.inTransaction(c -> update(
                    c,
                    "DELETE FROM csv_import_delivery WHERE " + DONE
                            + " AND job NOT IN (SELECT job FROM csv_import_event)",
                    before));
            database.inTransaction(c -> update(
                    c,
                    "DELETE FROM csv_import_owner WHERE lease_until < " + database.clock(Duration.ofDays(-1))
                            + " AND owner <> ?",
                    owner.id()));
        }
    }

    private String before(String setting) {
        return Deliveries.text(ZonedDateTime.now(ZoneOffset.UTC)
                .minus(Period.parse(settings.get(setting)))
                .toInstant());
    }

    private void deleteImported(String before) throws CsvImportUnsettledException {
        List<Imported> files;
        do {
            files = database.read(c -> query(
                    c,
                    row -> new Imported(
                            row.getLong("job"), row.getString("released_to"), row.getString("failed_rows_file")),
                    "SELECT job, released_to, failed_rows_file FROM csv_import_delivery WHERE released_at < ?"
                            + " AND COALESCE(released_to, failed_rows_file) IS NOT NULL"
                            + " AND state IN ('accepted', 'completed', 'voided') AND owner LIKE ? LIMIT " + BATCH,
                    before,
                    owner.here()));
            for (Imported imported : files) {
                deleteQuietly(imported.file);
                deleteQuietly(imported.failedRows);
                database.inTransaction(c -> update(
                        c,
                        "UPDATE csv_import_delivery SET released_to = NULL, failed_rows_file = NULL WHERE job = ?",
                        imported.job));
            }
        } while (files.size() == BATCH);
    }

    private void deleteQuietly(String file) {
        if (file == null) {
            return;
        }
        try {
            // one on a server that is no source any more stays there
            Optional<SourceFolders> folders = sources.folders(file);
            if (folders.isPresent()) {
                folders.get().delete(file);
            }
        } catch (IOException e) {
            LOG.warn("{} was kept long enough, and cannot be deleted: {}", file, e.toString());
        }
    }
}
