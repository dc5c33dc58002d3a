package io.csvimport.ledger;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.csvimport.CsvImportUnsettledException;
import io.csvimport.api.ApiClient;
import io.csvimport.api.ApiClock;
import io.csvimport.api.Pace;
import io.csvimport.audit.Outbox;
import io.csvimport.file.FileMark;
import io.csvimport.file.Sha256;
import io.csvimport.file.Sources;
import io.csvimport.job.CsvImportConstants;
import io.csvimport.job.Delivery;
import io.csvimport.job.Job;
import io.csvimport.job.Outcome;
import io.csvimport.job.State;
import io.csvimport.operations.Metrics;
import io.csvimport.pipeline.Attempts;
import io.csvimport.pipeline.Claiming;
import io.csvimport.settings.Finding;
import io.csvimport.settings.Settings;
import io.csvimport.tracking.Housekeeping;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.camel.Exchange;
import org.apache.camel.main.Main;
import org.apache.camel.support.DefaultExchange;
import org.apache.hc.client5.http.classic.methods.HttpGet;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.HttpClientBuilder;
import org.apache.hc.core5.http.HttpResponse;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The ledger itself, embedded and in PostgreSQL: real rows, no routes. */
class LedgerTest {

    private static final String OLD = "2020-01-01T00:00:00.000Z";

    private static EmbeddedPostgres server;
    private static int schemas;

    @TempDir
    private Path directory;

    private final Properties given = new Properties();
    private final ScheduledExecutorService timer = Executors.newScheduledThreadPool(3);
    private String url;
    private Database database;
    private Owner owner;
    private Ledger ledger;
    private AuditEvents events;
    private Deliveries deliveries;
    private Claims claims;
    private Outcomes outcomes;

    @BeforeAll
    static void startServer() throws IOException {
        server = EmbeddedPostgres.start();
    }

    @AfterAll
    static void stopServer() throws IOException {
        server.close();
    }

    @AfterEach
    void close() {
        timer.shutdownNow();
        if (database != null) {
            database.close();
        }
    }

    /** Settings of a ledger that is not there yet. */
    private void choose(String kind) throws SQLException {
        given.setProperty("csv-import.data-dir", directory.resolve("data").toString());
        url = "jdbc:sqlite:" + directory.resolve("data/csv-import-ledger.db");
        if (kind.equals("postgresql")) {
            String schema = "ledger" + ++schemas;
            execute(PostgresRig.ledgerUrl(server.getPort()), "CREATE SCHEMA " + schema);
            url = PostgresRig.ledgerUrl(server.getPort()) + "?currentSchema=" + schema;
            given.setProperty("csv-import.ledger.url", url);
            given.setProperty("csv-import.ledger.username", "postgres");
            given.setProperty("csv-import.ledger.password", "postgres");
        }
    }

    private void open(String kind) throws Exception {
        choose(kind);
        open(new Database(new Settings(given)));
    }

    private void open(Database opened) throws Exception {
        database = opened;
        owner = new Owner(database, directory.resolve("data"), timer);
        ledger = new Ledger(database, owner, "5664");
        events = new AuditEvents(
                ledger,
                new Metrics(new SimpleMeterRegistry(), new JobList(database), directory.resolve("data"))::count);
        deliveries = new Deliveries(ledger);
        outcomes = new Outcomes(ledger, events, null);
        claims = new Claims(ledger, outcomes);
    }

    private static Connection connect(String url) throws SQLException {
        return url.startsWith("jdbc:sqlite:")
                ? DriverManager.getConnection(url)
                : DriverManager.getConnection(url, "postgres", "postgres");
    }

    private static void execute(String url, String... statements) throws SQLException {
        try (Connection connection = connect(url);
                Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    private List<Map<String, String>> rows(String sql) throws SQLException {
        try (Connection connection = connect(url)) {
            return LedgerRows.query(connection, sql);
        }
    }

    private static Job job(String key) {
        return Job.of(
                new Job.Origin("file", key, null, null, null),
                new Job.Naming("People", List.of(), key + ".csv", "skip"),
                new Job.Content(7, key));
    }

    private Claims.Claim claim(Job job) throws CsvImportUnsettledException {
        return claims.claim(job, null, true);
    }

    private Job sending(String key) throws CsvImportUnsettledException {
        Job claimed = claim(job(key)).job();
        return claims.begin(claimed, new Job.Attempt(1, Instant.now(), null)).orElseThrow();
    }

    private Job accept(Job job, String importId) throws CsvImportUnsettledException {
        return outcomes.writeSeen(job, accepted(job, importId), true);
    }

    private static Outcome accepted(Job job, String importId) {
        return job.outcome().answered(importId, job.outcome().why()).to(State.ACCEPTED);
    }

    private Map<String, String> row(Job job) throws SQLException {
        return rows("SELECT * FROM csv_import_delivery WHERE job = " + job.id()).get(0);
    }

    // migrations

    @ParameterizedTest
    @ValueSource(strings = {"sqlite", "postgresql"})
    void aLedgerThatFlywayMigratedIsTakenOverWithoutLoss(String kind) throws Exception {
        choose(kind);
        Files.createDirectories(directory.resolve("data"));
        try (Connection connection = connect(url);
                Statement statement = connection.createStatement()) {
            for (String file : Migrations.FILES.subList(0, 4)) {
                statement.executeUpdate(Migrations.sql(file, !kind.equals("sqlite")));
            }
        }
        execute(
                url,
                "CREATE TABLE csv_import_schema (installed_rank INT NOT NULL PRIMARY KEY, version VARCHAR(50),"
                        + " description VARCHAR(200) NOT NULL, success BOOLEAN NOT NULL)",
                "INSERT INTO csv_import_schema VALUES (1, '0', '<< Flyway Baseline >>', true), (2, '1', 'a', true),"
                        + " (3, '2', 'b', true), (4, '3', 'c', true), (5, '4', 'd', true)",
                "INSERT INTO csv_import_delivery (source_key, source, state, organization, file_name, duplicates, owner,"
                        + " created_at) VALUES ('before', 'file', 'waiting', '5664', 'before.csv', 'skip', 'x', '" + OLD
                        + "')");
        open(new Database(new Settings(given)));
        assertEquals(
                "before.csv", deliveries.find("before").orElseThrow().names().fileName());
        assertEquals(
                Migrations.FILES.stream().map(Migrations::version).toList(),
                rows("SELECT version FROM csv_import_schema ORDER BY version").stream()
                        .map(row -> Integer.valueOf(row.get("version")))
                        .toList());
    }

    /** A due time has no job: the foreign key is gone, and all else is as it was. */
    @ParameterizedTest
    @ValueSource(strings = {"sqlite", "postgresql"})
    void theEventsOfAnEarlierVersionAreKeptAndOnesWithoutAJobAreTaken(String kind) throws Exception {
        choose(kind);
        Files.createDirectories(directory.resolve("data"));
        String event = "INSERT INTO csv_import_event (id, job, payload, created_at) VALUES ";
        try (Connection connection = connect(url);
                Statement statement = connection.createStatement()) {
            statement.execute("CREATE TABLE csv_import_schema (version INTEGER PRIMARY KEY, applied_at TEXT NOT NULL)");
            for (String file : Migrations.FILES.subList(0, 12)) {
                statement.executeUpdate(Migrations.sql(file, !kind.equals("sqlite")));
                statement.execute("INSERT INTO csv_import_schema VALUES (" + Migrations.version(file) + ", 'x')");
            }
            statement.execute("INSERT INTO csv_import_delivery (source_key, source, state, organization, file_name,"
                    + " duplicates, owner, created_at) VALUES ('a', 'file', 'accepted', '5664', 'a.csv', 'skip', 'x', '"
                    + OLD + "')");
            statement.execute(event + "('a/1', 1, 'first', 'x'), ('a/2', 1, 'second', 'x')");
            statement.execute("DELETE FROM csv_import_event WHERE id = 'a/2'");
        }
        open(new Database(new Settings(given)));
        execute(url, event + "('expectation/1', -1, 'third', 'x')");
        assertEquals(
                List.of(Map.of("sequence", "1", "id", "a/1"), Map.of("sequence", "3", "id", "expectation/1")),
                rows("SELECT sequence, id FROM csv_import_event ORDER BY sequence"));
        assertThrows(SQLException.class, () -> execute(url, event + "('a/1', 1, 'again', 'x')"));
        if (kind.equals("sqlite")) {
            assertEquals(List.of(Map.of("integrity_check", "ok")), rows("PRAGMA integrity_check"));
            assertEquals(List.of(), rows("PRAGMA foreign_key_list(csv_import_event)"));
            assertEquals(1, rows("PRAGMA foreign_key_list(csv_import_attempt)").size());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"sqlite", "postgresql"})
    void aLedgerOfANewerVersionIsRefused(String kind) throws Exception {
        open(kind);
        database.close();
        execute(url, "INSERT INTO csv_import_schema (version, applied_at) VALUES (4711, '" + OLD + "')");
        IOException refused = assertThrows(IOException.class, () -> new Database(new Settings(given)));
        assertTrue(refused.getMessage().contains("version 4711"), refused.getMessage());
        execute(url, "DELETE FROM csv_import_schema WHERE version = 4711");
    }

    @ParameterizedTest
    @ValueSource(strings = {"sqlite", "postgresql"})
    void aLedgerIsCheckedWithoutBeingMadeMigratedOrLocked(String kind) throws Exception {
        choose(kind);
        LedgerCheck check = new LedgerCheck(new Settings(given), 0);
        assertTrue(check.ledger(false).text().contains("has no ledger yet"));
        assertFalse(Files.exists(directory.resolve("data")));
        open(new Database(new Settings(given)));
        assertTrue(check.ledger(false).text().endsWith(" can be opened"));
        database.close();
        execute(url, "DELETE FROM csv_import_schema WHERE version = " + Migrations.newest());
        Set<String> files = files();
        assertTrue(check.ledger(false).text().endsWith(" will be migrated to version " + Migrations.newest()));
        assertEquals(files, files());
        execute(url, "INSERT INTO csv_import_schema (version, applied_at) VALUES (4711, '" + OLD + "')");
        assertTrue(check.ledger(false).text().contains("it has version 4711"));
        given.setProperty("csv-import.ledger.password", "other");
        given.setProperty("csv-import.ledger.username", "postgres");
        if (kind.equals("postgresql")) {
            Finding refused = new LedgerCheck(new Settings(given), 0).ledger(false);
            assertEquals(Finding.Level.FAILED, refused.level(), refused.text());
        }
    }

    private Set<String> files() {
        return Set.of(directory.resolve("data").toFile().list());
    }

    @Test
    void severalReplicasMayStartAtOnce() throws Exception {
        choose("postgresql");
        List<Future<Database>> starts = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            Properties mine = new Properties();
            mine.putAll(given);
            mine.setProperty(
                    "csv-import.data-dir", directory.resolve("data" + i).toString());
            starts.add(timer.submit(() -> new Database(new Settings(mine))));
        }
        for (Future<Database> start : starts) {
            start.get().close();
        }
        assertEquals(
                Migrations.FILES.size(), rows("SELECT 1 FROM csv_import_schema").size());
    }

    @Test
    void everyMigrationIsListed() throws Exception {
        Path folder = Path.of(getClass().getResource("/csv-import/db").toURI());
        try (var files = Files.list(folder)) {
            assertEquals(
                    Set.copyOf(Migrations.FILES),
                    new HashSet<>(
                            files.map(file -> file.getFileName().toString()).toList()));
        }
    }

    // a ledger that is missing, replaced, or another's

    @ParameterizedTest
    @ValueSource(strings = {"audit/csv-import-audit.jsonl", "spool/x.csv"})
    void aLedgerThatIsMissingBesideATraceOfImportsIsMadeOnDemandOnlyAndCountsItsJobsAnew(String trace)
            throws Exception {
        open("sqlite");
        long job = sending("first").id();
        database.close();
        Files.delete(directory.resolve("data/csv-import-ledger.db"));
        Path left = directory.resolve("data").resolve(trace);
        Files.createDirectories(left.getParent());
        Files.writeString(left, "x");
        IOException refused = assertThrows(IOException.class, () -> new Database(new Settings(given)));
        assertTrue(refused.getMessage().contains("--new-ledger"), refused.getMessage());
        assertFalse(Files.exists(directory.resolve("data/csv-import-ledger.db")));
        open(new Database(new Settings(given), true));
        assertTrue(sending("first").id() > job);
    }

    @Test
    void nothingBeginsWhileTheLedgerIsTakenAwayAndAllGoesOnWhenItIsBack() throws Exception {
        open("sqlite");
        Path ledger = directory.resolve("data/csv-import-ledger.db");
        Path away = Files.move(ledger, directory.resolve("away.db"));
        CsvImportUnsettledException refused = assertThrows(CsvImportUnsettledException.class, () -> sending("lost"));
        assertFalse(refused.isOfItemAlone());
        assertTrue(database.problem().contains("taken away"), database.problem());
        assertThrows(CsvImportUnsettledException.class, () -> database.look(c -> 1));
        assertFalse(Files.exists(ledger), "a look must not make another one");
        Files.copy(away, ledger);
        assertTrue(database.problem().contains("Another file"), database.problem());
        Files.delete(ledger);
        Files.move(away, ledger);
        sending("found");
        assertNull(database.problem());
    }

    @Test
    void aLedgerElsewhereIsOfOneProcessToo() throws Exception {
        choose("sqlite");
        given.setProperty("csv-import.ledger.url", "jdbc:sqlite:" + directory.resolve("elsewhere.db"));
        open(new Database(new Settings(given)));
        given.setProperty("csv-import.data-dir", directory.resolve("other").toString());
        IOException refused = assertThrows(IOException.class, () -> new Database(new Settings(given)));
        assertTrue(refused.getMessage().contains("Another process"), refused.getMessage());
    }

    // transactions

    @ParameterizedTest
    @ValueSource(strings = {"sqlite", "postgresql"})
    void aDurableTransactionIsOnTheDiskAndARelaxedOneSurvivesTheProcess(String kind) throws Exception {
        choose(kind);
        boolean embedded = kind.equals("sqlite");
        if (!embedded) {
            // the server of the tests has it off
            execute(url, "ALTER ROLE postgres SET synchronous_commit = on");
        }
        open(new Database(new Settings(given)));
        String change = "UPDATE csv_import_owner SET lease_until = lease_until";
        for (int i = 0; i < 2; i++) {
            if (embedded) {
                database.durable(handle -> handle.execute(change));
                assertTrue(database.isForced());
                database.relaxed(handle -> handle.execute(change));
                assertFalse(database.isForced());
            } else {
                Database.Work<String> forces = handle -> handle.select("SHOW synchronous_commit")
                        .mapTo(String.class)
                        .one();
                assertEquals("on", database.durable(forces));
                assertEquals("off", database.relaxed(forces));
            }
        }
    }

    @Test
    void durableTransactionsAtATimeAreEachOnTheDiskWhenTheyReturnThoughThreadsAreInterrupted() throws Exception {
        open("sqlite");
        ExecutorService threads = Executors.newFixedThreadPool(8);
        List<Future<Boolean>> done = new ArrayList<>();
        for (int i = 0; i < 400; i++) {
            boolean isInterrupted = i % 7 == 0;
            done.add(threads.submit(() -> {
                if (isInterrupted) {
                    Thread.currentThread().interrupt();
                }
                database.durable(handle -> handle.execute(
                        "INSERT INTO csv_import_owner (owner, lease_until) VALUES (?, '')",
                        UUID.randomUUID().toString()));
                return Thread.interrupted() == isInterrupted;
            }));
        }
        for (Future<Boolean> each : done) {
            assertTrue(each.get());
        }
        threads.shutdown();
        assertTrue(database.isForced());
        assertEquals(401, rows("SELECT 1 FROM csv_import_owner").size());
    }

    @ParameterizedTest
    @ValueSource(strings = {"sqlite", "postgresql"})
    void aTransactionThatFailsLeavesNothingAndAThreadThatIsInterruptedWritesNevertheless(String kind) throws Exception {
        open(kind);
        assertThrows(
                IllegalStateException.class,
                () -> database.durable(handle -> {
                    handle.execute("DELETE FROM csv_import_owner");
                    throw new IllegalStateException("a bug");
                }));
        assertEquals(1, rows("SELECT 1 FROM csv_import_owner").size());
        Thread.currentThread().interrupt();
        try {
            database.relaxed(handle -> handle.execute("DELETE FROM csv_import_owner"));
        } finally {
            assertTrue(Thread.interrupted());
        }
        assertEquals(0, rows("SELECT 1 FROM csv_import_owner").size());
        assertNull(database.problem());
    }

    @Test
    void aDiskThatIsFullKeepsNothingOfATransactionAndAllGoesOnWhenThereIsRoom() throws Exception {
        open("sqlite");
        database.read(
                handle -> handle.select("PRAGMA max_page_count = 1").mapToMap().list());
        CsvImportUnsettledException full = assertThrows(
                CsvImportUnsettledException.class,
                () -> database.durable(handle -> {
                    handle.execute("DELETE FROM csv_import_owner");
                    return handle.execute(
                            "INSERT INTO csv_import_owner VALUES (?, ?)", "x".repeat(100_000), "y".repeat(100_000));
                }));
        assertTrue(full.getMessage().contains("Make room"), full.getMessage());
        assertFalse(full instanceof LedgerRefusedException);
        assertEquals(1, rows("SELECT 1 FROM csv_import_owner").size());
        database.read(handle ->
                handle.select("PRAGMA max_page_count = 1000000").mapToMap().list());
        database.durable(handle -> handle.execute("DELETE FROM csv_import_owner"));
        assertEquals(0, rows("SELECT 1 FROM csv_import_owner").size());
        assertNull(database.problem());
    }

    @Test
    void whileAnotherProgramWritesItTheLedgerIsUnavailableAndAllGoesOnAfterwards() throws Exception {
        open("sqlite");
        try (Connection other = connect(url);
                Statement statement = other.createStatement()) {
            statement.execute("BEGIN IMMEDIATE");
            CsvImportUnsettledException busy = assertThrows(
                    CsvImportUnsettledException.class,
                    () -> database.durable(handle -> handle.execute("DELETE FROM csv_import_owner")));
            assertTrue(busy.getMessage().contains("Another program"), busy.getMessage());
            statement.execute("ROLLBACK");
        }
        database.durable(handle -> handle.execute("DELETE FROM csv_import_owner"));
        assertNull(database.problem());
    }

    // values that a database refuses

    @ParameterizedTest
    @ValueSource(strings = {"sqlite", "postgresql"})
    void textThatNoDatabaseStoresIsCleanedInEveryColumn(String kind) throws Exception {
        open(kind);
        Job odd = sending("nul\0 and half \ud83d");
        outcomes.write(odd, odd.outcome().because("a\0b", "\udc00").to(State.REJECTED));
        assertEquals("nul\ufffd and half \ufffd.csv", row(odd).get("file_name"));
        assertEquals("a\ufffdb", row(odd).get("reason"));
        assertEquals("\ufffd", row(odd).get("detail"));
        assertTrue(deliveries.find("nul\0 and half \ud83d").isPresent());
    }

    @Test
    void aValueThatIsRefusedIsTheFailureOfItsJobAndOthersGoOn() throws Exception {
        open("postgresql");
        Job large = sending("large");
        StringBuilder id = new StringBuilder();
        new Random(1).ints(20_000, 'A', 'z').forEach(c -> id.append((char) c));
        outcomes.write(large, accepted(large, id.toString()));
        assertEquals("held", row(large).get("state"));
        assertEquals("unstorable", row(large).get("reason"));
        assertNull(database.problem());
        Job other = sending("other");
        outcomes.write(other, accepted(other, "1"));
        assertEquals("accepted", row(other).get("state"));
        assertThrows(
                LedgerRefusedException.class,
                () -> database.durable(c -> c.execute(
                        "UPDATE csv_import_delivery SET import_id = ? WHERE job = ?", id.toString(), other.id())));
    }

    @Test
    void aNameThatTheLedgerCannotStoreIsRejectedWithTheReason() throws Exception {
        open("postgresql");
        Main camel = new Main();
        camel.init();
        Exchange exchange = new DefaultExchange(camel.getCamelContext());
        StringBuilder template = new StringBuilder();
        new Random(1).ints(20_000, 'A', 'z').forEach(c -> template.append((char) c));
        exchange.getMessage().setHeader("csvImportSourceKey", "large");
        Delivery large = Delivery.begin(exchange);
        large.inspected(new Job.Content(7, "large"), 0, false);
        large.named(new Job.Naming(template.toString(), List.of(), "large.csv", "skip"));
        Properties all = Settings.defaults();
        all.putAll(given);
        Attempts attempts = new Attempts(claims, outcomes, new ApiClock());
        new Claiming(deliveries, claims, outcomes, attempts).claim(exchange);
        assertEquals("rejected", exchange.getProperty(CsvImportConstants.OUTCOME));
        assertEquals("unstorable", exchange.getProperty(CsvImportConstants.REASON));
        Job rejected = outcomes.write(large.job(), large.job().outcome().to(State.REJECTED));
        assertEquals("rejected", row(rejected).get("state"));
        assertEquals(1, rows("SELECT 1 FROM csv_import_event").size());
    }

    // rows that have moved on

    @ParameterizedTest
    @ValueSource(strings = {"sqlite", "postgresql"})
    void anImportIdThatComesLateIsNeverDropped(String kind) throws Exception {
        open(kind);
        Job unknown = sending("unknown");
        execute(url, "UPDATE csv_import_delivery SET state = 'waiting' WHERE job = " + unknown.id());
        accept(unknown, "of-waiting");
        assertEquals("of-waiting", row(unknown).get("import_id"));

        Job again = sending("again");
        execute(url, "UPDATE csv_import_delivery SET attempts = 2 WHERE job = " + again.id());
        assertEquals(State.SENDING, accept(again, "of-first-attempt").state());
        assertEquals("sending", row(again).get("state"));
        Map<String, String> late = rows("SELECT * FROM csv_import_delivery WHERE import_id = 'of-first-attempt'")
                .get(0);
        assertEquals("accepted", late.get("state"));
        assertTrue(late.get("detail").contains(String.valueOf(again.id())), late.get("detail"));
        assertEquals(
                1,
                rows("SELECT 1 FROM csv_import_event WHERE job = " + late.get("job") + " AND payload LIKE"
                                + " '%of-first-attempt%'")
                        .size());

        accept(again, "of-first-attempt");
        assertEquals(
                1,
                rows("SELECT 1 FROM csv_import_delivery WHERE import_id = 'of-first-attempt'")
                        .size());
    }

    @ParameterizedTest
    @ValueSource(strings = {"sqlite", "postgresql"})
    void whatWaitsForTheSameBytesSaysForWhichJobAndGoesOnWhenThatIsWithdrawn(String kind) throws Exception {
        open(kind);
        Job first = claim(job("first")).job();
        Job second = Job.of(job("second").origin(), job("second").names(), first.content());
        Claims.Claim waits = claim(second);
        assertFalse(waits.mayGoOn());
        assertEquals("same-bytes", row(waits.job()).get("reason"));
        assertTrue(
                row(waits.job()).get("detail").contains("job " + first.id()),
                row(waits.job()).get("detail"));
        assertEquals(
                State.WITHDRAWN, outcomes.withdraw(first, Outcome.BY_HAND, "x").state());
        assertEquals("withdrawn", row(first).get("state"));
        assertTrue(deliveries.find("first").isEmpty());
        assertTrue(claim(waits.job()).mayGoOn());
    }

    @Test
    void itIsSaidHowToWithdrawTheSameBytesOnlyWhileNothingOfThemWasSent() throws Exception {
        open("sqlite");
        Job first = claim(job("first")).job();
        Job second = Job.of(job("second").origin(), job("second").names(), first.content());
        Job waits = claim(second).job();
        assertTrue(
                row(waits).get("detail").contains("DELETE /csv-imports/" + first.id()),
                row(waits).get("detail"));
        claims.begin(first, new Job.Attempt(1, Instant.now(), null)).orElseThrow();
        assertFalse(claim(waits).mayGoOn());
        assertTrue(row(waits).get("detail").contains(", sending)"), row(waits).get("detail"));
        assertFalse(row(waits).get("detail").contains("DELETE"), row(waits).get("detail"));
    }

    @Test
    void anItemThatItsSourceOffersNoMoreGivesWayAfterAnHour() throws Exception {
        open("sqlite");
        Job item = claim(job("item")).job();
        execute(url, "UPDATE csv_import_delivery SET state = 'waiting', next_attempt_at = '" + OLD + "'");
        Job other = claim(job("now")).job();
        new Housekeeping(new Settings(given), new Retention(ledger), deliveries, outcomes, owner, new Sources())
                .withdrawUnoffered(Duration.ofHours(1));
        assertEquals("withdrawn", row(item).get("state"));
        assertEquals("claimed", row(other).get("state"));
    }

    @Test
    void aProcessThatHasLostItsLeaseEndsItsRunningCalls() throws Exception {
        open("sqlite");
        Properties all = Settings.defaults();
        all.putAll(given);
        all.setProperty("csv-import.api.url", "http://127.0.0.1");
        all.setProperty("csv-import.api.key", "key");
        all.setProperty("csv-import.api.secret", "secret");
        AtomicBoolean lease = new AtomicBoolean(true);
        Metrics metrics = new Metrics(new SimpleMeterRegistry(), new JobList(database), directory);
        HttpClientBuilder builder = HttpClientBuilder.create();
        new ApiClient(new Settings(all), timer, new Pace(0), lease::get, metrics::asked).configureHttpClient(builder);
        try (CloseableHttpClient client = builder.build();
                ServerSocket api = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            api.setSoTimeout(60_000);
            HttpGet list = new HttpGet("http://127.0.0.1:" + api.getLocalPort() + "/list");
            Future<Integer> answer = timer.submit(() -> client.execute(list, HttpResponse::getCode));
            try (Socket call = api.accept()) {
                assertEquals('G', call.getInputStream().read());
                lease.set(false);
                // the server neither answers nor closes
                assertThrows(ExecutionException.class, () -> answer.get(60, TimeUnit.SECONDS));
            }
        }
    }

    // many rows

    private void insert(int from, int to, String state, String released) throws SQLException {
        try (Connection connection = connect(url);
                PreparedStatement insert = connection.prepareStatement(
                        "INSERT INTO csv_import_delivery (source_key, source, state, organization, template, file_name,"
                                + " duplicates, owner, created_at, settled_at, released_at)"
                                + " VALUES (?, 'file', ?, '5664', 'People', ?, 'import', 'x', ?, ?, ?)")) {
            connection.setAutoCommit(false);
            for (int i = from; i < to; i++) {
                List<String> values = Arrays.asList("key" + i, state, i + ".csv", OLD, released, released);
                for (int column = 1; column <= values.size(); column++) {
                    insert.setString(column, values.get(column - 1));
                }
                insert.executeUpdate();
            }
            connection.commit();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"sqlite", "postgresql"})
    void whatIsLookedThroughIsLookedThroughWhole(String kind) throws Exception {
        open(kind);
        execute(url, "DROP INDEX csv_import_delivery_in_flight");
        insert(0, 2001, "unknown", null);
        assertEquals(
                2001,
                deliveries.in(State.UNKNOWN).stream().map(Job::id).distinct().count());
    }

    @ParameterizedTest
    @ValueSource(strings = {"sqlite", "postgresql"})
    void eventsThatAreRefusedKeepNoOthersFromTheirTurnAndOnesOfOneJobStayInOrder(String kind) throws Exception {
        open(kind);
        insert(0, 1001, "accepted", OLD);
        execute(
                url,
                "INSERT INTO csv_import_event (id, job, payload, created_at) SELECT job || '/a/1', job, 'x', created_at"
                        + " FROM csv_import_delivery ORDER BY job",
                "UPDATE csv_import_event SET failures = 3, retry_at = '"
                        + LedgerValues.text(Instant.now().plusSeconds(60))
                        + "' WHERE job < (SELECT MAX(job) FROM csv_import_delivery)",
                "INSERT INTO csv_import_event (id, job, payload, created_at) SELECT job || '/b/1', job, 'x', created_at"
                        + " FROM csv_import_delivery ORDER BY job");
        Outbox outbox = new Outbox(events, owner, null);
        Iterator<AuditEvents.Event> due = outbox.due();
        AuditEvents.Event event = due.next();
        assertTrue(event.id().endsWith("/a/1"), event.id());
        assertFalse(due.hasNext());

        // a round whose events could not be forced to the disk marks none of them
        Main camel = new Main();
        camel.init();
        Exchange exchange = new DefaultExchange(camel.getCamelContext());
        exchange.setProperty("csvImportEvent", event);
        outbox.sent(exchange);
        assertEquals(event, outbox.due().next());
        outbox.sent(exchange);
        outbox.mark();
        assertNotEquals(event.id(), outbox.due().next().id());
    }

    @ParameterizedTest
    @ValueSource(strings = {"sqlite", "postgresql"})
    void whatWasKeptLongEnoughIsForgottenAndWhatIsNotSentYetIsKept(String kind) throws Exception {
        open(kind);
        insert(0, 450, "accepted", OLD);
        insert(450, 451, "accepted", LedgerValues.text(Instant.now()));
        insert(451, 452, "voiding", OLD);
        execute(
                url,
                "INSERT INTO csv_import_event (id, job, payload, created_at, sent_at) SELECT job || '/a/1', job, 'x',"
                        + " created_at, CASE file_name WHEN '7.csv' THEN NULL ELSE created_at END"
                        + " FROM csv_import_delivery");
        new Housekeeping(new Settings(given), new Retention(ledger), deliveries, outcomes, owner, new Sources())
                .forgetJobs();
        assertEquals(
                List.of("7.csv", "450.csv", "451.csv"),
                rows("SELECT file_name FROM csv_import_delivery ORDER BY job").stream()
                        .map(row -> row.get("file_name"))
                        .toList());
        assertEquals(3, rows("SELECT 1 FROM csv_import_event").size());
    }

    @Test
    void anImportedFileThatWasKeptLongEnoughIsDeletedAndNoneThatHasItsNameNow() throws Exception {
        given.setProperty("csv-import.imported.keep", "P1D");
        open("sqlite");
        List<Path> files = new ArrayList<>();
        for (String name : List.of("same", "replaced", "legacy", "legacy-replaced")) {
            Path file = Files.writeString(directory.resolve(name + ".csv"), "name\nAnna\n");
            Job job = accept(sending(name), name);
            outcomes.released(
                    job,
                    file.toString(),
                    name.startsWith("legacy") ? null : FileMark.of(file).key());
            String sha256 = Sha256.of(FileMark.of(file));
            database.durable(c -> c.execute(
                    "UPDATE csv_import_delivery SET single = 0, file_size = 10, sha256 = ?, released_at = ? WHERE job = ?",
                    sha256,
                    OLD,
                    job.id()));
            files.add(file);
        }
        Files.delete(files.get(1));
        Files.writeString(files.get(1), "name\nEmma\n");
        Files.writeString(files.get(3), "name\nEmma\n");
        new Housekeeping(new Settings(given), new Retention(ledger), deliveries, outcomes, owner, new Sources())
                .deleteImported();
        assertEquals(
                List.of(false, true, false, true),
                files.stream().map(Files::exists).toList());
    }

    @ParameterizedTest
    @ValueSource(strings = {"sqlite", "postgresql"})
    void whatIsAskedOfALargeLedgerIsFoundByAnIndex(String kind) throws Exception {
        open(kind);
        boolean embedded = kind.equals("sqlite");
        for (String sql : List.of(
                "SELECT job FROM csv_import_delivery WHERE released_at < 'x' AND (released_at, job) > ('', 0)"
                        + " ORDER BY released_at, job LIMIT 200",
                "SELECT job FROM csv_import_delivery WHERE released_at < 'x' AND COALESCE(released_to, failed_rows_file)"
                        + " IS NOT NULL ORDER BY released_at, job LIMIT 200",
                "SELECT COUNT(*) FROM csv_import_delivery WHERE state = 'rejected'",
                "SELECT 1 FROM csv_import_delivery first WHERE (first.single = 1 OR first.duplicates = 'import')"
                        + " AND first.job <> 1 AND first.organization = 'x' AND first.template = 'x'"
                        + " AND first.sha256 = 'x' AND first.state IN ('accepted', 'completed')",
                "SELECT * FROM csv_import_delivery WHERE template = 'x' ORDER BY job DESC LIMIT 50",
                "SELECT * FROM csv_import_delivery WHERE file_name = 'x' ORDER BY job DESC LIMIT 50",
                "SELECT * FROM csv_import_delivery WHERE source = 'x' ORDER BY job DESC LIMIT 50",
                "SELECT id FROM csv_import_event WHERE sent_at IS NULL AND retry_at <= 'x' ORDER BY retry_at, sequence"
                        + " LIMIT 1000")) {
            try (Connection connection = connect(url);
                    Statement statement = connection.createStatement()) {
                if (!embedded) {
                    // of an empty table it would read the whole one
                    statement.execute("SET enable_seqscan = off");
                }
                String plan = LedgerRows.query(connection, (embedded ? "EXPLAIN QUERY PLAN " : "EXPLAIN ") + sql)
                        .toString();
                assertTrue(plan.matches("(?is).*(using (covering )?index|index (only )?scan).*"), plan);
                assertFalse(plan.contains("TEMP B-TREE") || plan.contains("Seq Scan"), plan);
                assertEquals(sql.contains("sha256"), plan.contains("csv_import_delivery_same_bytes"), plan);
            }
        }
    }

    @Test
    void whatIsOpenIsFoundWithoutReadingWhatIsSettled() throws Exception {
        String plan =
                planOfSqlite("SELECT * FROM csv_import_delivery WHERE (released_at IS NULL AND file_path LIKE '/%')"
                        + " AND +job > 0 ORDER BY +job LIMIT 1000");
        assertTrue(plan.contains("csv_import_delivery_source"), plan);
    }

    @Test
    void theKeysOfItemsThatMayComeAgainAreFoundByTheirIndex() throws Exception {
        String plan = planOfSqlite("SELECT item_key FROM csv_import_delivery WHERE item_key IS NOT NULL"
                + " AND substr(item_key, 1, 3) = 'jms' AND owner LIKE 'x%' AND item_key BETWEEN 'jms' AND 'jms~'");
        assertTrue(plan.contains("SEARCH csv_import_delivery USING INDEX csv_import_delivery_item"), plan);
    }

    private String planOfSqlite(String sql) throws Exception {
        open("sqlite");
        try (Connection connection = connect(url)) {
            return LedgerRows.query(connection, "EXPLAIN QUERY PLAN " + sql).toString();
        }
    }

    @Test
    void whoComesAfterTheEndDoesNotOpenItAgain() throws Exception {
        open("sqlite");
        database.close();
        assertThrows(CsvImportUnsettledException.class, () -> deliveries.forgetItemKey("x"));
        // nobody has it
        open("sqlite");
    }
}
