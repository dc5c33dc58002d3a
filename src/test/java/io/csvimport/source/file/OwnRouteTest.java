package io.csvimport.source.file;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.csvimport.CsvImportTestSupport;
import io.csvimport.CsvImportUnsettledException;
import io.csvimport.sandbox.SandboxFault;
import io.csvimport.sandbox.SandboxImport;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.camel.Exchange;
import org.junit.jupiter.api.Test;

/** A route of the user's own that ends in {@code direct:csv-import}. */
class OwnRouteTest extends CsvImportTestSupport {

    @Override
    public void addRoutes() throws IOException {
        addRoute(
                "my-feed",
                """
                - route:
                    id: my-feed
                    from:
                      uri: file:%s/mine
                      parameters: { delay: 100, initialDelay: 0, move: done, moveFailed: failed }
                      steps:
                        - setHeader: { name: template, constant: My Template }
                        - to: direct:csv-import
                        - setBody: { simple: "${header.csvImportOutcome} ${header.csvImportId} ${header.CamelFileName}" }
                        - to:
                            uri: file:%s/results
                            parameters: { fileName: result.txt }
                """
                        .formatted(home, home));
        addRoute(
                "both",
                """
                - route:
                    id: both
                    from:
                      uri: file:%s/both
                      parameters: { delay: 100, initialDelay: 0, move: done }
                      steps:
                        - setHeader: { name: template, constant: First }
                        - to: direct:csv-import
                        - setHeader: { name: template, constant: Second }
                        - to: direct:csv-import
                """
                        .formatted(home));
    }

    @Test
    void aFileForTwoTemplatesIsImportedUnderBothThoughItComesAgainInBetween() throws Exception {
        sandbox.failNext(SandboxFault.none());
        sandbox.failNext(SandboxFault.status(503, false, Map.of("Retry-After", "1")));
        Path both = Files.createDirectories(home.resolve("both"));
        Files.move(Files.writeString(home.resolve("both.csv"), CSV), both.resolve("both.csv"));
        awaitThat(() -> Files.exists(both.resolve("done/both.csv")));
        assertEquals(
                List.of("First", "Second"),
                sandbox.imports().stream().map(SandboxImport::template).toList());
        awaitThat(() -> rows("SELECT job FROM csv_import_delivery WHERE released_at IS NULL")
                .isEmpty());
    }

    @Test
    void theBodyIsTextBytesAStreamOrAFile() throws Exception {
        String csv = "name\nJürgen 名前\n";
        Path file = Files.writeString(home.resolve("local.csv"), csv + "file");
        Map<String, Object> bodies = new LinkedHashMap<>();
        bodies.put("text", csv + "text");
        bodies.put("bytes", (csv + "bytes").getBytes(UTF_8));
        bodies.put("stream", new ByteArrayInputStream((csv + "stream").getBytes(UTF_8)));
        bodies.put("file", file.toFile());
        bodies.forEach((kind, body) -> {
            Exchange done = sendCsv("People", kind + ".csv", body, Map.of());
            assertNull(done.getException(), kind);
            assertEquals("accepted", done.getMessage().getHeader("csvImportOutcome"));
            assertArrayEquals(
                    (csv + kind).getBytes(UTF_8), awaitUpload(kind + ".csv").file());
        });
        assertTrue(Files.exists(file), "the file is the caller's");
    }

    @Test
    void aBodyOfAnotherTypeIsToldByItsSource() {
        Exchange done = sendCsv("People", "type.csv", Map.of("a", "list"), Map.of());
        String why = done.getException().getMessage();
        assertTrue(why.contains("A message from csv-import"), why);
        assertFalse(why.contains("spool"), why);
    }

    @Test
    void aFileOfCamelsFileComponentIsImportedUnderItsOwnName() throws Exception {
        Path mine = Files.createDirectories(home.resolve("mine"));
        Files.move(Files.writeString(home.resolve("mine.csv"), CSV), mine.resolve("mine.csv"));
        Path result = home.resolve("results/result.txt");
        awaitThat(() -> Files.exists(mine.resolve("done/mine.csv")) && Files.exists(result));
        String id = importOf("mine.csv").id();
        assertEquals("accepted " + id + " mine.csv", Files.readString(result));
        assertEquals(
                "my-feed", awaitEvent("accepted", "mine.csv").at("/data/from").asText());
        assertEquals("My Template", importOf("mine.csv").template());
    }

    @Test
    void itReturnsWithTheOutcomeAndTheRestOfTheMessageUntouched() {
        Exchange done = sendCsv(
                "People", "people.csv", CSV, Map.of("mine", 42, "CamelHttpUri", "http://mine", "notify", "a@x.com"));
        assertNull(done.getException());
        assertEquals(CSV, done.getMessage().getBody());
        Map<String, Object> headers = new LinkedHashMap<>(done.getMessage().getHeaders());
        assertEquals("accepted", headers.remove("csvImportOutcome"));
        assertEquals(sandbox.imports().get(0).id(), headers.remove("csvImportId"));
        assertNull(headers.remove("csvImportReason"));
        assertEquals(
                Map.of(
                        "mine",
                        42,
                        "CamelHttpUri",
                        "http://mine",
                        "notify",
                        "a@x.com",
                        "template",
                        "People",
                        "fileName",
                        "people.csv"),
                headers);
    }

    @Test
    void aStreamIsLeftReadable() {
        Exchange done = sendCsv("People", "people.csv", new ByteArrayInputStream(CSV.getBytes(UTF_8)), Map.of());
        assertEquals(CSV, done.getMessage().getBody(String.class));
    }

    @Test
    void aRejectedOrDuplicateCsvReturnsToo() {
        Exchange rejected = sendCsv("People", "empty.csv", "", Map.of());
        assertNull(rejected.getException());
        assertEquals("rejected", rejected.getMessage().getHeader("csvImportOutcome"));
        assertEquals("empty", rejected.getMessage().getHeader("csvImportReason"));
        assertNull(rejected.getMessage().getHeader("csvImportId"));
        Object id = sendCsv("People", "first.csv", CSV, Map.of()).getMessage().getHeader("csvImportId");
        Exchange duplicate = sendCsv("People", "second.csv", CSV, Map.of());
        assertNull(duplicate.getException());
        assertEquals("duplicate", duplicate.getMessage().getHeader("csvImportOutcome"));
        assertEquals(id, duplicate.getMessage().getHeader("csvImportId"));
    }

    @Test
    void itFailsWhileTheFateIsOpenAndBeforeTheNextAttemptIsDueWithoutTouchingTheApi() throws Exception {
        sandbox.failNext(SandboxFault.status(503, false, Map.of("Retry-After", "3")));
        for (int i = 0; i < 3; i++) {
            Exchange failed = sendCsv("People", "people.csv", CSV, Map.of());
            CsvImportUnsettledException unsettled =
                    assertInstanceOf(CsvImportUnsettledException.class, failed.getException());
            assertTrue(unsettled.getNextAttempt().isAfter(Instant.now().minusSeconds(3)));
        }
        assertEquals(1, sandbox.requests().size());
        assertEquals(1, jobs().size());
        awaitThat(() -> !sendCsv("People", "people.csv", CSV, Map.of()).isFailed());
        assertEquals(2, uploads().size());
        assertEquals(1, sandbox.imports().size());
    }

    @Test
    void itFailsWhileTheOutcomeIsUnknownAndReturnsWhatTheImportListSays() throws Exception {
        sandbox.failList(SandboxFault.status(503));
        sandbox.failNext(SandboxFault.resetAtEnd(true));
        for (int i = 0; i < 2; i++) {
            Exchange failed = sendCsv("People", "people.csv", CSV, Map.of("csvImportSourceKey", "item 1"));
            assertInstanceOf(CsvImportUnsettledException.class, failed.getException());
        }
        assertEquals(1, uploads().size());
        sandbox.failList(null);
        List<Exchange> done = new ArrayList<>();
        awaitThat(() -> {
            done.add(sendCsv("People", "people.csv", CSV, Map.of("csvImportSourceKey", "item 1")));
            return !done.get(done.size() - 1).isFailed();
        });
        Exchange last = done.get(done.size() - 1);
        assertEquals("accepted", last.getMessage().getHeader("csvImportOutcome"));
        assertEquals(sandbox.imports().get(0).id(), last.getMessage().getHeader("csvImportId"));
        assertEquals(1, uploads().size());
    }

    @Test
    void ofARelativePathTheLastSegmentIsTheName() {
        List<String> paths = List.of("a/b/people.csv", "./people.csv", "a\\people.csv", "a..b/people.csv");
        for (String path : paths) {
            assertEquals(
                    "accepted",
                    sendCsv("People", path, CSV + path, Map.of()).getMessage().getHeader("csvImportOutcome"),
                    path);
        }
        assertEquals(List.of("people.csv", "people.csv", "people.csv", "people.csv"), importedNames());
    }

    @Test
    void anAbsolutePathOrOneThatLeadsUpwardsIsRejected() throws Exception {
        List<String> paths = List.of(
                "/etc/people.csv",
                "../people.csv",
                "a/../people.csv",
                "a/..",
                "\\people.csv",
                "..\\people.csv",
                "C:\\people.csv",
                "C:people.csv",
                "a/",
                "a/b/.");
        for (String path : paths) {
            Exchange done = sendCsv("People", path, CSV + path, Map.of());
            assertEquals("rejected", done.getMessage().getHeader("csvImportOutcome"), path);
            assertEquals("file-name", done.getMessage().getHeader("csvImportReason"), path);
        }
        assertEquals(List.of(), sandbox.requests());
        awaitThat(() -> events().size() == paths.size());
    }

    @Test
    void aCsvWithoutANameGetsOneFromItsJob() throws Exception {
        Exchange done = template.send("direct:csv-import", exchange -> {
            exchange.getMessage().setBody(CSV);
            exchange.getMessage().setHeader("template", "People");
        });
        assertEquals("accepted", done.getMessage().getHeader("csvImportOutcome"));
        String job = jobs().get(0).get("job");
        assertEquals(List.of(job + ".csv"), importedNames());
        assertEquals(
                importedNames().get(0),
                awaitEvent("accepted", importedNames().get(0))
                        .at("/data/fileName")
                        .asText());
    }

    @Test
    void nothingIsLeftInTheSpoolOnceTheFateIsSettled() throws Exception {
        assertEquals(
                "accepted",
                sendCsv("People", "a.csv", CSV, Map.of()).getMessage().getHeader("csvImportOutcome"));
        assertEquals(
                "rejected",
                sendCsv("People", "b.csv", "", Map.of()).getMessage().getHeader("csvImportOutcome"));
        assertEquals(
                "duplicate",
                sendCsv("People", "c.csv", CSV, Map.of()).getMessage().getHeader("csvImportOutcome"));
        sandbox.failNext(SandboxFault.status(503, false, Map.of("Retry-After", "600")));
        assertTrue(sendCsv("People", "d.csv", CSV + 2, Map.of()).isFailed());
        try (Stream<Path> spooled = Files.list(home.resolve("data/spool"))) {
            assertEquals(List.of(), spooled.toList());
        }
    }
}
