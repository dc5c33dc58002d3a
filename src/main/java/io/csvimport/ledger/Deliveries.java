package io.csvimport.ledger;

import io.csvimport.CsvImportUnsettledException;
import io.csvimport.job.Job;
import io.csvimport.job.State;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Finds the jobs of the ledger for the sources and the pipeline. */
public final class Deliveries {

    /** Rows that are read at once. */
    private static final int PAGE = 1000;

    /** What is done with a row. */
    public interface Action<E extends Exception> {
        void on(Job job) throws E, CsvImportUnsettledException;
    }

    private final Database database;
    private final String organization;
    private final Owner owner;

    public Deliveries(Ledger ledger) {
        database = ledger.database();
        organization = ledger.organization();
        owner = ledger.owner();
    }

    /** Whether another, living process has the delivery. */
    public boolean isForeign(Job job) throws CsvImportUnsettledException {
        return owner.isForeign(job.owner());
    }

    /** The delivery of a source key that is not released yet. */
    public Optional<Job> find(String sourceKey) throws CsvImportUnsettledException {
        String where = "source_key = ? AND released_at IS NULL";
        // nearly always there is none; the many columns take longer to name than the row to find
        return has(where, sourceKey) ? select(where, sourceKey).stream().findFirst() : Optional.empty();
    }

    /** The delivery of a job that is there. */
    public Job get(long job) throws CsvImportUnsettledException {
        return select("job = ?", job).get(0);
    }

    /** The latest delivery of the item that is offered again, or of the very file. */
    public Job first(Job again) throws CsvImportUnsettledException {
        List<Job> found = select(
                "source_key = ? AND released_at IS NULL"
                        + " OR item_key = ? AND organization = ? AND template = ? AND sha256 = ?",
                again.origin().sourceKey(),
                again.origin().itemKey(),
                organization,
                again.names().template(),
                again.content().sha256());
        return found.get(found.size() - 1);
    }

    /** The unreleased deliveries in a state, oldest first. */
    public List<Job> in(State state) throws CsvImportUnsettledException {
        return select("released_at IS NULL AND state = ?", state.toString());
    }

    /** The held deliveries for which a person has found the import id. */
    public List<Job> heldWithImportId() throws CsvImportUnsettledException {
        return select("released_at IS NULL AND state = 'held' AND import_id IS NOT NULL");
    }

    /**
     * The deliveries of local files that are not released yet, oldest first: of this data dir's processes, and, where
     * nothing was sent, of processes that are gone.
     */
    public <E extends Exception> void eachUnreleasedFile(Action<E> action) throws E, CsvImportUnsettledException {
        each(
                action,
                "released_at IS NULL AND file_path LIKE '/%' AND (owner LIKE ?"
                        + " OR state IN ('claimed', 'waiting') AND file_path NOT LIKE '%/spool/%' AND owner NOT IN "
                        + owner.living() + ")",
                owner.here());
    }

    /** The deliveries of files below a folder on a server that are not released yet, oldest first. */
    public <E extends Exception> void eachUnreleasedBelow(String folder, boolean settledToo, Action<E> action)
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
    public boolean isKept(Path file) throws CsvImportUnsettledException {
        return has("released_at IS NULL AND file_path = ?", file.toString());
    }

    /** Whether a process of this data dir has made the job: its paths are those of this machine. */
    public boolean isOfThisDataDir(Job job) {
        return owner.isHere(job.owner());
    }

    /** The delivery of an item that its source has offered before, whatever became of it since. */
    public Optional<Job> offeredBefore(Job again) throws CsvImportUnsettledException {
        // its source lets go of it because of what is found: that has to be on the disk
        List<Job> found = database.durable(handle -> JobRow.select(
                handle,
                "item_key = ? AND state <> 'withdrawn' ORDER BY job",
                again.origin().itemKey()));
        return found.isEmpty() ? Optional.empty() : Optional.of(found.get(found.size() - 1));
    }

    /** The item keys that begin so, of jobs that a process of this data dir has made. */
    public List<String> itemKeysOfThisDataDir(String beginning) throws CsvImportUnsettledException {
        return itemKeys(beginning, "LIKE");
    }

    /** The item keys that begin so, of jobs that processes of other data dirs have made. */
    public List<String> itemKeysOfOtherDataDirs(String beginning) throws CsvImportUnsettledException {
        return database.isShared() ? itemKeys(beginning, "NOT LIKE") : List.of();
    }

    private List<String> itemKeys(String beginning, String ownerIs) throws CsvImportUnsettledException {
        String where = "item_key IS NOT NULL AND substr(item_key, 1, ?) = ? AND owner " + ownerIs + " ?";
        List<Object> values =
                new ArrayList<>(List.of(beginning.codePointCount(0, beginning.length()), beginning, owner.here()));
        if (!database.isShared()) {
            // found by the index; in the order of a language, as PostgreSQL may have it, some would be left out
            where += " AND item_key BETWEEN ? AND ?";
            values.addAll(List.of(beginning, beginning + "~"));
        }
        String sql = "SELECT item_key FROM csv_import_delivery WHERE " + where;
        return database.read(handle ->
                handle.select(sql, values.toArray()).mapTo(String.class).list());
    }

    /** The source will not offer the item again. */
    public void forgetItemKey(String itemKey) throws CsvImportUnsettledException {
        database.relaxed(
                handle -> handle.execute("UPDATE csv_import_delivery SET item_key = NULL WHERE item_key = ?", itemKey));
    }

    /**
     * Deliveries of items that are no files, of a user's own route, that were not sent and are not offered any more: their
     * source has the only bytes.
     */
    public <E extends Exception> void eachAbandoned(Instant since, Action<E> action)
            throws E, CsvImportUnsettledException {
        each(
                action,
                "released_at IS NULL AND file_path IS NULL AND state IN ('claimed', 'waiting')"
                        + " AND COALESCE(next_attempt_at, created_at) < ?"
                        + " AND (owner = ? OR owner NOT IN " + owner.living() + ")",
                since,
                owner.id());
    }

    /** Whether an import id is that of another job of ours. */
    public boolean isOfAnother(Job job, String importId) throws CsvImportUnsettledException {
        return has("import_id = ? AND state <> 'duplicate' AND job <> ?", importId, job.id());
    }

    /** The state of another upload of this name and template that is in flight, or whose outcome is unknown. */
    public Optional<State> nameInFlight(Job job) throws CsvImportUnsettledException {
        return database.read(handle -> handle.select(
                        "SELECT state FROM csv_import_delivery WHERE organization = ? AND template = ? AND file_name = ?"
                                + " AND state IN ('sending', 'unknown') AND job <> ?",
                        organization,
                        job.names().template(),
                        job.names().fileName(),
                        job.id())
                .mapTo(String.class)
                .findFirst()
                .map(State::of));
    }

    /** Whether the outcome of another delivery of this size is open. */
    public boolean hasTwin(Job job) throws CsvImportUnsettledException {
        return has(
                "released_at IS NULL AND state IN ('sending', 'unknown', 'held') AND job <> ? AND file_size = ?",
                job.id(),
                job.content().size());
    }

    /** Whether there is a job of a large file of this template and size, whose bytes may be the same. */
    public boolean hasSameSize(String template, long size) throws CsvImportUnsettledException {
        return has(Claims.SAME_SIZE, organization, template, size);
    }

    private boolean has(String where, Object... parameters) throws CsvImportUnsettledException {
        return database.read(handle -> JobRow.exists(handle, where, parameters));
    }

    private List<Job> select(String where, Object... parameters) throws CsvImportUnsettledException {
        List<Job> found = new ArrayList<>();
        each(found::add, where, parameters);
        return found;
    }

    /**
     * Page by page, by job, so that what is done with one neither hides others nor shows any twice. The first page is often
     * the only one: it is found by an index of what is open (the plus keeps SQLite from reading the ledger in the order of
     * jobs), and sorted.
     */
    private <E extends Exception> void each(Action<E> action, String where, Object... parameters)
            throws E, CsvImportUnsettledException {
        Object[] values = Arrays.copyOf(parameters, parameters.length + 1);
        List<Job> page;
        long last = 0;
        do {
            values[parameters.length] = last;
            String by = last == 0 ? "+job" : "job";
            page = database.read(handle -> JobRow.select(
                    handle, "(" + where + ") AND " + by + " > ? ORDER BY " + by + " LIMIT " + PAGE, values));
            for (Job job : page) {
                action.on(job);
                last = job.id();
            }
        } while (page.size() == PAGE);
    }
}
