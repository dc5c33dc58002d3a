package io.csvimport.operations;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import io.csvimport.Installation;
import io.csvimport.api.ApiHealth;
import io.csvimport.job.FatalErrors;
import io.csvimport.ledger.Database;
import io.csvimport.platform.Watchdog;
import io.csvimport.sandbox.SandboxFault;
import io.csvimport.settings.Settings;
import io.csvimport.source.Untaken;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.camel.health.HealthCheck;
import org.apache.camel.spi.ThreadPoolProfile;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Readiness: DOWN with the reason, and UP again by itself; liveness stays UP. */
class HealthTest {

    @TempDir
    Path directory;

    private Installation product;

    @BeforeEach
    void install() throws IOException {
        product = new Installation(directory);
    }

    @AfterEach
    void uninstall() {
        product.close();
    }

    @ParameterizedTest
    @CsvSource({"401, api.secret", "403, api.secret", "404, api.organization"})
    void readinessIsDownAtOnceWhileTheApiRefusesAndUpWhenItTakesAgain(int status, String setting) throws Exception {
        product.sandbox().failAll(SandboxFault.status(status));
        product.sandbox().failList(SandboxFault.status(status));
        product.start();
        product.awaitReady();
        product.drop("inbox/People/people.csv");
        product.awaitUntil(
                "readiness DOWN", () -> product.get("/observe/health/ready").statusCode() == 503);
        String reason = check().path("message").asText();
        assertTrue(reason.contains("csv-import." + setting), reason);
        assertEquals(200, product.get("/observe/health/live").statusCode());

        product.sandbox().failAll(null);
        product.sandbox().failList(null);
        product.awaitFile("inbox/People/.imported/people.csv");
        product.awaitReady();
    }

    @Test
    void readinessIsDownOnlyWhenTheApiWasAwayForTheGrace() throws Exception {
        product.with("CSV_IMPORT_HEALTH_GRACE", "PT1S").sandbox().failAll(SandboxFault.status(503));
        product.start();
        product.awaitReady();
        product.drop("inbox/People/people.csv");
        product.awaitUntil(
                "readiness DOWN", () -> product.get("/observe/health/ready").statusCode() == 503);
        assertTrue(check().path("message").asText().contains("csv-import.health.grace"));

        product.sandbox().failAll(null);
        product.awaitFile("inbox/People/.imported/people.csv");
        product.awaitReady();
    }

    @Test
    void readinessTellsWhichSourceIsAwayAndThatTheDiskIsNearlyFull() throws Exception {
        Properties given = new Properties();
        given.setProperty("csv-import.data-dir", directory.resolve("unit").toString());
        given.setProperty("csv-import.health.grace", "PT0S");
        Settings settings = new Settings(given);
        try (Database database = new Database(settings)) {
            ApiHealth healthApi = new ApiHealth();
            Readiness health = new Readiness(settings, healthApi, database, new Untaken(), true, Readiness.NEARLY_FULL);
            assertEquals(HealthCheck.State.DOWN, health.call().getState(), "the routes are not there yet");
            health.started(() -> List.of("csv-import"));
            assertEquals(HealthCheck.State.DOWN, health.call().getState());
            assertTrue(health.call().getMessage().orElseThrow().endsWith("csv-import"));
            health.started(List::of);
            healthApi.sourceFailed("people-from-sftp", "The SFTP server cannot be reached");
            healthApi.sourceFailed("people-from-queue", "The broker cannot be reached");
            assertEquals(HealthCheck.State.DOWN, health.call().getState());
            String reasons = health.call().getMessage().orElseThrow();
            assertTrue(reasons.contains("SFTP") && reasons.contains("broker"), reasons);
            healthApi.sourceWorks("people-from-sftp");
            // JSON escapes nothing of a reason, which Camel does twice
            healthApi.sourceFailed("people-from-queue", "a \"quoted\" C:\\path\nand more…");
            String plain = health.call().getMessage().orElseThrow();
            assertTrue(plain.contains("a 'quoted' C:/path and more ,"), plain);
            healthApi.sourceWorks("people-from-queue");
            try (Connection writer = DriverManager.getConnection(
                            "jdbc:sqlite:" + directory.resolve("unit/csv-import-ledger.db"));
                    Statement statement = writer.createStatement()) {
                statement.execute("BEGIN IMMEDIATE");
                Readiness asked =
                        new Readiness(settings, new ApiHealth(), database, new Untaken(), true, Readiness.NEARLY_FULL);
                asked.started(List::of);
                assertEquals(HealthCheck.State.UP, asked.call().getState(), "health only reads");
            }
            assertEquals(HealthCheck.State.UP, health.call().getState());

            Readiness full = new Readiness(settings, new ApiHealth(), database, new Untaken(), true, Long.MAX_VALUE);
            assertEquals(HealthCheck.State.DOWN, full.call().getState());
            String reason = full.call().getMessage().orElseThrow();
            assertTrue(reason.contains("nearly full"), reason);
        }
    }

    @Test
    void outOfMemoryEndsTheProcessAndSaysSo() throws Exception {
        product.write(
                "routes/hungry.camel.yaml",
                """
                - route:
                    id: hungry
                    errorHandler:
                      noErrorHandler: {}
                    from:
                      uri: scheduler:hungry
                      parameters:
                        repeatCount: 1
                      steps:
                        - setBody: { constant: "0123456789" }
                        - loop:
                            constant: "40"
                            steps:
                              - setBody: { simple: "${body}${body}" }
                """);
        Process process = product.with(
                        "CSV_IMPORT_ROUTES", product.path("routes").toString())
                .start("-Xmx64m")
                .process();
        assertTrue(process.waitFor(60, TimeUnit.SECONDS));
        assertEquals(FatalErrors.EXIT_STATUS, process.exitValue());
        assertTrue(product.output().contains("ends with status 3"), product.output());
    }

    @Test
    void aPeriodicTaskThatEndsForGoodIsToldAndIsNotAlive() throws Exception {
        BlockingQueue<Throwable> ended = new LinkedBlockingQueue<>();
        Watchdog.Tasks tasks = new Watchdog.Tasks((task, thrown) -> ended.add(thrown));
        ThreadPoolProfile one = new ThreadPoolProfile();
        one.setPoolSize(1);
        ScheduledExecutorService pool = tasks.newScheduledThreadPool(one, Thread::new);
        try {
            // one that is cancelled, and one that runs on
            pool.scheduleWithFixedDelay(() -> {}, 0, 1, TimeUnit.MILLISECONDS).cancel(false);
            pool.scheduleWithFixedDelay(() -> {}, 0, 1, TimeUnit.MILLISECONDS);
            assertEquals(HealthCheck.State.UP, tasks.health().call().getState());
            pool.scheduleWithFixedDelay(
                    () -> {
                        throw new NoClassDefFoundError("missing");
                    },
                    0,
                    1,
                    TimeUnit.MILLISECONDS);
            assertInstanceOf(NoClassDefFoundError.class, ended.poll(30, TimeUnit.SECONDS));
            assertEquals(HealthCheck.State.DOWN, tasks.health().call().getState());
        } finally {
            pool.shutdownNow();
        }
    }

    private void awaitDown() {
        product.awaitUntil(
                "readiness DOWN for the API",
                () -> product.get("/observe/health/ready").statusCode() == 503 && !check().isMissingNode());
    }

    private JsonNode check() throws Exception {
        String body = product.get("/observe/health").body();
        for (JsonNode check : new ObjectMapper().readTree(body).path("checks")) {
            if (check.path("name").asText().equals("csv-import")) {
                return check;
            }
        }
        return MissingNode.getInstance();
    }
}
