package io.csvimport;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.UUID;
import java.util.stream.Stream;
import org.apache.camel.Exchange;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * The folder in the data dir where the bytes of what is not a local file wait for their fate. A file is hidden (a dot
 * before its name) until the ledger has its job; then {@code csv-import-from-spool} takes it. One folder a lane: what
 * waits holds back only later ones of its own source and template.
 */
public final class Spool {

    /** Exchange property: the file is gone from its server, and its copy is all there is. */
    static final String ORPHAN = "csvImportOrphan";

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");

    private final Path folder;
    private final Deliveries deliveries;
    private final String duplicates;

    /** Goes on where an earlier process ended: what has a job is shown, what has none was promised to nobody. */
    Spool(Settings settings, Deliveries deliveries) throws IOException, CsvImportUnsettledException {
        this.folder = settings.path("data-dir").resolve("spool");
        this.deliveries = deliveries;
        this.duplicates = settings.get("duplicates");
        Files.createDirectories(folder);
        try (Stream<Path> files = Files.find(folder, 2, (file, found) -> found.isRegularFile())) {
            for (Path file : files.filter(file -> file.getFileName().toString().matches("\\.[0-9a-f-]{36}\\.csv"))
                    .toList()) {
                if (deliveries.isKept(shown(file))) {
                    Files.move(file, shown(file));
                } else {
                    Files.delete(file);
                }
            }
        }
    }

    private static Path shown(Path hidden) {
        return hidden.resolveSibling(hidden.getFileName().toString().substring(1));
    }

    /** A new, hidden name; the file is the caller's to delete. */
    Path newFile() {
        return folder.resolve("." + UUID.randomUUID() + ".csv");
    }

    /** Where the bytes of a source's file are copied to: kept for its next attempt, until the process ends. */
    Path copyOf(String sourceKey) {
        return folder.resolve("." + nameOf(sourceKey));
    }

    /** Begins a delivery whose bytes are to be kept, wherever they come from. */
    public void begin(Exchange exchange) throws CsvImportUnsettledException {
        Delivery delivery = Delivery.begin(exchange);
        delivery.itemKey = delivery.source == null ? delivery.sourceKey : null;
        delivery.source = null;
        delivery.mark = null;
        delivery.file = null;
    }

    /**
     * Makes bytes and job durable (fsync), and shows the file to the spool's feed. An item that has a key of its own and
     * is offered again, because its source did not hear that it was kept, keeps its first job.
     */
    public void keep(Exchange exchange) throws IOException, CsvImportUnsettledException {
        Delivery delivery = Delivery.of(exchange);
        Path hidden =
                hide(delivery, delivery.file, shown(delivery.file).getFileName().toString());
        delivery.duplicates = exchange.getMessage().getHeader("csvImportDuplicates", duplicates, String.class);
        delivery.mark = null;
        if (!deliveries.keep(delivery)) {
            Files.delete(hidden);
            Delivery first = deliveries.first(delivery);
            first.log(LOG, Level.INFO, "; it was offered again");
            exchange.setProperty(Delivery.JOB, first.job);
            return;
        }
        if ("rejected".equals(exchange.getProperty(Delivery.OUTCOME))) {
            // for good: what the ledger keeps of a wrong name may look right
            delivery.reason = exchange.getProperty(Delivery.REASON, String.class);
            delivery.detail = exchange.getProperty(Delivery.DETAIL, String.class);
            deliveries.write(delivery, "rejected", null);
            delivery.log(LOG, Level.INFO, "");
        }
        Files.move(hidden, shown(hidden));
        exchange.setProperty(Delivery.JOB, delivery.job);
    }

    /** Keeps what was read of a file that its server has no more: its delivery goes on here. */
    public void keepOrphan(Exchange exchange) throws IOException, CsvImportUnsettledException {
        Delivery delivery = Delivery.of(exchange);
        LOG.info("{} is gone from its server; what was read of it goes on in the spool", delivery.place());
        if (delivery.job == 0) {
            delivery.itemKey = delivery.sourceKey;
            delivery.source = null;
            keep(exchange);
        } else {
            adopt(delivery, delivery.file, delivery.sourceKey);
        }
        exchange.removeProperty(Delivery.PROPERTY);
        exchange.setRouteStop(true);
    }

    /** Takes over the bytes of a delivery whose source is to let go of it before its end. */
    void adopt(Delivery delivery, Path file, String key) throws IOException, CsvImportUnsettledException {
        Path hidden = hide(delivery, file, nameOf(key));
        deliveries.moved(delivery);
        Files.move(hidden, shown(hidden));
    }

    /** Whether the delivery of this key was adopted, and its source has not let go of it. */
    boolean hasAdopted(String key) throws CsvImportUnsettledException {
        return deliveries.isKept(nameOf(key));
    }

    private static String nameOf(String key) {
        return UUID.nameUUIDFromBytes(key.getBytes(StandardCharsets.UTF_8)) + ".csv";
    }

    /** Moves a file, durably, to its lane; the delivery knows it by its name once it is shown there. */
    private Path hide(Delivery delivery, Path file, String name) throws IOException {
        String lane = UUID.nameUUIDFromBytes((delivery.from + "/" + delivery.template).getBytes(StandardCharsets.UTF_8))
                .toString();
        Path kept = Files.createDirectories(folder.resolve(lane)).resolve(name);
        Path hidden = kept.resolveSibling("." + kept.getFileName());
        if (Files.exists(file)) {
            force(file);
            Files.move(file, hidden);
        }
        force(hidden.getParent());
        FileMark mark = FileMark.of(hidden);
        delivery.path = kept.toString();
        delivery.sourceKey = new FileMark(kept, mark.size(), mark.modified(), mark.fileKey()).key();
        return hidden;
    }

    /** Deletes a copy that is needed no more, where it is there. */
    static void delete(Path copy) {
        try {
            Files.deleteIfExists(copy);
        } catch (IOException e) {
            LOG.warn("{} is left over in the spool until the next start: {}", copy, e.toString());
        }
    }

    static void force(Path path) throws IOException {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }
}
