package io.csvimport.tracking;

import io.csvimport.CsvImportUnsettledException;
import io.csvimport.api.ApiClock;
import io.csvimport.api.ImportList;
import io.csvimport.api.ImportList.Entry;
import io.csvimport.job.Job;
import io.csvimport.job.Outcome;
import io.csvimport.job.Pauses;
import io.csvimport.job.State;
import io.csvimport.ledger.Deliveries;
import io.csvimport.ledger.Imports;
import io.csvimport.ledger.Imports.Known;
import io.csvimport.ledger.Outcomes;
import io.csvimport.ledger.Owner;
import io.csvimport.pipeline.Attempts;
import io.csvimport.pipeline.Settlement;
import io.csvimport.settings.Settings;
import io.csvimport.text.Visible;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Finds out what became of uploads whose outcome is unknown, from the API's import list. A listed import is proof; that an
 * import does not exist is proven only by a whole list that was asked for late enough. Its public methods are the steps of
 * {@code csv-import-reconcile}.
 */
public final class Reconciliation {

    /** The exchange property of a round: the jobs that are looked for and not found yet. */
    public static final class Round {

        private final List<Job> open;
        /** An import that could be theirs is listed: they are not uploaded again. */
        private final Set<Job> suspended = new HashSet<>();

        /** Of the list of all imports. */
        private String flaw;

        private final long asked = System.nanoTime();

        private Round(List<Job> open) {
            this.open = open;
        }

        /** The templates for which the whole list gave no answer: the filtered list may. */
        public List<String> getTemplates() {
            return open.stream().map(job -> job.names().template()).distinct().toList();
        }

        /** @param filter the template of the list; null: all */
        private List<Job> in(String filter) {
            return open.stream()
                    .filter(job -> filter == null || filter.equals(job.names().template()))
                    .toList();
        }
    }

    /** The search for one job. */
    private static final class Search {

        private int looks;
        /** How many of the looks had a list. */
        private int lists;
        /** When it is looked for again, in nanoseconds. */
        private long next = System.nanoTime();
        /** Why the latest list has proven nothing, as logged; null before that. */
        private String obstacle;
    }

    static final String ROUND = "csvImportRound";

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");
    private static final Duration UNSURE = Duration.ofHours(1);
    private static final Duration AT_MOST = Duration.ofHours(24);

    private final Attempts attempts;
    private final Settlement settlement;
    private final Deliveries deliveries;
    private final Outcomes outcomes;
    private final Imports imports;
    private final Owner owner;
    private final ApiClock clock;
    private final Duration wait;
    private final boolean isHeldWhereNotFound;
    private final Map<Long, Search> searches = new HashMap<>();

    public Reconciliation(
            Settings settings,
            Attempts attempts,
            Settlement settlement,
            Deliveries deliveries,
            Outcomes outcomes,
            Imports imports,
            Owner owner,
            ApiClock clock) {
        this.attempts = attempts;
        this.settlement = settlement;
        this.deliveries = deliveries;
        this.outcomes = outcomes;
        this.imports = imports;
        this.owner = owner;
        this.clock = clock;
        wait = settings.duration("reconcile.wait");
        isHeldWhereNotFound = settings.get("reconcile.not-found").equals("hold");
    }

    /** Begins a round with the jobs that are due; none where there is none, or another process leads. */
    public void begin(Exchange exchange) throws CsvImportUnsettledException {
        exchange.setProperty(ROUND, null);
        attempts.flush();
        if (!owner.leads()) {
            return;
        }
        outcomes.markUnfinished();
        for (Job held : deliveries.heldWithImportId()) {
            accept(held, held.outcome().importId());
        }
        List<Job> unknown = deliveries.in(State.UNKNOWN);
        searches.keySet().retainAll(unknown.stream().map(Job::id).collect(Collectors.toSet()));
        List<Job> due = new ArrayList<>();
        long now = System.nanoTime();
        for (Job job : unknown) {
            Search search = searches.computeIfAbsent(job.id(), id -> new Search());
            if (now - search.next < 0) {
                continue;
            }
            if (now - attempts.unknown(job).ended() > AT_MOST.toNanos()) {
                String why = Objects.requireNonNullElse(search.obstacle, "The import list could not be had");
                hold(job, "no-proof", "No proof for " + AT_MOST.toHours() + " hours: " + why);
                continue;
            }
            search.looks++;
            search.next = now + Pauses.growing(search.looks).toNanos();
            if (search.looks == 1 && attempts.unknown(job).ofEarlierProcess()) {
                job.log(LOG, Level.WARN, "; it is looked for in the import list");
            }
            due.add(attempts.digested(job));
        }
        exchange.setProperty(ROUND, due.isEmpty() ? null : new Round(due));
    }

    /**
     * Judges the round's jobs by the list in the message body.
     *
     * @throws IOException where the list cannot be read to its end: nothing is proven
     */
    public void judge(Exchange exchange) throws IOException, CsvImportUnsettledException {
        Message answer = exchange.getMessage();
        Round round = exchange.getProperty(ROUND, Round.class);
        String filter = exchange.getProperty("csvImportFilter", String.class);
        clock.see(answer.getHeader("Date", String.class));
        ImportList list = ImportList.read(answer, id -> true, null);
        // twins are read first: if one is accepted in between, its import is known below
        Set<Job> twins = new HashSet<>();
        for (Job job : round.in(filter)) {
            if (deliveries.hasTwin(job)) {
                twins.add(job);
            }
        }
        Map<String, List<Known>> known = imports.known(list.ids());
        String flaw = flaw(list, known, filter);
        if (filter == null) {
            round.flaw = flaw;
            round.open.forEach(job -> searches.get(job.id()).lists++);
        }
        for (Job job : round.in(filter)) {
            ImportSearch search = search(job, list, known);
            Entry found = search.certain();
            if (found == null && list.isWhole() && search.only() != null && !twins.contains(job)) {
                found = search.only();
            }
            if (found != null) {
                accept(job, found.id());
                round.open.remove(job);
                // it is no candidate for others any more
                known.computeIfAbsent(found.id(), id -> new ArrayList<>())
                        .add(new Known(found.id(), job.id(), job.names().template(), null));
            }
        }
        imports.show(known.values().stream().flatMap(List::stream).toList(), filter);
        for (Job job : round.in(filter)) {
            List<Entry> candidates = search(job, list, known).candidates();
            if (!candidates.isEmpty()) {
                round.suspended.add(job);
                Entry first = candidates.get(0);
                delay(
                        job,
                        "An import in the list could be it, id " + first.id() + ", name " + first.name() + ", "
                                + first.size() + " bytes"
                                + (first.template() == null ? "" : ", template " + first.template()));
            } else if (flaw != null && filter != null && !round.suspended.contains(job)) {
                delay(job, "The import list " + round.flaw + "; that of the template " + flaw);
            }
            if (flaw == null) {
                round.open.remove(job);
                if (!round.suspended.contains(job) && isLateEnough(job, round.asked)) {
                    conclude(job);
                }
            }
        }
    }

    private ImportSearch search(Job job, ImportList list, Map<String, List<Known>> known) {
        Instant now = Objects.requireNonNullElseGet(clock.now(), Instant::now);
        return new ImportSearch(job, began(job, now), now, list, known);
    }

    /** Why a missing import may exist nevertheless, as the predicate of a sentence about the list; null: it does not. */
    private String flaw(ImportList list, Map<String, List<Known>> known, String filter)
            throws CsvImportUnsettledException {
        if (!list.isWhole() || !known.isEmpty()) {
            return list.flaw();
        }
        if (filter != null && !imports.hasShown(filter)) {
            return "has never shown an import of this ledger's: the template may be given by its id";
        }
        boolean areExpected = filter == null ? imports.areExpected() : imports.areExpected(filter);
        return areExpected ? "shows none of the imports that it showed before" : null;
    }

    /** Logs once why nothing is proven. */
    private void delay(Job job, String why) {
        Search search = searches.get(job.id());
        if (!why.equals(search.obstacle)) {
            search.obstacle = why;
            LOG.warn(
                    "{}; it is neither taken for imported nor uploaded again yet. {}. Where you know its import id,"
                            + " settle it: POST /csv-imports/{}/settle?importId=…",
                    job.summary(),
                    Visible.of(why),
                    job.id());
        }
    }

    /** A break before the last byte left needs one list only; anything else is given time to be listed. */
    private boolean isLateEnough(Job job, long asked) {
        Attempts.Unknown attempt = attempts.unknown(job);
        return !attempt.complete() || asked - attempt.ended() >= wait.toNanos();
    }

    private void accept(Job job, String importId) throws CsvImportUnsettledException {
        outcomes.write(job, job.outcome().reconciled(importId)).log(LOG, Level.INFO, ", reconciled");
    }

    /** It was not imported: it is uploaded again, or held. */
    private void conclude(Job job) throws CsvImportUnsettledException {
        if (isHeldWhereNotFound) {
            hold(job, "not-found", "The import list does not have it");
            return;
        }
        Outcome outcome = isOwnFailure(job) ? settlement.failedAgain(job, job.outcome()) : job.outcome();
        if (outcome.state() == State.HELD) {
            outcomes.write(job, outcome).log(LOG, Level.WARN, "");
        } else {
            Outcome again = outcome.because("not-found", "The import list does not have it: it is uploaded again");
            outcomes.write(job, again.to(State.WAITING, Instant.now())).log(LOG, Level.INFO, "");
        }
    }

    /** Whether the API has broken off this upload, or failed at it, and answered every list since: it was available. */
    private boolean isOwnFailure(Job job) {
        Search search = searches.get(job.id());
        boolean broken = job.outcome().why().httpStatus() != null
                || !attempts.unknown(job).ofEarlierProcess();
        return broken && search.lists == search.looks;
    }

    private void hold(Job job, String reason, String detail) throws CsvImportUnsettledException {
        Outcome held =
                job.outcome().because(reason, detail + ": a person decides").to(State.HELD);
        outcomes.write(job, held).log(LOG, Level.WARN, "");
    }

    /** When sending began, by the API's clock. */
    private Instant began(Job job, Instant now) {
        Attempts.Unknown attempt = attempts.unknown(job);
        if (attempt.ofEarlierProcess() && job.attempt().apiTime() != null) {
            return job.attempt().apiTime();
        }
        Instant began = now.minusNanos(System.nanoTime() - attempt.began());
        // the machine's clock may have been set since: the API's was not known then
        return attempt.ofEarlierProcess() ? began.minus(UNSURE) : began;
    }
}
