package io.csvimport.tracking;

import io.csvimport.CsvImportUnsettledException;
import io.csvimport.expectation.Expectation;
import io.csvimport.expectation.Expectations;
import io.csvimport.job.Job;
import io.csvimport.ledger.DueTimes;
import io.csvimport.ledger.DueTimes.Latest;
import io.csvimport.ledger.DueTimes.Meant;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** How each expectation is met now, for people and metrics: read from the ledger, and so the same in each process of it. */
public final class ExpectationStates {

    /** What the metrics have beside the four of {@link Line#state}. */
    public static final String SUSPICIOUS = "suspicious";

    public static final List<String> ALL = List.of("awaited", "arrived", "late", "missing", SUSPICIOUS);

    /**
     * @param state awaited, arrived, late or missing
     * @param isSuspicious whether the newest file that was looked at breaks it
     * @param next the next due time; null where there is none
     * @param newest the newest file, whatever became of it
     */
    public record Line(
            Expectation expectation, String state, boolean isSuspicious, Instant next, Optional<Job> newest) {}

    private final Expectations expectations;
    private final DueTimes dueTimes;
    private final InstantSource clock;

    public ExpectationStates(Expectations expectations, DueTimes dueTimes, InstantSource clock) {
        this.expectations = expectations;
        this.dueTimes = dueTimes;
        this.clock = clock;
    }

    public List<Line> lines() throws CsvImportUnsettledException {
        List<Line> lines = new ArrayList<>();
        List<Expectation> all = expectations.all();
        if (all.isEmpty()) {
            return lines;
        }
        Instant now = clock.instant();
        Map<String, Latest> latest = new HashMap<>();
        dueTimes.latest().forEach(row -> latest.put(row.name(), row));
        for (Expectation entry : all) {
            Meant meant = Punctuality.meant(entry);
            Optional<Job> lookedAt = entry.isOfContent() ? dueTimes.lookedAt(meant) : Optional.empty();
            boolean isSuspicious = lookedAt.map(Job::look)
                    .filter(look -> look.found() != null && !look.waived())
                    .isPresent();
            Optional<Job> newest = dueTimes.newest(meant);
            Instant next = entry.due() == null ? null : entry.due().next(now).orElse(null);
            String state = entry.due() == null
                    // what was held or rejected is no import
                    ? lookedAt.filter(job -> job.state().isImported()).isPresent() ? "arrived" : "awaited"
                    : state(entry, latest.get(entry.key()), next, now);
            lines.add(new Line(entry, state, isSuspicious, next, newest));
        }
        return lines;
    }

    /** An import for the next due time is asked for from when on it counts; until then it is about the one before. */
    private String state(Expectation entry, Latest latest, Instant next, Instant now)
            throws CsvImportUnsettledException {
        if (latest == null) {
            return "awaited";
        }
        if ("late".equals(latest.state()) || "missing".equals(latest.state())) {
            return latest.state();
        }
        Instant opens = next == null ? null : entry.opens(next);
        boolean hasCome = opens != null && !opens.isAfter(now)
                ? dueTimes.firstImport(Punctuality.meant(entry), opens, now).isPresent()
                : isDue(entry, latest.since());
        return hasCome ? "arrived" : "awaited";
    }

    /** Whether the time up to which all is dealt with is a due time, and not that of the first sight. */
    private static boolean isDue(Expectation entry, Instant since) {
        return entry.due()
                .next(since.minus(Duration.ofMillis(1)))
                .filter(since::equals)
                .isPresent();
    }
}
