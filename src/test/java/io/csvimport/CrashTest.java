package io.csvimport;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import io.csvimport.sandbox.SandboxFault;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * SIGKILL at every step of the protocol: each is reached for certain, in a copy of the routes that has one step more,
 * which waits for the test. Then the process starts again with the routes as they are.
 *
 * <p>Steps within one Java method cannot be reached so, and are left to {@link RandomKillTest}: between two statements
 * of a transaction, between the reason file and the move of a rejected file.
 */
@Execution(ExecutionMode.CONCURRENT)
class CrashTest {

    @TempDir
    private Path directory;

    private CrashRig rig;
    private ServerSocket hold;
    private Socket held;

    @BeforeEach
    void open() throws IOException {
        rig = new CrashRig(directory);
        hold = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        hold.setSoTimeout(60_000);
    }

    @AfterEach
    void close() throws IOException {
        rig.close();
        hold.close();
        if (held != null) {
            held.close();
        }
    }

    @ParameterizedTest(name = "before {1}")
    @CsvSource({
        "pipeline/csv-import, enrich-file",
        "pipeline/csv-import, claim-delivery",
        "pipeline/csv-import, upload-file",
        "api/csv-import-upload, post-csv",
        "api/csv-import-upload, is-answered",
        "pipeline/csv-import, settle-delivery",
        "pipeline/csv-import, answer-outcome"
    })
    void aFileIsImportedOnceWhereverItsWayEnded(String route, String step) throws Exception {
        rig.drop("people.csv");
        killBefore(route, step);
        assertEquals(List.of("is-answered", "settle-delivery", "answer-outcome").contains(step) ? 1 : 0, imports());

        rig.start();
        rig.awaitContent();
    }

    @Test
    void aFileIsImportedOnceThoughTheProcessDiedBetweenItsClaimAndItsTurn() throws Exception {
        rig.settings.put("CSV_IMPORT_API_REQUESTS_PER_MINUTE", "6000");
        rig.drop("people.csv");
        killBefore("api/csv-import-upload", "build-request");
        assertEquals(
                1,
                rig.oracle
                        .rows("SELECT 1 FROM csv_import_delivery WHERE state = 'claimed'")
                        .size());

        rig.start();
        rig.awaitContent();
        assertEquals(1, uploads());
    }

    @Test
    @Tag("long")
    void aFileIsImportedOnceThoughTheProcessDiedBeforeTheNextFileWroteItsOutcome() throws Exception {
        rig.drop("1.csv");
        rig.drop("2.csv");
        rig.start(Map.of("CSV_IMPORT_ROUTES", routesHeldBefore("pipeline/csv-import", "claim-delivery")));
        held = hold.accept();
        goOn();
        held = hold.accept();
        rig.kill();
        assertEquals(1, imports());

        rig.start();
        rig.awaitContent();
        assertEquals(2, uploads());
    }

    @ParameterizedTest(name = "before {1}")
    @CsvSource({
        "audit/csv-import-outbox, take-payload",
        "audit/csv-import-audit, to-audit-trail",
        "audit/csv-import-outbox, mark-sent"
    })
    @Tag("long")
    void anEventIsSentWhereverTheWayOfTheAuditTrailEnded(String route, String step) throws Exception {
        rig.drop("people.csv");
        killBefore(route, step);

        rig.start();
        rig.awaitContent();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aFileIsImportedOnceThoughTheProcessDiedBeforeTheAnswer(boolean accepted) throws Exception {
        rig.sandbox.failNext(SandboxFault.hang(accepted));
        rig.drop("people.csv");
        rig.start();
        await().atMost(CrashRig.PATIENCE).until(() -> rig.sandbox.requests().stream()
                .anyMatch(request -> request.parts().size() == 1));
        rig.kill();
        assertEquals(accepted ? 1 : 0, imports());

        rig.start();
        rig.awaitContent();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @Tag("long")
    void aLargeFileIsImportedOnceThoughTheProcessDiedBeforeTheAnswer(boolean accepted) throws Exception {
        rig.sandbox.failNext(SandboxFault.hang(accepted));
        Path file = rig.drop("People", "people.csv", "name\n" + "Anna Andersson\n".repeat(2_000_000));
        rig.start();
        await().atMost(CrashRig.PATIENCE).until(() -> rig.sandbox.requests().stream()
                .anyMatch(request -> request.parts().size() == 1));
        rig.kill();
        assertEquals(
                List.of(Map.of("state", "sending", "sha256", new Hashes().of(file))),
                rig.oracle.rows("SELECT state, sha256 FROM csv_import_delivery"));

        rig.start();
        rig.awaitContent();
    }

    @Test
    void aFileIsImportedOnceThoughTheProcessDiedInTheMiddleOfItsBody() throws Exception {
        rig.sandbox.failNext(SandboxFault.hangAfter(100_000));
        // more than the buffers of a connection hold
        rig.drop("People", "people.csv", "name\n" + "Anna Andersson\n".repeat(2_000_000));
        rig.start();
        await().atMost(CrashRig.PATIENCE)
                .until(() -> rig.sandbox.requests().stream().anyMatch(request -> request.bodySize() >= 100_000));
        rig.kill();
        assertEquals(0, imports());
        assertEquals(
                1,
                rig.oracle
                        .rows("SELECT 1 FROM csv_import_delivery WHERE state = 'sending' AND sha256 IS NULL")
                        .size());

        rig.start();
        rig.awaitContent();
    }

    @Test
    @Tag("long")
    void aFileIsImportedOnceThoughTheProcessDiedTwiceBeforeItsAnswer() throws Exception {
        rig.sandbox.failNext(SandboxFault.hang(false), SandboxFault.hang(true));
        rig.drop("people.csv");
        for (int upload = 1; upload <= 2; upload++) {
            int n = upload;
            rig.start();
            await().atMost(CrashRig.PATIENCE)
                    .until(() -> rig.sandbox.requests().stream()
                                    .filter(request -> request.parts().size() == 1)
                                    .count()
                            == n);
            rig.kill();
        }

        rig.start();
        rig.awaitContent();
        assertEquals(2, uploads());
    }

    @ParameterizedTest(name = "before {0}")
    @ValueSource(strings = {"ask-all-imports", "judge-all-imports", "each-open-template"})
    @Tag("long")
    void anUploadThatIsLookedForIsFoundThoughTheProcessDiedMeanwhile(String step) throws Exception {
        rig.sandbox.failNext(SandboxFault.resetAtEnd(true));
        rig.drop("people.csv");
        killBefore("tracking/csv-import-reconcile", step);
        assertEquals(1, imports());

        rig.start();
        rig.awaitContent();
        assertEquals(1, uploads());
    }

    @ParameterizedTest
    @ValueSource(strings = {"settle-delivery", "answer-outcome"})
    @Tag("long")
    void aRejectedFileIsMovedWithItsReasonThoughTheProcessDiedBefore(String step) throws Exception {
        rig.drop("People", "empty.csv", new byte[0], true);
        killBefore("pipeline/csv-import", step);

        rig.start();
        rig.awaitContent();
    }

    @ParameterizedTest
    @ValueSource(strings = {"settle-delivery", "answer-outcome"})
    @Tag("long")
    void aDuplicateIsMovedThoughTheProcessDiedBefore(String step) throws Exception {
        rig.drop("People", "people.csv", "name\nAnna\n");
        rig.start();
        rig.awaitContent();
        rig.kill();
        rig.drop("People", "again.csv", "name\nAnna\n");
        killBefore("pipeline/csv-import", step);

        rig.start();
        rig.awaitContent();
    }

    @Test
    @Tag("long")
    void aMovedFileIsReleasedThoughTheProcessDiedBeforeItWroteThatDown() throws Exception {
        rig.drop("people.csv");
        rig.start();
        rig.awaitContent();
        rig.kill();
        update("UPDATE csv_import_delivery SET released_at = NULL, released_to = NULL");
        // the same name, another file: a delivery of its own
        rig.drop("people.csv");

        rig.start();
        rig.awaitContent();
    }

    @ParameterizedTest(name = "before {0}")
    @ValueSource(strings = {"delete-import", "end-void"})
    @Tag("long")
    void anImportIsVoidedThoughTheProcessDiedMeanwhile(String step) throws Exception {
        rig.drop("people.csv");
        rig.start();
        rig.awaitContent();
        rig.kill();
        setState("voiding");
        killBefore("tracking/csv-import-void", step);
        assertEquals(step.equals("end-void"), rig.sandbox.imports().get(0).voided());

        rig.start();
        await().atMost(CrashRig.PATIENCE).until(() -> events("csv-import.voided") == 1);
        assertTrue(rig.sandbox.imports().get(0).voided());
    }

    @Test
    @Tag("long")
    void theFailedRowsOfAnImportAreWrittenOnceThoughTheProcessDiedBeforeItWroteThatDown() throws Exception {
        rig.settings.put("CSV_IMPORT_TRACK_INTERVAL", "PT4S");
        Path file = rig.drop("People", "people.csv", "name\nAnna\ninvalid\n");
        Path imported = file.resolveSibling(".imported");
        rig.start();
        rig.awaitContent();
        await().atMost(CrashRig.PATIENCE).until(() -> events("csv-import.completed") == 1);
        rig.kill();
        update("DELETE FROM csv_import_event WHERE id LIKE '%/csv-import.completed/%'");
        update("UPDATE csv_import_event SET sent_at = NULL");
        Files.delete(rig.data.resolve("audit").resolve("csv-import-audit.jsonl"));
        update("UPDATE csv_import_delivery SET state = 'accepted', failed_rows = NULL, failed_rows_file = NULL,"
                + " track_at = settled_at");

        rig.start();
        await().atMost(CrashRig.PATIENCE).until(() -> !rig.oracle
                .rows("SELECT 1 FROM csv_import_delivery WHERE state = 'completed' AND failed_rows = 1")
                .isEmpty());
        rig.awaitContent();
        try (Stream<Path> files = Files.list(imported)) {
            assertEquals(2, files.count());
        }
    }

    private void setState(String state) throws SQLException {
        update("UPDATE csv_import_delivery SET state = '" + state + "'");
    }

    private void update(String sql) throws SQLException {
        try (Connection ledger = rig.oracle.connect();
                Statement statement = ledger.createStatement()) {
            statement.executeUpdate(sql);
        }
    }

    private long events(String type) throws IOException {
        Path audit = rig.data.resolve("audit").resolve("csv-import-audit.jsonl");
        return Files.readAllLines(audit).stream()
                .filter(line -> line.contains('"' + type + '"'))
                .count();
    }

    @Test
    void anEventThatTheAuditEndpointTookComesAgainTheSameWhenTheProcessDiedBeforeItsAnswer() throws Exception {
        List<String> events = new CopyOnWriteArrayList<>();
        CountDownLatch ended = new CountDownLatch(1);
        HttpServer endpoint = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        ExecutorService threads = Executors.newCachedThreadPool();
        endpoint.setExecutor(threads);
        endpoint.createContext("/audit", call -> {
            events.add(new String(call.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
            if (events.size() == 1) {
                awaitQuietly(ended);
            }
            call.sendResponseHeaders(204, -1);
            call.close();
        });
        endpoint.start();
        rig.close();
        rig = new CrashRig(directory, () -> events);
        rig.settings.put(
                "CSV_IMPORT_AUDIT_URI",
                "http://127.0.0.1:" + endpoint.getAddress().getPort() + "/audit");
        try {
            rig.drop("people.csv");
            rig.start();
            await().atMost(CrashRig.PATIENCE).until(() -> events.size() == 1);
            rig.kill();

            rig.start();
            rig.awaitContent();
            assertTrue(events.size() >= 2, () -> "sent: " + events);
        } finally {
            ended.countDown();
            endpoint.stop(0);
            threads.shutdown();
        }
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private int imports() {
        return rig.sandbox.imports().size();
    }

    private long uploads() {
        return rig.sandbox.requests().stream()
                .filter(request -> request.method().equals("POST"))
                .count();
    }

    /** Starts the process, and kills it when it has come to a step. */
    private void killBefore(String route, String step) throws Exception {
        rig.start(Map.of("CSV_IMPORT_ROUTES", routesHeldBefore(route, step)));
        held = hold.accept();
        rig.kill();
    }

    private void goOn() throws IOException {
        held.getOutputStream()
                .write("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        held.close();
    }

    /** A folder with an edited copy of a route, which has a step before the named one: a call that is not answered until the test does. */
    private String routesHeldBefore(String route, String step) throws IOException {
        Path copy = Files.createDirectories(directory.resolve("routes"));
        Path file = Distribution.routes().resolve(route + ".camel.yaml");
        List<String> lines = new ArrayList<>(Files.readAllLines(file));
        int named = indexOf(lines, "id: " + step);
        int begin = named;
        while (!lines.get(begin).strip().startsWith("- ")) {
            begin--;
        }
        String indent = lines.get(begin).substring(0, lines.get(begin).indexOf('-'));
        lines.addAll(
                begin,
                Stream.of(
                                "- to:",
                                "    id: hold-for-test",
                                "    uri: http://127.0.0.1:" + hold.getLocalPort() + "/" + step,
                                "    parameters:",
                                "      httpMethod: GET",
                                "      skipRequestHeaders: true")
                        .map(line -> indent + line)
                        .toList());
        Files.write(copy.resolve(file.getFileName()), lines);
        return copy.toString();
    }

    private static int indexOf(List<String> lines, String text) {
        for (int i = 0; i < lines.size(); i++) {
            if (lines.get(i).matches("(.*[{\\s])?" + text + "([,\\s}].*)?")) {
                return i;
            }
        }
        throw new AssertionError("there is no step '" + text + "'");
    }
}
