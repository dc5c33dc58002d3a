package io.csvimport.operations;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.csvimport.Installation;
import io.csvimport.Manual;
import io.csvimport.operations.Operator.Answer;
import io.csvimport.sandbox.SandboxFault;
import io.csvimport.sandbox.SandboxImport;
import io.csvimport.sandbox.SandboxRequest;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The operations over HTTP, each called rightly and wrongly. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class OperationsTest {

    private static final AtomicInteger NEXT = new AtomicInteger();

    private Installation product;
    private Operator operator;
    private int port;

    @BeforeAll
    void start(@TempDir Path directory) throws IOException {
        product = new Installation(directory)
                .with("CSV_IMPORT_RECONCILE_WAIT", "PT0S")
                .with("CSV_IMPORT_RECONCILE_NOT_FOUND", "hold")
                .with("CSV_IMPORT_TRACK_ENABLED", "false")
                .with("CSV_IMPORT_FILE_QUIET_AFTER_GROWTH", "PT5S");
        port = product.managementPort();
        product.start("-Xmx128m");
        product.awaitReady();
        operator = new Operator(port);
    }

    @AfterAll
    void stop() {
        product.close();
    }

    @AfterEach
    void mend() {
        product.sandbox().failAll(null);
        product.sandbox().failList(null);
        product.sandbox().failPreview(null);
        product.sandbox().failVoid(null);
    }

    /** A name that no other test has. */
    private static String name() {
        return "file-" + NEXT.incrementAndGet() + ".csv";
    }

    private JsonNode find(String query) {
        try {
            return operator.get("/csv-imports?" + query).json().get("results");
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private void assertProblem(int status, String part, Answer answer) {
        assertAll(
                () -> assertEquals(status, answer.status(), answer.http().body()),
                () -> assertEquals("application/problem+json", answer.header("Content-Type")),
                () -> assertEquals(status, answer.json().path("status").asInt()),
                () -> assertEquals("about:blank", answer.text("type")),
                () -> assertFalse(answer.text("title").isEmpty()),
                () -> assertTrue(answer.text("detail").contains(part), answer.text("detail")),
                () -> assertFalse(
                        answer.http().body().contains("\tat "), answer.http().body()));
    }

    /** Drops a file that waits for ten minutes. */
    private JsonNode waiting(String name) throws IOException {
        product.sandbox().failNext(SandboxFault.status(503, false, Map.of("Retry-After", "600")));
        product.drop("inbox/" + name.replace(".csv", "") + "/" + name);
        return product.awaitJob(name, "waiting");
    }

    private JsonNode held(String name) throws IOException {
        product.sandbox().failNext(SandboxFault.status(500));
        product.drop("inbox/" + name.replace(".csv", "") + "/" + name);
        return product.awaitJob(name, "held");
    }

    // GET /csv-imports

    @Test
    void theListHasTheNewestJobFirstAndTellsWhatBecameOfIt() throws Exception {
        String first = name();
        String second = name();
        product.drop("inbox/Listed/" + first);
        product.awaitJob(first, "accepted");
        product.drop("inbox/Listed/" + second);
        product.awaitJob(second, "accepted");

        Answer list = operator.get("/csv-imports?template=Listed");
        JsonNode newest = list.json().get("results").get(0);
        assertAll(
                () -> assertEquals(200, list.status()),
                () -> assertEquals("application/json", list.header("Content-Type")),
                () -> assertEquals(2, list.json().get("count").asInt()),
                () -> assertEquals(second, newest.path("fileName").asText()),
                () -> assertEquals("file", newest.path("from").asText()),
                () -> assertEquals("accepted", newest.path("state").asText()),
                () -> assertEquals("Listed", newest.path("template").asText()),
                () -> assertEquals(
                        product.imports(second).get(0).id(),
                        newest.path("importId").asText()));
    }

    @Test
    void theListIsFilteredByEachOfItsParametersAndPaged() throws Exception {
        String name = name();
        product.drop("inbox/Filtered/" + name);
        String importId = product.awaitJob(name, "accepted").path("importId").asText();
        for (int i = 0; i < 3; i++) {
            String other = name();
            product.drop("inbox/Filtered/" + other);
            product.awaitJob(other, "accepted");
        }
        assertEquals(name, find("importId=" + importId).get(0).path("fileName").asText());
        assertEquals(0, find("template=Filtered&from=sftp").size());
        assertEquals(4, find("template=Filtered&state=accepted&from=file").size());
        Answer last = operator.get("/csv-imports?template=Filtered&size=3&page=2");
        assertEquals(4, last.json().path("count").asInt());
        assertEquals(1, last.json().get("results").size());
        assertEquals(name, last.json().get("results").get(0).path("fileName").asText());
    }

    @Test
    void aWaitingFileIsListedWithItsReasonAndItsNextAttempt() throws Exception {
        JsonNode job = waiting(name());
        assertAll(
                () -> assertEquals("http-503", job.path("reason").asText()),
                () -> assertTrue(job.path("nextAttemptAt")
                                .asText()
                                .compareTo(job.path("sendingAt").asText())
                        > 0),
                () -> assertEquals(1, job.path("attempts").asInt()));
    }

    @Test
    void anUploadThatIsUnderWaySaysHowFarItIs() throws Exception {
        String name = name();
        byte[] large = "0123456789abcde\n".repeat(1 << 20).getBytes(StandardCharsets.UTF_8);
        product.sandbox().failNext(SandboxFault.hangAfter(1 << 20));
        Path whole = Files.write(product.path(name), large);
        Files.move(whole, Files.createDirectories(product.path("inbox/Large")).resolve(name));
        String job = product.awaitJob(name, "sending").path("job").asText();
        product.awaitUntil("bytes are sent", () -> {
            long sent =
                    operator.get("/csv-imports/" + job).json().path("bytesSent").asLong();
            return sent >= 1 << 19 && sent < large.length;
        });
        product.sandbox().disconnect();
        product.sandbox().reconnect();
        product.awaitJob(name, "held");
        assertFalse(operator.get("/csv-imports/" + job).json().has("bytesSent"));
    }

    @ParameterizedTest
    @CsvSource({
        "page=abc, page",
        "page=0, page",
        "size=1001, size",
        "size=, ''",
        "state=lost, state",
        "stat=held, stat",
        "page=1&page=2, twice",
        "template=%zz, ''",
    })
    void aWrongParameterIsAProblemThatNamesIt(String query, String part) throws Exception {
        Answer answer = operator.get("/csv-imports?" + query.replace("%zz", "%25zz"));
        if (part.isEmpty()) {
            assertEquals(200, answer.status(), "an empty parameter is none, and a percent sign may be meant");
        } else {
            assertProblem(400, part, answer);
        }
    }

    // GET /csv-imports/{id}

    @Test
    void oneJobIsFoundByItsNumberAndByItsImportId() throws Exception {
        String name = name();
        product.drop("inbox/Found/" + name);
        JsonNode job = product.awaitJob(name, "accepted");
        for (String id : List.of(job.path("job").asText(), job.path("importId").asText())) {
            Answer found = operator.get("/csv-imports/" + id);
            assertEquals(200, found.status());
            assertEquals(name, found.text("fileName"));
        }
    }

    @Test
    void whereANumberIsAJobAndTheImportIdOfAnotherBothAreToldAndNothingIsDone() throws Exception {
        JsonNode job = waiting(name());
        String id = job.path("job").asText();
        String name = name();
        JsonNode other = waiting(name);
        String otherJob = other.path("job").asText();
        assertEquals(
                200,
                operator.post("/csv-imports/" + otherJob + "/settle?importId=" + id)
                        .status());
        for (Answer answer : List.of(
                operator.get("/csv-imports/" + id),
                operator.post("/csv-imports/" + id + "/retry"),
                operator.post("/csv-imports/" + id + "/settle?importId=4713"),
                operator.call("DELETE", "/csv-imports/" + id, new byte[0]),
                operator.call("DELETE", "/csv-imports/" + id + "?force=true", new byte[0]))) {
            assertProblem(409, "by=job", answer);
            assertEquals(List.of(id, otherJob), answer.json().path("results").findValuesAsText("job"));
        }
        assertEquals("waiting", operator.get("/csv-imports/" + id + "?by=job").text("state"));
        assertEquals(otherJob, operator.get("/csv-imports/" + id + "?by=import").text("job"));
        assertProblem(400, "by", operator.get("/csv-imports/" + id + "?by=name"));
        Answer voided = operator.call("DELETE", "/csv-imports/" + id + "?by=import", new byte[0]);
        assertEquals(otherJob, voided.text("job"), voided.http().body());
        assertEquals(202, operator.post("/csv-imports/" + id + "/retry?by=job").status());
    }

    @ParameterizedTest
    @CsvSource({
        "GET, /csv-imports/999999",
        "GET, /csv-imports/no-such-import",
        "POST, /csv-imports/999999/retry",
        "POST, /csv-imports/999999/settle?importId=17",
    })
    void whatTheLedgerDoesNotKnowIsNotFound(String method, String path) throws Exception {
        assertProblem(404, "ledger", operator.call(method, path, new byte[0]));
    }

    @ParameterizedTest
    @ValueSource(strings = {"/csv-import", "/csv-imports/1/2/3", "/observe/nothing"})
    void anUnknownPathIsAProblem(String path) throws Exception {
        assertProblem(404, "/openapi.json", operator.get(path));
    }

    @Test
    void aWrongMethodIsAProblemThatNamesTheRightOnes() throws Exception {
        Answer answer = operator.call("PUT", "/csv-imports", new byte[0]);
        assertProblem(405, "Allow", answer);
        assertEquals("GET, HEAD, POST", answer.header("Allow"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"/", "/desk/files", "/csv-imports", "/openapi.json"})
    void whatCanBeReadAnswersToHeadWithItsStatusAndWithoutABody(String path) throws Exception {
        Answer answer = operator.call("HEAD", path, new byte[0]);
        assertEquals(200, answer.status());
        assertEquals(operator.get(path).header("Content-Type"), answer.header("Content-Type"));
        assertEquals("", answer.http().body());
        boolean isOfTheDesk = path.equals("/") || path.startsWith("/desk");
        assertEquals(isOfTheDesk ? "no-store" : "", answer.header("Cache-Control"));
    }

    @Test
    void headHasTheStatusOfAProblemToo() throws Exception {
        assertProblem(404, "ledger", operator.get("/csv-imports/999999"));
        assertEquals(
                404, operator.call("HEAD", "/csv-imports/999999", new byte[0]).status());
    }

    // POST /csv-imports

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "text/csv",
                "text/csv; charset=utf-16",
                "application/x-www-form-urlencoded",
                "application/json",
                "no type at all"
            })
    void aPostedCsvIsImportedByteForByteWhateverItsTypeIsSaidToBe(String type) throws Exception {
        String name = name();
        byte[] csv = ("Näme,a=b&c=%41\r\nÄnna," + name + "\r\n").getBytes(StandardCharsets.ISO_8859_1);
        String[] headers = type.isEmpty() ? new String[0] : new String[] {"Content-Type", type};
        Answer taken = operator.call(
                "POST", "/csv-imports?template=Posted&notify=hr%40example.com&fileName=" + name, csv, headers);
        assertEquals(202, taken.status(), taken.http().body());
        String job = taken.text("job");
        assertEquals("/csv-imports/" + job, taken.header("Location"));

        JsonNode done = product.awaitJob(name, "accepted");
        SandboxRequest upload = product.uploads().stream()
                .filter(request -> name.equals(request.fileName()))
                .findFirst()
                .orElseThrow();
        assertAll(
                () -> assertArrayEquals(csv, upload.file()),
                () -> assertEquals(job, done.path("job").asText()),
                () -> assertEquals("http", done.path("from").asText()),
                () -> assertEquals("hr@example.com", done.path("notify").get(0).asText()),
                () -> assertEquals("Posted", product.imports(name).get(0).template()));
    }

    @Test
    void aHeaderOfTheRequestNamesNothing() throws Exception {
        String name = name();
        byte[] csv = ("a\n" + name + "\n").getBytes(StandardCharsets.UTF_8);
        Answer taken = operator.call(
                "POST",
                "/csv-imports?template=Query&fileName=" + name,
                csv,
                "template",
                "Header",
                "fileName",
                "header.csv",
                "csvImportDuplicates",
                "import",
                "CamelHttpUri",
                "http://127.0.0.1:9");
        assertEquals(202, taken.status());
        product.awaitJob(name, "accepted");
        assertEquals("Query", product.imports(name).get(0).template());
    }

    @Test
    void aCsvWithoutANameIsNamedAfterItsJob() throws Exception {
        Answer taken = operator.call(
                "POST", "/csv-imports?template=Posted", ("a\n" + name() + "\n").getBytes(StandardCharsets.UTF_8));
        assertEquals(taken.text("job") + ".csv", taken.text("fileName"));
        product.awaitImport(taken.text("job") + ".csv");
    }

    @ParameterizedTest
    @CsvSource({
        "'', a, no-template",
        "template=P, '', empty",
        "template=P&fileName=..%2Fup.csv, a, file-name",
        "template=P&notify=nobody, a, notify",
        "template=P%0Aq, a, template",
        "template=P&fileName=nul.csv, '\0', no-text",
    })
    void badInputIsRefusedAtOnceAndHasItsAuditEvent(String query, String csv, String reason) throws Exception {
        int uploads = product.uploads().size();
        Answer refused = operator.call("POST", "/csv-imports?" + query, csv.getBytes(StandardCharsets.UTF_8));
        assertProblem(422, "", refused);
        assertEquals(reason, refused.text("reason"));
        product.awaitUntil("its release", () -> !operator.get("/csv-imports/" + refused.text("job"))
                .text("releasedAt")
                .isEmpty());
        assertEquals(
                "rejected", operator.get("/csv-imports/" + refused.text("job")).text("state"));
        product.awaitUntil("its event", () -> Files.readString(product.path("data/audit/csv-import-audit.jsonl"))
                .contains("\"" + refused.text("job") + "/csv-import.rejected/1\""));
        assertEquals(uploads, product.uploads().size());
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aCsvOfMoreThanTenMegabytesIsSentToTheInbox(boolean sizeIsSaid) throws Exception {
        Process curl = new ProcessBuilder(
                        "curl",
                        "-s",
                        "-H",
                        sizeIsSaid ? "Expect:" : "Transfer-Encoding: chunked",
                        "--data-binary",
                        "@-",
                        "http://127.0.0.1:" + port + "/csv-imports?template=Large")
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        try (var out = curl.getOutputStream()) {
            out.write(new byte[(10 << 20) + 1]);
        }
        JsonNode problem = new ObjectMapper().readTree(curl.getInputStream());
        assertEquals(413, problem.path("status").asInt());
        assertTrue(problem.path("detail").asText().contains("inbox"));
    }

    @Test
    void aCsvOfTenMegabytesIsTaken() throws Exception {
        String name = name();
        byte[] csv = "x".repeat(10 << 20).getBytes(StandardCharsets.UTF_8);
        assertEquals(
                202,
                operator.call("POST", "/csv-imports?template=Large&fileName=" + name, csv)
                        .status());
        product.awaitJob(name, "accepted");
    }

    @ParameterizedTest
    @CsvSource({"Content-Type, multipart/form-data; boundary=x", "Content-Encoding, gzip"})
    void whatIsNotTheCsvItselfIsRefused(String header, String value) throws Exception {
        assertProblem(
                415, "multipart", operator.call("POST", "/csv-imports?template=P", new byte[] {'a'}, header, value));
        assertFalse(Files.exists(product.path("file-uploads")));
    }

    // retry and settle

    @Test
    void aWaitingFileGoesOnNow() throws Exception {
        String name = name();
        String job = waiting(name).path("job").asText();
        assertEquals(202, operator.post("/csv-imports/" + job + "/retry").status());
        product.awaitJob(name, "accepted");
        product.awaitFile("inbox/" + name.replace(".csv", "") + "/.imported/" + name);
    }

    @Test
    void aRetryDoesNotHurryWhatElseWaits() throws Exception {
        String other = name();
        waiting(other);
        String name = name();
        String job = waiting(name).path("job").asText();
        operator.post("/csv-imports/" + job + "/retry");
        product.awaitJob(name, "accepted");
        assertEquals("waiting", product.awaitJob(other, "waiting").path("state").asText());
        assertEquals(
                1,
                product.uploads().stream()
                        .filter(upload -> other.equals(upload.fileName()))
                        .count());
    }

    @Test
    void aHeldFileIsUploadedAgain() throws Exception {
        String name = name();
        String job = held(name).path("job").asText();
        assertEquals(202, operator.post("/csv-imports/" + job + "/retry").status());
        JsonNode done = product.awaitJob(name, "accepted");
        assertEquals(2, done.path("attempts").asInt());
        product.awaitFile("inbox/" + name.replace(".csv", "") + "/.imported/" + name);
    }

    @Test
    void aHeldFileIsSettledByTheImportIdThatAPersonHasFound() throws Exception {
        String name = name();
        String job = held(name).path("job").asText();
        Answer settled = operator.post("/csv-imports/" + job + "/settle?importId=4711" + job);
        assertEquals(200, settled.status(), settled.http().body());
        assertEquals("accepted", settled.text("state"));
        product.awaitFile("inbox/" + name.replace(".csv", "") + "/.imported/" + name);
        JsonNode event = product.awaitAudit("csv-import.accepted", name);
        assertEquals("4711" + job, event.path("subject").asText());
        assertTrue(event.path("data").path("reconciled").asBoolean());
        assertProblem(409, "accepted", operator.post("/csv-imports/" + job + "/settle?importId=4711" + job));
    }

    @Test
    void aWaitingFileIsSettledToo() throws Exception {
        String name = name();
        String job = waiting(name).path("job").asText();
        assertEquals(
                200,
                operator.post("/csv-imports/" + job + "/settle?importId=4712" + job)
                        .status());
        product.awaitFile("inbox/" + name.replace(".csv", "") + "/.imported/" + name);
    }

    @Test
    void anUnknownOutcomeIsSettledAndNotRetried() throws Exception {
        String name = name();
        product.sandbox().failList(SandboxFault.status(503));
        product.sandbox().failNext(SandboxFault.status(500));
        product.drop("inbox/" + name.replace(".csv", "") + "/" + name);
        String job = product.awaitJob(name, "unknown").path("job").asText();
        assertProblem(409, "import list", operator.post("/csv-imports/" + job + "/retry"));
        assertEquals(
                200,
                operator.post("/csv-imports/" + job + "/settle?importId=4713" + job)
                        .status());
        product.awaitFile("inbox/" + name.replace(".csv", "") + "/.imported/" + name);
    }

    @Test
    void whatIsSettledIsInConflict() throws Exception {
        String name = name();
        product.drop("inbox/Settled/" + name);
        JsonNode job = product.awaitJob(name, "accepted");
        assertProblem(
                409, "accepted", operator.post("/csv-imports/" + job.path("job").asText() + "/retry"));
        String held = held(name()).path("job").asText();
        assertProblem(
                409,
                "job " + job.path("job").asText(),
                operator.post("/csv-imports/" + held + "/settle?importId="
                        + job.path("importId").asText()));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"settle", "settle?importId=", "settle?importId=none", "settle?importId=a%0Ab1", "retry?now=1"})
    void anIncompleteOrUnknownWishIsAProblem(String wish) throws Exception {
        String name = name();
        product.drop("inbox/Wish/" + name);
        String job = product.awaitJob(name, "accepted").path("job").asText();
        assertProblem(400, "parameter", operator.post("/csv-imports/" + job + "/" + wish));
    }

    // preview and void

    @Test
    void aPreviewAnswersWhatTheApiWouldMakeOfTheCsvAndImportsNothing() throws Exception {
        int imports = product.sandbox().imports().size();
        Answer preview = operator.call(
                "POST",
                "/csv-imports/preview?template=Previewed&fileName=p.csv",
                "a,b\n1,2\n".getBytes(StandardCharsets.UTF_8),
                "Content-Type",
                "application/x-www-form-urlencoded");
        assertAll(
                () -> assertEquals(200, preview.status(), preview.http().body()),
                () -> assertEquals("application/json", preview.header("Content-Type")),
                () -> assertTrue(preview.json().path("statements").has("2")),
                () -> assertTrue(preview.json().has("failedRows")),
                () -> assertEquals(imports, product.sandbox().imports().size()));
    }

    @Test
    void aPreviewThatCannotBeHadIsAProblem() throws Exception {
        byte[] csv = "a\n".getBytes(StandardCharsets.UTF_8);
        assertProblem(422, "template", operator.call("POST", "/csv-imports/preview", csv));
        assertProblem(422, "empty", operator.post("/csv-imports/preview?template=P"));
        assertProblem(400, "notify", operator.call("POST", "/csv-imports/preview?notify=a", csv));
        product.sandbox().failPreview(SandboxFault.status(503));
        Answer away = operator.call("POST", "/csv-imports/preview?template=P", csv);
        assertProblem(503, "again", away);
        assertTrue(away.header("Retry-After").matches("[1-9]\\d*"), away.header("Retry-After"));
    }

    @Test
    void anImportIsVoidedByItsJobOrItsImportIdAndTheSameBytesMayComeAgain() throws Exception {
        String name = name();
        byte[] csv = ("a\n" + name + "\n").getBytes(StandardCharsets.UTF_8);
        for (String id : List.of("job", "importId")) {
            operator.call("POST", "/csv-imports?template=Voided&fileName=" + name, csv);
            JsonNode accepted = product.awaitJob(name, "accepted");
            Answer voided =
                    operator.call("DELETE", "/csv-imports/" + accepted.path(id).asText(), new byte[0]);
            assertEquals(200, voided.status(), voided.http().body());
            assertEquals("voided", voided.text("state"));
            assertTrue(product.imports(name).stream().allMatch(SandboxImport::voided));
        }
        product.awaitAudit("csv-import.voided", name);
    }

    @Test
    void whatTheLedgerDoesNotKnowIsVoidedOnlyByForce() throws Exception {
        assertProblem(404, "ledger", operator.call("DELETE", "/csv-imports/4711471147", new byte[0]));
        assertProblem(400, "force", operator.call("DELETE", "/csv-imports/4711471147?force=yes", new byte[0]));
        Answer forced = operator.call("DELETE", "/csv-imports/4711471147?force=true", new byte[0]);
        assertEquals(200, forced.status(), forced.http().body());
        assertEquals("4711471147", forced.text("importId"));
    }

    @Test
    void whatIsNoImportIsNotVoided() throws Exception {
        String job = waiting(name()).path("job").asText();
        assertProblem(409, "", operator.call("DELETE", "/csv-imports/" + job, new byte[0]));
        assertEquals("waiting", operator.get("/csv-imports/" + job).text("state"));
    }

    @Test
    void aVoidGoesOnByItselfWhileTheApiIsAway() throws Exception {
        String name = name();
        product.drop("inbox/Voiding/" + name);
        String job = product.awaitJob(name, "accepted").path("job").asText();
        product.sandbox().failVoid(SandboxFault.status(503));
        Answer begun = operator.call("DELETE", "/csv-imports/" + job, new byte[0]);
        assertEquals(202, begun.status(), begun.http().body());
        assertEquals("voiding", begun.text("state"));
        product.sandbox().failVoid(null);
        product.awaitJob(name, "voided");
    }

    // the server

    @Test
    @Tag("long")
    void twentyCsvsOfNineMegabytesAreTakenAtATimeWithLittleMemory() throws Exception {
        byte[] csv = "name,course\n".repeat(9 * (1 << 20) / 12).getBytes(StandardCharsets.UTF_8);
        List<String> names = Stream.generate(OperationsTest::name).limit(20).toList();
        ExecutorService pool = Executors.newFixedThreadPool(20);
        try {
            List<Callable<Integer>> calls = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                String name = names.get(i);
                byte[] own = csv.clone();
                own[0] = (byte) ('A' + i);
                calls.add(() -> operator.call("POST", "/csv-imports?template=Large&fileName=" + name, own)
                        .status());
            }
            for (Future<Integer> status : pool.invokeAll(calls)) {
                assertEquals(202, status.get());
            }
        } finally {
            pool.shutdown();
        }
        names.forEach(name -> product.awaitJob(name, "accepted"));
    }

    @Test
    void aLongListOfAddressesIsTakenAndALongerQueryIsAProblem() throws Exception {
        String addresses = IntStream.range(0, 500)
                .mapToObj(i -> "somebody" + i + "@example.com")
                .collect(Collectors.joining(","));
        String name = name();
        Answer taken = operator.call(
                "POST", "/csv-imports?template=Notified&fileName=" + name + "&notify=" + addresses, new byte[] {'a'});
        assertEquals(202, taken.status(), taken.http().body());
        assertEquals(500, taken.json().path("notify").size());
        product.awaitJob(name, "accepted");
        assertProblem(414, "65536", operator.get("/csv-imports?template=" + "x".repeat(70_000)));
        assertProblem(431, "32768", operator.get("/csv-imports", "X-Large", "x".repeat(40_000)));
    }

    @Test
    void manyIdleConnectionsKeepNobodyOut() throws Exception {
        List<Socket> idle = new ArrayList<>();
        try {
            for (int i = 0; i < 3 * ConnectionLimits.MOST; i++) {
                idle.add(new Socket("127.0.0.1", port));
            }
            assertEquals(200, product.get("/observe/health/live").statusCode());
            idle.get(0).setSoTimeout(10_000);
            assertEquals(-1, idle.get(0).getInputStream().read());
        } finally {
            for (Socket socket : idle) {
                socket.close();
            }
        }
    }

    @Test
    @Tag("long")
    void aConnectionThatSendsHalfARequestIsClosed() throws Exception {
        for (String half : List.of(
                "",
                "GET /observe",
                "POST /csv-imports?template=Half HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\na")) {
            try (Socket socket = new Socket("127.0.0.1", port)) {
                socket.setSoTimeout(60_000);
                socket.getOutputStream().write(half.getBytes(StandardCharsets.US_ASCII));
                assertEquals(-1, socket.getInputStream().read(), half);
            }
        }
    }

    // the manual

    @TestFactory
    Stream<DynamicTest> everyCallOfTheManualIsAnswered() throws IOException {
        Files.writeString(product.path("people.csv"), "a,b\n1,2\n");
        List<String> calls = Manual.lines()
                .filter(line -> line.startsWith("curl "))
                .distinct()
                .toList();
        assertEquals(8, calls.size());
        return calls.stream()
                .map(call -> DynamicTest.dynamicTest(call, () -> {
                    String name = name();
                    JsonNode job;
                    if (call.contains("/settle")) {
                        job = held(name);
                    } else if (call.contains("/retry")) {
                        job = waiting(name);
                    } else {
                        product.drop("inbox/Manual/" + name);
                        job = product.awaitJob(name, "accepted");
                    }
                    String command =
                            call.replace("/17", "/" + job.path("job").asText()).replace(":9876", ":" + port);
                    Process curl = new ProcessBuilder("bash", "-c", command + " -s -o answer.json -w '%{http_code}'")
                            .directory(product.path("").toFile())
                            .start();
                    String status = new String(curl.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
                    assertTrue(status.startsWith("2"), () -> status + ": " + command);
                    // no fault of the next call is for this one's file
                    if (call.contains("/retry")) {
                        product.awaitJob(name, "accepted");
                    } else if (call.contains("/csv-imports?template=People")) {
                        product.awaitImport("people.csv");
                    }
                }));
    }

    // the document

    @Test
    void theOpenApiDocumentIsServed() throws Exception {
        Answer document = operator.get("/openapi.json");
        assertEquals(200, document.status());
        assertEquals("application/json", document.header("Content-Type"));
        assertEquals(
                Files.readString(Path.of("src/main/resources/META-INF/csv-import/openapi.json")),
                document.http().body());
    }

    // who may ask

    @Test
    void aWebPageOfAnotherOriginIsRefused() throws Exception {
        assertProblem(403, "origins", operator.post("/csv-imports/1/retry", "Origin", "https://evil.example"));
        assertProblem(403, "origins", operator.get("/csv-imports", "Origin", "null"));
        assertProblem(403, "origins", operator.post("/csv-imports/1/retry", "Sec-Fetch-Site", "cross-site"));
        assertEquals(
                200,
                operator.get("/csv-imports", "Origin", "http://127.0.0.1:" + port)
                        .status());
    }

    @Test
    void aForeignNameThatLeadsHereIsRefused() throws Exception {
        assertTrue(
                raw("GET /csv-imports HTTP/1.1\r\nHost: evil.example:" + port).startsWith("HTTP/1.1 403"));
        assertTrue(raw("GET /csv-imports HTTP/1.1\r\nHost: localhost:" + port).startsWith("HTTP/1.1 200"));
        assertTrue(raw("GET /observe/health HTTP/1.1\r\nHost: evil.example:" + port)
                .startsWith("HTTP/1.1 200"));
        assertTrue(raw("GET /observe/../csv-imports HTTP/1.1\r\nHost: evil.example")
                .startsWith("HTTP/1.1 403"));
    }

    private String raw(String request) throws IOException {
        try (Socket socket = new Socket("127.0.0.1", port)) {
            socket.getOutputStream()
                    .write((request + "\r\nConnection: close\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
