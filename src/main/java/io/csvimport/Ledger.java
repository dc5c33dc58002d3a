package io.csvimport;

import static io.csvimport.Database.query;
import static io.csvimport.Database.update;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.camel.Exchange;
import org.apache.camel.support.SynchronizationAdapter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The durable memory of the pipeline: what was claimed, sent, answered, audited and released. Each step is committed
 * before the next begins, so that whatever dies, what is found afterwards says what to do. Its public methods are the
 * steps of the routes.
 */
public final class Ledger {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");
    private static final Set<String> UNSETTLED = Set.of("claimed", "sending", "waiting", "unknown");
    private static final Duration LONGEST_PAUSE = Duration.ofMinutes(1);
    private static final Duration LONGEST_RETRY_AFTER = Duration.ofMinutes(10);
    private static final DateTimeFormatter TIME =
            new DateTimeFormatterBuilder().appendInstant(3).toFormatter(Locale.ROOT);
    private static final String LIVING =
            "'claimed','sending','waiting','unknown','held','accepted','completed','voiding'";

    /**
     * What only the living process knows of an unknown outcome, in nanoseconds of its own clock: when sending began and
     * when the connection ended, and whether the last byte of the body may have left.
     */
    record Doubt(long began, long ended, boolean complete) {

        static Doubt of(Delivery delivery, boolean complete) {
            return new Doubt(delivery.sendingNanos, System.nanoTime(), complete);
        }

        /** Of an upload that an earlier process began: the connection ended, at the latest, when this one came. */
        static Doubt ofEarlierProcess(Delivery delivery) {
            long age = Duration.between(delivery.sendingAt, Instant.now()).toNanos();
            return new Doubt(System.nanoTime() - age, System.nanoTime(), true);
        }
    }

    private final Settings settings;
    private final Database database;
    private final AuditEvents events;
    private final String owner = UUID.randomUUID().toString();
    private final Map<Long, Doubt> doubts = new ConcurrentHashMap<>();

    /** Whatever was being sent when an earlier process ended has an unknown outcome from now on. */
    Ledger(Settings settings, Database database, AuditEvents events) throws CsvImportUnsettledException {
        this.settings = settings;
        this.database = database;
        this.events = events;
        database.inTransaction(c -> update(
                c,
                "UPDATE csv_import_delivery SET state = 'unknown', next_attempt_at = NULL, reason = 'process-ended',"
                        + " detail = 'The process ended while the file was being sent' WHERE state = 'sending'"));
    }

    /** Begins a delivery, and recalls what the ledger knows of it before a byte is read. */
    public void recall(Exchange exchange) throws CsvImportUnsettledException {
        Delivery delivery = Delivery.begin(exchange);
        if (delivery.sourceKey != null && database.inTransaction(c -> find(c, delivery))) {
            adopt(exchange, delivery);
        }
    }

    private static void adopt(Exchange exchange, Delivery delivery) throws CsvImportUnsettledException {
        if (!UNSETTLED.contains(delivery.state)) {
            delivery.recalled = true;
            exchange.setProperty(Delivery.OUTCOME, delivery.state.equals("completed") ? "accepted" : delivery.state);
        } else if (delivery.state.equals("unknown")) {
            // looked for in the import list meanwhile, by csv-import-reconcile
            throw new CsvImportUnsettledException(
                    delivery.getSummary(), Instant.now().plusSeconds(1), null);
        } else if (delivery.nextAttempt != null && !isDue(delivery.nextAttempt)) {
            throw new CsvImportUnsettledException(delivery.getSummary(), delivery.nextAttempt, null);
        }
    }

    /** A clock that was set back does not stretch a pause beyond the longest there is. */
    private static boolean isDue(Instant time) {
        Instant now = Instant.now();
        return !now.isBefore(time) || Duration.between(now, time).compareTo(LONGEST_RETRY_AFTER) > 0;
    }

    /** Writes the delivery's row, or finds it; the same bytes again end here as a duplicate. */
    public void claim(Exchange exchange) throws CsvImportUnsettledException {
        Delivery delivery = Delivery.of(exchange);
        boolean rejected = exchange.getProperty(Delivery.OUTCOME) != null;
        String duplicates =
                exchange.getMessage().getHeader("csvImportDuplicates", settings.get("duplicates"), String.class);
        boolean skip = !rejected && !"import".equals(duplicates);
        if (delivery.sourceKey == null) {
            delivery.sourceKey = String.join("|", delivery.from, delivery.template, delivery.fileName, delivery.sha256);
        }
        boolean known = database.inTransaction(c -> {
            if (delivery.job != 0 || find(c, delivery)) {
                return true;
            }
            insert(c, delivery, "claimed", skip);
            if (delivery.job == 0) {
                recordDuplicate(c, delivery);
            }
            return false;
        });
        if (delivery.job == 0) {
            Instant soon = Instant.now().plusSeconds(1);
            throw new CsvImportUnsettledException(
                    delivery.fileName + ": the same bytes are on their way already, from another source", soon, null);
        }
        if (known) {
            adopt(exchange, delivery);
        } else if (delivery.state.equals("duplicate")) {
            exchange.setProperty(Delivery.OUTCOME, "duplicate");
        }
    }

    /** Commits that the next byte may leave. */
    public void sending(Exchange exchange) throws CsvImportUnsettledException {
        Delivery delivery = Delivery.of(exchange);
        delivery.state = "sending";
        delivery.attempts++;
        delivery.sendingAt = Instant.now();
        delivery.sendingNanos = System.nanoTime();
        int updated = database.inTransaction(c -> update(
                c,
                "UPDATE csv_import_delivery SET state = 'sending', attempts = ?, sending_at = ?, next_attempt_at = NULL,"
                        + " owner = ? WHERE job = ? AND NOT EXISTS (SELECT 1 FROM csv_import_delivery other"
                        + " WHERE other.organization = ? AND other.template = ? AND other.file_name = ?"
                        + " AND other.state IN ('sending', 'unknown'))",
                delivery.attempts,
                text(delivery.sendingAt),
                owner,
                delivery.job,
                settings.get("api.organization"),
                delivery.template,
                delivery.fileName));
        if (updated == 0) {
            throw new CsvImportUnsettledException(
                    delivery.fileName + ": another file of this name and template is being uploaded",
                    Instant.now().plusSeconds(1),
                    null);
        }
    }

    /**
     * Writes what became of the delivery; a settled one with its audit event, in one transaction.
     *
     * @throws CsvImportUnsettledException where it waits or its outcome is unknown
     */
    public void settle(Exchange exchange) throws CsvImportUnsettledException {
        Delivery delivery = Delivery.of(exchange);
        if (!UNSETTLED.contains(delivery.state)) {
            return;
        }
        delivery.importId = exchange.getProperty(Delivery.IMPORT_ID, String.class);
        delivery.reason = exchange.getProperty(Delivery.REASON, String.class);
        delivery.detail = exchange.getProperty(Delivery.DETAIL, String.class);
        delivery.httpStatus = exchange.getProperty(Delivery.HTTP_STATUS, Integer.class);
        String outcome = exchange.getProperty(Delivery.OUTCOME, String.class);
        if (!UNSETTLED.contains(outcome)) {
            write(delivery, outcome, null);
            return;
        }
        Duration pause = pause(exchange, delivery);
        write(delivery, outcome, Instant.now().plus(pause));
        if (outcome.equals("unknown")) {
            CsvUpload upload = exchange.getProperty(CsvUpload.PROPERTY, CsvUpload.class);
            doubts.put(delivery.job, Doubt.of(delivery, upload.isComplete()));
        }
        String summary = delivery.getSummary() + "; "
                + (outcome.equals("unknown")
                        ? "it is looked for in the import list"
                        : "next attempt in " + pause.toSeconds() + " s");
        LOG.warn("{}", summary);
        throw new CsvImportUnsettledException(
                summary, delivery.nextAttempt, exchange.getProperty(Exchange.EXCEPTION_CAUGHT, Throwable.class));
    }

    /** Commits a delivery's new state; a settled one with its audit event. */
    void write(Delivery delivery, String state, Instant nextAttempt) throws CsvImportUnsettledException {
        boolean settled = !UNSETTLED.contains(state);
        doubts.remove(delivery.job);
        delivery.state = state;
        delivery.nextAttempt = nextAttempt;
        database.inTransaction(c -> {
            int updated = update(
                    c,
                    "UPDATE csv_import_delivery SET state = ?, import_id = ?, reason = ?, detail = ?, http_status = ?,"
                            + " next_attempt_at = ?, reconciled = ?, settled_at = ? WHERE job = ? AND settled_at IS NULL",
                    state,
                    delivery.importId,
                    delivery.reason,
                    delivery.detail,
                    delivery.httpStatus,
                    text(nextAttempt),
                    delivery.reconciled ? 1 : 0,
                    settled ? text(Instant.now()) : null,
                    delivery.job);
            if (settled && updated == 1) {
                events.insert(c, delivery);
            }
            return null;
        });
    }

    /** Tells the caller of {@code direct:csv-import}; where that is no packaged source, its end is the release. */
    public void tell(Exchange exchange) {
        Delivery delivery = Delivery.of(exchange);
        exchange.getMessage().setHeader(Delivery.OUTCOME, exchange.getProperty(Delivery.OUTCOME));
        exchange.getMessage().setHeader(Delivery.IMPORT_ID, delivery.importId);
        exchange.getMessage().setHeader(Delivery.REASON, delivery.reason);
        if (exchange.getProperty(Delivery.FEED) == null) {
            exchange.getExchangeExtension().addOnCompletion(new SynchronizationAdapter() {
                @Override
                public void onComplete(Exchange done) {
                    try {
                        released(delivery, null);
                    } catch (CsvImportUnsettledException e) {
                        LOG.warn("{}: {}", delivery.getSummary(), e.getMessage());
                    }
                }
            });
        }
    }

    /** The source has let go of the delivery: its key may come again, as a new one. */
    void released(Delivery delivery, Path to) throws CsvImportUnsettledException {
        database.inTransaction(c -> update(
                c,
                "UPDATE csv_import_delivery SET released_at = ?, released_to = ? WHERE job = ?",
                text(Instant.now()),
                to == null ? null : to.toString(),
                delivery.job));
    }

    Doubt doubt(Delivery delivery) {
        return doubts.computeIfAbsent(delivery.job, job -> Doubt.ofEarlierProcess(delivery));
    }

    /** Whether no other delivery of this file name and size has its outcome open. */
    boolean isOnlyOne(Delivery delivery) throws CsvImportUnsettledException {
        return select(
                        "job <> ? AND file_name = ? AND file_size = ? AND state IN ('sending', 'unknown')",
                        delivery.job,
                        delivery.fileName,
                        delivery.size)
                .isEmpty();
    }

    /** The deliveries in a state, oldest first. */
    List<Delivery> in(String state) throws CsvImportUnsettledException {
        return select("state = ?", state);
    }

    /** The deliveries of local files that are not released yet, oldest first. */
    List<Delivery> unreleasedFiles() throws CsvImportUnsettledException {
        return select("released_at IS NULL AND file_path IS NOT NULL");
    }

    private List<Delivery> select(String where, Object... parameters) throws CsvImportUnsettledException {
        return database.inTransaction(c -> query(
                c,
                row -> read(row, new Delivery()),
                "SELECT * FROM csv_import_delivery WHERE " + where + " ORDER BY job LIMIT 1000",
                parameters));
    }

    /** Whether an import id is that of a job of ours. */
    boolean knows(String importId) throws CsvImportUnsettledException {
        return !select("import_id = ?", importId).isEmpty();
    }

    /** Growing from a second to a minute with each attempt; what the API asks for with Retry-After, up to ten. */
    private static Duration pause(Exchange exchange, Delivery delivery) {
        Duration asked = ApiAnswer.retryAfter(exchange.getProperty(Delivery.RETRY_AFTER, String.class));
        if (asked != null && asked.toMillis() > 0) {
            return asked.compareTo(LONGEST_RETRY_AFTER) > 0 ? LONGEST_RETRY_AFTER : asked;
        }
        int doublings = Math.min(Math.max(delivery.attempts - 1, 0), 6);
        Duration growing = Duration.ofSeconds(1L << doublings);
        return growing.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : growing;
    }

    private boolean find(Connection c, Delivery delivery) throws SQLException {
        return !query(
                        c,
                        row -> read(row, delivery),
                        "SELECT * FROM csv_import_delivery WHERE source_key = ? AND released_at IS NULL",
                        delivery.sourceKey)
                .isEmpty();
    }

    private static Delivery read(ResultSet row, Delivery delivery) throws SQLException {
        delivery.job = row.getLong("job");
        delivery.sourceKey = row.getString("source_key");
        delivery.path = row.getString("file_path");
        delivery.from = row.getString("source");
        delivery.state = row.getString("state");
        delivery.template = row.getString("template");
        delivery.notifyAddresses = Names.addresses(row.getString("notify"));
        delivery.fileName = row.getString("file_name");
        delivery.size = row.getLong("file_size");
        delivery.sha256 = row.getString("sha256");
        delivery.attempts = row.getInt("attempts");
        delivery.importId = row.getString("import_id");
        delivery.reason = row.getString("reason");
        delivery.detail = row.getString("detail");
        delivery.httpStatus = (Integer) row.getObject("http_status");
        delivery.sendingAt = instant(row.getString("sending_at"));
        delivery.nextAttempt = instant(row.getString("next_attempt_at"));
        return delivery;
    }

    private void insert(Connection c, Delivery delivery, String state, boolean skipDuplicates) throws SQLException {
        List<Long> jobs = query(
                c,
                row -> row.getLong(1),
                "INSERT INTO csv_import_delivery (source_key, source, state, organization, template, notify, file_name,"
                        + " file_path, file_size, sha256, skip_duplicates, owner, created_at)"
                        + " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING job",
                delivery.sourceKey,
                delivery.from,
                state,
                settings.get("api.organization"),
                delivery.template,
                String.join(",", delivery.notifyAddresses),
                delivery.fileName,
                delivery.temporary ? null : delivery.file.toString(),
                delivery.size,
                delivery.sha256,
                skipDuplicates ? 1 : 0,
                owner,
                text(Instant.now()));
        if (!jobs.isEmpty()) {
            delivery.job = jobs.get(0);
            delivery.state = state;
            if (delivery.fileName == null) {
                delivery.fileName = delivery.job + ".csv";
                update(
                        c,
                        "UPDATE csv_import_delivery SET file_name = ? WHERE job = ?",
                        delivery.fileName,
                        delivery.job);
            }
        }
    }

    /** Where the first of these bytes has its import id; otherwise its fate is awaited: no job is written. */
    private void recordDuplicate(Connection c, Delivery delivery) throws SQLException {
        List<String> first = query(
                c,
                row -> row.getString(1),
                "SELECT import_id FROM csv_import_delivery WHERE organization = ? AND template = ? AND sha256 = ?"
                        + " AND skip_duplicates = 1 AND import_id IS NOT NULL AND state IN (" + LIVING + ")",
                settings.get("api.organization"),
                delivery.template,
                delivery.sha256);
        if (!first.isEmpty()) {
            insert(c, delivery, "duplicate", false);
            delivery.importId = first.get(0);
            update(
                    c,
                    "UPDATE csv_import_delivery SET import_id = ?, settled_at = ? WHERE job = ?",
                    delivery.importId,
                    text(Instant.now()),
                    delivery.job);
            events.insert(c, delivery);
        }
    }

    private static Instant instant(String text) {
        return text == null ? null : Instant.parse(text);
    }

    /** Always with three digits of milliseconds, so that times sort as text; null for null. */
    static String text(Instant time) {
        return time == null ? null : TIME.format(time);
    }
}
