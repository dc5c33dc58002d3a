package io.csvimport.tracking;

import io.csvimport.CsvImportUnsettledException;
import io.csvimport.api.FailedRows;
import io.csvimport.api.ImportList;
import io.csvimport.file.SourceFolders;
import io.csvimport.file.Sources;
import io.csvimport.job.Pauses;
import io.csvimport.ledger.Imports;
import io.csvimport.ledger.Imports.Followed;
import io.csvimport.ledger.Owner;
import io.csvimport.settings.Settings;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.camel.Exchange;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Follows accepted imports until the API lists them twice alike: then they are completed, and their failed rows are known.
 * An import without statements and without failed rows may not have begun yet: it must have looked so for
 * {@code track.quiet}. The progress is in the ledger. Its public methods are the steps of {@code csv-import-track}.
 */
public final class FollowUp {

    /** The imports that are due to be looked up and have no answer in this round. */
    public static final class Round {

        private final Map<String, Followed> open = new LinkedHashMap<>();
        private final boolean whole;

        private Round(List<Followed> due, boolean whole) {
            due.forEach(followed -> open.putIfAbsent(followed.job().outcome().importId(), followed));
            this.whole = whole;
        }

        /** Whether one list of all imports is asked for, before those that it does not show. */
        public boolean isWhole() {
            return whole;
        }

        public List<String> getIds() {
            return open.keySet().stream().limit(MOST_CALLS).toList();
        }
    }

    /** Since when, in nanoseconds, an import has been listed so. */
    private record Alike(String listed, long since) {}

    static final String ROUND = "csvImportFollowUp";

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");
    private static final Duration AT_MOST = Duration.ofDays(1);
    private static final Duration LONGEST_PAUSE = Duration.ofHours(1);
    /** Up to so many imports are asked for one by one. */
    private static final int FEW = 5;
    /** Calls of a round: most of the API's limit is for the uploads. */
    private static final int MOST_CALLS = 200;
    /** A list that is so many times longer than what is looked for costs the API more than a call for each. */
    private static final int WORTH = 100;

    private final Imports imports;
    private final Owner owner;
    private final Sources sources;
    private final FailedRowsFile files;
    private final Duration interval;
    private final Duration quiet;
    /** By job: the imports that are listed without statements and without failed rows. */
    private final Map<Long, Alike> alike = new HashMap<>();

    private long nextRound = System.nanoTime();
    private long answered = System.nanoTime();
    private int failures;
    private long listLength;

    public FollowUp(Settings settings, Imports imports, Owner owner, Sources sources) {
        this.imports = imports;
        this.owner = owner;
        this.sources = sources;
        files = new FailedRowsFile(settings.path("data-dir"), sources);
        interval = settings.duration("track.interval");
        quiet = settings.duration("track.quiet");
    }

    /** Begins a round with what is due; none where nothing is, or another process leads. */
    public void begin(Exchange exchange) throws CsvImportUnsettledException {
        exchange.setProperty(ROUND, null);
        long now = System.nanoTime();
        if (now - nextRound < 0 || !owner.leads()) {
            return;
        }
        List<Followed> due = imports.due(interval.compareTo(LONGEST_PAUSE) > 0 ? interval : LONGEST_PAUSE);
        alike.values()
                .removeIf(look -> now - look.since > AT_MOST.plus(LONGEST_PAUSE).toNanos());
        if (now - answered > AT_MOST.toNanos()) {
            for (Followed old : due.stream().filter(FollowUp::isOld).toList()) {
                giveUp(old, "unlisted", "The import list could not be had for " + AT_MOST.toHours() + " hours");
            }
            due = due.stream().filter(followed -> !isOld(followed)).toList();
        }
        if (!due.isEmpty()) {
            // until an answer resets it, this round counts as failed; what becomes due meanwhile joins the next one
            nextRound = now + Pauses.growing(failures++).toNanos();
            exchange.setProperty(ROUND, new Round(due, due.size() > FEW && listLength / WORTH <= due.size()));
        }
    }

    private static boolean isOld(Followed followed) {
        return followed.job().outcome().settledAt().plus(AT_MOST).isBefore(Instant.now());
    }

    /**
     * Judges the round's imports by the list in the message body. One that is not whole shows some, and proves nothing of
     * the others.
     *
     * @throws IOException where the list cannot be read to its end
     */
    public void judge(Exchange exchange) throws IOException, CsvImportUnsettledException {
        Round round = exchange.getProperty(ROUND, Round.class);
        String asked = exchange.getProperty("csvImportFollowed", String.class);
        try {
            ImportList list = ImportList.read(exchange.getMessage(), round.open::containsKey, files::begin);
            if (asked != null && list.entries().isEmpty() && !list.isWhole()) {
                throw new IOException("The import list " + list.flaw());
            }
            answered = System.nanoTime();
            failures = 0;
            nextRound = answered + interval.toNanos();
            if (asked == null) {
                listLength = list.results();
            }
            for (ImportList.Entry entry : list.entries()) {
                Followed followed = round.open.remove(entry.id());
                if (followed != null) {
                    look(followed, entry);
                }
            }
            if (asked != null) {
                miss(round, asked);
            } else if (list.isWhole()) {
                for (String id : List.copyOf(round.open.keySet())) {
                    miss(round, id);
                }
            }
        } finally {
            files.clear();
        }
    }

    public void miss(Exchange exchange) throws CsvImportUnsettledException {
        miss(exchange.getProperty(ROUND, Round.class), exchange.getProperty("csvImportFollowed", String.class));
    }

    private void miss(Round round, String id) throws CsvImportUnsettledException {
        Followed missed = round.open.remove(id);
        if (missed != null) {
            alike.remove(missed.job().id());
            again(missed, null, LONGEST_PAUSE);
        }
    }

    private void look(Followed followed, ImportList.Entry entry) throws CsvImportUnsettledException {
        long job = followed.job().id();
        FailedRows rows = entry.failedRows();
        String listed = rows.count() + "/" + Long.toHexString(rows.digest()) + "/" + entry.statements();
        Duration left = Duration.ZERO;
        if (rows.count() > 0 || rows.isReadable() && entry.hasStatements()) {
            alike.remove(job);
        } else {
            long now = System.nanoTime();
            Alike since = alike.merge(
                    job, new Alike(listed, now), (before, latest) -> before.listed.equals(listed) ? before : latest);
            left = quiet.minusNanos(now - since.since);
        }
        if (left.compareTo(Duration.ZERO) > 0) {
            again(followed, listed, left);
        } else if (!listed.equals(followed.listed())) {
            again(followed, listed, LONGEST_PAUSE);
        } else if (!rows.isReadable()) {
            giveUp(followed, "failed-rows-unreadable", "The failed rows in the import list are in an unreadable form");
        } else if (rows.count() == 0) {
            complete(followed, 0, null, null);
        } else if (!isInPlace(followed)) {
            again(followed, listed, LONGEST_PAUSE);
        } else {
            try {
                // what could not be stored beside the file for a day goes into the data dir
                String stored = files.store(followed.job(), entry.rowsFile(), !isOld(followed));
                SourceFolders folders = sources.folders(stored).orElse(SourceFolders.LOCAL);
                complete(followed, rows.count(), stored, folders.find(stored).key());
            } catch (IOException e) {
                LOG.warn(
                        "Could not write the failed rows of {}, retrying: {}",
                        followed.job().names().fileName(),
                        e.toString());
                again(followed, listed, LONGEST_PAUSE);
            }
        }
    }

    /** Whether its file lies where it stays, or will not be moved: the failed rows are to lie beside it. */
    private boolean isInPlace(Followed followed) {
        String path = followed.job().origin().path();
        return followed.released()
                || isOld(followed)
                || path != null
                        && sources.folders(path)
                                .filter(SourceFolders::isReadOnly)
                                .isPresent();
    }

    private void complete(Followed followed, int failedRows, String file, String key)
            throws CsvImportUnsettledException {
        alike.remove(followed.job().id());
        imports.complete(followed.job(), failedRows, file, key).ifPresent(job -> job.log(LOG, Level.INFO, ""));
    }

    /** Looks it up again after a pause that doubles with each look, from {@code track.interval}. */
    private void again(Followed followed, String listed, Duration longest) throws CsvImportUnsettledException {
        Duration pause = interval.multipliedBy(1L << Math.min(followed.looks(), 20));
        imports.again(followed, listed, pause.compareTo(longest) > 0 ? longest : pause);
        if (isOld(followed)) {
            giveUp(
                    followed,
                    "unlisted",
                    "The import list has not shown it twice alike for " + AT_MOST.toHours() + " hours");
        }
    }

    /** The import stays accepted. */
    private void giveUp(Followed followed, String reason, String why) throws CsvImportUnsettledException {
        alike.remove(followed.job().id());
        imports.giveUp(followed.job(), reason, why + ": it is not followed any more")
                .ifPresent(job -> job.log(LOG, Level.WARN, ""));
    }
}
