package io.csvimport.ledger;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.csvimport.Distribution;
import io.csvimport.Hashes;
import io.csvimport.operations.Operator;
import io.csvimport.sandbox.SandboxFault;
import io.csvimport.settings.Settings;
import io.csvimport.source.queue.Broker;
import io.csvimport.source.queue.QueueTest;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A ledger in PostgreSQL, which several processes may share. */
class PostgresTest {

    private static final int BIG = 80_000_000;

    @TempDir
    private Path directory;

    private PostgresRig rig;

    @BeforeEach
    void open() throws IOException {
        rig = new PostgresRig(directory);
    }

    @AfterEach
    void close() throws IOException {
        rig.close();
    }

    @Test
    @Tag("long")
    void everyOutcomeIsTheSameAsWithTheEmbeddedLedger() throws Exception {
        rig.start("one", Map.of());
        Path people = rig.drop("People/people.csv", "name\nAnna\n");
        rig.awaitContent();
        rig.sandbox.failNext(SandboxFault.resetAtEnd(true));
        rig.drop("Lost/lost.csv");
        rig.awaitContent();
        rig.sandbox.failNext(SandboxFault.status(503));
        rig.drop("Busy/busy.csv");
        rig.awaitContent();
        rig.sandbox.failNext(SandboxFault.status(422));
        rig.dropBad("Refused/refused.csv", "name\nNobody\n");
        rig.dropBad("People/empty.csv", "");
        rig.drop("People/again.csv", "name\nAnna\n");
        rig.awaitContent();

        assertEquals(
                "accepted 1 0 202,accepted 1 1 null,accepted 2 0 202,rejected 1 0 422,rejected 0 0 null,duplicate 0 0 null",
                Stream.of("people.csv", "lost.csv", "busy.csv", "refused.csv", "empty.csv", "again.csv")
                        .map(this::summary)
                        .collect(Collectors.joining(",")));
        String first = rig.sandbox.imports().get(0).id();
        JsonNode duplicate = rig.event("again.csv");
        assertEquals(first, duplicate.at("/data/importId").asText());
        assertEquals(first, rig.event("people.csv").path("subject").asText());
        assertTrue(rig.event("lost.csv").at("/data/reconciled").asBoolean());
        assertEquals("http-422", rig.event("refused.csv").at("/data/reason").asText());
        assertEquals(
                List.of(people.resolveSibling(".imported/people.csv").toString()),
                rig.rows("SELECT released_to FROM csv_import_delivery WHERE file_name = 'people.csv'").stream()
                        .map(row -> row.get("released_to"))
                        .toList());
    }

    @Test
    @Tag("long")
    void anImportIsFollowedAndVoidedAsWithTheEmbeddedLedger() throws Exception {
        rig.start("one", Map.of("CSV_IMPORT_TRACK_ENABLED", "true", "CSV_IMPORT_TRACK_INTERVAL", "PT0.2S"));
        PostgresRig.await().until(() -> rig.isReady("one"));
        Path people = rig.drop("People/people.csv", "name\nAnna\ninvalid\n");
        PostgresRig.await().until(() -> summary("people.csv").startsWith("completed"));
        assertTrue(Files.exists(people.resolveSibling(".imported/people.csv.failed-rows.csv")));
        rig.sandbox.listLag(Duration.ofDays(1));
        rig.drop("People/late.csv", "name\nOla\n");
        PostgresRig.await()
                .until(() ->
                        rig.rows("SELECT 1 FROM csv_import_delivery WHERE track_looks > 2 AND file_name = 'late.csv'")
                                        .size()
                                == 1);
        rig.rows("UPDATE csv_import_delivery SET state = 'voiding', owner = 'gone' WHERE file_name = 'people.csv'"
                + " RETURNING job");
        PostgresRig.await().until(() -> summary("people.csv").startsWith("voided"));
        assertTrue(rig.sandbox.imports().get(0).voided());
    }

    @Test
    @Tag("long")
    void whatIsExpectedOfTheContentIsComparedAsWithTheEmbeddedLedger() throws Exception {
        Path routes = Files.createDirectories(directory.resolve("own-routes/expectations"));
        Files.writeString(
                routes.resolve("people.yaml"),
                "- { template: People, header: same-as-last, rows: { max-drop: 30% }, otherwise: hold }\n"
                        + "- { template: People, feed: file, encoding: US-ASCII, otherwise: warn }\n");
        rig.start(
                "one",
                Map.of(
                        "CSV_IMPORT_ROUTES",
                        routes.getParent().toString(),
                        "CSV_IMPORT_TRACK_ENABLED",
                        "true",
                        "CSV_IMPORT_TRACK_INTERVAL",
                        "PT0.2S",
                        "CSV_IMPORT_TRACK_QUIET",
                        "PT0S"));
        PostgresRig.await().until(() -> rig.isReady("one"));
        rig.drop("People/first.csv", "name\nAnna\nZo\u00eb\n");
        PostgresRig.await().until(() -> summary("first.csv").startsWith("completed"));
        rig.drop("People/second.csv", "mail\nOla\n");
        PostgresRig.await().until(() -> summary("second.csv").startsWith("held"));
        Operator operator = rig.operator("one");
        JsonNode held = operator.get("/csv-imports?fileName=second.csv").json().at("/results/0");
        assertTrue(
                held.path("expected")
                        .asText()
                        .startsWith("the header of the last import name; no more than 30 % fewer"),
                held.toString());
        assertEquals("the header mail; 1 row (50 % fewer)", held.path("found").asText());
        assertEquals(
                202,
                operator.post("/csv-imports/" + held.path("job").asText() + "/retry")
                        .status());
        PostgresRig.await().until(() -> summary("second.csv").startsWith("completed"));
        assertEquals(
                "[\"mail\"]",
                rig.rows("SELECT header FROM csv_import_header WHERE template = 'People'")
                        .get(0)
                        .get("header"));
        assertEquals(
                1,
                rig.rows("SELECT 1 FROM csv_import_event WHERE id LIKE '%/csv-import.suspicious/1'")
                        .size());
    }

    @Test
    @Tag("long")
    void aMessageThatTheDatabaseWouldRefuseIsRejectedAndDoesNotStopItsQueue() throws Exception {
        try (Broker broker = new Broker(directory.resolve("broker")).start()) {
            rig.start(
                    "one",
                    Map.of(
                            "CSV_IMPORT_JMS_ENABLED",
                            "true",
                            "CSV_IMPORT_JMS_URL",
                            broker.core(),
                            "CSV_IMPORT_JMS_USERNAME",
                            Broker.USER,
                            "CSV_IMPORT_JMS_PASSWORD",
                            Broker.PASSWORD));
            for (String name : List.of("fileName", "template", "notify", "good")) {
                Map<String, String> names = new TreeMap<>(Map.of("template", "People", "fileName", "good.csv"));
                names.computeIfPresent(name, (key, value) -> value + "\0");
                names.put("notify", name.equals("notify") ? "a@x.com\0" : "a@x.com");
                names.put("other", "\0 \ud83d");
                broker.send(
                        broker.core(),
                        "csv-import",
                        session -> QueueTest.named(session.createTextMessage("name\n" + name + "\n"), names));
            }
            PostgresRig.await().until(() -> rig.sandbox.imports().size() == 1 && broker.count("csv-import") == 0);
            assertEquals("good.csv", rig.sandbox.imports().get(0).fileName());
            assertEquals(3, broker.count("csv-import.rejected"));
            assertEquals(
                    3,
                    rig.rows("SELECT job FROM csv_import_delivery WHERE state = 'rejected'")
                            .size());
        }
    }

    /** State, attempts, whether it was reconciled, and HTTP status of a file's row. */
    private String summary(String fileName) {
        try {
            return rig
                    .rows("SELECT state, attempts, reconciled, http_status FROM csv_import_delivery WHERE file_name = '"
                            + fileName + "'")
                    .stream()
                    .map(row -> String.join(
                            " ", row.values().stream().map(String::valueOf).toList()))
                    .collect(Collectors.joining(" and "));
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    @Tag("long")
    void theOperationsAreTheSameAsWithTheEmbeddedLedger() throws Exception {
        rig.start("one", Map.of());
        PostgresRig.await().until(() -> rig.isReady("one"));
        rig.sandbox.failNext(SandboxFault.status(503, false, Map.of("Retry-After", "600")));
        rig.drop("Busy/busy.csv");
        Operator operator = rig.operator("one");
        PostgresRig.await()
                .until(() -> operator.get("/csv-imports?state=waiting&template=Busy&from=file&size=5")
                                .json()
                                .path("count")
                                .asInt()
                        == 1);
        String job = operator.get("/csv-imports?fileName=busy.csv")
                .json()
                .at("/results/0/job")
                .asText();
        assertEquals("busy.csv", operator.get("/csv-imports/" + job).text("fileName"));
        assertTrue(
                operator.get("/observe/metrics").http().body().contains("csv_import_open_files{state=\"waiting\"} 1"));
        assertEquals(202, operator.post("/csv-imports/" + job + "/retry").status());
        rig.awaitContent();
        assertEquals(
                409, operator.post("/csv-imports/" + job + "/settle?importId=1").status());
    }

    @Test
    void twoProcessesWithOneInboxImportEachFileOnce() throws Exception {
        rig.start("one", Map.of());
        rig.start("two", Map.of());
        PostgresRig.await().until(() -> rig.isReady("one") && rig.isReady("two"));
        for (int i = 0; i < 300; i++) {
            rig.drop("Template " + i % 5 + "/file-" + i + ".csv");
            if (i % 60 == 0) {
                rig.drop("Template " + i % 7 + "/first.csv", "name\n" + i + "\n");
                rig.drop("Template " + i % 7 + "/second.csv", "name\n" + i + "\n");
                rig.dropBad("Template " + i % 7 + "/nul.csv", "name\n\0" + i + "\n");
            }
        }
        rig.awaitContent();
    }

    @Test
    @Tag("long")
    void aLivingProcessTakesOverFromOneThatWasKilledAndOneThatIsFrozenWhichThenSendsNothingMore() throws Exception {
        rig.sandbox.failNext(SandboxFault.slowReading(Duration.ofMillis(50)));
        Path big = rig.drop("Big/big.csv", "name\n".repeat(BIG / 5));
        Distribution frozen = rig.start("frozen", Map.of("CSV_IMPORT_PARALLEL", "1"));
        PostgresRig.await().until(() -> rig.uploads().stream().anyMatch(upload -> upload.bodySize() > 1_000_000));

        rig.sandbox.failNext(SandboxFault.status(503, false, Map.of("Retry-After", "600")));
        Path waiting = rig.drop("Waiting/waiting.csv");
        Distribution killed = rig.start("killed", Map.of());
        PostgresRig.await().until(() -> !rig.rows("SELECT 1 FROM csv_import_delivery WHERE state = 'waiting'")
                .isEmpty());
        rig.sandbox.failNext(SandboxFault.hang(true), SandboxFault.hangAfter(100));
        for (int i = 0; i < 10; i++) {
            rig.drop("People/file-" + i + ".csv");
            rig.drop("Courses/file-" + i + ".csv");
        }
        PostgresRig.await()
                .until(() -> rig.uploads().size() == 4
                        && rig.uploads().stream().allMatch(upload -> upload.bodySize() > 100)
                        && rig.sandbox.imports().size() == 1);
        PostgresRig.freeze(frozen);
        killed.kill();
        rig.rename(waiting, "renamed.csv");

        Distribution heir = rig.start("heir", Map.of());
        PostgresRig.await().until(() -> !Files.exists(big));
        PostgresRig.thaw(frozen);
        rig.awaitContent();

        // the next of its order key comes when the big upload has ended in the thawed process
        heir.kill();
        Path next = rig.drop("Big/next.csv");
        PostgresRig.await().until(() -> !Files.exists(next));
        assertTrue(rig.isImported(next.resolveSibling(".imported/next.csv")));
        assertEquals(23, rig.sandbox.imports().size());
        assertEquals(0, rig.uploads().get(0).status());
        // what it had sent before was in the buffers of the connection
        assertTrue(rig.uploads().get(0).bodySize() < BIG / 2, "the frozen process sent the rest");
    }

    @Test
    @Tag("long")
    void aLargeFileWhoseBytesAnotherProcessHasClaimedMeanwhileIsADuplicateThoughItsUploadHadBegun() throws Exception {
        String content = "name\n".repeat(4_000_000);
        rig.sandbox.failNext(SandboxFault.slowReading(Duration.ofMillis(20)));
        Path file = rig.drop("Big/big.csv", content);
        rig.start("one", Map.of());
        PostgresRig.await().until(() -> rig.uploads().stream().anyMatch(upload -> upload.bodySize() > 1_000_000));
        rig.rows(
                "INSERT INTO csv_import_delivery (source_key, source, state, organization, template, file_name,"
                        + " file_size, sha256, duplicates, single, owner, import_id, created_at, settled_at, released_at)"
                        + " SELECT 'other', source, 'accepted', organization, template, 'other.csv', file_size, '"
                        + Hashes.of(content.getBytes(StandardCharsets.UTF_8))
                        + "', duplicates, 1, 'other', '1000', created_at, created_at, created_at FROM csv_import_delivery RETURNING job");

        PostgresRig.await().until(() -> Files.exists(file.resolveSibling(".duplicate/big.csv")));
        assertEquals("duplicate 1 0 null", summary("big.csv"));
        assertEquals(List.of(), rig.sandbox.imports());
        assertEquals(1, rig.uploads().size());
    }

    @Test
    @Tag("long")
    void filesWaitWhileTheDatabaseIsAwayAndGoOnByThemselves() throws Exception {
        rig.start("one", Map.of());
        PostgresRig.await().until(() -> rig.isReady("one"));
        rig.sandbox.failAll(SandboxFault.delay(Duration.ofSeconds(3)));
        for (int i = 0; i < 5; i++) {
            rig.drop("Template " + i + "/before.csv");
        }
        PostgresRig.await().until(() -> !rig.sandbox.imports().isEmpty());

        rig.stopServer();
        rig.sandbox.failAll(null);
        for (int i = 0; i < 5; i++) {
            rig.drop("Template " + i + "/while.csv");
        }
        PostgresRig.await().until(() -> rig.health("one").contains("The ledger is away"));
        assertFalse(rig.isReady("one"));

        rig.startServer();
        rig.awaitContent();
        PostgresRig.await().until(() -> rig.isReady("one"));
    }

    @Test
    @Tag("long")
    void aFileIsImportedOnceThoughTheAnswerToACommitIsLost() throws Exception {
        try (PostgresLink link = new PostgresLink(rig.serverPort())) {
            String url = PostgresRig.ledgerUrl(link.port()) + "?prepareThreshold=0";
            rig.start("one", Map.of("CSV_IMPORT_LEDGER_URL", url));
            rig.drop("Before/people.csv");
            rig.awaitContent();
            for (String sql : List.of(
                    "INSERT INTO csv_import_delivery",
                    "SET state = 'sending'",
                    "INSERT INTO csv_import_event",
                    "SET released_at",
                    "SET sent_at",
                    "INSERT INTO csv_import_owner")) {
                link.loseCommitOf(sql);
                rig.drop("People/" + sql.hashCode() + ".csv");
                PostgresRig.await().until(link::isLost);
                rig.awaitContent();
            }
        }
    }

    @Tag("long")
    @Test
    void filesGoOnWhenTheConnectionsToTheDatabaseHaveGoneSilent() throws Exception {
        try (PostgresLink link = new PostgresLink(rig.serverPort())) {
            rig.start("one", Map.of("CSV_IMPORT_LEDGER_URL", PostgresRig.ledgerUrl(link.port())));
            rig.drop("People/before.csv");
            rig.awaitContent();
            link.silence();
            rig.drop("People/after.csv");
            rig.awaitContent();
        }
    }

    @Test
    @Tag("long")
    void aHeldFileOfAnotherMachineIsNotGoneForItsPathIsNotHere() throws Exception {
        String content = "name\nBerta\n";
        rig.start("one", Map.of());
        rig.drop("People/people.csv");
        rig.awaitContent();
        rig.rows(
                "INSERT INTO csv_import_delivery (source_key, source, state, organization, template, file_name, file_path,"
                        + " file_size, sha256, duplicates, single, owner, reason, created_at) SELECT 'other', source, 'held', organization,"
                        + " template, 'other.csv', '" + directory.resolve("other.csv") + "', 11, '"
                        + Hashes.of(content.getBytes(StandardCharsets.UTF_8))
                        + "', duplicates, 1, 'elsewhere', 'unexpected', created_at FROM csv_import_delivery RETURNING job");

        Path again = rig.drop("People/again.csv", content);
        PostgresRig.await().until(() -> Files.exists(again.resolveSibling(".duplicate/again.csv")));
        assertEquals("held 0 0 null", summary("other.csv"));
        assertEquals(1, rig.uploads().size());
    }

    @Test
    @Tag("long")
    void aFileThatAnotherProcessHasFinishedMeanwhileIsNoDuplicate() throws Exception {
        try (ServerSocket hold = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            hold.setSoTimeout(60_000);
            rig.drop("People/people.csv");
            rig.start("slow", Map.of("CSV_IMPORT_ROUTES", routesHeldBeforeTheClaim(hold.getLocalPort())));
            Socket held = hold.accept();
            Distribution fast = rig.start("fast", Map.of());
            rig.awaitContent();
            fast.kill();
            held.getOutputStream()
                    .write("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            held.close();
            // the next of its order key comes when the first has ended
            rig.drop("People/next.csv");
            hold.accept().close();
            assertEquals(
                    List.of("accepted"),
                    rig.rows("SELECT state FROM csv_import_delivery WHERE file_name = 'people.csv'").stream()
                            .map(row -> row.get("state"))
                            .toList());
        }
    }

    /** A folder with an edited copy of the route in which a file is claimed when the test has answered a call. */
    private String routesHeldBeforeTheClaim(int port) throws IOException {
        Path claim = Distribution.routes().resolve("pipeline/csv-import-claim.camel.yaml");
        Path own = Files.createDirectories(directory.resolve("routes"));
        String hold = "steps:\n        - to:\n            id: hold-for-test\n            uri: http://127.0.0.1:" + port
                + "\n            parameters: { httpMethod: GET, skipRequestHeaders: true }\n";
        Files.writeString(
                own.resolve(claim.getFileName()), Files.readString(claim).replaceFirst("steps:\n", hold));
        return own.toString();
    }

    @Test
    void bothLedgersHaveTheSameColumns() throws Exception {
        Properties settings = new Properties();
        settings.setProperty("csv-import.data-dir", directory.resolve("data").toString());
        new Database(new Settings(settings)).close();
        settings.setProperty("csv-import.ledger.url", PostgresRig.ledgerUrl(rig.serverPort()));
        settings.setProperty("csv-import.ledger.username", "postgres");
        settings.setProperty("csv-import.ledger.password", "postgres");
        new Database(new Settings(settings)).close();
        for (String table : List.of("csv_import_delivery", "csv_import_event", "csv_import_owner")) {
            Set<String> embedded = new TreeSet<>();
            try (Connection ledger = DriverManager.getConnection(
                            "jdbc:sqlite:" + directory.resolve("data/csv-import-ledger.db"));
                    ResultSet column = ledger.createStatement().executeQuery("PRAGMA table_info(" + table + ")")) {
                while (column.next()) {
                    embedded.add(column.getString("name"));
                }
            }
            Set<String> shared = new TreeSet<>();
            rig.rows("SELECT column_name FROM information_schema.columns WHERE table_name = '" + table + "'")
                    .forEach(row -> shared.add(row.get("column_name")));
            assertEquals(embedded, shared);
        }
    }
}
