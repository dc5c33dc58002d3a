package io.csvimport.operations;

import io.csvimport.api.ApiHealth;
import io.csvimport.job.State;
import io.csvimport.ledger.Database;
import io.csvimport.settings.Settings;
import io.csvimport.source.Untaken;
import java.io.File;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.apache.camel.ServiceStatus;
import org.apache.camel.health.HealthCheck;
import org.apache.camel.health.HealthCheckResultBuilder;
import org.apache.camel.impl.health.AbstractHealthCheck;

/**
 * Readiness. DOWN at once while the API refuses credential or organization, the ledger is unavailable, or its disk is
 * nearly full; DOWN when the API, or the server or broker of a source, was unavailable for {@code
 * csv-import.health.grace}. Inside a host platform it is shown in the details, and is not the platform's readiness.
 */
public final class Readiness extends AbstractHealthCheck {

    /** Bytes. With less on the disk of the data dir, the ledger can soon not be written. */
    public static final long NEARLY_FULL = 100L << 20;

    private static final String UNTAKEN = "untaken.";
    private static final long FRESH_NANOS = Duration.ofSeconds(1).toNanos();

    private final Duration grace;
    private final File dataDir;
    private final long nearlyFull;
    private final ApiHealth health;
    private final Database database;
    private final Untaken untaken;
    private final boolean standalone;
    /** Why the ledger is unavailable, as of {@link #ledgerAsked}, in nanoseconds; null before the first check. */
    private Optional<String> ledger;

    private long ledgerAsked;
    /** Null until the routes are loaded. */
    private volatile Supplier<List<String>> missingRoutes;

    /** @param nearlyFull bytes that must be left */
    public Readiness(
            Settings settings,
            ApiHealth health,
            Database database,
            Untaken untaken,
            boolean standalone,
            long nearlyFull) {
        super("csv-import", "csv-import");
        this.grace = settings.duration("health.grace");
        this.dataDir = settings.path("data-dir").toFile();
        this.nearlyFull = nearlyFull;
        this.health = health;
        this.database = database;
        this.untaken = untaken;
        this.standalone = standalone;
    }

    /** To be called when the routes are loaded; {@code missing} answers the needed ones that do not run. */
    public void started(Supplier<List<String>> missing) {
        missingRoutes = missing;
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
        untaken.feeds().forEach((feed, files) -> builder.detail(UNTAKEN + feed, plain(files.toString())));
        List<String> reasons = reasons();
        builder.message(reasons.isEmpty() ? null : plain(String.join("; ", reasons)))
                .state(reasons.isEmpty() ? State.UP : State.DOWN);
    }

    /** Why it is DOWN; none where it is UP. */
    public List<String> reasons() {
        List<String> reasons = new ArrayList<>();
        List<String> missing = missingRoutes == null ? List.of() : missingRoutes.get();
        if (missingRoutes == null) {
            reasons.add("The routes are being started");
        } else if (!missing.isEmpty()) {
            reasons.add("Routes that are needed do not run, the log says why: " + String.join(", ", missing));
        }
        ledgerProblem().ifPresent(reasons::add);
        long free = dataDir.getUsableSpace();
        if (free < nearlyFull) {
            reasons.add("The disk of " + dataDir + " is nearly full: " + (free >> 20)
                    + " MB are left (csv-import.data-dir)");
        }
        health.refusal().ifPresent(reasons::add);
        reasons.addAll(untaken.missing());
        health.unavailableFor(grace, this::isWanted)
                .forEach(why -> reasons.add(why + ", for longer than csv-import.health.grace"));
        return reasons;
    }

    /** What a platform's own health shows of a result: the reasons, and which files are not taken. */
    public static Map<String, String> details(HealthCheck.Result result) {
        Map<String, String> details = new TreeMap<>();
        result.getMessage().ifPresent(reasons -> details.put("reasons", reasons));
        result.getDetails().forEach((name, detail) -> {
            if (name.startsWith(UNTAKEN)) {
                details.put(name, detail.toString());
            }
        });
        return details;
    }

    /** Checked at most once a second, and only by reading: health is served to everybody, as often as they ask. */
    private synchronized Optional<String> ledgerProblem() {
        long now = System.nanoTime();
        if (ledger == null || now - ledgerAsked > FRESH_NANOS) {
            ledger = Optional.ofNullable(database.problem()).map(problem -> "The ledger is away: " + problem);
            ledgerAsked = now;
        }
        return ledger;
    }

    /** Without characters that JSON escapes: Camel would escape them twice. */
    private static String plain(String message) {
        return message.replace('"', '\'')
                .replace('\\', '/')
                .replaceAll("[\\p{Cntrl}\\u0080-\\u009f\\u2000-\\u20ff]+", " ");
    }

    /** Whether the route of a source is to run: false if it was stopped. */
    private boolean isWanted(String name) {
        ServiceStatus status = getCamelContext() == null
                ? null
                : getCamelContext().getRouteController().getRouteStatus(name);
        return status == null || !status.isStopped();
    }
}
