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
import io.csvimport.ledger.ListedImports;
import io.csvimport.ledger.ListedImports.Known;
import io.csvimport.ledger.Outcomes;
import io.csvimport.ledger.Owner;
import io.csvimport.pipeline.Ledger;
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
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Finds out what became of uploads whose outcome is unknown, from the API's import list. Found is found; not found is
 * proven only by a whole list, asked late enough. Its public methods are the steps of {@code csv-import-reconcile}.
 */
public final class Reconciliation {

    /** The exchange property of a round: the deliveries that are looked for, and are not found yet. */
    public static final class Round {

        private final List<Job> open;
        /** What could be theirs is listed: they are not uploaded again. */
        private final Set<Job> suspended = new HashSet<>();

        /** Of the list of all. */
        private String flaw;

        private final long asked = System.nanoTime();

        Round(List<Job> open) {
            this.open = open;
        }

        /** The templates for which the whole list gave no answer: the filtered list may. */
        public List<String> getTemplates() {
            return open.stream().map(job -> job.names().template()).distinct().toList();
        }
    }

    static final String ROUND = "csvImportRound";

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");
    private static final Duration UNSURE = Duration.ofHours(1);
    private static final Duration AT_MOST = Duration.ofHours(24);

    private final Settings settings;
    private final Ledger ledger;
    private final Deliveries deliveries;
    private final Outcomes outcomes;
    private final ListedImports imports;
    private final Owner owner;
    private final ApiClock clock;
    private final Map<Long, Integer> looks = new HashMap<>();
    private final Map<Long, Long> nextLooks = new HashMap<>();
    /** How many of the looks had a list. */
    private final Map<Long, Integer> answers = new HashMap<>();
    /** Why the latest lists have proven nothing, by job, as logged. */
    private final Map<Long, String> obstacles = new HashMap<>();

    public Reconciliation(
            Settings settings,
            Ledger ledger,
            Deliveries deliveries,
            Outcomes outcomes,
            ListedImports imports,
            Owner owner,
            ApiClock clock) {
        this.settings = settings;
        this.ledger = ledger;
        this.deliveries = deliveries;
        this.outcomes = outcomes;
        this.imports = imports;
        this.owner = owner;
        this.clock = clock;
    }

    /** Begins a round with what is due to be looked for, none where nothing is, or another process leads. */
    public void begin(Exchange exchange) throws CsvImportUnsettledException {
        exchange.setProperty(ROUND, null);
        ledger.flush();
        if (!owner.leads()) {
            return;
        }
        outcomes.doubtUnfinished();
        for (Job held : deliveries.heldWithImportId()) {
            accept(held, held.outcome().importId());
        }
        List<Job> due = new ArrayList<>();
        long now = System.nanoTime();
        List<Job> unknown = deliveries.in(State.UNKNOWN);
        looks.keySet().removeIf(id -> unknown.stream().noneMatch(job -> job.id() == id));
        nextLooks.keySet().retainAll(looks.keySet());
        answers.keySet().retainAll(looks.keySet());
        obstacles.keySet().retainAll(looks.keySet());
        ledger.forgetDoubts(unknown);
        for (Job job : unknown) {
            if (now - nextLooks.getOrDefault(job.id(), now) < 0) {
                continue;
            }
            if (now - ledger.doubt(job).ended() > AT_MOST.toNanos()) {
                String why = obstacles.getOrDefault(job.id(), "The import list could not be had");
                hold(job, "no-proof", "No proof for " + AT_MOST.toHours() + " hours: " + why);
                continue;
            }
            int look = looks.merge(job.id(), 1, Integer::sum);
            if (look == 1 && ledger.doubt(job).ofEarlierProcess()) {
                job.log(LOG, Level.WARN, "; it is looked for in the import list");
            }
            nextLooks.put(job.id(), now + Pauses.growing(look).toNanos());
            due.add(job);
        }
        exchange.setProperty(ROUND, due.isEmpty() ? null : new Round(due));
    }

    /**
     * Judges the round's deliveries by the list in the message body.
     *
     * @throws IOException where the list cannot be read to its end: nothing is proven
     */
    public void judge(Exchange exchange) throws IOException, CsvImportUnsettledException {
        Message answer = exchange.getMessage();
        Round round = exchange.getProperty(ROUND, Round.class);
        String filter = exchange.getProperty("csvImportFilter", String.class);
        clock.see(answer.getHeader("Date", String.class));
        ImportList list = ImportList.read(answer, id -> true, null);
        Map<String, List<Known>> known = imports.known(list.ids());
        String flaw = flaw(list, known, filter);
        if (filter == null) {
            round.flaw = flaw;
            round.open.forEach(job -> answers.merge(job.id(), 1, Integer::sum));
        }
        for (Job job : asked(round, filter)) {
            ImportSearch search = search(job, list, known);
            Entry found = search.certain();
            if (found == null && list.isWhole() && search.only() != null && !deliveries.hasTwin(job)) {
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
        for (Job job : asked(round, filter)) {
            List<Entry> candidates = search(job, list, known).candidates();
            if (!candidates.isEmpty()) {
                round.suspended.add(job);
                Entry first = candidates.get(0);
                delay(
                        job,
                        "An import in the list could be it, id " + first.id() + ", name " + first.name() + ", "
                                + first.size() + " bytes");
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

    private static List<Job> asked(Round round, String filter) {
        return round.open.stream()
                .filter(job -> filter == null || filter.equals(job.names().template()))
                .toList();
    }

    private ImportSearch search(Job job, ImportList list, Map<String, List<Known>> known) {
        Instant now = Objects.requireNonNullElseGet(clock.now(), Instant::now);
        return new ImportSearch(job, began(job, now), now, list, known);
    }

    /** Why the list is no proof that an import which it does not show is not there; null where it is one. */
    private String flaw(ImportList list, Map<String, List<Known>> known, String filter)
            throws CsvImportUnsettledException {
        if (!list.isWhole() || !known.isEmpty()) {
            return list.flaw();
        } else if (filter == null) {
            return imports.areExpected() ? "shows none of the imports that it showed before" : null;
        } else if (!imports.hasShown(filter)) {
            return "has never shown an import of this ledger's: the template may be given by its id";
        }
        return imports.areExpected(filter) ? "shows none of the imports that it showed before" : null;
    }

    /** Says once why neither is proven: that it was imported, and that it was not. */
    private void delay(Job job, String why) {
        if (!why.equals(obstacles.put(job.id(), why))) {
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
        Ledger.Doubt doubt = ledger.doubt(job);
        return !doubt.complete()
                || asked - doubt.ended() >= settings.duration("reconcile.wait").toNanos();
    }

    private void accept(Job job, String importId) throws CsvImportUnsettledException {
        outcomes.write(job, job.outcome().reconciled(importId)).log(LOG, Level.INFO, ", reconciled");
    }

    private void conclude(Job job) throws CsvImportUnsettledException {
        if (settings.get("reconcile.not-found").equals("hold")) {
            hold(job, "not-found", "The import list does not have it");
            return;
        }
        Outcome outcome = isOwnFailure(job) ? ledger.failedAgain(job, job.outcome()) : job.outcome();
        if (outcome.state() == State.HELD) {
            outcomes.write(job, outcome).log(LOG, Level.WARN, "");
            return;
        }
        Outcome waiting = outcome.because("not-found", "The import list does not have it: it is uploaded again")
                .to(State.WAITING, Instant.now());
        outcomes.write(job, waiting).log(LOG, Level.INFO, "");
    }

    /** Whether the API has broken off this upload, or failed at it, and answered every list since: it was not away. */
    private boolean isOwnFailure(Job job) {
        boolean broken =
                job.outcome().why().httpStatus() != null || !ledger.doubt(job).ofEarlierProcess();
        return broken && Objects.equals(answers.get(job.id()), looks.get(job.id()));
    }

    private void hold(Job job, String reason, String detail) throws CsvImportUnsettledException {
        Outcome held =
                job.outcome().because(reason, detail + ": a person decides").to(State.HELD);
        outcomes.write(job, held).log(LOG, Level.WARN, "");
    }

    /** When sending began, by the API's clock. */
    private Instant began(Job job, Instant now) {
        Ledger.Doubt doubt = ledger.doubt(job);
        if (doubt.ofEarlierProcess() && job.attempt().apiTime() != null) {
            return job.attempt().apiTime();
        }
        Instant began = now.minusNanos(System.nanoTime() - doubt.began());
        // the machine's clock may have been set since: the API's was not known then
        return doubt.ofEarlierProcess() ? began.minus(UNSURE) : began;
    }
}
