package io.csvimport;

import java.time.Duration;
import java.util.Map;
import org.apache.camel.health.HealthCheckResultBuilder;
import org.apache.camel.impl.health.AbstractHealthCheck;

/**
 * Readiness: DOWN at once while the API refuses credential or organization, or the ledger is away; DOWN when the API was
 * away for {@code csv-import.health.grace}. Inside a host platform it is a detail, and never the platform's readiness.
 */
final class ApiHealth extends AbstractHealthCheck {

    private static final Map<Integer, String> REFUSALS = Map.of(
            401, "credential (csv-import.api.key, csv-import.api.secret)",
            403, "credential (csv-import.api.key, csv-import.api.secret)",
            404, "organization (csv-import.api.organization)",
            407, "proxy credential (csv-import.api.proxy.username, csv-import.api.proxy.password)");

    private final Duration grace;
    private final Database database;
    private final boolean standalone;
    private volatile String refused;
    private volatile String away;
    private volatile long awaySince;

    ApiHealth(Duration grace, Database database, boolean standalone) {
        super("csv-import", "csv-import-api");
        this.grace = grace;
        this.database = database;
        this.standalone = standalone;
    }

    /** The API has answered with this status. */
    void answered(int status) {
        refused = REFUSALS.containsKey(status)
                ? "The API answers " + status + ": it refuses the " + REFUSALS.get(status)
                : null;
        if (status == 408 || status == 429 || status >= 500) {
            failed("The API answers " + status);
        } else {
            away = null;
        }
    }

    /** There was no answer. */
    void failed(String reason) {
        if (away == null) {
            awaySince = System.nanoTime();
        }
        away = reason;
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
        try {
            database.inTransaction(c -> Database.query(c, row -> 1, "SELECT 1"));
        } catch (CsvImportUnsettledException e) {
            builder.message("The ledger is away: " + e.getCause().getMessage()).down();
            return;
        }
        String reason = away;
        if (refused != null) {
            builder.message(refused).down();
        } else if (reason != null && System.nanoTime() - awaySince >= grace.toNanos()) {
            builder.message(reason + ", for longer than csv-import.health.grace")
                    .down();
        } else {
            builder.up();
        }
    }
}
