package io.csvimport.tracking;

import io.csvimport.CsvImportUnsettledException;
import io.csvimport.expectation.Due;
import io.csvimport.expectation.Expectation;
import io.csvimport.expectation.Expectations;
import io.csvimport.job.Job;
import io.csvimport.ledger.Occurrences;
import io.csvimport.ledger.Occurrences.Known;
import io.csvimport.ledger.Occurrences.Meant;
import io.csvimport.ledger.Occurrences.Occurrence;
import io.csvimport.ledger.Owner;
import io.csvimport.text.Visible;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Tells once each, by an audit event and in the log, that a due time has passed without an import (late), that its grace has,
 * too (missing), and that an import has come after all (arrived). What was told is in the ledger; in memory is only when it is
 * to be looked at again.
 */
public final class Punctuality {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");
    /** How long an import that was accepted in time may take to be in the ledger. */
    private static final Duration COMMIT = Duration.ofSeconds(3);
    /** How often it is looked for an import that is late, and who leads. */
    private static final Duration PAUSE = Duration.ofSeconds(2);
    /** The share of the time for which the ledger may be asked for late imports is one to this. */
    private static final int SHARE = 50;
    /** After a long time down, and of clocks that are set forward, older due times are passed over. */
    private static final Duration LONGEST = Duration.ofDays(31);

    private static final int MOST = 100;

    /** Another process may have led for a moment. */
    private static final Duration AGAIN = Duration.ofMinutes(10);

    /** What is known of one expectation since it was read from the ledger. */
    private static final class Plan {
        private final Expectation expectation;
        private final Meant meant;
        private final List<Occurrence> open;
        private Known known;

        Plan(Expectation expectation, Meant meant, Known known, List<Occurrence> open) {
            this.expectation = expectation;
            this.meant = meant;
            this.known = known;
            this.open = open;
        }

        Due due() {
            return expectation.due();
        }

        Instant opens(Instant due) {
            return Punctuality.opens(expectation, due);
        }
    }

    private final Expectations expectations;
    private final Occurrences occurrences;
    private final Owner owner;
    private final InstantSource clock;

    private final Map<String, Plan> plans = new HashMap<>();
    /** What the plans were made of; null: they are to be made. */
    private List<Expectation> planned;

    private Instant plannedAt = Instant.MIN;
    private Instant lastLook = Instant.MIN;
    private Instant nextLook = Instant.MIN;

    public Punctuality(Expectations expectations, Occurrences occurrences, Owner owner, InstantSource clock) {
        this.expectations = expectations;
        this.occurrences = occurrences;
        this.owner = owner;
        this.clock = clock;
    }

    /** Called each second; asks the ledger when a due time or a grace has passed, and now and then while an import is late. */
    public synchronized void look() throws CsvImportUnsettledException {
        Instant now = clock.instant();
        List<Expectation> all = expectations.all();
        if (all != planned || now.isBefore(lastLook)) {
            planned = null;
        } else if (all.isEmpty() || now.isBefore(nextLook)) {
            return;
        }
        lastLook = now;
        nextLook = now.plus(PAUSE);
        if (!owner.leads()) {
            planned = all;
            // by the time it does, the ledger has more than it knows
            plannedAt = Instant.MIN;
            return;
        }
        List<Expectation> known = planned;
        // in case of a failure what is in memory is not what is in the ledger
        planned = null;
        if (known == null || now.isAfter(plannedAt.plus(AGAIN))) {
            plan(all, now);
        }
        long began = System.nanoTime();
        boolean isAwaited = false;
        for (Plan plan : plans.values()) {
            look(plan, now);
            isAwaited |= !plan.open.isEmpty();
        }
        Duration pause = Duration.ofNanos((System.nanoTime() - began) * SHARE);
        if (isAwaited && pause.compareTo(PAUSE) > 0) {
            nextLook = now.plus(pause);
        }
        planned = all;
    }

    private void plan(List<Expectation> all, Instant now) throws CsvImportUnsettledException {
        plans.clear();
        plannedAt = now;
        for (Expectation expectation : all) {
            if (expectation.due() != null) {
                Known known = occurrences.know(expectation.key(), now);
                List<Occurrence> open = new ArrayList<>(occurrences.open(known.expectation()));
                plans.put(expectation.key(), new Plan(expectation, meant(expectation), known, open));
            }
        }
        // what is open stays so while nobody knows whether it is still expected
        if (expectations.isWhole()) {
            occurrences.retain(plans.keySet());
        }
    }

    static Meant meant(Expectation entry) {
        return new Meant(entry.template(), entry.feed(), entry.names());
    }

    private void look(Plan plan, Instant now) throws CsvImportUnsettledException {
        long expectation = plan.known.expectation();
        for (Instant due : passed(plan.due(), plan.known.since(), now.minus(COMMIT))) {
            if (occurrences.firstImport(plan.meant, plan.opens(due), due).isPresent()) {
                occurrences.dealtWith(expectation, due);
            } else if (tell(plan, due, "late", notYet(plan, due), told -> occurrences.late(expectation, due, told))) {
                plan.open.add(new Occurrence(expectation, due, "late"));
            }
            plan.known = new Known(expectation, due);
        }
        if (plan.open.isEmpty()) {
            return;
        }
        boolean hasCome = occurrences
                .firstImport(plan.meant, plan.opens(plan.open.get(0).due()), now)
                .isPresent();
        for (Occurrence late : List.copyOf(plan.open)) {
            Instant opens = plan.opens(late.due());
            Optional<Job> job = hasCome ? occurrences.firstImport(plan.meant, opens, now) : Optional.empty();
            Instant came = job.map(arrived -> arrived.outcome().settledAt()).orElse(now.minus(COMMIT));
            boolean isMissing = !came.isBefore(late.due().plus(plan.expectation.grace()));
            int place = plan.open.indexOf(late);
            if (opens.isAfter(now)) {
                occurrences.forget(late);
                plan.open.remove(late);
                continue;
            }
            if (isMissing && late.state().equals("late")) {
                String found = notYet(plan, late.due());
                tell(plan, late.due(), "missing", found, told -> occurrences.missing(late, told));
                plan.open.set(place, new Occurrence(expectation, late.due(), "missing"));
            }
            if (job.isPresent()) {
                boolean isOfLater = place + 1 < plan.open.size()
                        && came.isAfter(plan.open.get(place + 1).due());
                String found =
                        describe(job.get()) + " was imported at " + plan.due().show(came);
                if (isOfLater) {
                    occurrences.close(late);
                } else {
                    tell(plan, late.due(), "arrived", found, told -> occurrences.arrived(late, job.get(), told));
                }
                plan.open.remove(place);
            }
        }
    }

    private interface Writing {
        boolean write(Map<String, String> told) throws CsvImportUnsettledException;
    }

    /** Writes an event, and logs it unless it was written before. */
    private static boolean tell(Plan plan, Instant due, String what, String found, Writing writing)
            throws CsvImportUnsettledException {
        Expectation entry = plan.expectation;
        Map<String, String> told = new HashMap<>();
        told.put("template", entry.template());
        told.put("expected", expected(plan, due));
        told.put("found", found);
        if (entry.feed() != null) {
            told.put("from", entry.feed());
        }
        boolean isNew = writing.write(told);
        if (isNew) {
            String of = entry.template() + (entry.feed() == null ? "" : " from " + entry.feed());
            LOG.atLevel(what.equals("arrived") ? Level.INFO : Level.WARN)
                    .log("{}", Visible.of(of + ": " + what + ", expected " + told.get("expected") + ": " + found));
        }
        return isNew;
    }

    private static String expected(Plan plan, Instant due) {
        String files = plan.expectation.files() == null ? "" : plan.expectation.files() + " ";
        return files + "by " + plan.due().show(due) + " (" + plan.due() + ")";
    }

    /** What a person asks next: is there a file, and why is it not imported? */
    private String notYet(Plan plan, Instant due) throws CsvImportUnsettledException {
        Instant opens = plan.opens(due);
        String nothing = "no import since " + plan.due().show(opens);
        return occurrences
                .notImported(plan.meant, opens)
                .map(job -> nothing + "; " + describe(job) + " is " + job.state()
                        + (job.outcome().reason() == null
                                ? ""
                                : ", " + job.outcome().reason())
                        + (job.outcome().detail() == null
                                ? ""
                                : ": " + job.outcome().detail()))
                .orElse(nothing);
    }

    private static String describe(Job job) {
        return "job " + job.id() + " (" + job.names().fileName() + ")";
    }

    /** From when on an import counts for a due time. */
    static Instant opens(Expectation expectation, Instant due) {
        Instant opens = expectation.due().opens(due, expectation.grace());
        Instant earliest = due.minus(Duration.ofDays(366));
        return opens.isBefore(earliest) ? earliest : opens;
    }

    /** The due times after one time up to another, of many the latest. */
    private static List<Instant> passed(Due due, Instant after, Instant until) {
        Instant earliest = until.minus(LONGEST);
        Instant from = after.isBefore(earliest) ? earliest : after;
        while (true) {
            List<Instant> passed = new ArrayList<>();
            Optional<Instant> next = due.next(from);
            while (next.isPresent() && !next.get().isAfter(until) && passed.size() <= MOST) {
                passed.add(next.get());
                next = due.next(next.get());
            }
            if (passed.size() <= MOST) {
                return passed;
            }
            from = from.plus(Duration.between(from, until).dividedBy(2));
        }
    }
}
