package io.csvimport.source;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.csvimport.CsvImportUnsettledException;
import io.csvimport.file.FileMark;
import io.csvimport.file.SourceFile;
import io.csvimport.file.SourceFolders;
import io.csvimport.file.SpoolFolder;
import io.csvimport.job.CsvImportConstants;
import io.csvimport.job.Delivery;
import io.csvimport.job.Job;
import io.csvimport.job.Outcome;
import io.csvimport.job.State;
import io.csvimport.ledger.Deliveries;
import io.csvimport.ledger.LedgerValues;
import io.csvimport.ledger.Outcomes;
import io.csvimport.text.Visible;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Predicate;
import org.apache.camel.Exchange;
import org.apache.camel.spi.ExceptionHandler;

/**
 * Moves a file whose fate is settled into the folder beside it that its outcome names. Nothing is overwritten, and only
 * the file that was uploaded is moved: one that replaced it meanwhile stays, as a new delivery.
 */
public final class FileRelease {

    private static final Map<String, String> FOLDERS =
            Map.of("accepted", ".imported", "duplicate", ".duplicate", "rejected", ".rejected");
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String REASON = ".reason.json";

    private final Deliveries deliveries;
    private final Outcomes outcomes;
    private final ExceptionHandler failure;
    private final SpoolFolder spool;
    private final boolean keep;

    /**
     * @param spool where the copy of a file that waited, or whose outcome was unknown, outlives its attempts
     * @param keep false for copies of the product's own: what is imported is deleted, only what is rejected is kept
     */
    public FileRelease(
            Deliveries deliveries, Outcomes outcomes, ExceptionHandler failure, SpoolFolder spool, boolean keep) {
        this.spool = spool;
        this.deliveries = deliveries;
        this.outcomes = outcomes;
        this.failure = failure;
        this.keep = keep;
    }

    /** Answers whether the file of an exchange that is done was moved, or needs no move. */
    boolean release(Exchange exchange) {
        Delivery delivery = Delivery.of(exchange);
        if (delivery != null && delivery.job() != null) {
            try {
                return release(exchange, delivery.job());
            } catch (IOException | CsvImportUnsettledException | RuntimeException e) {
                failure.handleException(delivery.place() + " cannot be released", exchange, e);
            }
        }
        return false;
    }

    private boolean release(Exchange exchange, Job job) throws IOException, CsvImportUnsettledException {
        SourceFile file = exchange.getProperty(CsvImportConstants.SOURCE_FILE, SourceFile.class);
        String folder = FOLDERS.get(job.state().outcome());
        if (folder == null && job.state() != State.WITHDRAWN) {
            return false;
        }
        SourceFolders folders = file.folders();
        if (!folders.isReadOnly()) {
            String to = null;
            boolean isOver =
                    folder != null || Outcome.BY_HAND.equals(job.outcome().reason());
            if (isOver && !keep && !isKept(job)) {
                folders.delete(file.location());
            } else if (folder != null) {
                to = move(job, file, folder);
            }
            outcomes.released(job, to, to == null ? null : folders.find(to).key());
        }
        if (folders != SourceFolders.LOCAL) {
            SpoolFolder.delete(spool.copyOf(file.key()));
        }
        return true;
    }

    /** Of the product's own copies, what is rejected is kept, unless its source has taken it back. */
    private static boolean isKept(Job job) {
        return job.state() == State.REJECTED && job.origin().envelope() == null;
    }

    /** Releases deliveries whose file on this machine is gone. */
    public void sweep() throws CsvImportUnsettledException {
        deliveries.eachUnreleasedFile(job -> {
            if (FileMark.isGone(job.origin().path(), job.origin().sourceKey())) {
                outcomes.gone(job, movedTo(Path.of(job.origin().path()), job));
            }
        });
    }

    /**
     * Releases deliveries whose file is gone from its server, or was replaced there.
     *
     * @param folder location that the files lie below
     * @param settledToo whether those with an outcome are looked for, too
     * @param isListed whether a file is known to be there
     */
    public void sweepServer(SourceFolders server, String folder, boolean settledToo, Predicate<Job> isListed)
            throws IOException, CsvImportUnsettledException {
        deliveries.<IOException>eachUnreleasedBelow(folder, settledToo, job -> {
            if (!isListed.test(job)
                    && !isThere(server, job.origin())
                    && outcomes.gone(job, null).state().isSettled()) {
                SpoolFolder.delete(spool.copyOf(job.origin().sourceKey()));
            }
        });
    }

    private static boolean isThere(SourceFolders server, Job.Origin origin) throws IOException {
        try {
            return server.find(origin.path()).key().equals(origin.sourceKey());
        } catch (NoSuchFileException e) {
            return false;
        }
    }

    /** Where the file was moved before the process died, or null where somebody else took it. */
    private static String movedTo(Path file, Job job) {
        String folder = FOLDERS.get(job.state().outcome());
        if (folder == null) {
            return null;
        }
        Path moved = file.resolveSibling(folder).resolve(file.getFileName());
        try {
            FileMark found = FileMark.of(moved);
            FileMark before = new FileMark(file, found.size(), found.modified(), found.fileKey());
            return before.looksLike(job.origin().sourceKey()) ? moved.toString() : null;
        } catch (IOException e) {
            return null;
        }
    }

    /** The new place of the file, or null where it is not the one that was uploaded any more: that is left alone. */
    private static String move(Job job, SourceFile file, String folderName) throws IOException {
        SourceFolders folders = file.folders();
        String from = file.location();
        if (!file.isThere()) {
            return null;
        }
        String folder = SourceFolders.parent(from) + "/" + folderName;
        folders.makeFolder(folder);
        String wanted = folder + "/" + SourceFolders.name(from);
        boolean isRejected = job.state() == State.REJECTED;
        try {
            String to = SourceFolders.free(
                    wanted,
                    job.id(),
                    path -> !folders.exists(path) && (!isRejected || hasReason(folders, path, wanted, job)));
            return folders.move(file, job.content().sha256(), to) ? to : null;
        } catch (NoSuchFileException e) {
            if (file.isThere()) {
                // it is the other folder that is gone
                throw new IOException(Visible.of(from) + " cannot be moved into " + folderName, e);
            }
            return null;
        }
    }

    /** Writes the reason beside the path; false where another has its name. */
    private static boolean hasReason(SourceFolders folders, String path, String wanted, Job job) throws IOException {
        String file = SourceFolders.beside(path, REASON);
        boolean isWhole = file.equals(wanted + REASON);
        byte[] reason = reason(job, isWhole ? null : SourceFolders.name(wanted));
        if (!folders.exists(file)) {
            folders.put(new ByteArrayInputStream(reason), file);
            return true;
        }
        // this very one was written before the process died, or its disk was full
        try (InputStream in = folders.find(file).open()) {
            return Arrays.equals(in.readNBytes(reason.length + 1), reason);
        } catch (NoSuchFileException e) {
            // no plain file
            return false;
        }
    }

    /** @param fileName the whole one, where the names in the folder do not say it */
    private static byte[] reason(Job job, String fileName) throws IOException {
        String rows = job.outcome().rows().first();
        Map<String, Object> reason = new LinkedHashMap<>();
        reason.put("fileName", fileName);
        reason.put("reason", job.outcome().reason());
        reason.put("detail", job.outcome().detail());
        if (Job.Look.UNEXPECTED.equals(job.outcome().reason())) {
            reason.put("expected", job.look().expected());
            reason.put("found", job.look().found());
        }
        reason.put("httpStatus", job.outcome().why().httpStatus());
        reason.put("failedRows", rows == null ? null : JSON.readTree(rows));
        reason.put("time", LedgerValues.text(job.outcome().settledAt()));
        reason.values().removeIf(Objects::isNull);
        return (JSON.writeValueAsString(reason) + "\n").getBytes(StandardCharsets.UTF_8);
    }
}
