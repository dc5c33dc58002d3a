package io.csvimport.pipeline;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.csvimport.CsvImportTestSupport;
import io.csvimport.CsvImportUnsettledException;
import io.csvimport.api.Pace;
import io.csvimport.sandbox.SandboxFault;
import io.csvimport.sandbox.SandboxRequest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.camel.Exchange;
import org.apache.camel.Processor;
import org.apache.camel.support.PluginHelper;
import org.apache.camel.support.ResourceHelper;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What becomes of a file, by what the API answers to its upload. */
class OutcomeTest extends CsvImportTestSupport {

    private static final HttpClient ELSEWHERE = HttpClient.newHttpClient();

    @Test
    void anAcceptedFileIsMovedToImportedAndItsIdReachesTheAuditTrail() throws Exception {
        Path file = drop("People/people.csv", CSV);
        Path imported = awaitIn(".imported", file);
        assertEquals(CSV, Files.readString(imported));
        JsonNode event = awaitEvent("accepted", "people.csv");
        assertEquals(sandbox.imports().get(0).id(), event.at("/data/importId").asText());
        assertFalse(event.at("/data/reconciled").asBoolean());
    }

    // duplicates

    @Test
    void theSameBytesForTheSameTemplateAreADuplicateAndForAnotherTemplateAreNot() throws Exception {
        awaitIn(".imported", drop("People/first.csv", CSV));
        Path duplicate = drop("People/second.csv", CSV);
        awaitIn(".duplicate", duplicate);
        awaitIn(".imported", drop("Courses/third.csv", CSV));
        assertEquals(List.of("first.csv", "third.csv"), importedNames());
        JsonNode event = awaitEvent("duplicate", "second.csv");
        assertEquals(importOf("first.csv").id(), event.at("/data/importId").asText());
        assertEquals(importOf("first.csv").id(), event.get("subject").asText());
    }

    @Test
    void theSameBytesAgainWhileTheFirstIsOpenWaitForItsFateAndAreItsDuplicate() throws Exception {
        sandbox.failList(SandboxFault.status(503));
        sandbox.failNext(SandboxFault.resetAtEnd(true));
        Path first = drop("People/first.csv", CSV);
        awaitState("first.csv", "unknown");
        Path second = drop("People/second.csv", CSV);
        // another feed, which does not wait in the same line
        assertTrue(sendCsv("People", "third.csv", CSV, Map.of()).isFailed());
        assertTrue(Files.exists(second));
        sandbox.failList(null);
        awaitIn(".imported", first);
        awaitIn(".duplicate", second);
        awaitThat(() -> "duplicate"
                .equals(sendCsv("People", "third.csv", CSV, Map.of())
                        .getMessage()
                        .getHeader("csvImportOutcome")));
        assertEquals(List.of("first.csv"), importedNames());
        assertEquals(1, uploads().size());
        String id = importOf("first.csv").id();
        assertEquals(
                id, awaitEvent("duplicate", "second.csv").at("/data/importId").asText());
        assertEquals(
                id, awaitEvent("duplicate", "third.csv").at("/data/importId").asText());
    }

    @Test
    @With("duplicates=import")
    void whereDuplicatesAreImportedTheSameBytesAreUploadedAgain() {
        awaitIn(".imported", drop("People/first.csv", CSV));
        awaitIn(".imported", drop("People/second.csv", CSV));
        assertEquals(List.of("first.csv", "second.csv"), importedNames());
    }

    @Test
    @With("duplicates=import")
    void theHeaderSkipSeesWhatWasImportedUnderTheSettingImport() {
        assertEquals("accepted", outcome("People", "first.csv", CSV, Map.of()));
        assertEquals("duplicate", outcome("People", "second.csv", CSV, Map.of("csvImportDuplicates", "skip")));
        assertEquals(1, uploads().size());
    }

    @Test
    void theHeaderCsvImportDuplicatesWinsOverTheSetting() {
        assertEquals("accepted", outcome("People", "first.csv", CSV, Map.of()));
        assertEquals("accepted", outcome("People", "second.csv", CSV, Map.of("csvImportDuplicates", "import")));
        assertEquals("duplicate", outcome("People", "third.csv", CSV, Map.of()));
        assertEquals(List.of("first.csv", "second.csv"), importedNames());
    }

    // rejected

    @Test
    void aRefusalOfTheContentRejectsTheFileAndTheSameBytesMayComeAgain() throws Exception {
        List<Integer> statuses = List.of(400, 413, 415, 422);
        for (int status : statuses) {
            sandbox.failNext(SandboxFault.status(status));
            Path rejected = awaitIn(".rejected", drop("People/refused-" + status + ".csv", CSV + status));
            JsonNode reason = JSON.readTree(rejected.resolveSibling(rejected.getFileName() + ".reason.json")
                    .toFile());
            assertEquals(status, reason.get("httpStatus").asInt());
            assertTrue(reason.get("detail").asText().contains("a fault on demand"), reason.toString());
            JsonNode event = awaitEvent("rejected", "refused-" + status + ".csv");
            assertEquals(reason.get("reason"), event.at("/data/reason"));
        }
        assertEquals(statuses, uploads().stream().map(SandboxRequest::status).toList());
        awaitIn(".imported", drop("People/again.csv", CSV + 400));
    }

    @ParameterizedTest
    @ValueSource(ints = {400, 415, 422})
    void aRefusalOfTheContentRejectsTheFileWhateverPauseItAsksFor(int status) {
        sandbox.failNext(SandboxFault.status(status, false, Map.of("Retry-After", "7")));
        awaitIn(".rejected", drop("People/refused.csv", CSV));
    }

    // waiting

    @Test
    @With("parallel=20")
    void aRefusalThatMayPassLetsTheFileWaitAndItIsImportedOnceTheApiTakesIt() throws Exception {
        List<Integer> statuses = List.of(301, 302, 308, 401, 403, 404, 405, 407, 408, 409, 418, 425, 429, 503);
        statuses.forEach(status -> sandbox.failNext(SandboxFault.status(status)));
        sandbox.failAll(SandboxFault.status(503));
        List<Path> files = statuses.stream()
                .map(status -> drop("Template " + status + "/file-" + status + ".csv", CSV + status))
                .toList();
        awaitThat(() -> firstAnswers().size() == statuses.size());
        awaitThat(() -> rows("SELECT job FROM csv_import_delivery WHERE state = 'waiting'")
                        .size()
                == statuses.size());
        // a first answer may be the 503 of all, where another file was faster with its second
        assertEquals(
                new TreeSet<>(statuses),
                uploads().stream()
                        .map(SandboxRequest::status)
                        .filter(status -> status != 0)
                        .collect(Collectors.toCollection(TreeSet::new)));
        assertTrue(files.stream().allMatch(Files::exists));
        assertEquals(List.of(), sandbox.imports());
        assertEquals(List.of(), rows("SELECT id FROM csv_import_event"));

        sandbox.failAll(null);
        files.forEach(file -> awaitIn(".imported", file));
        assertEquals(statuses.size(), sandbox.imports().size());
        assertEquals(List.of(), rows("SELECT job FROM csv_import_delivery WHERE reconciled = 1"));
    }

    @ParameterizedTest
    @ValueSource(ints = {401, 403, 404, 409, 500})
    @With("max-attempts=2")
    void aFileThatTheApiRefusesForItselfAloneIsHeldAndLaterFilesGoOn(int status) throws Exception {
        sandbox.failNext(SandboxFault.status(status), SandboxFault.status(status));
        Path poison = drop("People/poison.csv", CSV);
        JsonNode held = awaitEvent("held", "poison.csv");
        assertEquals("http-" + status, held.at("/data/reason").asText());
        awaitIn(".imported", drop("People/later.csv", CSV + 2));
        assertTrue(Files.exists(poison));
        assertEquals("held", job("poison.csv").get("state"));
        assertEquals(2, uploads("poison.csv").size());
    }

    @Test
    @With("max-attempts=1")
    void anOutageThatConcernsAllFilesHoldsNone() throws Exception {
        sandbox.failList(SandboxFault.status(403));
        sandbox.failNext(SandboxFault.status(403), SandboxFault.status(403), SandboxFault.status(503));
        Path file = drop("People/people.csv", CSV);
        awaitIn(".imported", file);
        assertEquals(4, uploads().size());
    }

    @Test
    @With("max-attempts=2")
    void aBugBeforeTheFirstByteIsNoOutageAndTheFileIsHeld() throws Exception {
        context.getRegistry().bind("csvImportBuildRequest", (Processor) exchange -> {
            throw new IllegalStateException("a bug");
        });
        PluginHelper.getRoutesLoader(context)
                .updateRoutes(ResourceHelper.fromString(
                        "upload.camel.yaml",
                        Files.readString(Path.of("routes/api/csv-import-upload.camel.yaml"))
                                .replace("csvImportPrepare", "csvImportBuildRequest")));
        Path file = drop("People/people.csv", CSV);
        JsonNode held = awaitEvent("held", "people.csv");
        assertEquals("failed", held.at("/data/reason").asText());
        assertTrue(job("people.csv").get("detail").contains("IllegalStateException: a bug"));
        assertTrue(Files.exists(file));
        assertEquals(List.of(), uploads());
    }

    /** The first answer to each file that was answered. */
    private List<Integer> firstAnswers() {
        return uploads().stream()
                .map(SandboxRequest::fileName)
                .filter(Objects::nonNull)
                .distinct()
                .map(name -> uploads(name).get(0).status())
                .filter(status -> status != 0)
                .toList();
    }

    @Test
    void aFileWaitsWhileTheApiRefusesConnections() throws Exception {
        sandbox.disconnect();
        Path file = drop("People/people.csv", CSV);
        awaitState("people.csv", "waiting");
        assertTrue(Files.exists(file));
        sandbox.reconnect();
        awaitIn(".imported", file);
        assertEquals(1, uploads().size());
        assertEquals(List.of(), lists(), "nothing was sent, and nothing is looked for");
    }

    @Test
    @With("api.url=http://no-such-host.invalid:8080")
    void aFileWaitsWhileTheApiHasNoAddress() throws Exception {
        Path file = drop("People/people.csv", CSV);
        awaitThat(() -> Integer.parseInt(job("people.csv").getOrDefault("attempts", "0")) >= 2);
        assertTrue(List.of("waiting", "sending").contains(job("people.csv").get("state")));
        assertTrue(Files.exists(file));
    }

    @Test
    void thePausesBetweenAttemptsGrowFromOneSecond() {
        sandbox.failAll(SandboxFault.status(503));
        drop("People/people.csv", CSV);
        awaitThat(() -> uploads().size() == 3);
        List<Instant> times = uploads().stream().map(SandboxRequest::arrived).toList();
        assertTrue(Duration.between(times.get(0), times.get(1)).toMillis() >= 1000, times.toString());
        assertTrue(Duration.between(times.get(1), times.get(2)).toMillis() >= 2000, times.toString());
    }

    @Test
    void retryAfterIsObeyedAtMostTenMinutesAndHoldsBackItsOwnTemplateOnly() throws Exception {
        waitFor("503", "Busy/a.csv", "120", 120);
        String date = DateTimeFormatter.RFC_1123_DATE_TIME.format(
                Instant.now().plusSeconds(300).atOffset(ZoneOffset.UTC));
        waitFor("503", "Later/a.csv", date, 300);
        waitFor("503", "Long/a.csv", "86400", 600);
        waitFor("408", "Odd/a.csv", "soon", 1);
        drop("Busy/later.csv", CSV + "later");
        awaitIn(".imported", drop("People/people.csv", CSV));
        awaitIn(".imported", drop("People/more.csv", CSV + "more"));
        assertEquals(List.of(), uploads("later.csv"));
        assertEquals(Map.of(), job("later.csv"));
    }

    @Test
    void aPauseThatA429AsksForIsOneOfAllRequestsAndOtherFilesHaveNotFailed() throws Exception {
        waitFor("429", "Busy/a.csv", "86400", 600);
        Path people = drop("People/people.csv", CSV);
        Path courses = drop("Courses/courses.csv", CSV);
        awaitState("people.csv", "claimed");
        awaitState("courses.csv", "claimed");
        assertInstanceOf(
                CsvImportUnsettledException.class,
                sendCsv("Skills", "skills.csv", CSV, Map.of()).getException());
        assertInstanceOf(
                CsvImportUnsettledException.class,
                template.send("direct:csv-import-list", exchange -> {}).getException());
        assertEquals(1, sandbox.requests().size());
        context.getRegistry().lookupByNameAndType("csvImportPace", Pace.class).resume();
        awaitIn(".imported", people);
        awaitIn(".imported", courses);
        assertEquals("1", job("people.csv").get("attempts"));
        assertEquals("waiting", job("a.csv").get("state"));
        sendCsv("Skills", "skills.csv", CSV, Map.of());
        assertEquals("accepted", job("skills.csv").get("state"));
    }

    @Test
    void aPauseThatA429AsksForEndsByItself() throws Exception {
        sandbox.failNext(SandboxFault.status(429, false, Map.of("Retry-After", "2")));
        Path busy = drop("Busy/a.csv", CSV);
        awaitState("a.csv", "waiting");
        Path people = drop("People/people.csv", CSV);
        awaitIn(".imported", people);
        awaitIn(".imported", busy);
        List<Instant> times = uploads().stream().map(SandboxRequest::arrived).toList();
        assertEquals(3, times.size());
        assertTrue(Duration.between(times.get(0), times.get(1)).toMillis() >= 2000, times.toString());
    }

    @Test
    void a429WithoutRetryAfterLetsItsOwnFileWait() throws Exception {
        sandbox.failAll(SandboxFault.status(429));
        drop("Busy/a.csv", CSV);
        awaitState("a.csv", "waiting");
        assertNull(template.send("direct:csv-import-list", exchange -> {}).getException());
        drop("People/people.csv", CSV);
        awaitState("people.csv", "waiting");
    }

    @Test
    void aDateInRetryAfterIsJudgedByTheAnswersOwnDateInEachOfItsForms() throws Exception {
        sandbox.skewClock(Duration.ofHours(-1));
        Instant until = Instant.now().minus(Duration.ofHours(1)).plusSeconds(300);
        for (String form : List.of(
                "EEE, dd MMM yyyy HH:mm:ss 'GMT'", "EEEE, dd-MMM-yy HH:mm:ss 'GMT'", "EEE MMM ppd HH:mm:ss yyyy")) {
            String date = DateTimeFormatter.ofPattern(form, Locale.ENGLISH).format(until.atOffset(ZoneOffset.UTC));
            waitFor("503", date.replaceAll("\\W", "-") + "/a.csv", date, 300);
        }
        String past = DateTimeFormatter.RFC_1123_DATE_TIME.format(
                until.minus(Duration.ofHours(2)).atOffset(ZoneOffset.UTC));
        waitFor("503", "Huge/a.csv", "99999999999999999999", 600);
        waitFor("413", "Large/a.csv", "120", 120);
        waitFor("413", "Now/a.csv", "0", 1);
        waitFor("503", "Past/a.csv", past, 1);
        awaitIn(".imported", inbox.resolve("Past/a.csv"));
        waitFor("503", "Negative/a.csv", "-300", 1);
    }

    @Test
    void aMinuteHasSoManyRequestsAtMostAndWhoeverComesFirstIsFirst() {
        Pace pace = new Pace(2);
        long minute = Duration.ofMinutes(1).toNanos();
        // the monotonic clock begins anywhere
        long now = Long.MAX_VALUE - 5;
        assertEquals(now, pace.take(now));
        assertEquals(now + 1, pace.take(now + 1));
        assertEquals(now + minute, pace.take(now + 2));
        assertEquals(now + 1 + minute, pace.take(now + 3));
        assertEquals(now + 2 * minute, pace.take(now + 4));
        assertEquals(now + 4 * minute, pace.take(now + 4 * minute));
    }

    /** The file is refused until it was seen waiting: a pause may be over soon. */
    private void waitFor(String status, String path, String retryAfter, long seconds) throws Exception {
        sandbox.failAll(SandboxFault.status(Integer.parseInt(status), false, Map.of("Retry-After", retryAfter)));
        drop(path, CSV + path);
        String waiting = "SELECT * FROM csv_import_delivery WHERE state = 'waiting' AND template = '"
                + Path.of(path).getParent() + "'";
        List<Map<String, String>> seen = soon().until(() -> rows(waiting), rows -> rows.size() == 1);
        sandbox.failAll(SandboxFault.none());
        Map<String, String> job = seen.get(0);
        Instant sent = Instant.parse(job.get("sending_at"));
        long pause = Duration.between(sent, Instant.parse(job.get("next_attempt_at")))
                .toSeconds();
        assertTrue(pause >= seconds - 5 && pause <= seconds + 30, path + ": " + pause);
    }

    @Test
    @With("api.requests-per-minute=2")
    void noMoreRequestsAreSentAMinuteThanTheApiAllows() throws Exception {
        template.requestBody("direct:csv-import-list", null, String.class);
        awaitIn(".imported", drop("People/first.csv", CSV));
        CompletableFuture<Exchange> third =
                CompletableFuture.supplyAsync(() -> sendCsv("Courses", "second.csv", CSV, Map.of()));
        awaitState("second.csv", "claimed");
        soon().during(Duration.ofSeconds(1)).until(() -> sandbox.requests().size() == 2);
        assertFalse(third.isDone());
    }

    // unknown

    @Test
    @With("parallel=20")
    void anUnknownOutcomeIsClearedUpByTheImportListAndNoFileIsImportedTwice() throws Exception {
        Map<String, SandboxFault> accepted = Map.of(
                "reset-after-body.csv", SandboxFault.resetAtEnd(true),
                "bad-gateway.csv", SandboxFault.status(502, true, Map.of()),
                "server-error.csv", SandboxFault.status(500, true, Map.of()),
                "no-id.csv", SandboxFault.noId());
        Map<String, SandboxFault> lost = Map.of(
                "reset-before-body.csv", SandboxFault.resetAfter(0),
                "reset-within-body.csv", SandboxFault.resetAfter(100),
                "reset-after-lost-body.csv", SandboxFault.resetAtEnd(false),
                "lost-bad-gateway.csv", SandboxFault.status(502),
                "lost-server-error.csv", SandboxFault.status(500));
        List<Path> files = new ArrayList<>();
        sandbox.failList(SandboxFault.status(503));
        for (Map<String, SandboxFault> faults : List.of(accepted, lost)) {
            for (Map.Entry<String, SandboxFault> fault : faults.entrySet()) {
                String name = fault.getKey();
                sandbox.failNext(fault.getValue());
                files.add(drop(name + " template/" + name, CSV + name));
                awaitState(name, "unknown");
            }
        }
        awaitThat(() -> lists().size() >= 2);
        assertEquals(
                9,
                rows("SELECT job FROM csv_import_delivery WHERE state = 'unknown'")
                        .size(),
                "a list that is away proves nothing");
        assertTrue(files.stream().allMatch(Files::exists));

        sandbox.failList(null);
        files.forEach(file -> awaitIn(".imported", file));
        for (String name : accepted.keySet()) {
            assertEquals(1, uploads(name).size(), name);
            assertReconciled(name);
        }
        for (String name : lost.keySet()) {
            assertEquals("2", job(name).get("attempts"), name);
            assertFalse(awaitEvent("accepted", name).at("/data/reconciled").asBoolean(), name);
        }
        assertEquals(9, sandbox.imports().size());
        assertEquals(14, uploads().size());
    }

    private void assertReconciled(String name) throws IOException, SQLException {
        JsonNode event = awaitEvent("accepted", name);
        assertEquals(importOf(name).id(), event.at("/data/importId").asText(), name);
        assertTrue(event.at("/data/reconciled").asBoolean(), name);
    }

    @Test
    @With("reconcile.wait=PT4S")
    void anAcceptedImportThatIsListedLateIsNotUploadedAgain() throws Exception {
        sandbox.listLag(Duration.ofSeconds(2));
        sandbox.failNext(SandboxFault.resetAtEnd(true));
        awaitIn(".imported", drop("People/people.csv", CSV));
        assertReconciled("people.csv");
        assertEquals(1, uploads().size());
    }

    @Test
    void aListThatIsCutShortProvesNothing() throws Exception {
        sandbox.listCutShort(0);
        awaitIn(".imported", drop("People/known.csv", CSV));
        sandbox.failNext(SandboxFault.resetAtEnd(false));
        drop("People/people.csv", CSV + 2);
        awaitState("people.csv", "unknown");
        awaitThat(() -> lists().size() >= 3);
        assertEquals("unknown", job("people.csv").get("state"));
        assertEquals(1, uploads("people.csv").size());
    }

    @Test
    void aWholeListOfExactlyAHundredIsAskedAgainByTemplate() throws Exception {
        sandbox.listPage(100);
        IntStream.range(0, 100).forEach(i -> importFromElsewhere("Other", i));
        awaitIn(".imported", drop("People/known.csv", CSV));
        sandbox.failNext(SandboxFault.resetAtEnd(false));
        awaitIn(".imported", drop("People/people.csv", CSV + 2));
        assertEquals(2, uploads("people.csv").size());
        assertTrue(lists().stream().anyMatch(list -> list.target().endsWith("/csv-import?template=People")));
    }

    @Test
    void twoListsOfExactlyAHundredProveNothing() throws Exception {
        sandbox.listPage(100);
        IntStream.range(0, 100).forEach(i -> importFromElsewhere("People", i));
        awaitIn(".imported", drop("People/known.csv", CSV));
        sandbox.failNext(SandboxFault.resetAtEnd(false));
        drop("People/people.csv", CSV + 2);
        awaitState("people.csv", "unknown");
        awaitThat(() -> lists().size() >= 4);
        assertEquals("unknown", job("people.csv").get("state"));
        assertEquals(1, uploads("people.csv").size());
    }

    @Test
    void anUploadWithItsTemplateGivenByIdIsFoundByTheTemplatesName() throws Exception {
        sandbox.nameTemplate("4711", "People");
        sandbox.failNext(SandboxFault.resetAtEnd(true));
        awaitIn(".imported", drop("4711/people.csv", CSV));
        assertReconciled("people.csv");
        assertEquals(1, uploads().size());
    }

    @Test
    @With("api.timeout=PT8S")
    void aTemplateFilterThatNeverListedAnImportOfOursProvesNothing() throws Exception {
        sandbox.nameTemplate("4711", "People");
        sandbox.listPage(100);
        sandbox.failNext(SandboxFault.hang(true));
        drop("4711/people.csv", CSV);
        awaitThat(() -> importedNames().contains("people.csv"));
        // it is pushed off the page of the whole list, and the filter by id lists nothing
        IntStream.range(0, 100).forEach(i -> importFromElsewhere("Other", i));
        awaitThat(() -> lists().size() >= 3);
        assertTrue(lists().get(1).target().endsWith("/csv-import?template=4711"));
        assertEquals("unknown", job("people.csv").get("state"));
        assertEquals(1, uploads("people.csv").size());
    }

    @Test
    void anImportThatIsAnotherJobsIsNotTakenForTheLostOne() throws Exception {
        String name = "people.csv";
        awaitIn(".imported", drop("People/" + name, "a\n1\n"));
        sandbox.failNext(SandboxFault.resetAtEnd(false));
        Path second = drop("People/" + name, "a\n2\n");
        awaitThat(() -> !Files.exists(second));
        awaitThat(() -> sandbox.imports().size() == 2);
        assertEquals(3, uploads(name).size());
    }

    @Test
    void anImportWhoseIdTheLostOneHasAlreadyIsItsOwn() throws Exception {
        sandbox.failList(SandboxFault.status(503, false, Map.of()));
        sandbox.failNext(SandboxFault.resetAtEnd(true));
        Path file = drop("People/people.csv", CSV);
        awaitState("people.csv", "unknown");
        update("UPDATE csv_import_delivery SET import_id = '"
                + sandbox.imports().get(0).id() + "'");
        sandbox.failList(null);
        awaitIn(".imported", file);
        assertEquals(1, uploads().size());
    }

    @Test
    void theClockOfTheApiCounts() throws Exception {
        sandbox.skewClock(Duration.ofHours(-3));
        sandbox.failNext(SandboxFault.resetAtEnd(true));
        awaitIn(".imported", drop("People/people.csv", CSV));
        assertReconciled("people.csv");
        assertEquals(1, uploads().size());
    }

    @Test
    @With("reconcile.not-found=hold")
    void whatIsNotFoundIsHeldForAPersonAndLaterFilesGoOn() throws Exception {
        sandbox.failNext(SandboxFault.resetAtEnd(false));
        Path file = drop("People/people.csv", CSV);
        awaitEvent("held", "people.csv");
        awaitIn(".imported", drop("People/later.csv", CSV + 2));
        assertTrue(Files.exists(file));
        assertEquals("held", job("people.csv").get("state"));
        assertEquals(1, uploads("people.csv").size());
    }

    @Test
    @With("api.timeout=PT1S")
    void anUploadThatTakesTooLongIsUnknown() throws Exception {
        sandbox.failNext(SandboxFault.hang(true));
        awaitIn(".imported", drop("People/people.csv", CSV));
        assertReconciled("people.csv");
        assertEquals(1, uploads().size());
    }

    private String outcome(String templateName, String name, String csv, Map<String, Object> headers) {
        return sendCsv(templateName, name, csv, headers).getMessage().getHeader("csvImportOutcome", String.class);
    }

    /** An import that somebody else made. */
    private void importFromElsewhere(String templateName, int number) {
        String csv = "name\n" + number + "\n";
        String body = "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"other.csv\"\r\n"
                + "Content-Type: text/csv\r\n\r\n" + csv + "\r\n--B--\r\n";
        HttpRequest upload = HttpRequest.newBuilder(URI.create(sandbox.url()
                        + "/api/organizations/5664/csv-import?template=" + templateName + "&fileSize=" + csv.length()))
                .header(
                        "Authorization",
                        "Basic " + Base64.getEncoder().encodeToString("key:s%25écret+&".getBytes(UTF_8)))
                .header("Content-Type", "multipart/form-data; boundary=B")
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build();
        try {
            assertEquals(
                    202,
                    ELSEWHERE
                            .send(upload, HttpResponse.BodyHandlers.discarding())
                            .statusCode());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The sandbox says "these are not the key and secret" to a secret that is not its own. */
    @Test
    @With("api.secret=these are not")
    void aSecretThatAnAnswerRepeatsIsHidden() throws Exception {
        drop("People/echo.csv", CSV);
        awaitState("echo.csv", "waiting");
        String detail = job("echo.csv").get("detail");
        assertTrue(detail.contains("the key and secret") && !detail.contains("these are not"), detail);
    }
}
