package io.csvimport;

import java.io.File;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.Supplier;
import org.apache.camel.ServiceStatus;
import org.apache.camel.health.HealthCheckResultBuilder;
import org.apache.camel.impl.health.AbstractHealthCheck;

/**
 * Readiness: DOWN at once while the API refuses credential or organization, the ledger is away, or its disk nearly full;
 * DOWN when the API, or the server or broker of a source, was away for {@code csv-import.health.grace}. Inside a host platform it
 * is a detail, and never the platform's readiness.
 */
public final class ApiHealth extends AbstractHealthCheck {

    private static final Map<Integer, String> REFUSALS = Map.of(
            401, "credential (csv-import.api.key, csv-import.api.secret)",
            403, "credential (csv-import.api.key, csv-import.api.secret)",
            404, "organization (csv-import.api.organization)",
            407, "proxy credential (csv-import.api.proxy.username, csv-import.api.proxy.password)");

    /** Less is left on the disk of the data dir: soon the ledger cannot be written, and nothing goes on. */
    static final long NEARLY_FULL = 100L << 20;

    private static final String API = "The API";
    private static final long FRESH_NANOS = Duration.ofSeconds(1).toNanos();

    /** What is away, why, and since when, in nanoseconds. */
    private record Away(String why, long since) {}

    private final Duration grace;
    private final File dataDir;
    private final long nearlyFull;
    private final Database database;
    private final Untaken untaken;
    private final boolean standalone;
    private final Map<String, Away> away = new ConcurrentSkipListMap<>();
    private volatile String refused;
    /** Why the ledger is away, as it was asked last, in nanoseconds; null where it was never asked. */
    private Optional<String> ledger;

    private long ledgerAsked;
    /** Null until the routes are loaded. */
    private volatile Supplier<List<String>> missingRoutes;

    /** @param nearlyFull bytes that must be left */
    ApiHealth(Settings settings, Database database, Untaken untaken, boolean standalone, long nearlyFull) {
        super("csv-import", "csv-import-api");
        this.grace = settings.duration("health.grace");
        this.dataDir = settings.path("data-dir").toFile();
        this.nearlyFull = nearlyFull;
        this.database = database;
        this.untaken = untaken;
        this.standalone = standalone;
    }

    /** The routes are loaded; {@code missing} answers those that are needed and do not run. */
    void started(Supplier<List<String>> missing) {
        missingRoutes = missing;
    }

    /** The API has answered its list with this status, too: no single file is refused. */
    void refused(int status) {
        refused = REFUSALS.containsKey(status)
                ? "The API answers " + status + ": it refuses the " + REFUSALS.get(status)
                : null;
    }

    /** The API has answered with this status; whether 401, 403 and 404 concern one file alone, its list tells. */
    void answered(int status) {
        if (status == 407 || !REFUSALS.containsKey(status)) {
            refused(status);
        }
        if (status == 408 || status == 429 || status >= 500) {
            failed("The API answers " + status);
        } else {
            away.remove(API);
        }
    }

    /** There was no answer. */
    void failed(String why) {
        sourceFailed(API, why);
    }

    /**
     * The server of a source cannot be reached.
     *
     * @param name of the source, as in its route's id
     * @param why a sentence for people, without secrets
     */
    public void sourceFailed(String name, String why) {
        away.merge(name, new Away(why, System.nanoTime()), (first, now) -> new Away(now.why, first.since));
    }

    /** The server of a source answers. */
    public void sourceWorks(String name) {
        away.remove(name);
    }

    @Override
    public boolean isReadiness() {
        return standalone;
    }

    @Override
    public boolean isLiveness() {
        return false;
    }

    @Override
    protected void doCall(HealthCheckResultBuilder builder, Map<String, Object> options) {
        List<String> reasons = new ArrayList<>();
        List<String> missing = missingRoutes == null ? List.of() : missingRoutes.get();
        if (missingRoutes == null) {
            reasons.add("The routes are being started");
        } else if (!missing.isEmpty()) {
            reasons.add("Routes that are needed do not run, the log says why: " + String.join(", ", missing));
        }
        ledgerIsAway().ifPresent(reasons::add);
        long free = dataDir.getUsableSpace();
        if (free < nearlyFull) {
            reasons.add("The disk of " + dataDir + " is nearly full: " + (free >> 20)
                    + " MB are left (csv-import.data-dir)");
        }
        if (refused != null) {
            reasons.add(refused);
        }
        reasons.addAll(untaken.missing());
        untaken.feeds().forEach((feed, files) -> builder.detail("untaken." + feed, plain(files.toString())));
        away.entrySet().stream()
                .filter(source -> isWanted(source.getKey()))
                .map(Map.Entry::getValue)
                .filter(source -> System.nanoTime() - source.since >= grace.toNanos())
                .map(source -> source.why + ", for longer than csv-import.health.grace")
                .forEach(reasons::add);
        builder.message(reasons.isEmpty() ? null : plain(String.join("; ", reasons)))
                .state(reasons.isEmpty() ? State.UP : State.DOWN);
    }

    /** Asked once a second at most, and only read: anybody may ask for the health, as often as they like. */
    private synchronized Optional<String> ledgerIsAway() {
        long now = System.nanoTime();
        if (ledger == null || now - ledgerAsked > FRESH_NANOS) {
            ledger = Optional.ofNullable(database.problem()).map(problem -> "The ledger is away: " + problem);
            ledgerAsked = now;
        }
        return ledger;
    }

    /** Without what JSON escapes: Camel escapes a message, and then once more all that it answers. */
    private static String plain(String message) {
        return message.replace('"', '\'')
                .replace('\\', '/')
                .replaceAll("[\\p{Cntrl}\\u0080-\\u009f\\u2000-\\u20ff]+", " ");
    }

    /** False for a source whose route is stopped. */
    private boolean isWanted(String name) {
        ServiceStatus status = getCamelContext() == null
                ? null
                : getCamelContext().getRouteController().getRouteStatus(name);
        return status == null || !status.isStopped();
    }
}
