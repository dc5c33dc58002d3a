package io.csvimport.ledger;

import io.csvimport.CsvImportUnsettledException;
import io.csvimport.job.Job;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jdbi.v3.core.Handle;

/** Due times as rows: which are dealt with, which have passed without an import, and what was told of them. */
public final class DueTimes {

    /**
     * A due time that has passed without an import.
     *
     * @param state late or missing, or what became of it
     */
    public record DueTime(long expectation, Instant due, String state) {}

    /** @param since due times up to then are dealt with */
    public record Known(long expectation, Instant since) {}

    /**
     * How an expectation was met last.
     *
     * @param due the latest that passed without an import; null: none has
     * @param state missing, as long as any is; otherwise what became of the latest
     */
    public record Latest(String name, Instant since, Instant due, String state) {}

    /**
     * Which jobs are meant.
     *
     * @param from the feed; null: any
     * @param names which file names; null: any
     */
    public record Meant(String template, String from, Predicate<String> names) {}

    /** How long a file may have waited that is imported at last. */
    private static final Duration LONGEST_WAIT = Duration.ofDays(31);
    /** How many of the newest jobs of a template are looked through. */
    private static final int NEWEST = 1000;

    private static final String IMPORTED = "state IN ('accepted', 'completed', 'voiding', 'voided')";
    private static final String OPEN = "state IN ('late', 'missing')";

    private final Database database;
    private final AuditEvents events;
    private final String organization;

    public DueTimes(Ledger ledger, AuditEvents events) {
        this.events = events;
        database = ledger.database();
        organization = ledger.organization();
    }

    /**
     * Finds or makes the row of an expectation. One that is new, or back again, is known from now on; so is one that was seen
     * last at a time to come: the clock was set back.
     */
    public Known know(String name, Instant now) throws CsvImportUnsettledException {
        return database.durable(handle -> {
            Optional<Known> found = find(handle, name);
            if (found.isPresent()
                    && found.get().since != null
                    && !found.get().since.isAfter(now)) {
                return found.get();
            }
            handle.execute(
                    "INSERT INTO csv_import_expectation (expectation, organization, name, since) SELECT"
                            + " CASE WHEN MAX(expectation) >= ? THEN MAX(expectation) + 1 ELSE ? END, ?, ?, ?"
                            + " FROM csv_import_expectation WHERE 1 = 1"
                            + " ON CONFLICT (organization, name) DO UPDATE SET since = excluded.since",
                    System.currentTimeMillis(),
                    System.currentTimeMillis(),
                    organization,
                    name,
                    now);
            return find(handle, name).orElseThrow();
        });
    }

    private Optional<Known> find(Handle handle, String name) {
        return handle.select(
                        "SELECT expectation, since FROM csv_import_expectation WHERE organization = ? AND name = ?",
                        organization,
                        name)
                .mapTo(Known.class)
                .findFirst();
    }

    /** Others are not expected any more: of these, nothing is told until they are back. */
    public void retain(Collection<String> names) throws CsvImportUnsettledException {
        database.durable(handle -> {
            handle
                    .select(
                            "SELECT expectation, name FROM csv_import_expectation WHERE organization = ?"
                                    + " AND since IS NOT NULL",
                            organization)
                    .mapToMap()
                    .list()
                    .stream()
                    .filter(row -> !names.contains((String) row.get("name")))
                    .forEach(row -> {
                        handle.execute(
                                "UPDATE csv_import_expectation SET since = NULL WHERE expectation = ?",
                                row.get("expectation"));
                        handle.execute(
                                "UPDATE csv_import_due SET state = 'closed' WHERE expectation = ? AND " + OPEN,
                                row.get("expectation"));
                    });
            return null;
        });
    }

    /** Due times up to this one need not be looked at again. */
    public void dealtWith(long expectation, Instant due) throws CsvImportUnsettledException {
        database.relaxed(handle -> dealtWith(handle, expectation, due));
    }

    private static int dealtWith(Handle handle, long expectation, Instant due) {
        return handle.execute(
                "UPDATE csv_import_expectation SET since = ? WHERE expectation = ? AND since < ?",
                due,
                expectation,
                due);
    }

    /** Commits that a due time has passed without an import, and its event; false where that was told before. */
    public boolean late(long expectation, Instant due, Map<String, String> told) throws CsvImportUnsettledException {
        return database.durable(handle -> {
            boolean isNew = handle.execute(
                            "INSERT INTO csv_import_due (expectation, due, state) VALUES (?, ?, 'late')"
                                    + " ON CONFLICT DO NOTHING",
                            expectation,
                            due)
                    == 1;
            dealtWith(handle, expectation, due);
            if (isNew) {
                events.insert(handle, expectation, due, "late", null, told);
            }
            return isNew;
        });
    }

    /** Commits that the grace has passed, too, and its event; false where that was told before. */
    public boolean missing(DueTime late, Map<String, String> told) throws CsvImportUnsettledException {
        return change(late, "missing", "state = 'late'", null, told);
    }

    /** Commits that an import has come after all, and its event; false where that was told before. */
    public boolean arrived(DueTime open, Job job, Map<String, String> told) throws CsvImportUnsettledException {
        return change(open, "arrived", OPEN, job, told);
    }

    private boolean change(DueTime row, String state, String expected, Job job, Map<String, String> told)
            throws CsvImportUnsettledException {
        return database.durable(handle -> {
            boolean isChanged = handle.execute(
                            "UPDATE csv_import_due SET state = ?, job = ? WHERE expectation = ? AND due = ? AND "
                                    + expected,
                            state,
                            job == null ? null : job.id(),
                            row.expectation,
                            row.due)
                    == 1;
            if (isChanged) {
                events.insert(handle, row.expectation, row.due, state, job, told);
            }
            return isChanged;
        });
    }

    /** It was told by a clock that was ahead: its time is yet to come, and is looked at then. No event comes twice. */
    public void forget(DueTime open) throws CsvImportUnsettledException {
        database.durable(handle -> handle.execute(
                "DELETE FROM csv_import_due WHERE expectation = ? AND due = ? AND " + OPEN,
                open.expectation,
                open.due));
    }

    /** Nothing more is told of it: an import for a later one has come. */
    public void close(DueTime open) throws CsvImportUnsettledException {
        database.durable(handle -> handle.execute(
                "UPDATE csv_import_due SET state = 'closed' WHERE expectation = ? AND due = ? AND " + OPEN,
                open.expectation,
                open.due));
    }

    /** The due times that still wait for an import, the oldest first. */
    public List<DueTime> open(long expectation) throws CsvImportUnsettledException {
        return database.read(handle -> handle.select(
                        "SELECT expectation, due, state FROM csv_import_due WHERE expectation = ? AND " + OPEN
                                + " ORDER BY due",
                        expectation)
                .mapTo(DueTime.class)
                .list());
    }

    /** The latest due time of each expectation that passed without an import, for people and metrics. */
    public List<Latest> latest() throws CsvImportUnsettledException {
        return database.look(handle -> handle.select(
                        "SELECT name, since, due, CASE WHEN EXISTS (SELECT 1 FROM csv_import_due open"
                                + " WHERE open.expectation = known.expectation AND open.state = 'missing')"
                                + " THEN 'missing' ELSE state END AS state"
                                + " FROM csv_import_expectation known LEFT JOIN csv_import_due late"
                                + " ON late.expectation = known.expectation AND late.due = (SELECT MAX(due)"
                                + " FROM csv_import_due past WHERE past.expectation = known.expectation)"
                                + " WHERE organization = ? AND since IS NOT NULL",
                        organization)
                .mapTo(Latest.class)
                .list());
    }

    /** The first job whose import was accepted within a time, both ends included. */
    public Optional<Job> firstImport(Meant meant, Instant from, Instant to) throws CsvImportUnsettledException {
        // most are imported as soon as they come
        for (Instant created : List.of(from, from.minus(LONGEST_WAIT))) {
            Optional<Job> first = find(
                    meant,
                    "job >= (SELECT job FROM csv_import_delivery WHERE created_at >= ? ORDER BY created_at LIMIT 1)"
                            + " AND settled_at >= ? AND settled_at <= ? AND " + IMPORTED + " ORDER BY job",
                    created,
                    from,
                    to);
            if (first.isPresent()) {
                return first;
            }
        }
        return Optional.empty();
    }

    /** The newest file that was not imported, of those that came since a time or are not done with. */
    public Optional<Job> notImported(Meant meant, Instant since) throws CsvImportUnsettledException {
        return find(
                meant,
                newest(meant, "NOT (" + IMPORTED + ") AND (released_at IS NULL OR created_at >= ?) ORDER BY job DESC"),
                meant.template,
                since);
    }

    /** The newest file. */
    public Optional<Job> newest(Meant meant) throws CsvImportUnsettledException {
        return find(meant, newest(meant, "1 = 1 ORDER BY job DESC"), meant.template);
    }

    /** The newest file of those that were looked at for what they hold. */
    public Optional<Job> lookedAt(Meant meant) throws CsvImportUnsettledException {
        return find(
                meant,
                newest(meant, "COALESCE(csv_header, found) IS NOT NULL AND state <> 'duplicate' ORDER BY job DESC"),
                meant.template);
    }

    private static String newest(Meant meant, String where) {
        return "job >= (SELECT MIN(job) FROM (SELECT job FROM csv_import_delivery WHERE template = ?"
                + " ORDER BY job DESC LIMIT " + NEWEST + ") newest) AND " + where;
    }

    /** @param where with the order */
    private Optional<Job> find(Meant meant, String where, Object... values) throws CsvImportUnsettledException {
        List<Object> all = new ArrayList<>(List.of(meant.template, organization));
        all.addAll(List.of(values));
        String feed = "";
        if (meant.from != null) {
            feed = " AND source = ?";
            all.add(2, meant.from);
        }
        String sql = "SELECT * FROM csv_import_delivery WHERE template = ? AND organization = ?" + feed + " AND "
                + where + " LIMIT " + (meant.names == null ? 1 : JobList.SEARCHED);
        return database.look(handle -> {
            try (Stream<Job> jobs = handle.select(sql, all.toArray()).map(JobRow::read).stream()) {
                return jobs.filter(job -> meant.names == null
                                || meant.names.test(job.names().fileName()))
                        .findFirst();
            }
        });
    }
}
