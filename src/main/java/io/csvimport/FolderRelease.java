package io.csvimport;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.apache.camel.Exchange;
import org.apache.camel.component.file.GenericFile;
import org.apache.camel.component.file.GenericFileEndpoint;
import org.apache.camel.component.file.GenericFileOperations;
import org.apache.camel.component.file.GenericFileProcessStrategy;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Moves a file whose fate is settled into the folder beside it that its outcome names. Nothing is overwritten, and only
 * the file that was uploaded is moved: one that replaced it meanwhile stays, as a new delivery.
 */
public final class FolderRelease implements GenericFileProcessStrategy<File> {

    private static final Map<String, String> FOLDERS = Map.of(
            "accepted", ".imported", "completed", ".imported", "duplicate", ".duplicate", "rejected", ".rejected");
    private static final Set<String> UNSENT = Set.of("claimed", "waiting");
    private static final Set<String> OPEN = Set.of("sending", "unknown", "held");
    private static final Logger LOG = LoggerFactory.getLogger("csv-import");
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Deliveries deliveries;
    private final boolean keep;

    /** @param keep false for copies of the product's own: what is imported is deleted, only what is rejected is kept */
    FolderRelease(Deliveries deliveries, boolean keep) {
        this.deliveries = deliveries;
        this.keep = keep;
    }

    @Override
    public void prepareOnStartup(GenericFileOperations<File> operations, GenericFileEndpoint<File> endpoint) {
        // nothing is left over from a run before: the ledger knows
    }

    @Override
    public boolean begin(
            GenericFileOperations<File> operations,
            GenericFileEndpoint<File> endpoint,
            Exchange exchange,
            GenericFile<File> file) {
        return true;
    }

    @Override
    public void abort(
            GenericFileOperations<File> operations,
            GenericFileEndpoint<File> endpoint,
            Exchange exchange,
            GenericFile<File> file) {
        // never begun, nothing to undo
    }

    @Override
    public void rollback(
            GenericFileOperations<File> operations,
            GenericFileEndpoint<File> endpoint,
            Exchange exchange,
            GenericFile<File> file) {
        // a file whose fate is not settled stays where it is
    }

    @Override
    public void commit(
            GenericFileOperations<File> operations,
            GenericFileEndpoint<File> endpoint,
            Exchange exchange,
            GenericFile<File> file)
            throws Exception {
        Delivery delivery = Delivery.of(exchange);
        FileMark mark = exchange.getProperty(FolderFeed.MARK, FileMark.class);
        String outcome = delivery == null ? "" : delivery.state;
        if (FOLDERS.containsKey(outcome) && !keep && !outcome.equals("rejected")) {
            Files.deleteIfExists(mark.path());
            deliveries.released(delivery, null);
        } else if (FOLDERS.containsKey(outcome)) {
            deliveries.released(delivery, move(delivery, mark, mark.path().resolveSibling(FOLDERS.get(outcome))));
        } else if (outcome.equals("withdrawn")) {
            deliveries.released(delivery, null);
        }
    }

    /** Lets go of deliveries whose file is gone: what was not sent is withdrawn, what is settled has no more to do. */
    public void sweep() throws CsvImportUnsettledException {
        for (Delivery delivery : deliveries.unreleasedFiles()) {
            Path file = Path.of(delivery.path);
            if (!Files.isDirectory(file.getParent()) || isThere(file, delivery)) {
                continue;
            }
            if (UNSENT.contains(delivery.state)) {
                delivery.reason = "gone";
                delivery.detail = "The file was taken away or replaced before it was sent";
                deliveries.write(delivery, "withdrawn", null);
                LOG.info("{}", delivery.getSummary());
            }
            if (!OPEN.contains(delivery.state)) {
                deliveries.released(delivery, null);
            }
        }
    }

    private static boolean isThere(Path file, Delivery delivery) {
        try {
            // hidden: the spool is just about to show it
            return Files.exists(file.resolveSibling("." + file.getFileName()))
                    || FileMark.of(file).key().equals(delivery.sourceKey);
        } catch (IOException e) {
            return false;
        }
    }

    /** The new place of the file, or null where it is not the one that was uploaded any more: that is left alone. */
    private static Path move(Delivery delivery, FileMark mark, Path folder) throws IOException {
        if (!mark.isAt(mark.path())) {
            return null;
        }
        Files.createDirectories(folder);
        String reason = delivery.state.equals("rejected") ? reason(delivery) : "";
        Path target = freeName(folder, mark.path().getFileName().toString(), delivery.job, reason);
        if (!reason.isEmpty()) {
            Path whole = folder.resolve("." + delivery.job + ".reason.tmp");
            Files.writeString(whole, reason);
            Files.move(whole, reasonFile(target), StandardCopyOption.REPLACE_EXISTING);
        }
        try {
            Files.move(mark.path(), target);
        } catch (NoSuchFileException e) {
            return null;
        }
        if (!mark.isAt(target) && !Files.exists(mark.path())) {
            // it was replaced in the very moment before the move: the new one goes back
            Files.move(target, mark.path());
            return null;
        }
        return target;
    }

    /** The name itself, or with the job in it: neither a file of it is there, nor another delivery's reason. */
    private static Path freeName(Path folder, String name, long job, String reason) throws IOException {
        Path free = folder.resolve(name);
        while (Files.exists(free) || isOfAnother(reasonFile(free), reason)) {
            free = folder.resolve(CsvUpload.tagged(free.getFileName().toString(), job));
        }
        return free;
    }

    /** A reason that is this very one was written before the process died, or its disk was full. */
    private static boolean isOfAnother(Path reasonFile, String reason) throws IOException {
        return Files.exists(reasonFile) && !Files.readString(reasonFile).equals(reason);
    }

    private static Path reasonFile(Path file) {
        return file.resolveSibling(file.getFileName() + ".reason.json");
    }

    private static String reason(Delivery delivery) throws IOException {
        Map<String, Object> reason = new LinkedHashMap<>();
        reason.put("reason", delivery.reason);
        reason.put("detail", delivery.detail);
        reason.put("httpStatus", delivery.httpStatus);
        reason.put("time", Deliveries.text(delivery.settledAt));
        reason.values().removeIf(Objects::isNull);
        return JSON.writeValueAsString(reason) + "\n";
    }
}
