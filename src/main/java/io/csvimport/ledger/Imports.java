package io.csvimport.ledger;

import io.csvimport.CsvImportUnsettledException;
import io.csvimport.file.SourceFile;
import io.csvimport.job.Job;
import io.csvimport.job.Outcome;
import io.csvimport.job.State;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jdbi.v3.core.statement.DefinedAttributeTemplateEngine;

/** The jobs with an import id: which ones the API's lists have shown, and which ones are still followed. */
public final class Imports {

    /** @param template as it was uploaded with */
    public record Known(String importId, long job, String template, String shown) {}

    /**
     * @param looks how often it was looked up
     * @param listed how it was listed at the latest look; null where it was not
     */
    public record Followed(Job job, int looks, String listed, boolean released) {}

    private static final int BATCH = 500;

    /** What a list has shown, or the follow-up has found. */
    private static final String LISTED = "state IN ('accepted', 'completed')"
            + " AND (shown IS NOT NULL OR listed IS NOT NULL OR state = 'completed')";

    private static final String FOLLOWED = "state = 'accepted' AND track_at IS NOT NULL";

    private final Ledger ledger;
    private final Database database;
    private final AuditEvents events;

    public Imports(Ledger ledger, AuditEvents events) {
        this.ledger = ledger;
        this.events = events;
        database = ledger.database();
    }

    /** Those of import ids that are jobs of ours, by their ids. */
    public Map<String, List<Known>> known(Collection<String> listed) throws CsvImportUnsettledException {
        List<Known> known = new ArrayList<>();
        for (List<String> some :
                batches(listed.stream().filter(Objects::nonNull).distinct().toList())) {
            known.addAll(database.read(handle -> handle.createQuery(
                            "SELECT import_id, job, template, shown FROM csv_import_delivery WHERE import_id IN (<ids>)"
                                    + " AND organization = :organization AND state <> 'duplicate'")
                    .setTemplateEngine(new DefinedAttributeTemplateEngine())
                    .bindList("ids", some)
                    .bind("organization", ledger.organization())
                    .mapTo(Known.class)
                    .list()));
        }
        return known.stream().collect(Collectors.groupingBy(Known::importId));
    }

    /** Remembers that a list has shown them; filter null: the list of all. */
    public void show(Collection<Known> known, String filter) throws CsvImportUnsettledException {
        String shown = filter == null ? "list" : "template";
        List<Known> news = known.stream()
                .filter(row ->
                        filter == null ? row.shown == null : filter.equals(row.template) && !shown.equals(row.shown))
                .toList();
        for (List<Known> some : batches(news)) {
            database.durable(handle -> {
                some.forEach(row ->
                        handle.execute("UPDATE csv_import_delivery SET shown = ? WHERE job = ?", shown, row.job));
                return null;
            });
        }
    }

    private static <T> List<List<T>> batches(List<T> all) {
        List<List<T>> batches = new ArrayList<>();
        for (int from = 0; from < all.size(); from += BATCH) {
            batches.add(all.subList(from, Math.min(from + BATCH, all.size())));
        }
        return batches;
    }

    /** Whether a whole list has to show some: it did before. */
    public boolean areExpected() throws CsvImportUnsettledException {
        return database.read(handle -> JobRow.exists(handle, "organization = ? AND " + LISTED, ledger.organization()));
    }

    /** Whether the list of a template has to show some: it did before. */
    public boolean areExpected(String template) throws CsvImportUnsettledException {
        return hasShown(template, " AND " + LISTED);
    }

    /** Whether the list of a template has ever shown an import of ours: a template that is given by its id may have none. */
    public boolean hasShown(String template) throws CsvImportUnsettledException {
        return hasShown(template, "");
    }

    private boolean hasShown(String template, String more) throws CsvImportUnsettledException {
        return database.read(handle -> JobRow.exists(
                handle,
                "organization = ? AND shown = 'template' AND template = ?" + more,
                ledger.organization(),
                template));
    }

    // what is followed: what a power failure takes of these writes is found again in the next list

    /** @param longest pause: what is to wait longer was written before the clock was set back */
    public List<Followed> due(Duration longest) throws CsvImportUnsettledException {
        Instant now = Instant.now();
        return database.read(handle -> handle.select(
                        // all of these are accepted or voiding; for "state = 'accepted'" SQLite would read every
                        // accepted row
                        "SELECT * FROM csv_import_delivery WHERE track_at IS NOT NULL AND (track_at <= ? OR track_at > ?)"
                                + " AND state <> 'voiding' AND organization = ? ORDER BY track_at LIMIT 5000",
                        now,
                        now.plus(longest),
                        ledger.organization())
                .map((row, context) -> new Followed(
                        JobRow.read(row, context),
                        row.getInt("track_looks"),
                        row.getString("listed"),
                        row.getString("released_at") != null))
                .list());
    }

    /** Looks it up again after the pause. */
    public void again(Followed followed, String listed, Duration pause) throws CsvImportUnsettledException {
        database.relaxed(handle -> JobRow.change(
                handle,
                followed.job,
                FOLLOWED,
                "track_at = :next, track_looks = :looks, listed = :listed",
                "next",
                Instant.now().plus(pause),
                "looks",
                followed.looks + 1,
                "listed",
                listed));
    }

    /**
     * Completes the job.
     *
     * @param file where the failed rows are written; null where there are none
     * @param key of that file, as {@link SourceFile#key} gives it
     * @return the job as it now is; empty where it is not followed any more
     */
    public Optional<Job> complete(Job job, int failedRows, String file, String key) throws CsvImportUnsettledException {
        String detail = file == null ? null : "failed rows: " + failedRows + ", in " + file;
        Job completed = job.with(job.outcome()
                .because(null, detail)
                .with(new Outcome.Rows(failedRows, null))
                .to(State.COMPLETED));
        return end(
                completed,
                "completed",
                "state = :state, failed_rows = :outcome.rows.failed, failed_rows_file = :file,"
                        + " failed_rows_key = :key, reason = NULL, detail = NULL",
                "file",
                file,
                "key",
                key);
    }

    /** Leaves the import accepted and follows it no longer; empty where it was not followed. */
    public Optional<Job> giveUp(Job job, String reason, String detail) throws CsvImportUnsettledException {
        Job accepted = job.with(job.outcome().because(reason, detail).with(Outcome.Rows.NONE));
        return end(accepted, "unlisted", "reason = :outcome.reason, detail = :outcome.detail");
    }

    private Optional<Job> end(Job job, String event, String set, Object... parameters)
            throws CsvImportUnsettledException {
        return database.relaxed(handle -> {
            if (!JobRow.change(handle, job, FOLLOWED, "track_at = NULL, " + set, parameters)) {
                return Optional.empty();
            }
            if (job.state() == State.COMPLETED && job.outcome().rows().failed() == 0) {
                EarlierImports.succeeded(handle, ledger.organization(), job);
            } else if (job.state() == State.COMPLETED) {
                EarlierImports.failed(handle, ledger.organization(), job);
            }
            return Optional.of(events.insert(handle, job, event));
        });
    }
}
