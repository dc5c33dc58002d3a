package io.csvimport.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.csvimport.CsvImportTestSupport;
import io.csvimport.operations.Jobs;
import io.csvimport.operations.Operations;
import io.csvimport.sandbox.SandboxFault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.camel.Exchange;
import org.apache.camel.builder.ExchangeBuilder;
import org.junit.jupiter.api.Test;

/** A file whose content is not as expected is held, rejected or told, before anything of it is sent. */
@CsvImportTestSupport.With({"routes={home}/own", "track.enabled=true", "track.interval=PT0.1S", "track.quiet=PT0S"})
class ContentCheckTest extends CsvImportTestSupport {

    private static final String EXPECTATIONS =
            """
            - template: Held
              header: [name, course]
              rows: { min: 2 }
              otherwise: hold
            - { template: Rejected, header: [name, course], otherwise: reject }
            - { template: Told, encoding: UTF-8, otherwise: warn }
            - { template: Last, header: same-as-last, otherwise: hold }
            - template: Few
              rows: { max-drop: 30% }
              otherwise: reject
            - { template: Completions, files: "completions-*.csv", header: [id], otherwise: hold }
            - { template: Told, files: "*-told.csv", due: "06:00" }
            """;

    private static final String GOOD = CSV + "Ola,First aid\n";

    @Override
    public void addRoutes() throws IOException {
        Path folder = Files.createDirectories(home.resolve("own/expectations"));
        Files.writeString(folder.resolve("people.yaml"), EXPECTATIONS);
    }

    private void call(String method, String job) throws Exception {
        Exchange exchange =
                ExchangeBuilder.anExchange(context).withHeader("id", job).build();
        Operations operations = context.getRegistry().lookupByNameAndType("csvImportOperations", Operations.class);
        Operations.class.getMethod(method, Exchange.class).invoke(operations, exchange);
        int status = exchange.getMessage().getHeader(Exchange.HTTP_RESPONSE_CODE, Integer.class);
        assertTrue(status < 300, exchange.getMessage().getBody(String.class));
    }

    private void awaitCompleted(String template, String name, String csv) throws Exception {
        drop(template + "/" + name, csv);
        awaitEvent("completed", name);
    }

    @Test
    void aFileThatIsNotAsExpectedIsHeldAndLaterOnesGoOn() throws Exception {
        Path bad = drop("Held/bad.csv", "name,kurs\nAnna,x\n");
        Map<String, String> job = awaitState("bad.csv", "held");
        assertEquals("unexpected", job.get("reason"));
        assertEquals("the header name, course; at least 2 rows", job.get("expected"));
        assertEquals("the header name, kurs; 1 row", job.get("found"));
        assertEquals("[\"name\",\"kurs\"]", job.get("csv_header"));
        assertEquals("1", job.get("csv_rows"));
        assertEquals(
                "Expected was the header name, course; at least 2 rows, found was the header name, kurs; 1 row"
                        + " (expectations/people.yaml:1). Nothing was sent, a person decides: POST /csv-imports/"
                        + job.get("job") + "/retry sends it all the same",
                job.get("detail"));
        JsonNode event = awaitEvent("held", "bad.csv");
        assertEquals(job.get("expected"), event.at("/data/expected").asText());
        assertEquals(job.get("found"), event.at("/data/found").asText());
        awaitIn(".imported", drop("Held/good.csv", GOOD));
        assertEquals(List.of("good.csv"), importedNames());
        assertTrue(Files.exists(bad));
        assertEquals(List.of(), uploads("bad.csv"));
    }

    @Test
    void aHeldFileThatIsRetriedIsSentAllTheSameWhateverFailsMeanwhile() throws Exception {
        Path bad = drop("Held/bad.csv", CSV);
        Map<String, String> job = awaitState("bad.csv", "held");
        sandbox.failNext(SandboxFault.status(503, false, Map.of("Retry-After", "1")));
        call("retry", job.get("job"));
        awaitIn(".imported", bad);
        assertEquals(2, uploads("bad.csv").size());
        awaitEvent("completed", "bad.csv");
        assertEquals("1", job("bad.csv").get("waived"));
        assertEquals(1, events("held", "bad.csv").size());
        assertTrue(events("accepted", "bad.csv").get(0).at("/data/found").isMissingNode());
    }

    @Test
    void aHeldFileThatIsEditedIsAnotherDelivery() throws Exception {
        Path file = drop("Held/people.csv", CSV);
        awaitState("people.csv", "held");
        Files.writeString(file, GOOD);
        awaitIn(".imported", file);
        awaitEvent("completed", "people.csv");
        awaitThat(() -> List.of("withdrawn", "completed")
                .equals(jobs().stream().map(job -> job.get("state")).toList()));
    }

    @Test
    void aHeldFileThatIsTakenAwayIsWithdrawn() throws Exception {
        Path bad = drop("Held/bad.csv", CSV);
        awaitState("bad.csv", "held");
        Files.delete(bad);
        assertEquals("gone", awaitState("bad.csv", "withdrawn").get("reason"));
        awaitEvent("withdrawn", "bad.csv");
    }

    @Test
    void theBytesOfAHeldFileThatWasTakenAwayMayComeAgain() throws Exception {
        Path bad = drop("Held/bad.csv", CSV);
        awaitState("bad.csv", "held");
        Path again = home.resolve("inbox/Held/again.csv");
        Files.move(bad, again);
        awaitState("again.csv", "held");
        assertEquals("withdrawn", job("bad.csv").get("state"));
        call("retry", job("again.csv").get("job"));
        awaitIn(".imported", again);
    }

    @Test
    void theSameBytesAgainAreADuplicateWhateverIsExpected() throws Exception {
        drop("Held/bad.csv", CSV);
        awaitState("bad.csv", "held");
        awaitIn(".duplicate", drop("Held/again.csv", CSV));
        assertNull(job("again.csv").get("found"));
    }

    @Test
    void aFileThatIsRejectedHasWhatWasFoundInItsReasonFile() throws Exception {
        Path rejected = awaitIn(".rejected", drop("Rejected/bad.csv", "course,name\nx,Anna\n"));
        JsonNode reason =
                JSON.readTree(rejected.resolveSibling("bad.csv.reason.json").toFile());
        assertEquals("unexpected", reason.get("reason").asText());
        assertEquals("the header name, course", reason.get("expected").asText());
        assertEquals("the header course, name", reason.get("found").asText());
        assertEquals(
                "the header course, name",
                awaitEvent("rejected", "bad.csv").at("/data/found").asText());
        assertEquals(List.of(), uploads());
    }

    @Test
    void whatIsOnlyToldIsToldOnceAndImported() throws Exception {
        sandbox.failNext(
                SandboxFault.status(503, false, Map.of("Retry-After", "1")),
                SandboxFault.status(503, false, Map.of("Retry-After", "1")));
        Path file = drop("Told/latin.csv", "name\nZo\u00eb\n".getBytes(java.nio.charset.StandardCharsets.ISO_8859_1));
        awaitIn(".imported", file);
        awaitEvent("completed", "latin.csv");
        JsonNode told = awaitEvent("suspicious", "latin.csv");
        assertEquals(1, events("suspicious", "latin.csv").size());
        assertEquals("the encoding UTF-8", told.at("/data/expected").asText());
        assertEquals(
                "bytes that are no UTF-8 near line 2", told.at("/data/found").asText());
        assertNull(job("latin.csv").get("reason"));
        assertEquals("bytes that are no UTF-8 near line 2", job("latin.csv").get("found"));
    }

    @Test
    void theLastHeaderIsThatOfTheLastImportWithoutFailedRows() throws Exception {
        awaitCompleted("Last", "first.csv", "name,course\nAnna,x\n");
        drop("Last/other.csv", "course,name\nx,Anna\n");
        assertEquals(
                "the header of the last import name, course",
                awaitState("other.csv", "held").get("expected"));
        // it goes through, and all of its rows fail: it is no measure
        drop("Last/failing.csv", "course,name\ninvalid,Anna\n");
        call("retry", awaitState("failing.csv", "held").get("job"));
        awaitEvent("completed", "failing.csv");
        awaitCompleted("Last", "second.csv", "name,course\nOla,x\n");
        // without failed rows it is
        call("retry", job("other.csv").get("job"));
        awaitEvent("completed", "other.csv");
        awaitCompleted("Last", "third.csv", "course,name\ny,Ola\n");
        drop("Last/old.csv", "name,course\nEva,x\n");
        awaitState("old.csv", "held");
    }

    @Test
    void aFirstImportWithFailedRowsIsNoMeasure() throws Exception {
        awaitCompleted("Last", "failing.csv", "course,name\ninvalid,Anna\n");
        awaitCompleted("Last", "first.csv", "name,course\nAnna,x\n");
        drop("Last/other.csv", "course,name\nx,Anna\n");
        awaitState("other.csv", "held");
    }

    @Test
    void aVoidedImportIsNoMeasure() throws Exception {
        awaitCompleted("Last", "first.csv", "name,course\nAnna,x\n");
        drop("Last/mistake.csv", "course,name\nx,Anna\n");
        call("retry", awaitState("mistake.csv", "held").get("job"));
        awaitEvent("completed", "mistake.csv");
        context.createProducerTemplate()
                .sendBodyAndHeader(
                        "direct:csv-import-void",
                        null,
                        "csvImportId",
                        job("mistake.csv").get("import_id"));
        awaitEvent("voided", "mistake.csv");
        awaitCompleted("Last", "second.csv", "name,course\nOla,x\n");
        drop("Last/other.csv", "course,name\nx,Eva\n");
        awaitState("other.csv", "held");
    }

    @Test
    void aHeaderThatCannotBeReadIsNoMeasure() throws Exception {
        drop("Last/open.csv", "name,\"course\nAnna,x\n");
        Map<String, String> job = awaitState("open.csv", "held");
        assertNull(job.get("csv_header"));
        call("retry", job.get("job"));
        awaitEvent("completed", "open.csv");
        awaitCompleted("Last", "first.csv", "name,course\nAnna,x\n");
    }

    @Test
    void aPersonMayAcceptANewHeader() throws Exception {
        awaitCompleted("Last", "first.csv", "name,course\nAnna,x\n");
        drop("Last/new.csv", "name,course,year\nAnna,x,1\n");
        long job = Long.parseLong(awaitState("new.csv", "held").get("job"));
        Jobs jobs = context.getRegistry().lookupByNameAndType("csvImportJobs", Jobs.class);
        jobs.acceptHeader(job);
        awaitEvent("completed", "new.csv");
        awaitCompleted("Last", "next.csv", "name,course,year\nOla,x,2\n");
    }

    @Test
    void aFileOfTooFewRowsIsComparedWithTheLastImport() throws Exception {
        awaitCompleted("Few", "ten.csv", "id\n" + "1\n".repeat(10));
        awaitCompleted("Few", "seven.csv", "id\n" + "2\n".repeat(7));
        awaitIn(".rejected", drop("Few/four.csv", "id\n" + "3\n".repeat(4)));
        Map<String, String> job = job("four.csv");
        assertEquals(
                "no more than 30 % fewer rows than the 7 of the last import (job "
                        + job("seven.csv").get("job") + ")",
                job.get("expected"));
        assertEquals("4 rows (42 % fewer)", job.get("found"));
        awaitCompleted("Few", "five.csv", "id\n" + "4\n".repeat(5));
    }

    @Test
    @With({"template=Default", "routes={home}/own", "track.enabled=true", "track.interval=PT0.1S", "track.quiet=PT0S"})
    void aPatternOfFileNamesNamesTheTemplateAfterHeaderAndFolder() throws Exception {
        awaitIn(".imported", drop("completions-1.csv", "id\n1\n"));
        awaitIn(".imported", drop("people.csv", CSV));
        awaitIn(".imported", drop("Other/completions-2.csv", CSV));
        sendCsv("Named", "completions-3.csv", CSV + "x,y\n", Map.of());
        drop("completions-4.csv", CSV);
        awaitState("completions-4.csv", "held");
        assertEquals(
                List.of("Completions", "Default", "Other", "Named", "Completions"),
                jobs().stream().map(job -> job.get("template")).toList());
    }

    @Test
    void aFileThatWaitsHoldsBackNoneOfAnotherPattern() throws Exception {
        sandbox.failNext(SandboxFault.status(503, false, Map.of("Retry-After", "600")));
        Path waiting = drop("completions-1.csv", "id\n1\n");
        awaitState("completions-1.csv", "waiting");
        awaitIn(".imported", drop("b-told.csv", CSV));
        assertTrue(Files.exists(waiting));
    }

    @Test
    void whatIsKeptInTheSpoolIsLookedAtWhenItIsImported() throws Exception {
        template.send("direct:csv-import-spool", exchange -> {
            exchange.getMessage().setBody(CSV);
            exchange.getMessage().setHeaders(Map.of("template", "Held", "fileName", "posted.csv"));
        });
        Map<String, String> job = awaitState("posted.csv", "held");
        assertEquals("1 row", job.get("found"));
        assertEquals(1, spooled().size());
        call("retry", job.get("job"));
        awaitEvent("completed", "posted.csv");
        awaitThat(() -> spooled().isEmpty());
    }

    @Test
    void aRouteOfTheUsersIsToldThatItsFileIsHeld() {
        Exchange answer = sendCsv("Held", "own.csv", CSV, Map.of());
        assertEquals("held", answer.getMessage().getHeader("csvImportOutcome"));
        assertEquals("unexpected", answer.getMessage().getHeader("csvImportReason"));
    }

    @Test
    void aTemplateWithoutExpectationsIsNotLookedAt() throws Exception {
        awaitIn(".imported", drop("People/people.csv", CSV));
        assertNull(job("people.csv").get("csv_rows"));
        assertEquals(List.of(), rows("SELECT * FROM csv_import_header"));
    }
}
