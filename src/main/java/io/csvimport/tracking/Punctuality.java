package io.csvimport.tracking;

import io.csvimport.CsvImportUnsettledException;
import io.csvimport.expectation.Due;
import io.csvimport.expectation.Expectation;
import io.csvimport.expectation.Expectations;
import io.csvimport.job.Job;
import io.csvimport.ledger.DueTimes;
import io.csvimport.ledger.DueTimes.DueTime;
import io.csvimport.ledger.DueTimes.Known;
import io.csvimport.ledger.DueTimes.Meant;
import io.csvimport.ledger.Owner;
import io.csvimport.text.Visible;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.camel.util.function.ThrowingFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Tells once each, by an audit event and in the log, that a due time has passed without an import (late), that its grace has,
 * too (missing), and that an import has come after all (arrived). What was told is in the ledger; in memory is only when to
 * look again.
 */
public final class Punctuality {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");
    /** How long an import that was accepted in time may take to be in the ledger. */
    private static final Duration COMMIT = Duration.ofSeconds(3);
    /** At most so often the ledger is asked. */
    private static final Duration PAUSE = Duration.ofSeconds(2);

    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);
    /** The share of the time for which the ledger may be asked is one to this. */
    private static final int SHARE = 50;
    /** After a long time down, and of clocks that are set forward, older due times are passed over. */
    private static final Duration LONGEST = Duration.ofDays(31);

    private static final int MOST = 100;

    /** After it, another process may have led for a moment. */
    private static final Duration AGAIN = Duration.ofMinutes(10);

    private final Expectations expectations;
    private final DueTimes dueTimes;
    private final Owner owner;
    private final InstantSource clock;

    /** From when on the ledger is asked about an expectation again. */
    private final Map<Expectation, Instant> looks = new HashMap<>();
    /** What the latest look was for; null after a failure. */
    private List<Expectation> looked;

    private boolean wasWhole;
    private Instant lastLook = Instant.MIN;
    private Instant nextLook = Instant.MIN;

    public Punctuality(Expectations expectations, DueTimes dueTimes, Owner owner, InstantSource clock) {
        this.expectations = expectations;
        this.dueTimes = dueTimes;
        this.owner = owner;
        this.clock = clock;
    }

    /** Called each second; asks the ledger when a due time or a grace has passed, and now and then while an import is late. */
    public synchronized void look() throws CsvImportUnsettledException {
        Instant now = clock.instant();
        List<Expectation> all = expectations.all();
        // what is open stays so while nobody knows whether it is still expected
        boolean isWhole = expectations.isWhole() && expectations.all() == all;
        if (all != looked || isWhole != wasWhole || now.isBefore(lastLook)) {
            looks.clear();
        } else if (all.isEmpty() || now.isBefore(nextLook)) {
            return;
        }
        looked = null;
        wasWhole = isWhole;
        lastLook = now;
        long began = System.nanoTime();
        if (!owner.leads()) {
            looks.clear();
        } else {
            if (looks.isEmpty() && isWhole) {
                dueTimes.retain(all.stream()
                        .filter(entry -> entry.due() != null)
                        .map(Expectation::key)
                        .toList());
            }
            for (Expectation entry : all) {
                if (!now.isBefore(looks.getOrDefault(entry, now))) {
                    looks.put(entry, entry.due() == null ? Instant.MAX : look(entry, now));
                }
            }
        }
        Duration pause = Duration.ofNanos((System.nanoTime() - began) * SHARE);
        nextLook = now.plus(Collections.max(List.of(PAUSE, Collections.min(List.of(pause, LONGEST_PAUSE)))));
        looked = all;
    }

    static Meant meant(Expectation entry) {
        return new Meant(entry.template(), entry.feed(), entry.names());
    }

    /** Returns when to look at it again. */
    private Instant look(Expectation entry, Instant now) throws CsvImportUnsettledException {
        Meant meant = meant(entry);
        Known known = dueTimes.know(entry.key(), now);
        long expectation = known.expectation();
        Instant until = now.minus(COMMIT);
        for (Instant due : passed(entry.due(), known.since(), until)) {
            if (dueTimes.firstImport(meant, entry.opens(due), due).isPresent()) {
                dueTimes.dealtWith(expectation, due);
            } else {
                tell(entry, due, "late", notYet(entry, due), told -> dueTimes.late(expectation, due, told));
            }
        }
        List<DueTime> open = dueTimes.open(expectation);
        boolean hasCome = !open.isEmpty()
                && dueTimes.firstImport(meant, entry.opens(open.get(0).due()), now)
                        .isPresent();
        boolean isAwaited = false;
        for (int i = 0; i < open.size(); i++) {
            DueTime late = open.get(i);
            Instant due = late.due();
            Instant opens = entry.opens(due);
            if (opens.isAfter(now)) {
                dueTimes.forget(late);
                continue;
            }
            Optional<Job> job = hasCome ? dueTimes.firstImport(meant, opens, now) : Optional.empty();
            Instant came = job.map(arrived -> arrived.outcome().settledAt()).orElse(until);
            if (late.state().equals("late") && !came.isBefore(due.plus(entry.grace()))) {
                tell(entry, due, "missing", notYet(entry, due), told -> dueTimes.missing(late, told));
            }
            if (job.isEmpty()) {
                isAwaited = true;
            } else if (i + 1 < open.size() && came.isAfter(open.get(i + 1).due())) {
                dueTimes.close(late);
            } else {
                String found =
                        describe(job.get()) + " was imported at " + entry.due().show(came);
                tell(entry, due, "arrived", found, told -> dueTimes.arrived(late, job.get(), told));
            }
        }
        Instant next = entry.due().next(until).map(due -> due.plus(COMMIT)).orElse(Instant.MAX);
        return isAwaited ? now : next.isBefore(now.plus(AGAIN)) ? next : now.plus(AGAIN);
    }

    /** Writes an event, and logs it unless it was written before. */
    private static void tell(
            Expectation entry,
            Instant due,
            String what,
            String found,
            ThrowingFunction<Map<String, String>, Boolean, CsvImportUnsettledException> write)
            throws CsvImportUnsettledException {
        Map<String, String> told = new HashMap<>();
        told.put("template", entry.template());
        String files = entry.files() == null ? "" : entry.files() + " ";
        told.put("expected", files + "by " + entry.due().show(due) + " (" + entry.due() + ")");
        told.put("found", found);
        if (entry.feed() != null) {
            told.put("from", entry.feed());
        }
        if (write.apply(told)) {
            String of = entry.template() + (entry.feed() == null ? "" : " from " + entry.feed());
            LOG.atLevel(what.equals("arrived") ? Level.INFO : Level.WARN)
                    .log("{}", Visible.of(of + ": " + what + ", expected " + told.get("expected") + ": " + found));
        }
    }

    /** What a person asks next: is there a file, and why is it not imported? */
    private String notYet(Expectation entry, Instant due) throws CsvImportUnsettledException {
        Instant opens = entry.opens(due);
        String nothing = "no import since " + entry.due().show(opens);
        return dueTimes.notImported(meant(entry), opens)
                .map(job -> nothing + "; " + describe(job) + " is " + job.state()
                        + prefixed(", ", job.outcome().reason())
                        + prefixed(": ", job.outcome().detail()))
                .orElse(nothing);
    }

    private static String prefixed(String prefix, String text) {
        return text == null ? "" : prefix + text;
    }

    private static String describe(Job job) {
        return "job " + job.id() + " (" + job.names().fileName() + ")";
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
