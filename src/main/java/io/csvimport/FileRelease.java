package io.csvimport;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.apache.camel.Exchange;
import org.apache.camel.component.file.GenericFile;
import org.apache.camel.component.file.GenericFileEndpoint;
import org.apache.camel.component.file.GenericFileOperations;
import org.apache.camel.component.file.GenericFileProcessStrategy;
import org.apache.camel.spi.ExceptionHandler;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Moves a file whose fate is settled into the folder beside it that its outcome names. Nothing is overwritten, and only
 * the file that was uploaded is moved: one that replaced it meanwhile stays, as a new delivery.
 */
public final class FileRelease<T> implements GenericFileProcessStrategy<T> {

    private static final Map<String, String> FOLDERS = Map.of(
            "accepted", ".imported",
            "completed", ".imported",
            "voiding", ".imported",
            "voided", ".imported",
            "duplicate", ".duplicate",
            "rejected", ".rejected");
    private static final Set<String> UNSENT = Set.of("claimed", "waiting");
    private static final Set<String> OPEN = Set.of("sending", "unknown", "held");
    private static final Logger LOG = LoggerFactory.getLogger("csv-import");
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String REASON = ".reason.json";

    /** Exchange property: the file was moved, or needs no move. */
    private static final String RELEASED = "csvImportReleased";

    private final Deliveries deliveries;
    private final ExceptionHandler failure;
    private final boolean keep;

    /** @param keep false for copies of the product's own: what is imported is deleted, only what is rejected is kept */
    FileRelease(Deliveries deliveries, ExceptionHandler failure, boolean keep) {
        this.deliveries = deliveries;
        this.failure = failure;
        this.keep = keep;
    }

    @Override
    public void prepareOnStartup(GenericFileOperations<T> operations, GenericFileEndpoint<T> endpoint) {
        // nothing is left over from a run before: the ledger knows
    }

    @Override
    public boolean begin(
            GenericFileOperations<T> operations,
            GenericFileEndpoint<T> endpoint,
            Exchange exchange,
            GenericFile<T> file) {
        return true;
    }

    @Override
    public void abort(
            GenericFileOperations<T> operations,
            GenericFileEndpoint<T> endpoint,
            Exchange exchange,
            GenericFile<T> file) {
        // never begun, nothing to undo
    }

    @Override
    public void rollback(
            GenericFileOperations<T> operations,
            GenericFileEndpoint<T> endpoint,
            Exchange exchange,
            GenericFile<T> file) {
        // a file whose fate is not settled stays where it is
    }

    @Override
    public void commit(
            GenericFileOperations<T> operations,
            GenericFileEndpoint<T> endpoint,
            Exchange exchange,
            GenericFile<T> consumed) {
        Delivery delivery = Delivery.of(exchange);
        if (delivery != null) {
            try {
                release(exchange, delivery);
            } catch (IOException | CsvImportUnsettledException | RuntimeException e) {
                failure.handleException(delivery.place() + " cannot be let go of", exchange, e);
            }
        }
    }

    private void release(Exchange exchange, Delivery delivery) throws IOException, CsvImportUnsettledException {
        SourceFile file = exchange.getProperty(Delivery.SOURCE_FILE, SourceFile.class);
        String outcome = delivery.state;
        if (!outcome.equals("withdrawn") && !FOLDERS.containsKey(outcome)) {
            return;
        }
        SourceFolders folders = file.folders();
        if (!folders.isReadOnly()) {
            String to = null;
            boolean isOver = FOLDERS.containsKey(outcome) || Deliveries.BY_HAND.equals(delivery.reason);
            if (isOver && !keep && !isKept(delivery)) {
                folders.delete(file.location());
            } else if (FOLDERS.containsKey(outcome)) {
                to = move(delivery, file, FOLDERS.get(outcome));
            }
            deliveries.released(
                    delivery, to, to == null ? null : folders.find(to).key());
        }
        exchange.setProperty(RELEASED, true);
    }

    /** Of the product's own copies, what is rejected is kept, unless its source has taken it back. */
    private static boolean isKept(Delivery delivery) {
        return delivery.state.equals("rejected") && delivery.envelope == null;
    }

    /** Whether the file of an exchange that is done was let go of. */
    static boolean isReleased(Exchange done) {
        return done.getProperty(RELEASED, false, boolean.class);
    }

    /** Lets go of deliveries whose file on this machine is gone. */
    public void sweep() throws CsvImportUnsettledException {
        deliveries.eachUnreleasedFile(delivery -> {
            Path file = Path.of(delivery.path);
            if (Files.isDirectory(file.getParent()) && !isThere(file, delivery)) {
                letGo(deliveries, delivery, movedTo(file, delivery));
            }
        });
    }

    /** Where the file was moved before the process died, or null where somebody else took it. */
    private static String movedTo(Path file, Delivery delivery) {
        String folder = FOLDERS.get(delivery.state);
        if (folder == null) {
            return null;
        }
        Path moved = file.resolveSibling(folder).resolve(file.getFileName());
        try {
            FileMark found = FileMark.of(moved);
            FileMark before = new FileMark(file, found.size(), found.modified(), found.fileKey());
            return before.looksLike(delivery.sourceKey) ? moved.toString() : null;
        } catch (IOException e) {
            return null;
        }
    }

    private static boolean isThere(Path file, Delivery delivery) {
        try {
            // hidden: the spool is just about to show it
            return Files.exists(file.resolveSibling("." + file.getFileName()))
                    || FileMark.of(file).looksLike(delivery.sourceKey);
        } catch (IOException e) {
            return false;
        }
    }

    /** A delivery whose file is gone: what was not sent is withdrawn, what is settled has no more to do. */
    static void letGo(Deliveries deliveries, Delivery delivery, String to) throws CsvImportUnsettledException {
        if (UNSENT.contains(delivery.state)) {
            delivery.reason = "gone";
            delivery.detail = "The file was taken away or replaced before it was sent";
            deliveries.write(delivery, "withdrawn", null);
            delivery.log(LOG, Level.INFO, "");
        }
        if (!OPEN.contains(delivery.state)) {
            deliveries.released(delivery, to);
        }
    }

    /** The new place of the file, or null where it is not the one that was uploaded any more: that is left alone. */
    private static String move(Delivery delivery, SourceFile file, String folderName) throws IOException {
        SourceFolders folders = file.folders();
        String from = file.location();
        if (!file.isThere()) {
            return null;
        }
        String folder = SourceFolders.parent(from) + "/" + folderName;
        folders.makeFolder(folder);
        String wanted = folder + "/" + SourceFolders.name(from);
        try {
            String to = delivery.state.equals("rejected")
                    ? freeWithReason(folders, wanted, delivery)
                    : free(folders, wanted, delivery.job);
            return folders.move(file, delivery.sha256, to) ? to : null;
        } catch (NoSuchFileException e) {
            if (file.isThere()) {
                // it is the other folder that is gone
                throw new IOException(Visible.of(from) + " cannot be moved into " + folderName, e);
            }
            return null;
        }
    }

    /** The name itself, or with the job in it: nothing is there. */
    private static String free(SourceFolders folders, String path, long job) throws IOException {
        int attempt = 0;
        String free = folders.numbered(path, job, attempt);
        while (folders.exists(free)) {
            free = folders.numbered(path, job, ++attempt);
        }
        return free;
    }

    /** The same where the name beside it is free for the reason, too, or has that very reason: then it is there. */
    private static String freeWithReason(SourceFolders folders, String path, Delivery delivery) throws IOException {
        for (int attempt = 0; ; attempt++) {
            String free = folders.numbered(path, delivery.job, attempt);
            String reasonFile = folders.beside(free, REASON);
            boolean isWhole = reasonFile.equals(path + REASON);
            String reason = reason(delivery, isWhole ? null : SourceFolders.name(path));
            boolean isThere = folders.exists(reasonFile);
            if (!folders.exists(free) && (!isThere || hasText(folders, reasonFile, reason))) {
                if (!isThere) {
                    folders.write(reasonFile, reason);
                }
                return free;
            }
        }
    }

    /** A reason that is this very one was written before the process died, or its disk was full. */
    private static boolean hasText(SourceFolders folders, String file, String text) throws IOException {
        try {
            return folders.find(file).size() <= SourceFolders.LONGEST_TEXT
                    && folders.read(file).equals(text);
        } catch (NoSuchFileException e) {
            // no plain file
            return false;
        }
    }

    /** @param fileName the whole one, where the names in the folder do not say it */
    private static String reason(Delivery delivery, String fileName) throws IOException {
        Map<String, Object> reason = new LinkedHashMap<>();
        reason.put("fileName", fileName);
        reason.put("reason", delivery.reason);
        reason.put("detail", delivery.detail);
        reason.put("httpStatus", delivery.httpStatus);
        reason.put("failedRows", delivery.previewRows == null ? null : JSON.readTree(delivery.previewRows));
        reason.put("time", Deliveries.text(delivery.settledAt));
        reason.values().removeIf(Objects::isNull);
        return JSON.writeValueAsString(reason) + "\n";
    }
}
