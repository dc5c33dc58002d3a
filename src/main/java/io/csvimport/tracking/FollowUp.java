package io.csvimport.tracking;

import io.csvimport.CsvImportUnsettledException;
import io.csvimport.api.FailedRows;
import io.csvimport.api.ImportList;
import io.csvimport.file.SourceFolders;
import io.csvimport.file.Sources;
import io.csvimport.job.Job;
import io.csvimport.job.Pauses;
import io.csvimport.ledger.FollowedImports;
import io.csvimport.ledger.FollowedImports.Completed;
import io.csvimport.ledger.FollowedImports.Followed;
import io.csvimport.ledger.FollowedImports.Look;
import io.csvimport.ledger.Owner;
import io.csvimport.settings.Settings;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
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
                            followed -> followed.job().outcome().importId(),
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

    private final FollowedImports imports;
    private final Owner owner;
    private final Sources sources;
    private final FailedRowsFile files;
    private final Duration interval;
    private final Duration quiet;
    /** By job: the imports of which the list says nothing that can be relied on yet. */
    private final Map<Long, Alike> alike = new HashMap<>();

    /** The imports of this round whose failed rows are listed in a form that cannot be read. */
    private final Set<Long> unreadable = new HashSet<>();

    private long nextRound = System.nanoTime();
    private long answered = System.nanoTime();
    private int failures;
    private long listLength;

    public FollowUp(Settings settings, FollowedImports imports, Owner owner, Sources sources) {
        this.imports = imports;
        this.owner = owner;
        this.sources = sources;
        files = new FailedRowsFile(settings.path("data-dir"), sources);
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
        List<Followed> due = imports.due(interval.compareTo(LONGEST_PAUSE) > 0 ? interval : LONGEST_PAUSE);
        if (due.isEmpty()) {
            return;
        }
        alike.values()
                .removeIf(look -> now - look.since > AT_MOST.plus(LONGEST_PAUSE).toNanos());
        if (now - answered > AT_MOST.toNanos()) {
            // the list was refused for so long: nothing more is known, and nobody is to wait for it
            for (Followed old : due.stream().filter(FollowUp::isOld).toList()) {
                giveUp(old, "unlisted", "The import list could not be had for " + AT_MOST.toHours() + " hours");
            }
            due.removeIf(FollowUp::isOld);
        }
        // until an answer says otherwise, this round fails; those that are due meanwhile wait for the next one list
        nextRound = now + Pauses.growing(failures++).toNanos();
        exchange.setProperty(ROUND, new Round(due, due.size() > FEW && listLength / WORTH <= due.size()));
    }

    private static boolean isOld(Followed followed) {
        return followed.job().outcome().settledAt().plus(AT_MOST).isBefore(Instant.now());
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
        List<Look> looks = new ArrayList<>();
        for (ImportList.Entry entry : list.entries()) {
            Followed followed = round.open.remove(entry.id());
            if (followed != null) {
                looks.add(look(followed, entry));
            }
        }
        Collection<Followed> missed =
                asked != null ? missed(round, asked) : list.isWhole() ? List.copyOf(round.open.values()) : List.of();
        round.open.values().removeAll(missed);
        missed.forEach(followed -> looks.add(missing(followed)));
        write(looks);
    }

    /** The API has no import of this id. */
    public void miss(Exchange exchange) throws CsvImportUnsettledException {
        Round round = exchange.getProperty(ROUND, Round.class);
        List<Look> looks = new ArrayList<>();
        for (Followed followed : missed(round, exchange.getProperty("csvImportFollowed", String.class))) {
            round.open.values().remove(followed);
            looks.add(missing(followed));
        }
        write(looks);
    }

    private static List<Followed> missed(Round round, String id) {
        return round.open.containsKey(id) ? List.of(round.open.get(id)) : List.of();
    }

    private Look missing(Followed followed) {
        alike.remove(followed.job().id());
        return again(followed, null, LONGEST_PAUSE);
    }

    private Look look(Followed followed, ImportList.Entry entry) {
        FailedRows rows = entry.failedRows();
        String listed = rows.count() + "/" + Long.toHexString(rows.digest()) + "/" + entry.statements();
        Job job = followed.job();
        if (rows.count() > 0 || rows.isReadable() && entry.hasStatements()) {
            alike.remove(job.id());
        } else {
            Alike since = new Alike(listed, System.nanoTime());
            since = alike.merge(job.id(), since, (before, now) -> before.listed.equals(listed) ? before : now);
            Duration left = quiet.minusNanos(System.nanoTime() - since.since);
            if (left.compareTo(Duration.ZERO) > 0) {
                return again(followed, listed, left);
            }
        }
        if (!listed.equals(followed.listed())) {
            return again(followed, listed, LONGEST_PAUSE);
        }
        if (!rows.isReadable()) {
            unreadable.add(followed.job().id());
            return again(followed, listed, LONGEST_PAUSE);
        }
        if (rows.count() == 0) {
            return new Look(followed, listed, new Completed(0, null, null), null);
        }
        try {
            if (!isInPlace(followed)) {
                return again(followed, listed, LONGEST_PAUSE);
            }
            // what could not be stored there for a day goes into the data dir
            String stored = files.store(job, entry.rowsFile(), !isOld(followed));
            String key = sources.folders(stored)
                    .orElse(SourceFolders.LOCAL)
                    .find(stored)
                    .key();
            return new Look(followed, listed, new Completed(rows.count(), stored, key), null);
        } catch (IOException e) {
            LOG.warn(
                    "The failed rows of {} cannot be written now, it is tried again: {}",
                    job.names().fileName(),
                    e.toString());
            return again(followed, listed, LONGEST_PAUSE);
        }
    }

    /** It is looked up again, each time later, but no later than that. */
    private Look again(Followed followed, String listed, Duration latest) {
        Duration pause = interval.multipliedBy(1L << Math.min(followed.looks(), 20));
        return new Look(followed, listed, null, pause.compareTo(latest) > 0 ? latest : pause);
    }

    /** A file that waits to be moved is waited for: its rows are to lie beside it. */
    private boolean isInPlace(Followed followed) {
        String path = followed.job().origin().path();
        return followed.released()
                || isOld(followed)
                || path != null
                        && sources.folders(path)
                                .filter(SourceFolders::isReadOnly)
                                .isPresent();
    }

    /** A few at a time: an upload waits for no long transaction. */
    private void write(List<Look> looks) throws CsvImportUnsettledException {
        for (int from = 0; from < looks.size(); from += BATCH) {
            List<Look> some = looks.subList(from, Math.min(from + BATCH, looks.size()));
            for (Job completed : imports.write(some)) {
                alike.remove(completed.id());
                completed.log(LOG, Level.INFO, "");
            }
            for (Look look : some) {
                Followed followed = look.followed();
                if (unreadable.remove(followed.job().id())) {
                    giveUp(
                            followed,
                            "failed-rows-unreadable",
                            "The import list tells its failed rows in a form that cannot be read");
                } else if (look.completed() == null && isOld(followed)) {
                    giveUp(
                            followed,
                            "unlisted",
                            "The import list has not shown it twice alike for " + AT_MOST.toHours() + " hours");
                }
            }
        }
    }

    private void giveUp(Followed followed, String reason, String why) throws CsvImportUnsettledException {
        alike.remove(followed.job().id());
        imports.giveUp(followed.job(), reason, why + ": it is not followed any more")
                .ifPresent(job -> job.log(LOG, Level.WARN, ""));
    }
}
