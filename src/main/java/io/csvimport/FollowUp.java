package io.csvimport;

import static io.csvimport.Database.query;
import static io.csvimport.Database.update;

import java.io.IOException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.camel.Exchange;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Follows accepted imports until the API lists them twice alike: then they are completed, and it is known which rows
 * failed. What shows neither statements nor failed rows may not have begun yet: it must have looked so for
 * {@code track.quiet}. How far that came stands in the ledger. Its public methods are the steps of
 * {@code csv-import-track}.
 */
public final class FollowUp {

    /** The imports that are due to be looked up, as long as this round has no answer for them. */
    public static final class Round {

        private final Map<String, Followed> open;
        private final boolean whole;

        private Round(List<Followed> due, boolean whole) {
            open = due.stream()
                    .collect(Collectors.toMap(
                            followed -> followed.job.outcome().importId(),
                            Function.identity(),
                            (a, b) -> a,
                            LinkedHashMap::new));
            this.whole = whole;
        }

        /** Whether one list of all imports is asked for, before those that it does not show. */
        public boolean isWhole() {
            return whole;
        }

        /** The imports to ask for one by one. */
        public List<String> getIds() {
            return open.keySet().stream().limit(MOST_CALLS).toList();
        }
    }

    /** @param listed how it was listed at the latest look, null where it was not */
    private record Followed(Job job, int looks, String listed, boolean released) {

        static Followed read(ResultSet row) throws SQLException {
            return new Followed(
                    JobRow.read(row),
                    row.getInt("track_looks"),
                    row.getString("listed"),
                    row.getString("released_at") != null);
        }

        boolean isOld() {
            return job.outcome().settledAt().plus(AT_MOST).isBefore(Instant.now());
        }
    }

    /**
     * What a look has shown of one import.
     *
     * @param rowsFile where its failed rows are, once it is completed
     * @param rowsKey of that file, as {@link SourceFile#key} gives it
     * @param again the longest pause before the next look
     */
    private record Shown(
            Followed followed,
            String listed,
            Result result,
            int failedRows,
            String rowsFile,
            String rowsKey,
            Duration again) {

        static Shown open(Followed followed, String listed) {
            return of(followed, listed, Result.OPEN);
        }

        static Shown of(Followed followed, String listed, Result result) {
            return new Shown(followed, listed, result, 0, null, null, LONGEST_PAUSE);
        }
    }

    private enum Result {
        OPEN,
        COMPLETED,
        UNREADABLE
    }

    /** Since when, in nanoseconds, an import is listed so. */
    private record Alike(String listed, long since) {}

    static final String ROUND = "csvImportFollowUp";

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");
    private static final Duration AT_MOST = Duration.ofDays(1);
    private static final Duration LONGEST_PAUSE = Duration.ofHours(1);
    /** Up to so many imports are asked for one by one. */
    private static final int FEW = 5;
    /** Calls of a round: the uploads have the API's limit for themselves. */
    private static final int MOST_CALLS = 200;
    /** A list so much longer than what is looked for costs the API more than calls for each. */
    private static final int WORTH = 100;

    private static final int BATCH = 100;

    private final Database database;
    private final Owner owner;
    private final Sources sources;
    private final FailedRowsFile files;
    private final AuditEvents events;
    private final String organization;
    private final Duration interval;
    private final Duration quiet;
    /** By job: the imports of which the list says nothing that can be relied on yet. */
    private final Map<Long, Alike> alike = new HashMap<>();

    private long nextRound = System.nanoTime();
    private long answered = System.nanoTime();
    private int failures;
    private long listLength;

    FollowUp(Settings settings, Database database, Owner owner, Sources sources, AuditEvents events) {
        this.database = database;
        this.owner = owner;
        this.sources = sources;
        files = new FailedRowsFile(settings.path("data-dir"), sources);
        organization = settings.get("api.organization");
        this.events = events;
        interval = settings.duration("track.interval");
        quiet = settings.duration("track.quiet");
    }

    /** Begins a round with what is due; none where nothing is, or another process leads. */
    public void begin(Exchange exchange) throws IOException, CsvImportUnsettledException {
        exchange.setProperty(ROUND, null);
        long now = System.nanoTime();
        if (now - nextRound < 0 || !owner.leads()) {
            return;
        }
        List<Followed> due = database.read(c -> query(
                c,
                Followed::read,
                // what is followed is accepted, or being voided; by "state = 'accepted'" SQLite would read all of that
                // state
                "SELECT * FROM csv_import_delivery WHERE track_at IS NOT NULL AND (track_at <= ? OR track_at > ?)"
                        + " AND state <> 'voiding' AND organization = ? ORDER BY track_at LIMIT 5000",
                Deliveries.text(Instant.now()),
                // the clock was set back: no pause is so long
                Deliveries.text(Instant.now().plus(interval.compareTo(LONGEST_PAUSE) > 0 ? interval : LONGEST_PAUSE)),
                organization));
        if (due.isEmpty()) {
            return;
        }
        alike.values()
                .removeIf(look -> now - look.since > AT_MOST.plus(LONGEST_PAUSE).toNanos());
        if (now - answered > AT_MOST.toNanos()) {
            // the list was refused for so long: nothing more is known, and nobody is to wait for it
            for (Followed old : due.stream().filter(Followed::isOld).toList()) {
                giveUp(old, "unlisted", "The import list could not be had for " + AT_MOST.toHours() + " hours");
            }
            due.removeIf(Followed::isOld);
        }
        // until an answer says otherwise, this round fails; those that are due meanwhile wait for the next one list
        nextRound = now + Pauses.growing(failures++).toNanos();
        exchange.setProperty(ROUND, new Round(due, due.size() > FEW && listLength / WORTH <= due.size()));
    }

    /** Judges the round's imports by the list in the message body; one that is cut short shows some, and proves nothing. */
    public void judge(Exchange exchange) throws IOException, CsvImportUnsettledException {
        try {
            judge(exchange, exchange.getProperty(ROUND, Round.class));
        } finally {
            files.clear();
        }
    }

    private void judge(Exchange exchange, Round round) throws IOException, CsvImportUnsettledException {
        String asked = exchange.getProperty("csvImportFollowed", String.class);
        ImportList list = ImportList.read(exchange.getMessage(), round.open::containsKey, files::begin);
        if (asked != null && list.entries().isEmpty() && !list.isWhole()) {
            throw new IOException("The import list " + list.flaw());
        }
        answered = System.nanoTime();
        failures = 0;
        nextRound = answered + interval.toNanos();
        if (asked == null) {
            listLength = Math.max(list.results(), list.count());
        }
        List<Shown> shown = new ArrayList<>();
        for (ImportList.Entry entry : list.entries()) {
            Followed followed = round.open.remove(entry.id());
            if (followed != null) {
                shown.add(look(followed, entry));
            }
        }
        Collection<Followed> missed =
                asked != null ? missed(round, asked) : list.isWhole() ? List.copyOf(round.open.values()) : List.of();
        round.open.values().removeAll(missed);
        missed.forEach(followed -> shown.add(missing(followed)));
        write(shown);
    }

    /** The API has no import of this id. */
    public void miss(Exchange exchange) throws CsvImportUnsettledException {
        Round round = exchange.getProperty(ROUND, Round.class);
        List<Shown> shown = new ArrayList<>();
        for (Followed followed : missed(round, exchange.getProperty("csvImportFollowed", String.class))) {
            round.open.values().remove(followed);
            shown.add(missing(followed));
        }
        write(shown);
    }

    private static List<Followed> missed(Round round, String id) {
        return round.open.containsKey(id) ? List.of(round.open.get(id)) : List.of();
    }

    private Shown missing(Followed followed) {
        alike.remove(followed.job.id());
        return Shown.open(followed, null);
    }

    private Shown look(Followed followed, ImportList.Entry entry) {
        FailedRows rows = entry.failedRows();
        String listed = rows.count() + "/" + Long.toHexString(rows.digest()) + "/" + entry.statements();
        Job job = followed.job;
        if (rows.count() > 0 || rows.isReadable() && entry.hasStatements()) {
            alike.remove(job.id());
        } else {
            Alike since = new Alike(listed, System.nanoTime());
            since = alike.merge(job.id(), since, (before, now) -> before.listed.equals(listed) ? before : now);
            Duration left = quiet.minusNanos(System.nanoTime() - since.since);
            if (left.compareTo(Duration.ZERO) > 0) {
                return new Shown(followed, listed, Result.OPEN, 0, null, null, left);
            }
        }
        if (!listed.equals(followed.listed)) {
            return Shown.open(followed, listed);
        }
        if (!rows.isReadable()) {
            return Shown.of(followed, listed, Result.UNREADABLE);
        }
        if (rows.count() == 0) {
            return Shown.of(followed, listed, Result.COMPLETED);
        }
        try {
            if (!isInPlace(followed)) {
                return Shown.open(followed, listed);
            }
            // what could not be stored there for a day goes into the data dir
            String stored = files.store(job, entry.rowsFile(), !followed.isOld());
            String key = sources.folders(stored)
                    .orElse(SourceFolders.LOCAL)
                    .find(stored)
                    .key();
            return new Shown(followed, listed, Result.COMPLETED, rows.count(), stored, key, LONGEST_PAUSE);
        } catch (IOException e) {
            LOG.warn(
                    "The failed rows of {} cannot be written now, it is tried again: {}",
                    job.names().fileName(),
                    e.toString());
            return Shown.open(followed, listed);
        }
    }

    /** A file that waits to be moved is waited for: its rows are to lie beside it. */
    private boolean isInPlace(Followed followed) {
        String path = followed.job.origin().path();
        return followed.released
                || followed.isOld()
                || path != null
                        && sources.folders(path)
                                .filter(SourceFolders::isReadOnly)
                                .isPresent();
    }

    /** A few at a time: an upload waits for no long transaction. */
    private void write(List<Shown> shown) throws CsvImportUnsettledException {
        for (int from = 0; from < shown.size(); from += BATCH) {
            List<Shown> some = shown.subList(from, Math.min(from + BATCH, shown.size()));
            List<Job> completed = database.inTransaction(c -> {
                List<Job> written = new ArrayList<>();
                for (Shown one : some) {
                    if (one.result == Result.COMPLETED) {
                        complete(c, one).ifPresent(written::add);
                    } else {
                        lookAgain(c, one);
                    }
                }
                return written;
            });
            for (Job job : completed) {
                alike.remove(job.id());
                job.log(LOG, Level.INFO, "");
            }
            for (Shown one : some) {
                if (one.result == Result.UNREADABLE) {
                    giveUp(
                            one.followed,
                            "failed-rows-unreadable",
                            "The import list tells its failed rows in a form that cannot be read");
                } else if (one.result == Result.OPEN && one.followed.isOld()) {
                    giveUp(
                            one.followed,
                            "unlisted",
                            "The import list has not shown it twice alike for " + AT_MOST.toHours() + " hours");
                }
            }
        }
    }

    private Optional<Job> complete(Connection c, Shown shown) throws SQLException {
        Job job = shown.followed.job;
        int updated = update(
                c,
                "UPDATE csv_import_delivery SET state = 'completed', track_at = NULL, failed_rows = ?,"
                        + " failed_rows_file = ?, failed_rows_key = ?, reason = NULL, detail = NULL WHERE job = ? AND state = 'accepted'",
                shown.failedRows,
                shown.rowsFile,
                shown.rowsKey,
                job.id());
        if (updated == 0) {
            return Optional.empty();
        }
        String detail = shown.rowsFile == null ? null : "failed rows: " + shown.failedRows + ", in " + shown.rowsFile;
        Job completed = job.with(job.outcome()
                .because(null, detail)
                .with(new Outcome.Rows(shown.failedRows, null))
                .to(State.COMPLETED));
        events.insert(c, completed);
        return Optional.of(completed);
    }

    private void lookAgain(Connection c, Shown shown) throws SQLException {
        int looks = shown.followed.looks + 1;
        Duration pause = interval.multipliedBy(1L << Math.min(looks - 1, 20));
        pause = pause.compareTo(shown.again) > 0 ? shown.again : pause;
        update(
                c,
                "UPDATE csv_import_delivery SET track_at = ?, track_looks = ?, listed = ?"
                        + " WHERE job = ? AND state = 'accepted' AND track_at IS NOT NULL",
                Deliveries.text(Instant.now().plus(pause)),
                looks,
                shown.listed,
                shown.followed.job.id());
    }

    /** The import stays accepted, and is not followed any more. */
    private void giveUp(Followed followed, String reason, String why) throws CsvImportUnsettledException {
        Outcome unlisted = followed.job
                .outcome()
                .because(reason, why + ": it is not followed any more")
                .with(Outcome.Rows.NONE);
        Job job = followed.job.with(unlisted);
        boolean written = database.inTransaction(c -> {
            boolean mine = update(
                            c,
                            "UPDATE csv_import_delivery SET track_at = NULL, reason = ?, detail = ?"
                                    + " WHERE job = ? AND state = 'accepted' AND track_at IS NOT NULL",
                            unlisted.reason(),
                            unlisted.detail(),
                            job.id())
                    == 1;
            if (mine) {
                events.insert(c, job, "unlisted");
            }
            return mine;
        });
        alike.remove(job.id());
        if (written) {
            job.log(LOG, Level.WARN, "");
        }
    }
}
