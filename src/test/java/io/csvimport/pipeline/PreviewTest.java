package io.csvimport.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.csvimport.CsvImportTestSupport;
import io.csvimport.CsvImportTestSupport.With;
import io.csvimport.CsvImportUnsettledException;
import io.csvimport.CsvRejectedException;
import io.csvimport.sandbox.SandboxFault;
import io.csvimport.sandbox.SandboxRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.apache.camel.Exchange;
import org.apache.camel.StreamCache;
import org.junit.jupiter.api.Test;

/** The API's preview: as a gate before the upload, and for the user's own routes. */
@With("preview=gate")
class PreviewTest extends CsvImportTestSupport {

    private static final String BAD = "name,course\nAnna,First aid\ninvalid \"Åke\",x\nOla,y\ninvalid,z\n";

    @Override
    public void addRoutes() throws IOException {
        addRoute(
                "my-preview",
                """
                - route:
                    id: my-preview
                    from:
                      uri: direct:my-preview
                      steps:
                        - to: direct:csv-import-preview
                        - setProperty: { name: type, simple: "${body.class.name}" }
                        - setBody: { simple: "${bodyAs(String)}" }
                """);
    }

    @Test
    void aFileWithoutFailedRowsIsPreviewedAndThenUploaded() throws Exception {
        awaitIn(".imported", drop("First aid+/people.csv", CSV));
        assertEquals(
                List.of("statement-import/preview?template=First%20aid%2B", "csv-import?template=First%20aid%2B"),
                uploads().stream()
                        .map(request -> request.target().replaceAll(".*/5664/|&.*", ""))
                        .toList());
        assertEquals(200, uploads().get(0).status());
        assertEquals("people.csv", uploads().get(0).fileName());
        assertTrue(events("accepted", "people.csv").size() <= 1);
        assertEquals("1", job("people.csv").get("attempts"));
    }

    @Test
    void aFileWithFailedRowsIsRejectedWithTheRowsInItsReasonAndNothingIsUploaded() throws Exception {
        Path rejected = awaitIn(".rejected", drop("People/people.csv", BAD));
        JsonNode reason = reason(rejected);
        assertEquals("failed-rows", reason.get("reason").asText());
        assertEquals(2, reason.get("failedRows").size());
        assertTrue(reason.at("/failedRows/3").asText().endsWith("invalid \"Åke\",x"), reason.toString());
        JsonNode event = awaitEvent("rejected", "people.csv");
        assertEquals("failed-rows", event.at("/data/reason").asText());
        assertEquals(2, event.at("/data/failedRows").asInt());
        assertEquals(List.of(), sandbox.imports());
        assertEquals(List.of(), events("accepted", "people.csv"));
        // the same bytes may come again
        awaitIn(".rejected", drop("People/again.csv", BAD));
    }

    @Test
    void ofManyFailedRowsTheReasonHasTheFirstThousand() throws Exception {
        Path rejected = awaitIn(".rejected", drop("People/people.csv", "name\n" + "invalid\n".repeat(1500)));
        JsonNode reason = reason(rejected);
        assertEquals(1000, reason.get("failedRows").size());
        assertTrue(
                reason.get("detail").asText().contains("1500 rows"),
                reason.get("detail").asText());
        assertEquals("1500", job("people.csv").get("failed_rows"));
    }

    @Test
    void failedRowsInAnotherFormAreNoAllClear() throws Exception {
        sandbox.tellFailedRowsAs("[{\"row\":3}]");
        sendCsv("People", "people.csv", CSV, Map.of("csvImportSourceKey", "1"));
        assertEquals("waiting", job("people.csv").get("state"));
        assertEquals("preview-unreadable", job("people.csv").get("reason"));
        assertEquals(List.of(), sandbox.imports());
    }

    @Test
    void anEmptyArrayOfFailedRowsIsAnAllClear() throws Exception {
        sandbox.tellFailedRowsAs("[]");
        awaitIn(".imported", drop("People/people.csv", CSV));
    }

    @Test
    void whileThereIsNoPreviewTheFileWaitsAndItsOutcomeIsNeverUnknown() throws Exception {
        List<SandboxFault> faults = List.of(
                SandboxFault.status(503),
                SandboxFault.status(401),
                SandboxFault.status(500),
                // no object with failedRows
                SandboxFault.status(200),
                SandboxFault.resetAfter(0),
                SandboxFault.resetAtEnd(false));
        List<String> reasons =
                List.of("http-503", "http-401", "http-500", "preview-unreadable", "unreachable", "unreachable");
        for (int i = 0; i < faults.size(); i++) {
            sandbox.failPreview(faults.get(i));
            String name = i + ".csv";
            assertInstanceOf(
                    CsvImportUnsettledException.class,
                    sendCsv("People", name, CSV + i, Map.of("csvImportSourceKey", name))
                            .getException());
            assertEquals("waiting", job(name).get("state"));
            assertEquals(reasons.get(i), job(name).get("reason"));
            assertEquals("0", job(name).get("attempts"));
        }
        sandbox.failPreview(null);
        awaitThat(() -> "accepted"
                .equals(sendCsv("People", "0.csv", CSV + 0, Map.of("csvImportSourceKey", "0.csv"))
                        .getMessage()
                        .getHeader("csvImportOutcome")));
        assertEquals(1, sandbox.imports().size());
    }

    @Test
    void aRefusalOfTheContentByThePreviewRejectsTheFile() throws Exception {
        for (int status : List.of(400, 413, 415, 422)) {
            sandbox.failPreview(SandboxFault.status(status));
            Path rejected = awaitIn(".rejected", drop("People/" + status + ".csv", CSV + status));
            assertEquals("http-" + status, reason(rejected).get("reason").asText());
            assertEquals(status, reason(rejected).get("httpStatus").asInt());
        }
        assertEquals(List.of(), sandbox.imports());
    }

    @Test
    @With("preview=off")
    void whereTheGateIsOffNothingIsPreviewed() {
        awaitIn(".imported", drop("People/people.csv", BAD));
        assertEquals(1, uploads().size());
    }

    @Test
    void aRouteOfTheUsersGetsTheAnswerOfTheApiAsAStreamAndNothingIsImported() throws Exception {
        Exchange answer = preview(Map.of("template", "People", "fileName", "people.csv", "mine", "1"), BAD);
        assertFalse(answer.isFailed(), () -> String.valueOf(answer.getException()));
        JsonNode preview = JSON.readTree(answer.getMessage().getBody(String.class));
        assertEquals(2, preview.get("failedRows").size());
        assertTrue(preview.at("/statements/2").isArray());
        assertEquals("1", answer.getMessage().getHeader("mine"));
        assertEquals("application/json", answer.getMessage().getHeader("Content-Type"));
        assertFalse(
                StreamCache.class.isAssignableFrom(Class.forName(answer.getProperty("type", String.class))),
                answer.getProperty("type", String.class));
        SandboxRequest request = uploads().get(0);
        assertEquals("people.csv", request.fileName());
        assertEquals(null, request.header("mine"));
        assertEquals(List.of(), sandbox.imports());
        assertEquals(List.of(), jobs());
    }

    @Test
    void aRouteOfTheUsersIsToldWhyThereIsNoPreview() {
        assertEquals("empty", rejected(Map.of("template", "People"), ""));
        assertEquals("no-template", rejected(Map.of(), CSV));
        sandbox.failPreview(SandboxFault.status(422));
        assertEquals("http-422", rejected(Map.of("template", "People"), CSV));
        sandbox.failPreview(SandboxFault.status(503, false, Map.of("Retry-After", "60")));
        CsvImportUnsettledException later =
                preview(Map.of("template", "People"), CSV).getException(CsvImportUnsettledException.class);
        assertTrue(later.getNextAttempt().isAfter(Instant.now().plusSeconds(30)));
        sandbox.disconnect();
        assertInstanceOf(
                CsvImportUnsettledException.class,
                preview(Map.of("template", "People"), CSV).getException());
        sandbox.reconnect();
    }

    private String rejected(Map<String, Object> headers, String csv) {
        return preview(headers, csv).getException(CsvRejectedException.class).getReason();
    }

    private Exchange preview(Map<String, Object> headers, String csv) {
        return template.send("direct:my-preview", exchange -> {
            exchange.getMessage().setBody(csv);
            headers.forEach(exchange.getMessage()::setHeader);
        });
    }

    private static JsonNode reason(Path rejected) throws IOException {
        return JSON.readTree(Files.readString(rejected.resolveSibling(rejected.getFileName() + ".reason.json")));
    }
}
