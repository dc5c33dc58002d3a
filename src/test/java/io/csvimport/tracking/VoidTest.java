package io.csvimport.tracking;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.csvimport.CsvImportRefusedException;
import io.csvimport.CsvImportTestSupport;
import io.csvimport.sandbox.SandboxFault;
import io.csvimport.sandbox.SandboxRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.camel.Exchange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What direct:csv-import-void does, and what it refuses. */
class VoidTest extends CsvImportTestSupport {

    @Override
    public void addRoutes() throws IOException {
        addRoute(
                "regretful-feed",
                """
                - route:
                    id: regretful-feed
                    from:
                      uri: kamelet:csv-import-folder-source
                      parameters:
                        directory: "%s/regretted"
                        template: People
                      steps:
                        - to: direct:csv-import
                        - setHeader: { name: csvImportForce, constant: "true" }
                        - to: direct:csv-import-void
                """
                        .formatted(home));
    }

    @Test
    void aFeedMayVoidWhatItHasJustImported() throws Exception {
        awaitIn(".imported", drop("../regretted/people.csv", CSV));
        awaitEvent("voided", "people.csv");
        assertEquals("voided", job("people.csv").get("state"));
        assertEquals(1, jobs().size());
        awaitIn(".imported", drop("People/again.csv", CSV));
    }

    @Test
    void aVoidedImportIsGoneAndItsBytesMayBeImportedAgain() throws Exception {
        String id = accepted("people.csv");
        Exchange answer = voidImport(Map.of("csvImportId", id, "mine", "kept"));
        assertEquals("voided", answer.getMessage().getHeader("csvImportOutcome"));
        assertEquals("kept", answer.getMessage().getHeader("mine"));
        assertEquals("the body", answer.getMessage().getBody());
        assertEquals("/api/organizations/5664/csv-import/" + id, voids().get(0).target());
        assertTrue(importOf("people.csv").voided());
        assertEquals("voided", job("people.csv").get("state"));
        JsonNode event = awaitEvent("voided", "people.csv");
        assertEquals(id, event.get("subject").asText());

        awaitIn(".imported", drop("People/again.csv", CSV));
        assertEquals(2, sandbox.imports().size());
        awaitIn(".duplicate", drop("People/third.csv", CSV));
        // the name of a job does as well, and a second time nothing is asked
        assertEquals("voided", outcome(Map.of("csvImportJob", job("people.csv").get("job"))));
        assertEquals(1, voids().size());
        assertEquals(1, events("voided", "people.csv").size());
    }

    @Test
    @With("void.path=statement-import")
    void theSamplesPathIsASetting() throws Exception {
        String id = accepted("people.csv");
        assertEquals("voided", outcome(Map.of("csvImportId", id)));
        assertEquals(
                "/api/organizations/5664/statement-import/" + id + "?deleteLrsStatements=true",
                voids().get(0).target());
        assertTrue(importOf("people.csv").voided());
    }

    @Test
    void whatTheApiDoesNotHaveCountsAsVoided() throws Exception {
        sandbox.failVoid(SandboxFault.status(404));
        assertEquals("voided", outcome(Map.of("csvImportId", accepted("people.csv"))));
        awaitEvent("voided", "people.csv");
    }

    @ParameterizedTest
    @ValueSource(ints = {200, 202, 207})
    void afterAnotherSuccessThanTheDocumentedOneTheImportListDecides(int status) throws Exception {
        String id = accepted("people.csv");
        sandbox.failVoid(SandboxFault.status(status));
        Exchange answer = voidImport(Map.of("csvImportId", id));
        assertEquals("voiding", answer.getMessage().getHeader("csvImportOutcome"));
        assertEquals("http-" + status, answer.getMessage().getHeader("csvImportReason"));
        assertEquals("voiding", job("people.csv").get("state"));
        assertEquals(List.of(), events("voided", "people.csv"));
        // the API does it, and says nothing that counts
        sandbox.failVoid(SandboxFault.status(status, true, Map.of()));
        awaitState("people.csv", "voided");
        assertTrue(importOf("people.csv").voided());
        awaitEvent("voided", "people.csv");
    }

    @Test
    void aListThatProvesNothingLeavesTheVoidOpen() throws Exception {
        String id = accepted("people.csv");
        context.getRouteController().stopRoute("csv-import-voiding");
        sandbox.failVoid(SandboxFault.status(200));
        sandbox.failList(SandboxFault.status(503));
        assertEquals("voiding", outcome(Map.of("csvImportId", id)));
        sandbox.failList(null);
        sandbox.listPage(0);
        awaitIn(".imported", drop("Courses/other.csv", CSV));
        update("UPDATE csv_import_delivery SET listed = '0' WHERE file_name = 'other.csv'");
        assertEquals("voiding", outcome(Map.of("csvImportId", id)), "the list shows nothing of what it showed before");
        sandbox.listPage(Integer.MAX_VALUE);
        sandbox.failVoid(SandboxFault.status(200, true, Map.of()));
        assertEquals("voided", outcome(Map.of("csvImportId", id)));
        assertTrue(importOf("people.csv").voided());
    }

    @Test
    void whatTheLedgerDoesNotKnowIsVoidedOnlyByForce() throws Exception {
        assertRefused(404, "unknown-import", Map.of("csvImportId", "17"));
        assertRefused(404, "unknown-import", Map.of("csvImportJob", 17));
        assertRefused(400, "no-id", Map.of());
        assertRefused(400, "no-id", Map.of("csvImportId", "..", "csvImportForce", true));
        assertEquals(List.of(), voids());

        String id = accepted("people.csv");
        update("DELETE FROM csv_import_event");
        update("DELETE FROM csv_import_delivery");
        assertEquals("voided", outcome(Map.of("csvImportId", id, "csvImportForce", "true")));
        assertTrue(importOf("people.csv").voided());
        awaitThat(() -> events().stream()
                .anyMatch(event -> event.get("type").asText().equals("csv-import.voided")
                        && event.get("subject").asText().equals(id)));
        assertEquals("voided", outcome(Map.of("csvImportId", "a/b c", "csvImportForce", true)));
        assertTrue(
                voids().get(1).target().endsWith("/csv-import/a%2Fb%20c"),
                voids().get(1).target());
    }

    @Test
    void whatIsNoImportYetIsNotVoided() throws Exception {
        sandbox.failNext(SandboxFault.status(503, false, Map.of("Retry-After", "600")));
        drop("People/people.csv", CSV);
        awaitState("people.csv", "waiting");
        assertRefused(
                409, "not-voidable", Map.of("csvImportJob", job("people.csv").get("job")));
        awaitIn(".imported", drop("Courses/first.csv", CSV));
        awaitIn(".duplicate", drop("Courses/second.csv", CSV));
        assertRefused(
                409, "not-voidable", Map.of("csvImportJob", job("second.csv").get("job")));
        awaitIn(".rejected", drop("Courses/empty.csv", ""));
        assertRefused(
                409, "not-voidable", Map.of("csvImportJob", job("empty.csv").get("job")));
        for (String state : List.of("unknown", "held", "withdrawn")) {
            update("UPDATE csv_import_delivery SET state = '" + state + "' WHERE file_name = 'empty.csv'");
            assertRefused(
                    409, "not-voidable", Map.of("csvImportJob", job("empty.csv").get("job")));
        }
        assertEquals(List.of(), voids());
    }

    @Test
    void aVoidThatTheApiCannotDoNowGoesOnByItself() throws Exception {
        String id = accepted("people.csv");
        context.getRouteController().stopRoute("csv-import-voiding");
        for (SandboxFault fault : List.of(
                SandboxFault.status(503),
                SandboxFault.status(401),
                SandboxFault.resetAtEnd(false),
                SandboxFault.resetAtEnd(true))) {
            sandbox.failVoid(fault);
            Exchange answer = voidImport(Map.of("csvImportId", id));
            assertEquals("voiding", answer.getMessage().getHeader("csvImportOutcome"));
            String reason = answer.getMessage().getHeader("csvImportReason", String.class);
            assertTrue(Set.of("http-503", "http-401", "unreachable").contains(reason), reason);
            assertEquals("voiding", job("people.csv").get("state"));
            assertEquals(reason, job("people.csv").get("reason"));
        }
        // meanwhile its bytes are no new import
        assertTrue(sendCsv("People", "again.csv", CSV, Map.of()).isFailed());
        sandbox.failVoid(null);
        context.getRouteController().startRoute("csv-import-voiding");
        Map<String, String> job = awaitState("people.csv", "voided");
        assertNull(job.get("reason"));
        awaitEvent("voided", "people.csv");
        assertEquals(1, events("voided", "people.csv").size());
    }

    @Test
    void aVoidThatTheApiRefusesForGoodLeavesTheImportAsItWas() throws Exception {
        String id = accepted("people.csv");
        sandbox.failVoid(SandboxFault.status(405));
        assertRefused(502, "http-405", Map.of("csvImportId", id));
        assertEquals("accepted", job("people.csv").get("state"));
        update("UPDATE csv_import_delivery SET state = 'completed', failed_rows = 0");
        assertRefused(502, "http-405", Map.of("csvImportId", id));
        assertEquals("completed", job("people.csv").get("state"));
        assertRefused(502, "http-405", Map.of("csvImportId", "17", "csvImportForce", true));
        assertEquals(1, jobs().size());
    }

    @Test
    void aVoidThatAnotherProcessLeftOffGoesOn() throws Exception {
        accepted("people.csv");
        update("UPDATE csv_import_delivery SET state = 'voiding', owner = 'gone'");
        awaitState("people.csv", "voided");
        awaitEvent("voided", "people.csv");
        assertTrue(importOf("people.csv").voided());
    }

    @Test
    void aFileThatIsNotMovedYetIsMovedThoughItsImportIsVoided() throws Exception {
        // in the way of the move: .imported is a file
        Files.createDirectories(inbox.resolve("People"));
        Path way = Files.createFile(inbox.resolve("People/.imported"));
        Path file = drop("People/people.csv", CSV);
        awaitState("people.csv", "accepted");
        assertEquals(
                "voided", outcome(Map.of("csvImportId", importOf("people.csv").id())));
        Files.delete(way);
        awaitIn(".imported", file);
        assertEquals(1, uploads().size());
    }

    @Test
    @With({"track.enabled=true", "track.interval=PT0.1S"})
    void aVoidedImportIsNotFollowed() throws Exception {
        sandbox.listLag(Duration.ofDays(1));
        String id = accepted("people.csv");
        awaitThat(() -> !lists().isEmpty());
        assertEquals("voided", outcome(Map.of("csvImportId", id)));
        assertNull(job("people.csv").get("track_at"));
    }

    private String accepted(String fileName) throws Exception {
        awaitIn(".imported", drop("People/" + fileName, CSV));
        awaitThat(() -> job(fileName).get("released_at") != null);
        awaitEvent("accepted", fileName);
        return importOf(fileName).id();
    }

    private Exchange voidImport(Map<String, Object> headers) {
        return template.send("direct:csv-import-void", exchange -> {
            exchange.getMessage().setBody("the body");
            headers.forEach(exchange.getMessage()::setHeader);
        });
    }

    private Object outcome(Map<String, Object> headers) {
        Exchange answer = voidImport(headers);
        assertFalse(answer.isFailed(), () -> String.valueOf(answer.getException()));
        return answer.getMessage().getHeader("csvImportOutcome");
    }

    private void assertRefused(int status, String reason, Map<String, Object> headers) {
        CsvImportRefusedException refused = voidImport(headers).getException(CsvImportRefusedException.class);
        assertEquals(status, refused.getStatus());
        assertEquals(reason, refused.getReason());
    }

    private List<SandboxRequest> voids() {
        return sandbox.requests().stream()
                .filter(request -> request.method().equals("DELETE"))
                .toList();
    }
}
