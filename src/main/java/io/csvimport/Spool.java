package io.csvimport;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
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

    /** A source that takes back what is rejected after it was acknowledged. */
    interface Returns {
        /** @throws IOException where it cannot take it now: it is asked again */
        void takeBack(Delivery delivery, Path file) throws IOException;
    }

    /** Characters that are kept of a name that is rejected. */
    private static final int LONGEST_NAME = 500;

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");

    private final SpoolFolder folder;
    private final Deliveries deliveries;
    private final Map<String, Returns> returns = new ConcurrentHashMap<>();

    /** Goes on where an earlier process ended: what has a job is shown, what has none was promised to nobody. */
    Spool(Settings settings, SpoolFolder folder, Deliveries deliveries)
            throws IOException, CsvImportUnsettledException {
        this.folder = folder;
        this.deliveries = deliveries;
        Files.createDirectories(folder.path());
        try (Stream<Path> files = Files.find(folder.path(), 2, (file, found) -> found.isRegularFile())) {
            for (Path file : files.filter(file -> file.getFileName().toString().matches("\\.[0-9a-f-]{36}\\.csv"))
                    .toList()) {
                if (deliveries.isKept(SpoolFolder.shown(file))) {
                    Files.move(file, SpoolFolder.shown(file));
                } else {
                    Files.delete(file);
                }
            }
        }
    }

    /** A new, hidden name; the file is the caller's to delete. */
    Path newFile() {
        return folder.newFile();
    }

    /** What a source of this name ({@code data.from} of the audit events) has acknowledged and is rejected later. */
    void returnTo(String from, Returns source) {
        returns.put(from, source);
    }

    /** Begins a delivery whose bytes are to be kept, wherever they come from. */
    public void begin(Exchange exchange) throws CsvImportUnsettledException {
        Delivery delivery = Delivery.begin(exchange);
        delivery.itemKey = delivery.source == null ? delivery.sourceKey : null;
        delivery.envelope = exchange.getProperty(Delivery.ENVELOPE, String.class);
        delivery.source = null;
        if (delivery.envelope == null) {
            delivery.mark = null;
            delivery.file = null;
        }
    }

    /**
     * Makes bytes and job durable (fsync), and shows the file to the spool's feed. An item that has a key of its own and
     * is offered again, because its source did not hear that it was kept, keeps its first job. What is rejected at once
     * and goes back to its source needs no file.
     */
    public void keep(Exchange exchange) throws IOException, CsvImportUnsettledException {
        Delivery delivery = Delivery.of(exchange);
        boolean rejected = "rejected".equals(exchange.getProperty(Delivery.OUTCOME));
        boolean goesBack = rejected && delivery.envelope != null;
        if (rejected) {
            delivery.template = storable(delivery.template);
            delivery.fileName = storable(delivery.fileName);
            delivery.notifyAddresses =
                    delivery.notifyAddresses.stream().map(Spool::storable).toList();
        }
        Path copy = delivery.file;
        Path hidden = goesBack ? null : hide(delivery, copy);
        if (goesBack) {
            delivery.sourceKey = delivery.itemKey;
            delivery.path = null;
        }
        delivery.mark = null;
        boolean isKept;
        try {
            isKept = keepOrFind(exchange, delivery);
        } catch (CsvImportUnsettledException | RuntimeException e) {
            if (hidden != null) {
                // for the next attempt
                Files.move(hidden, copy);
            }
            if (!rejected && e instanceof LedgerRefusedException) {
                delivery.file = copy;
                Ledger.reject(exchange, delivery, e.getMessage());
                keep(exchange);
                return;
            }
            throw e;
        }
        if (!isKept) {
            if (hidden != null) {
                Files.delete(hidden);
            }
            return;
        }
        if (rejected) {
            // for good: what the ledger keeps of a wrong name may look right
            delivery.reason = exchange.getProperty(Delivery.REASON, String.class);
            delivery.detail = exchange.getProperty(Delivery.DETAIL, String.class);
            deliveries.write(delivery, "rejected", null);
            delivery.log(LOG, Level.INFO, "");
        }
        if (goesBack) {
            deliveries.released(delivery, null);
        } else {
            Files.move(hidden, SpoolFolder.shown(hidden));
        }
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
            Path hidden = hide(delivery, delivery.file);
            deliveries.moved(delivery);
            Files.move(hidden, SpoolFolder.shown(hidden));
        }
        exchange.removeProperty(Delivery.PROPERTY);
        exchange.setRouteStop(true);
    }

    /** A wrong name as a database takes it: without control characters, and not for ever. */
    private static String storable(String name) {
        String visible = name == null ? null : Visible.of(name);
        return visible == null || visible.length() <= LONGEST_NAME ? visible : visible.substring(0, LONGEST_NAME) + "…";
    }

    /** Whether the delivery has its job now; false where its item was kept before, and needs nothing more. */
    private boolean keepOrFind(Exchange exchange, Delivery delivery) throws CsvImportUnsettledException {
        boolean again = exchange.getProperty(Delivery.OFFERED_AGAIN, false, boolean.class);
        Optional<Delivery> first = again ? deliveries.offeredBefore(delivery) : Optional.empty();
        if (first.isEmpty()) {
            if (deliveries.keep(delivery)) {
                return true;
            }
            first = Optional.of(deliveries.first(delivery));
        }
        Delivery known = first.get();
        exchange.setProperty(Delivery.JOB, known.job);
        if (Objects.equals(known.path, delivery.path) && Deliveries.UNSETTLED.contains(known.state)) {
            // committed without this process hearing of it, or before it could say that it is rejected
            takeUp(delivery, known);
            return true;
        }
        known.log(LOG, Level.INFO, "; it was offered again");
        if (known.path == null && known.state.equals("rejected")) {
            exchange.setProperty(Delivery.OUTCOME, "rejected");
            exchange.setProperty(Delivery.REASON, known.reason);
            exchange.setProperty(Delivery.DETAIL, known.detail);
        } else if (known.path == null && known.settledAt == null) {
            // of a version that left the bytes with the broker
            takeUp(delivery, known);
            deliveries.moved(delivery);
            return true;
        }
        return false;
    }

    private static void takeUp(Delivery delivery, Delivery known) {
        delivery.job = known.job;
        delivery.state = known.state;
        delivery.attempts = known.attempts;
    }

    /** Gives what the API has rejected back to the source, where that takes it; the step of csv-import-from-spool. */
    public void takeBack(Exchange exchange) throws IOException {
        Delivery delivery = Delivery.of(exchange);
        if (delivery.envelope != null) {
            Returns source = returns.get(delivery.from);
            if (source == null) {
                throw new IOException(delivery.getSummary() + ": it is sent to its queue of rejected messages once the"
                        + " route of " + delivery.from + " runs again");
            }
            source.takeBack(delivery, delivery.file);
        }
    }

    /** Moves a file, durably, to its lane; the delivery knows it by its name once it is shown there. */
    private Path hide(Delivery delivery, Path file) throws IOException {
        String lane = UUID.nameUUIDFromBytes((delivery.from + "/" + delivery.template).getBytes(StandardCharsets.UTF_8))
                .toString();
        Path kept = Files.createDirectories(folder.path().resolve(lane))
                .resolve(SpoolFolder.shown(file).getFileName());
        Path hidden = kept.resolveSibling("." + kept.getFileName());
        if (Files.exists(file)) {
            LocalFolders.force(file);
            Files.move(file, hidden);
        }
        LocalFolders.force(hidden.getParent());
        FileMark mark = FileMark.of(hidden);
        delivery.path = kept.toString();
        delivery.sourceKey = new FileMark(kept, mark.size(), mark.modified(), mark.fileKey()).key();
        return hidden;
    }
}
