package io.csvimport.operations;

import io.csvimport.CsvImportUnsettledException;
import io.csvimport.expectation.Expectation;
import io.csvimport.expectation.Expectations;
import io.csvimport.job.Job;
import io.csvimport.ledger.JobList;
import io.csvimport.tracking.ExpectationStates;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.camel.health.HealthCheck;

/**
 * The product's meters in Micrometer. Counters count outcomes as they happen; gauges query the ledger for unsettled files
 * when they are read, at most every few seconds, through its indexes.
 */
public final class Metrics {

    private static final List<String> OPEN = List.of("claimed", "sending", "waiting", "unknown", "held");
    private static final long FRESH_NANOS = Duration.ofSeconds(5).toNanos();

    /** What the ledger has open; an instant is null where nothing is open. */
    private record Open(
            Map<String, Long> files,
            Instant oldestFile,
            JobList.Count events,
            List<ExpectationStates.Line> expectations) {}

    private final MeterRegistry meters;
    private final List<Gauge> gauges = new ArrayList<>();
    private final JobList ledger;
    private final Timer upload;
    private final Counter uploaded;
    private final Meter.MeterProvider<Counter> files;
    private final Meter.MeterProvider<Counter> requests;

    private final MultiGauge expected;

    private Open open;
    private long openAt;
    private volatile ExpectationStates states;

    public Metrics(MeterRegistry meters, JobList ledger, Path dataDir) {
        this.meters = meters;
        this.ledger = ledger;
        upload = Timer.builder("csv.import.upload")
                .description("How long accepted uploads took, from the connection to the answer")
                .serviceLevelObjectives(List.of(100, 500, 1_000, 5_000, 15_000, 60_000, 300_000, 900_000).stream()
                        .map(Duration::ofMillis)
                        .toArray(Duration[]::new))
                .register(meters);
        uploaded = Counter.builder("csv.import.uploaded")
                .baseUnit("bytes")
                .description("The bytes of the accepted files")
                .register(meters);
        files = Counter.builder("csv.import.files")
                .description("Files whose fate was settled, by outcome and source; completed ones were accepted before")
                .withRegistry(meters);
        requests = Counter.builder("csv.import.api.requests")
                .description("Requests to the API, by operation and status; none: no answer")
                .withRegistry(meters);
        expected = MultiGauge.builder("csv.import.expectations")
                .description(
                        "Expectations by template and state; a suspicious one is counted beside its other state, too")
                .register(meters);
        // registered at start: Prometheus sees no increase from an absent counter to 1
        for (String outcome : List.of("accepted", "duplicate", "rejected", "held", "suspicious", "withdrawn")) {
            List.of("file", "sftp", "jms", "http").forEach(from -> files.withTags("outcome", outcome, "from", from));
        }
        for (String state : Stream.concat(OPEN.stream(), Stream.of("voiding")).toList()) {
            gauge(
                    "csv.import.open.files",
                    null,
                    "Files that are not settled, by state",
                    now -> now.files.getOrDefault(state, 0L),
                    "state",
                    state);
        }
        String oldest = "The oldest file that is to be imported";
        gauge("csv.import.open.files.age", "seconds", oldest, now -> age(now.oldestFile));
        String events = "Audit events that the audit endpoint has not received yet";
        gauge("csv.import.outbox.events", null, events, now -> now.events.count());
        gauge("csv.import.outbox.events.age", "seconds", "The oldest of these", now -> age(now.events.oldest()));
        gauges.add(Gauge.builder("csv.import.data.dir.free", this, metrics -> dataDir.toFile()
                        .getUsableSpace())
                .baseUnit("bytes")
                .description("What is left on the disk of the data dir")
                .register(meters));
    }

    /** Not a number while the ledger is unavailable. */
    private void gauge(String name, String unit, String description, ToDoubleFunction<Open> value, String... tags) {
        gauges.add(Gauge.builder(name, this, metrics -> {
                    Open now = metrics.open();
                    return now == null ? Double.NaN : value.applyAsDouble(now);
                })
                .baseUnit(unit)
                .description(description)
                .tags(tags)
                .register(meters));
    }

    /** One value a template and state, where something is expected; they come and go with the files of expectations. */
    public void show(Expectations expectations, ExpectationStates now) {
        states = now;
        expectations.whenReplaced(all -> {
            List<MultiGauge.Row<?>> rows = new ArrayList<>();
            all.stream().map(Expectation::template).distinct().forEach(template -> {
                for (String state : ExpectationStates.ALL) {
                    rows.add(MultiGauge.Row.of(
                            Tags.of("template", template, "state", state),
                            this,
                            metrics -> metrics.count(template, state)));
                }
            });
            expected.register(rows, true);
        });
    }

    /** How many expectations of a template are in a state; not a number while the ledger is unavailable. */
    private double count(String template, String state) {
        Open now = open();
        return now == null
                ? Double.NaN
                : now.expectations.stream()
                        .filter(line -> line.expectation().template().equals(template))
                        .filter(line -> state.equals(ExpectationStates.SUSPICIOUS)
                                ? line.isSuspicious()
                                : state.equals(line.state()))
                        .count();
    }

    public void show(Readiness health) {
        // an unavailable ledger is not queried twice: that takes long
        gauges.add(Gauge.builder(
                        "csv.import.ready",
                        health,
                        check -> open() != null && check.call().getState() == HealthCheck.State.UP ? 1 : 0)
                .description("1: ready; 0: /observe/health/ready says why not")
                .register(meters));
    }

    /** Takes the gauges away: another Camel context of the process may run the module after this one. */
    public void close() {
        gauges.forEach(meters::remove);
        expected.register(List.of(), true);
    }

    /** Counts an outcome that has an audit event. */
    public void count(Job job, String outcome) {
        files.withTags("outcome", outcome, "from", job.origin().from()).increment();
        if (outcome.equals("accepted")) {
            uploaded.increment(job.content().size());
        }
    }

    /** @param status of the API's answer; 0 where there was none */
    public void asked(String method, String path, int status, long nanos) {
        String operation =
                switch (method) {
                    case "GET" -> "list";
                    case "DELETE" -> "void";
                    default -> path.contains("/preview") ? "preview" : "upload";
                };
        String answer = status == 0 ? "none" : String.valueOf(status);
        requests.withTags("operation", operation, "status", answer).increment();
        if (operation.equals("upload") && status / 100 == 2) {
            upload.record(Duration.ofNanos(nanos));
        }
    }

    private static double age(Instant oldest) {
        return oldest == null ? 0 : Duration.between(oldest, Instant.now()).toMillis() / 1000.0;
    }

    private synchronized Open open() {
        if (openAt == 0 || System.nanoTime() - openAt > FRESH_NANOS) {
            try {
                List<JobList.Count> files = ledger.open();
                Instant oldest = files.stream()
                        .filter(jobs -> !List.of("held", "voiding").contains(jobs.state()))
                        .map(JobList.Count::oldest)
                        .min(Comparator.naturalOrder())
                        .orElse(null);
                Map<String, Long> counts =
                        files.stream().collect(Collectors.toMap(JobList.Count::state, JobList.Count::count));
                List<ExpectationStates.Line> lines = states == null ? List.of() : states.lines();
                open = new Open(counts, oldest, ledger.unsentEvents(), lines);
            } catch (CsvImportUnsettledException e) {
                open = null;
            }
            openAt = System.nanoTime();
        }
        return open;
    }
}
