package io.csvimport.tracking;

import io.csvimport.CsvImportUnsettledException;
import io.csvimport.file.FileMark;
import io.csvimport.file.Sha256;
import io.csvimport.file.SourceFile;
import io.csvimport.file.SourceFolders;
import io.csvimport.file.Sources;
import io.csvimport.job.Job;
import io.csvimport.job.State;
import io.csvimport.ledger.Deliveries;
import io.csvimport.ledger.Outcomes;
import io.csvimport.ledger.Owner;
import io.csvimport.ledger.Retention;
import io.csvimport.settings.Settings;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.time.Duration;
import java.time.Instant;
import java.time.Period;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.List;
import java.util.Optional;
import org.apache.camel.util.function.ThrowingFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Forgets what was kept long enough: settled jobs with their events after {@code csv-import.ledger.keep}, imported files
 * after {@code csv-import.imported.keep}. What is forgotten is no duplicate any more. Also withdraws
 * items that their source does not offer any more.
 */
public final class Housekeeping {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");

    private final Settings settings;
    private final Retention retention;
    private final Deliveries deliveries;
    private final Outcomes outcomes;
    private final Owner owner;
    private final Sources sources;

    public Housekeeping(
            Settings settings,
            Retention retention,
            Deliveries deliveries,
            Outcomes outcomes,
            Owner owner,
            Sources sources) {
        this.settings = settings;
        this.retention = retention;
        this.deliveries = deliveries;
        this.outcomes = outcomes;
        this.owner = owner;
        this.sources = sources;
    }

    public void deleteImported() throws CsvImportUnsettledException {
        if (settings.find("imported.keep").isEmpty()) {
            return;
        }
        Instant before = before("imported.keep");
        List<Retention.Kept> batch;
        do {
            batch = retention.withFiles(before);
            for (Retention.Kept job : batch) {
                deleteQuietly(job.releasedTo(), found -> isReleased(job, found));
                deleteQuietly(job.failedRowsFile(), found -> found.key().equals(job.failedRowsKey()));
                retention.forgetFiles(job);
            }
        } while (batch.size() == Retention.BATCH);
    }

    /** One process of those that share the ledger does it. */
    public void forgetJobs() throws CsvImportUnsettledException {
        if (!owner.leads()) {
            return;
        }
        Instant before = before("ledger.keep");
        List<Retention.Done> batch;
        // in the order in which they were done; one whose events are not all sent and old is passed over
        Retention.Done last = new Retention.Done(0, "");
        do {
            batch = retention.done(before, last);
            retention.forget(batch);
            last = batch.isEmpty() ? last : batch.get(batch.size() - 1);
        } while (batch.size() == Retention.BATCH);
        retention.forgetDueTimes(before);
        owner.forgetDead();
    }

    /** Withdraws unsent messages of users' routes that their source has not offered again for so long. */
    public void withdrawUnoffered(Duration wait) throws CsvImportUnsettledException {
        deliveries.eachAbandoned(Instant.now().minus(wait), job -> {
            Job now = outcomes.withdraw(
                    job, "gone", "Its source has not offered it again for " + wait.toMinutes() + " minutes");
            if (now.state() == State.WITHDRAWN) {
                now.log(LOG, Level.INFO, "");
            }
        });
    }

    private Instant before(String setting) {
        return ZonedDateTime.now(ZoneOffset.UTC)
                .minus(Period.parse(settings.get(setting)))
                .toInstant();
    }

    /** Where its identity tells nothing, in a ledger of an earlier version or on a file system without, its bytes do. */
    private static boolean isReleased(Retention.Kept job, SourceFile found) throws IOException {
        if (found.key().equals(job.releasedKey())) {
            return true;
        }
        boolean perhaps = job.releasedKey() == null
                ? found.size() == job.fileSize()
                : found instanceof FileMark mark && mark.looksLike(job.releasedKey());
        return perhaps && Sha256.of(found).equals(job.sha256());
    }

    /** Deletes the very file; another one that has its name now stays. */
    private void deleteQuietly(String file, ThrowingFunction<SourceFile, Boolean, IOException> isIt) {
        if (file == null) {
            return;
        }
        try {
            // one on a server that is no source any more stays there
            Optional<SourceFolders> folders = sources.folders(file);
            if (folders.isPresent() && isIt.apply(folders.get().find(file))) {
                folders.get().delete(file);
            }
        } catch (NoSuchFileException e) {
            LOG.debug("{} is gone already", file);
        } catch (IOException e) {
            LOG.warn("{} was kept long enough, and cannot be deleted: {}", file, e.toString());
        }
    }
}
