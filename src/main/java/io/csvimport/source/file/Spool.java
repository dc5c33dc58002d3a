package io.csvimport.source.file;

import io.csvimport.CsvImportUnsettledException;
import io.csvimport.file.FileMark;
import io.csvimport.file.LocalFolders;
import io.csvimport.file.SpoolFolder;
import io.csvimport.job.CsvImportConstants;
import io.csvimport.job.Delivery;
import io.csvimport.job.Job;
import io.csvimport.job.State;
import io.csvimport.ledger.Claims;
import io.csvimport.ledger.Deliveries;
import io.csvimport.ledger.LedgerRefusedException;
import io.csvimport.ledger.Outcomes;
import io.csvimport.pipeline.Claiming;
import io.csvimport.pipeline.Failure;
import io.csvimport.settings.Settings;
import io.csvimport.text.Visible;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.apache.camel.Exchange;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * The folder in the data dir that keeps the bytes of what is not a local file until its outcome is settled. A file is hidden (a dot
 * before its name) until the ledger has its job; then {@code csv-import-from-spool} takes it. One folder for each source
 * and template: what waits holds back only later ones of its own source and template, or none where its source needs no
 * order.
 */
public final class Spool {

    /** A source that takes back what is rejected after it was acknowledged. */
    public interface Returns {
        /** @throws IOException where it cannot take it now: it is asked again */
        void takeBack(Job job, Path file) throws IOException;
    }

    /** Characters that are kept of a name that is rejected. */
    private static final int LONGEST_NAME = 500;

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");

    private final SpoolFolder folder;
    private final String order;
    private final Deliveries deliveries;
    private final Claims claims;
    private final Outcomes outcomes;
    private final Map<String, Returns> returns = new ConcurrentHashMap<>();

    /** Goes on where an earlier process ended: what has a job is shown, what has none was promised to nobody. */
    public Spool(Settings settings, SpoolFolder folder, Deliveries deliveries, Claims claims, Outcomes outcomes)
            throws IOException, CsvImportUnsettledException {
        this.folder = folder;
        order = settings.get("order");
        this.deliveries = deliveries;
        this.claims = claims;
        this.outcomes = outcomes;
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
    public Path newFile() {
        return folder.newFile();
    }

    /** What a source of this name ({@code data.from} of the audit events) has acknowledged and is rejected later. */
    public void returnTo(String from, Returns source) {
        returns.put(from, source);
    }

    /** Begins a delivery whose bytes are to be kept, wherever they come from. */
    public void begin(Exchange exchange) throws CsvImportUnsettledException {
        Delivery.begin(exchange).spooled(exchange.getProperty(CsvImportConstants.ENVELOPE, String.class));
    }

    /**
     * Makes bytes and job durable (fsync), and shows the file to the spool's feed. An item that has a key of its own and
     * is offered again, because its source did not hear that it was kept, keeps its first job. What is rejected at once
     * and goes back to its source needs no file.
     */
    public void keep(Exchange exchange) throws IOException, CsvImportUnsettledException {
        Delivery delivery = Delivery.of(exchange);
        boolean rejected = "rejected".equals(exchange.getProperty(CsvImportConstants.OUTCOME));
        if (rejected) {
            Job.Naming wrong = delivery.names();
            delivery.named(new Job.Naming(
                    storable(wrong.template()),
                    wrong.addresses().stream().map(Spool::storable).toList(),
                    storable(wrong.fileName()),
                    wrong.duplicates()));
        }
        boolean goesBack = rejected && delivery.origin().envelope() != null;
        Path copy = delivery.file();
        Path hidden = goesBack ? null : hide(exchange, delivery, copy);
        if (goesBack) {
            Job.Origin origin = delivery.origin();
            String key = Objects.requireNonNullElse(origin.itemKey(), origin.sourceKey());
            delivery.moved(new Job.Origin(origin.from(), key, origin.itemKey(), null, origin.envelope()));
        }
        Optional<Job> kept;
        try {
            kept = keepOrFind(exchange, delivery.unclaimed());
        } catch (CsvImportUnsettledException | RuntimeException e) {
            if (hidden != null) {
                // for the next attempt
                Files.move(hidden, copy);
            }
            if (!rejected && e instanceof LedgerRefusedException) {
                Claiming.reject(exchange, delivery, e.getMessage());
                keep(exchange);
                return;
            }
            throw e;
        }
        if (kept.isEmpty()) {
            if (hidden != null) {
                Files.delete(hidden);
            }
            return;
        }
        Job job = kept.get();
        if (rejected) {
            // for good: what the ledger keeps of a wrong name may look right
            String reason = exchange.getProperty(CsvImportConstants.REASON, String.class);
            String detail = exchange.getProperty(CsvImportConstants.DETAIL, String.class);
            job = outcomes.write(job, job.outcome().because(reason, detail).to(State.REJECTED));
            job.log(LOG, Level.INFO, "");
        }
        delivery.claimed(job, false);
        if (goesBack) {
            outcomes.released(job, null);
        } else {
            Files.move(hidden, SpoolFolder.shown(hidden));
        }
        exchange.setProperty(CsvImportConstants.JOB, job.id());
    }

    /** Keeps what was read of a file that its server has no more: its delivery goes on here. */
    public void keepOrphan(Exchange exchange) throws IOException, CsvImportUnsettledException {
        Delivery delivery = Delivery.of(exchange);
        LOG.info("{} is gone from its server; what was read of it goes on in the spool", delivery.place());
        if (delivery.job() == null) {
            delivery.orphaned();
            keep(exchange);
        } else {
            Path hidden = hide(exchange, delivery, delivery.file());
            claims.moved(delivery.job(), delivery.origin());
            Files.move(hidden, SpoolFolder.shown(hidden));
        }
        exchange.removeProperty(CsvImportConstants.DELIVERY);
        exchange.setRouteStop(true);
    }

    /** A wrong name as a database takes it: without control characters, and not for ever. */
    private static String storable(String name) {
        String visible = name == null ? null : Visible.of(name);
        return visible == null || visible.length() <= LONGEST_NAME ? visible : visible.substring(0, LONGEST_NAME) + "…";
    }

    /** The row of the job; empty where its item was kept before, and needs nothing more. */
    private Optional<Job> keepOrFind(Exchange exchange, Job job) throws CsvImportUnsettledException {
        boolean again = exchange.getProperty(CsvImportConstants.OFFERED_AGAIN, false, boolean.class);
        Optional<Job> first = again ? deliveries.offeredBefore(job) : Optional.empty();
        if (first.isEmpty()) {
            Optional<Job> kept = claims.keep(job);
            if (kept.isPresent()) {
                return kept;
            }
            first = Optional.of(deliveries.first(job));
        }
        Job known = first.get();
        exchange.setProperty(CsvImportConstants.JOB, known.id());
        String path = known.origin().path();
        if (Objects.equals(path, job.origin().path()) && !known.state().isSettled()) {
            // committed without this process hearing of it, or before it could say that it is rejected
            return first;
        }
        known.log(LOG, Level.INFO, "; it was offered again");
        if (path == null && known.state() == State.REJECTED) {
            Failure.decide(
                    exchange,
                    "rejected",
                    known.outcome().reason(),
                    known.outcome().detail());
        } else if (path == null && known.outcome().settledAt() == null || isWithoutBytes(known)) {
            // of a version that left the bytes with the broker; or of a delivery that did not hear of its commit
            return Optional.of(claims.moved(known, job.origin()));
        }
        return Optional.empty();
    }

    private boolean isWithoutBytes(Job job) {
        String path = job.origin().path();
        return path != null
                && job.state().isUnsent()
                && deliveries.isOfThisDataDir(job)
                // hidden first: it may be shown meanwhile
                && Files.notExists(SpoolFolder.hidden(Path.of(path)))
                && Files.notExists(Path.of(path));
    }

    /** Gives what the API has rejected back to the source, where that takes it; the step of csv-import-from-spool. */
    public void takeBack(Exchange exchange) throws IOException {
        Delivery delivery = Delivery.of(exchange);
        Job job = delivery.job();
        if (job.origin().envelope() != null) {
            Returns source = returns.get(job.origin().from());
            if (source == null) {
                throw new IOException(job.summary() + ": it is sent to its queue of rejected messages once the"
                        + " route of " + job.origin().from() + " runs again");
            }
            source.takeBack(job, delivery.file());
        }
    }

    /** Moves a file, durably, to its lane; the delivery knows it by its name once it is shown there. */
    private Path hide(Exchange exchange, Delivery delivery, Path file) throws IOException {
        boolean ordered = exchange.getProperty(CsvImportConstants.ORDER, order, String.class)
                .equals(CsvImportConstants.ORDERED);
        Path lane = folder.lane(delivery.origin().from(), delivery.names().template(), ordered);
        Path kept =
                Files.createDirectories(lane).resolve(SpoolFolder.shown(file).getFileName());
        Path hidden = kept.resolveSibling("." + kept.getFileName());
        if (Files.exists(file)) {
            LocalFolders.force(file);
            Files.move(file, hidden);
        }
        LocalFolders.force(hidden.getParent());
        FileMark mark = FileMark.of(hidden);
        String key = new FileMark(kept, mark.size(), mark.modified(), mark.fileKey()).key();
        Job.Origin from = delivery.origin();
        delivery.moved(new Job.Origin(from.from(), key, from.itemKey(), kept.toString(), from.envelope()));
        return hidden;
    }
}
