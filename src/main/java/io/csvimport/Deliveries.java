package io.csvimport;

import static io.csvimport.Database.query;
import static io.csvimport.Database.update;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/** The rows of {@code csv_import_delivery}: what is read of them, and what is written into them. */
public final class Deliveries {

    /** States in which the source keeps the item. */
    static final Set<String> UNSETTLED = Set.of("claimed", "sending", "waiting", "unknown");

    /** States of what the API has accepted, whatever became of it later. */
    static final Set<String> IMPORTED = Set.of("accepted", "completed", "voiding", "voided");

    /** The reason of what a person has withdrawn. */
    static final String BY_HAND = "by-hand";

    /** States of a first job of the same bytes whose duplicates are settled with it. */
    private static final Set<String> SETTLED_FIRST = Set.of("accepted", "completed", "held");

    /** Rows that are read at once. */
    private static final int PAGE = 1000;

    /** A second since 1970, and its text up to the point. */
    private record Second(long epoch, String text) {

        static Second of(long epoch) {
            return new Second(epoch, Instant.ofEpochSecond(epoch).toString().replace('Z', '.'));
        }
    }

    /** The latest that was written: a formatter takes Java long to run, and to compile. */
    private static volatile Second latest = Second.of(0);

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");

    /** The outcome that a source hears of a settled state. */
    static String outcome(String state) {
        return IMPORTED.contains(state) ? "accepted" : state;
    }

    /** What is done with a row. */
    interface Action<E extends Exception> {
        void on(Delivery delivery) throws E, CsvImportUnsettledException;
    }

    private final Database database;
    private final String organization;
    private final AuditEvents events;
    private final Owner owner;
    private final Duration trackAfter;

    /** @param trackAfter how long after it was accepted an import is looked up first; null: it is not followed */
    Deliveries(Database database, String organization, Owner owner, AuditEvents events, Duration trackAfter) {
        this.database = database;
        this.owner = owner;
        this.trackAfter = trackAfter;
        this.organization = organization;
        this.events = events;
    }

    /** Whatever was being sent by a process that has ended since has an unknown outcome from now on. */
    void doubtUnfinished() throws CsvImportUnsettledException {
        database.inTransaction(c -> update(
                c,
                "UPDATE csv_import_delivery SET state = 'unknown', reason = 'process-ended',"
                        + " detail = 'The process ended while the file was being sent'"
                        + " WHERE released_at IS NULL AND state = 'sending' AND owner NOT IN " + owner.living()));
    }

    /** Whether another, living process has the delivery. */
    boolean isForeign(Delivery delivery) throws CsvImportUnsettledException {
        return owner.isForeign(delivery.owner);
    }

    /** The delivery of a source key that is not released yet. */
    Optional<Delivery> find(String sourceKey) throws CsvImportUnsettledException {
        String where = "source_key = ? AND released_at IS NULL";
        // nearly always there is none; the many columns take longer to name than the row to find
        return has(where, sourceKey) ? select(where, sourceKey).stream().findFirst() : Optional.empty();
    }

    /** The delivery of a job that is there. */
    Delivery get(long job) throws CsvImportUnsettledException {
        return select("job = ?", job).get(0);
    }

    /** The latest delivery of the item that is offered again, or of the very file. */
    Delivery first(Delivery again) throws CsvImportUnsettledException {
        List<Delivery> found = select(
                "source_key = ? AND released_at IS NULL"
                        + " OR item_key = ? AND organization = ? AND template = ? AND sha256 = ?",
                again.sourceKey,
                again.itemKey,
                organization,
                again.template,
                again.sha256);
        return found.get(found.size() - 1);
    }

    /** The unreleased deliveries in a state, oldest first. */
    List<Delivery> in(String state) throws CsvImportUnsettledException {
        return select("released_at IS NULL AND state = ?", state);
    }

    /** The held deliveries for which a person has found the import id. */
    List<Delivery> heldWithImportId() throws CsvImportUnsettledException {
        return select("released_at IS NULL AND state = 'held' AND import_id IS NOT NULL");
    }

    /**
     * The deliveries of local files that are not released yet, oldest first: of this data dir's processes, and, where
     * nothing was sent, of processes that are gone.
     */
    <E extends Exception> void eachUnreleasedFile(Action<E> action) throws E, CsvImportUnsettledException {
        each(
                action,
                "released_at IS NULL AND file_path LIKE '/%' AND (owner LIKE ?"
                        + " OR state IN ('claimed', 'waiting') AND file_path NOT LIKE '%/spool/%' AND owner NOT IN "
                        + owner.living() + ")",
                owner.here());
    }

    /** The deliveries of files below a folder on a server that are not released yet, oldest first. */
    <E extends Exception> void eachUnreleasedBelow(String folder, boolean settledToo, Action<E> action)
            throws E, CsvImportUnsettledException {
        each(
                action,
                "released_at IS NULL " + (settledToo ? "" : "AND settled_at IS NULL ")
                        + "AND substr(file_path, 1, ?) = ? AND (owner = ? OR owner NOT IN " + owner.living() + ")",
                folder.codePointCount(0, folder.length()),
                folder,
                owner.id());
    }

    /** Whether a job that is not released has its bytes there. */
    boolean isKept(Path file) throws CsvImportUnsettledException {
        return has("released_at IS NULL AND file_path = ?", file.toString());
    }

    /** The delivery of an item that its source has offered before, whatever became of it since. */
    Optional<Delivery> offeredBefore(Delivery again) throws CsvImportUnsettledException {
        List<Delivery> found = select("item_key = ? AND state <> 'withdrawn'", again.itemKey);
        return found.isEmpty() ? Optional.empty() : Optional.of(found.get(found.size() - 1));
    }

    /** An item key that begins so. */
    Optional<String> itemKey(String beginning) throws CsvImportUnsettledException {
        return database
                .read(c -> query(
                        c,
                        row -> row.getString(1),
                        "SELECT item_key FROM csv_import_delivery WHERE item_key IS NOT NULL"
                                + " AND substr(item_key, 1, ?) = ? ORDER BY job LIMIT 1",
                        beginning.codePointCount(0, beginning.length()),
                        beginning))
                .stream()
                .findFirst();
    }

    /** The source will not offer the item again. */
    void forgetItemKey(String itemKey) throws CsvImportUnsettledException {
        database.relaxed(c -> update(c, "UPDATE csv_import_delivery SET item_key = NULL WHERE item_key = ?", itemKey));
    }

    /**
     * Deliveries of items that are no files, of a user's own route, that were not sent and are not offered any more: their
     * source has the only bytes.
     */
    <E extends Exception> void eachAbandoned(Instant since, Action<E> action) throws E, CsvImportUnsettledException {
        each(
                action,
                "released_at IS NULL AND file_path IS NULL AND state IN ('claimed', 'waiting')"
                        + " AND COALESCE(next_attempt_at, created_at) < ?"
                        + " AND (owner = ? OR owner NOT IN " + owner.living() + ")",
                text(since),
                owner.id());
    }

    /** The bytes of a delivery have moved; its source is the file from now on. */
    void moved(Delivery delivery) throws CsvImportUnsettledException {
        database.inTransaction(c -> update(
                c,
                "UPDATE csv_import_delivery SET source_key = ?, file_path = ?, envelope = ? WHERE job = ?",
                delivery.sourceKey,
                delivery.path,
                delivery.envelope,
                delivery.job));
    }

    /** Whether an import id is that of another job of ours. */
    boolean isOfAnother(Delivery delivery, String importId) throws CsvImportUnsettledException {
        return has("import_id = ? AND state <> 'duplicate' AND job <> ?", importId, delivery.job);
    }

    /** Whether the outcome of another delivery of this size is open. */
    boolean hasTwin(Delivery delivery) throws CsvImportUnsettledException {
        return has(
                "released_at IS NULL AND state IN ('sending', 'unknown', 'held') AND job <> ? AND file_size = ?",
                delivery.job,
                delivery.size);
    }

    private boolean has(String where, Object... parameters) throws CsvImportUnsettledException {
        return !database.read(c -> query(
                        c,
                        row -> row.getLong("job"),
                        "SELECT job FROM csv_import_delivery WHERE " + where + " LIMIT 1",
                        parameters))
                .isEmpty();
    }

    private List<Delivery> select(String where, Object... parameters) throws CsvImportUnsettledException {
        List<Delivery> found = new ArrayList<>();
        each(found::add, where, parameters);
        return found;
    }

    /** Page by page, by job, so that what is done with one neither hides others nor shows any twice. */
    private <E extends Exception> void each(Action<E> action, String where, Object... parameters)
            throws E, CsvImportUnsettledException {
        Object[] values = Arrays.copyOf(parameters, parameters.length + 1);
        List<Delivery> page;
        long last = 0;
        do {
            values[parameters.length] = last;
            page = database.read(c -> query(
                    c,
                    Deliveries::read,
                    "SELECT * FROM csv_import_delivery WHERE (" + where + ") AND job > ? ORDER BY job LIMIT " + PAGE,
                    values));
            for (Delivery delivery : page) {
                action.on(delivery);
                last = delivery.job;
            }
        } while (page.size() == PAGE);
    }

    /**
     * Writes the row of a delivery that has none, and, where it is to be the only one of its bytes, finds the first of
     * them: the delivery is settled as its duplicate, or, while that has no import id yet, it is not single. A claim is
     * on the disk when sending is: until then its source has all there is.
     *
     * @param begins whether it is committed, in one transaction, that the next byte may leave, as {@link #sending} does
     * @return whether the delivery may go on
     */
    boolean claim(Delivery delivery, boolean single, boolean begins) throws CsvImportUnsettledException {
        Database.Work<Boolean> work = c -> {
            boolean claimed = claim(c, delivery, single);
            if (claimed && begins) {
                sending(c, delivery);
            }
            return claimed;
        };
        boolean goesOn = begins ? database.inTransaction(work) : database.relaxed(work);
        if ("duplicate".equals(delivery.state)) {
            write(delivery, "duplicate", null);
        }
        return goesOn;
    }

    /** Writes, durably, the row of a delivery whose source lets go of it; false where its item was kept before. */
    boolean keep(Delivery delivery) throws CsvImportUnsettledException {
        return database.inTransaction(c -> insert(c, delivery));
    }

    private boolean claim(Connection c, Delivery delivery, boolean single) throws SQLException {
        if (delivery.job == 0 && (!insert(c, delivery) || database.isShared() && isGone(c, delivery))) {
            return false;
        }
        if (!single || becomeSingle(c, delivery)) {
            return true;
        }
        List<Delivery> first = query(
                c,
                Deliveries::read,
                "SELECT * FROM csv_import_delivery WHERE organization = ? AND template = ? AND sha256 = ? AND job <> ?"
                        + " AND (single = 1 OR duplicates = 'import' OR state = 'held')"
                        + " AND state NOT IN ('duplicate', 'rejected', 'withdrawn', 'voided') ORDER BY job",
                organization,
                delivery.template,
                delivery.sha256,
                delivery.job);
        Optional<Delivery> settled = first.stream()
                .filter(other -> SETTLED_FIRST.contains(other.state))
                .findFirst();
        if (settled.isPresent()) {
            delivery.importId = settled.get().importId;
            delivery.state = "duplicate";
        } else if (!first.isEmpty()) {
            awaits(c, delivery, first.get(0));
        }
        return false;
    }

    /** The job list tells what a claimed job waits for. */
    private static void awaits(Connection c, Delivery delivery, Delivery first) throws SQLException {
        delivery.reason = "same-bytes";
        delivery.detail = "It waits for job " + first.job + " (" + first.fileName + ", from " + first.from + ", "
                + first.state + "), which has the same bytes. Where that is not to be imported, withdraw it: DELETE"
                + " /csv-imports/" + first.job;
        update(
                c,
                "UPDATE csv_import_delivery SET reason = ?, detail = ? WHERE job = ? AND state IN ('claimed', 'waiting')",
                delivery.reason,
                delivery.detail,
                delivery.job);
    }

    /** False where another process was faster, or the spool has the item already. */
    private boolean insert(Connection c, Delivery delivery) throws SQLException {
        List<Long> jobs = query(
                c,
                row -> row.getLong(1),
                "INSERT INTO csv_import_delivery (source_key, item_key, envelope, source, state, organization, template, notify,"
                        + " file_name, file_path, file_size, sha256, duplicates, owner, created_at)"
                        + " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING job",
                delivery.sourceKey,
                delivery.itemKey,
                delivery.envelope,
                delivery.from,
                "claimed",
                organization,
                delivery.template,
                String.join(",", delivery.notifyAddresses),
                delivery.fileName,
                delivery.path,
                delivery.size,
                delivery.sha256,
                delivery.duplicates,
                owner.id(),
                text(Instant.now()));
        if (jobs.isEmpty()) {
            return false;
        }
        delivery.job = jobs.get(0);
        delivery.state = "claimed";
        if (delivery.fileName == null) {
            delivery.fileName = delivery.job + ".csv";
            update(c, "UPDATE csv_import_delivery SET file_name = ? WHERE job = ?", delivery.fileName, delivery.job);
        }
        return true;
    }

    /** Another process has released the file since it was recalled: the row is taken back, nothing is left to deliver. */
    private static boolean isGone(Connection c, Delivery delivery) throws SQLException {
        if (delivery.source == null || delivery.source.isThere()) {
            return false;
        }
        update(c, "DELETE FROM csv_import_delivery WHERE job = ?", delivery.job);
        delivery.job = 0;
        delivery.state = null;
        return true;
    }

    private boolean becomeSingle(Connection c, Delivery delivery) throws SQLException {
        return update(
                        c,
                        "UPDATE csv_import_delivery SET single = 1 WHERE job = ? AND NOT EXISTS (SELECT 1"
                                + " FROM csv_import_delivery first WHERE (first.single = 1 OR first.duplicates = 'import') AND first.job <> ?"
                                + " AND first.organization = ? AND first.template = ? AND first.sha256 = ? AND first.state IN"
                                + " ('claimed', 'sending', 'waiting', 'unknown', 'held', 'accepted', 'completed', 'voiding'))",
                        delivery.job,
                        delivery.job,
                        organization,
                        delivery.template,
                        delivery.sha256)
                == 1;
    }

    /**
     * Commits that the next byte may leave. Its state is {@code sending} then; where another upload of this name and
     * template is in flight, it is what it was.
     */
    void sending(Delivery delivery) throws CsvImportUnsettledException {
        database.inTransaction(c -> {
            sending(c, delivery);
            return null;
        });
    }

    private void sending(Connection c, Delivery delivery) throws SQLException {
        int updated = update(
                c,
                "UPDATE csv_import_delivery SET state = 'sending', attempts = ?, sending_at = ?, api_time = ?, owner = ?,"
                        + " next_attempt_at = NULL WHERE job = ? AND attempts = ? AND state IN ('claimed', 'waiting')"
                        + " AND NOT EXISTS (SELECT 1"
                        + " FROM csv_import_delivery other WHERE other.organization = ? AND other.template = ?"
                        + " AND other.file_name = ? AND other.state IN ('sending', 'unknown'))",
                delivery.attempts + 1,
                text(delivery.sendingAt),
                text(delivery.apiTime),
                owner.id(),
                delivery.job,
                delivery.attempts,
                organization,
                delivery.template,
                delivery.fileName);
        if (updated == 1) {
            delivery.state = "sending";
        }
    }

    /**
     * Takes back a begin that was committed without this process hearing of it: nothing was sent.
     *
     * @return false where there is no row yet: it may still be committed
     */
    boolean takeBack(Delivery delivery) throws CsvImportUnsettledException {
        database.inTransaction(c -> update(
                c,
                "UPDATE csv_import_delivery SET state = 'waiting'"
                        + " WHERE source_key = ? AND state = 'sending' AND owner = ? AND sending_at = ?",
                delivery.sourceKey,
                owner.id(),
                text(delivery.sendingAt)));
        return find(delivery.sourceKey).isPresent();
    }

    /**
     * Commits, durably, a delivery's new state; a settled one with its audit event, in one transaction. Where the row
     * has moved on, as it may on a shared ledger, it stays as it is, and the delivery becomes what it says.
     */
    void write(Delivery delivery, String state, Instant nextAttempt) throws CsvImportUnsettledException {
        write(delivery, c -> write(c, delivery, state, nextAttempt), true);
    }

    /**
     * The same of an outcome that this process has seen itself. An import that is not its row's, because that has moved
     * on, gets a row of its own: it is in the job list, has its event, and may be voided.
     *
     * @param durable false where the outcome is found out again after a power failure
     */
    void writeOutcome(Delivery delivery, String state, Instant nextAttempt, boolean durable)
            throws CsvImportUnsettledException {
        String importId = delivery.importId;
        write(
                delivery,
                c -> {
                    Delivery attempt = delivery.copy();
                    boolean written = write(c, delivery, state, nextAttempt);
                    if (!written && state.equals("accepted")) {
                        insertLate(c, attempt, importId);
                    }
                    return written;
                },
                durable);
    }

    /** What the ledger refuses to store is this job's failure: it is held, and a person decides. */
    private void write(Delivery delivery, Database.Work<Boolean> work, boolean durable)
            throws CsvImportUnsettledException {
        try {
            boolean written = durable ? database.inTransaction(work) : database.relaxed(work);
            if (!written) {
                delivery.log(LOG, Level.INFO, ", written by another process");
            }
        } catch (LedgerRefusedException e) {
            String state = UNSETTLED.contains(delivery.state) ? delivery.state : "held";
            delivery.reason = "unstorable";
            delivery.detail = e.getMessage()
                    + (delivery.importId == null ? "" : "; the import is " + Visible.of(delivery.importId));
            delivery.importId = null;
            delivery.previewRows = null;
            database.inTransaction(c -> write(c, delivery, state, delivery.nextAttempt));
            delivery.log(LOG, Level.WARN, "");
        }
    }

    private boolean write(Connection c, Delivery delivery, String state, Instant nextAttempt) throws SQLException {
        boolean settled = !UNSETTLED.contains(state);
        delivery.state = state;
        delivery.nextAttempt = nextAttempt;
        delivery.settledAt = settled ? Instant.now() : null;
        int updated = update(
                c,
                "UPDATE csv_import_delivery SET state = ?, import_id = ?, reason = ?, detail = ?, http_status = ?,"
                        + " next_attempt_at = ?, reconciled = ?, settled_at = ?, track_at = ?, failed_rows = ?,"
                        + " preview_rows = ?, failures = ? WHERE job = ? AND attempts = ?"
                        + " AND (settled_at IS NULL OR state = 'held')",
                state,
                delivery.importId,
                delivery.reason,
                delivery.detail,
                delivery.httpStatus,
                text(nextAttempt),
                delivery.reconciled ? 1 : 0,
                text(delivery.settledAt),
                trackAt(delivery),
                delivery.failedRows,
                delivery.previewRows,
                delivery.failures,
                delivery.job,
                delivery.attempts);
        if (updated == 0) {
            query(c, Deliveries::read, "SELECT * FROM csv_import_delivery WHERE job = ?", delivery.job)
                    .forEach(delivery::recall);
            return false;
        }
        if (settled) {
            events.insert(c, delivery);
        }
        return true;
    }

    private String trackAt(Delivery delivery) {
        return delivery.state.equals("accepted") && trackAfter != null
                ? text(delivery.settledAt.plus(trackAfter))
                : null;
    }

    /** An import that the ledger does not know: its upload was given up before its answer came. */
    private void insertLate(Connection c, Delivery attempt, String importId) throws SQLException {
        boolean known = !query(
                        c,
                        row -> 1,
                        "SELECT 1 FROM csv_import_delivery WHERE import_id = ? AND organization = ?"
                                + " AND state <> 'duplicate'",
                        importId,
                        organization)
                .isEmpty();
        if (known) {
            return;
        }
        Delivery late = attempt.copy();
        late.sourceKey = "late|" + attempt.job + "|" + importId;
        late.itemKey = null;
        late.path = null;
        late.duplicates = "import";
        late.importId = importId;
        if (!insert(c, late)) {
            return;
        }
        late.reason = "late";
        late.detail = "Attempt " + attempt.attempts + " of job " + attempt.job + " was accepted after it had been given"
                + " up: where that job has another import, void one of them";
        late.settledAt = Instant.now();
        late.state = "accepted";
        String now = text(late.settledAt);
        update(
                c,
                "UPDATE csv_import_delivery SET state = ?, import_id = ?, attempts = ?, reason = ?, detail = ?,"
                        + " http_status = ?, sending_at = ?, settled_at = ?, released_at = ?, track_at = ? WHERE job = ?",
                late.state,
                importId,
                late.attempts,
                late.reason,
                late.detail,
                late.httpStatus,
                text(late.sendingAt),
                now,
                now,
                trackAt(late),
                late.job);
        events.insert(c, late);
        late.log(LOG, Level.WARN, "");
    }

    /**
     * Commits, durably, that a job which waits is not to be sent. One that is a file is let go of by its source; for any
     * other one that is done here.
     *
     * @return false where it does not wait any more
     */
    boolean withdraw(Delivery delivery, String reason, String detail) throws CsvImportUnsettledException {
        delivery.reason = reason;
        delivery.detail = detail;
        return database.inTransaction(c -> {
            boolean withdrawn = write(c, delivery, "withdrawn", null);
            if (withdrawn && delivery.path == null) {
                released(c, delivery, null, null);
            }
            return withdrawn;
        });
    }

    /** The source has let go of the delivery: its key may come again, as a new one. Where this is lost, it is swept. */
    void released(Delivery delivery, String to) throws CsvImportUnsettledException {
        released(delivery, to, null);
    }

    /** @param key of the file at its new place, as {@link SourceFile#key} gives it */
    void released(Delivery delivery, String to, String key) throws CsvImportUnsettledException {
        database.relaxed(c -> released(c, delivery, to, key));
    }

    private static int released(Connection c, Delivery delivery, String to, String key) throws SQLException {
        return update(
                c,
                "UPDATE csv_import_delivery SET released_at = ?, released_to = ?, released_key = ? WHERE job = ?"
                        + " AND settled_at IS NOT NULL AND released_at IS NULL",
                text(Instant.now()),
                to,
                key,
                delivery.job);
    }

    static Delivery read(ResultSet row) throws SQLException {
        Delivery delivery = new Delivery();
        delivery.job = row.getLong("job");
        delivery.sourceKey = row.getString("source_key");
        delivery.envelope = row.getString("envelope");
        delivery.owner = row.getString("owner");
        delivery.from = row.getString("source");
        delivery.state = row.getString("state");
        delivery.template = row.getString("template");
        delivery.notifyAddresses = NotifyAddresses.of(row.getString("notify"));
        delivery.fileName = row.getString("file_name");
        delivery.path = row.getString("file_path");
        delivery.size = row.getLong("file_size");
        delivery.sha256 = row.getString("sha256");
        delivery.duplicates = row.getString("duplicates");
        delivery.attempts = row.getInt("attempts");
        delivery.failures = row.getInt("failures");
        delivery.importId = row.getString("import_id");
        delivery.reason = row.getString("reason");
        delivery.detail = row.getString("detail");
        delivery.httpStatus = (Integer) row.getObject("http_status");
        delivery.apiTime = instant(row.getString("api_time"));
        delivery.createdAt = instant(row.getString("created_at"));
        delivery.sendingAt = instant(row.getString("sending_at"));
        delivery.nextAttempt = instant(row.getString("next_attempt_at"));
        delivery.settledAt = instant(row.getString("settled_at"));
        delivery.reconciled = row.getInt("reconciled") == 1;
        delivery.releasedTo = row.getString("released_to");
        delivery.failedRows = (Integer) row.getObject("failed_rows");
        delivery.previewRows = row.getString("preview_rows");
        return delivery;
    }

    static Instant instant(String text) {
        return text == null ? null : Instant.parse(text);
    }

    /** Always with three digits of milliseconds, so that times sort as text; null for null. */
    static String text(Instant time) {
        if (time == null) {
            return null;
        }
        Second second = latest;
        if (second.epoch != time.getEpochSecond()) {
            second = Second.of(time.getEpochSecond());
            latest = second;
        }
        return second.text + String.valueOf(1000 + time.getNano() / 1_000_000).substring(1) + "Z";
    }
}
