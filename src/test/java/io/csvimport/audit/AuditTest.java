package io.csvimport.audit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpServer;
import io.csvimport.CsvImportTestSupport;
import io.csvimport.sandbox.SandboxImport;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Every outcome has its audit event, in the file or at the endpoint of the user's. */
class AuditTest extends CsvImportTestSupport {

    private static final String SHA256 = "f0f8d6ec7201d6394bf7aec16435ed8427896c0ae7f2a516f9db08de5bc010e2";

    /** What an audit endpoint was sent. */
    private record Delivered(String contentType, String authorization, JsonNode event, int answer) {}

    private final List<Delivered> delivered = new CopyOnWriteArrayList<>();
    private volatile int answer = 204;
    private volatile String refused = "";
    private HttpServer endpoint;

    @Override
    public void addRoutes() throws IOException {
        endpoint = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        endpoint.createContext("/", http -> {
            JsonNode event = JSON.readTree(http.getRequestBody());
            int status = event.at("/data/fileName").asText().equals(refused) ? 503 : answer;
            delivered.add(new Delivered(
                    http.getRequestHeaders().getFirst("Content-Type"),
                    http.getRequestHeaders().getFirst("Authorization"),
                    event,
                    status));
            http.sendResponseHeaders(status, -1);
            http.close();
        });
        endpoint.start();
        settings.setProperty(
                "audit.endpoint", "http://localhost:" + endpoint.getAddress().getPort());
    }

    @AfterEach
    void stopEndpoint() {
        endpoint.stop(0);
    }

    @Test
    @With("notify=a@x.com,b@y.com")
    void theEventOfAnAcceptedFileIsACloudEventWithAllThereIsToKnow() throws Exception {
        Instant before = Instant.now().minusSeconds(1);
        awaitIn(".imported", drop("People/people.csv", CSV));
        JsonNode event = awaitEvent("accepted", "people.csv");
        String importId = sandbox.imports().get(0).id();
        Instant time = Instant.parse(event.get("time").asText());
        assertTrue(time.isAfter(before) && time.isBefore(Instant.now().plusSeconds(1)), time.toString());

        ObjectNode expected = JSON.createObjectNode();
        expected.put("specversion", "1.0");
        long job = Long.parseLong(job("people.csv").get("job"));
        expected.put("id", job + "/csv-import.accepted/1");
        expected.put("source", "/csv-import/5664");
        expected.put("type", "csv-import.accepted");
        expected.put("subject", importId);
        expected.set("time", event.get("time"));
        expected.put("datacontenttype", "application/json");
        ObjectNode data = expected.putObject("data");
        data.put("importId", importId);
        data.put("organization", "5664");
        data.put("template", "People");
        data.putArray("notify").add("a@x.com").add("b@y.com");
        data.put("fileName", "people.csv");
        data.put("fileSize", 27);
        data.put("sha256", SHA256);
        data.put("from", "file");
        data.put("job", job);
        data.put("attempts", 1);
        data.put("reconciled", false);
        assertEquals(JSON.readTree(expected.toString()), event);
    }

    @Test
    void theEventOfARejectedFileTellsTheReasonAndHasNoSubject() throws Exception {
        awaitIn(".rejected", drop("People/empty.csv", ""));
        JsonNode event = awaitEvent("rejected", "empty.csv");
        assertEquals(
                job("empty.csv").get("job") + "/csv-import.rejected/1",
                event.get("id").asText());
        assertFalse(event.has("subject"));
        assertEquals("empty", event.at("/data/reason").asText());
        assertEquals(0, event.at("/data/attempts").asInt(-1));
        assertEquals(0, event.at("/data/fileSize").asInt(-1));
        assertEquals(JSON.createArrayNode(), event.at("/data/notify"));
    }

    @Test
    void withoutATracerTheHeadersOfATraceAreAStrangers() throws Exception {
        String traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        sendCsv("People", "people.csv", CSV, Map.of("traceparent", traceparent, "tracestate", "vendor=1"));
        JsonNode event = awaitEvent("accepted", "people.csv");
        assertFalse(event.has("traceparent") || event.has("tracestate"), event.toString());
        assertNull(job("people.csv").get("traceparent"));
    }

    @Test
    void everyEventIsOneLineOfTheAuditFileAndNothingIsSaidTwice() throws Exception {
        drop("People/first.csv", CSV);
        drop("People/ümlaut 名前 \"quoted\".csv", CSV + 2);
        drop("People/empty.csv", "");
        awaitThat(() -> events().size() == 3);
        awaitThat(() ->
                rows("SELECT id FROM csv_import_event WHERE sent_at IS NULL").isEmpty());
        String text = Files.readString(auditFile());
        assertEquals(3, text.lines().count());
        assertTrue(text.endsWith("\n"));
        assertEquals(1, events("accepted", "ümlaut 名前 \"quoted\".csv").size());
        Set<String> ids = new HashSet<>(
                events().stream().map(event -> event.get("id").asText()).toList());
        assertEquals(3, ids.size());
    }

    @Test
    void theAuditFileMayBeRotatedAtAnyTime() throws Exception {
        drop("People/before.csv", CSV);
        awaitEvent("accepted", "before.csv");
        Path rotated = Files.move(auditFile(), home.resolve("rotated.jsonl"));
        drop("People/after.csv", CSV + 2);
        awaitEvent("accepted", "after.csv");
        assertEquals(1, events(Files.readString(rotated)).size());
        assertEquals(1, events().size());
    }

    @Test
    @With("audit.uri={{audit.endpoint}}/trail")
    void overHttpAnEventIsACloudEventAsJsonAndCarriesNothingOfTheApi() throws Exception {
        awaitIn(".imported", drop("People/people.csv", CSV));
        awaitThat(() -> delivered.size() == 1);
        assertEquals("application/cloudevents+json", delivered.get(0).contentType());
        assertEquals(null, delivered.get(0).authorization());
        assertEquals(
                job("people.csv").get("job") + "/csv-import.accepted/1",
                delivered.get(0).event().get("id").asText());
        assertFalse(Files.exists(auditFile()));
    }

    @Test
    @With("audit.uri={{audit.endpoint}}/trail")
    void anAuditEndpointThatIsAwayGetsEveryEventLaterTheSameAndNoUploadIsRepeated() throws Exception {
        answer = 503;
        for (int i = 0; i < 4; i++) {
            awaitIn(".imported", drop("People/" + i + ".csv", CSV + i));
        }
        awaitThat(() -> delivered.size() >= 3);
        answer = 204;
        awaitThat(() -> taken().size() == 4);
        awaitThat(() ->
                rows("SELECT id FROM csv_import_event WHERE sent_at IS NULL").isEmpty());
        assertEquals(4, uploads().size());
        assertEquals(
                sandbox.imports().stream().map(SandboxImport::id).sorted().toList(),
                taken().stream()
                        .map(event -> event.get("subject").asText())
                        .sorted()
                        .toList());
        // what was offered and refused is what was taken later
        for (Delivered refused : delivered) {
            assertTrue(taken().contains(refused.event()), refused.toString());
        }
    }

    @Test
    @With("audit.uri={{audit.endpoint}}/trail")
    void anEventThatIsRefusedHoldsBackTheLaterOnesOfItsJobAndNoOthers() throws Exception {
        refused = "people.csv";
        awaitIn(".imported", drop("People/people.csv", CSV));
        awaitThat(() -> !delivered.isEmpty());
        String job = job("people.csv").get("job");
        update(
                "INSERT INTO csv_import_event (id, job, payload, created_at) SELECT job || '/csv-import.completed/1', job,"
                        + " replace(payload, 'accepted', 'completed'), created_at FROM csv_import_event WHERE job = "
                        + job);
        awaitIn(".imported", drop("People/other.csv", CSV + 2));
        String other = job("other.csv").get("job") + "/csv-import.accepted/1";
        awaitThat(() -> ids(taken()).contains(other));
        refused = "";
        awaitThat(() -> taken().size() == 3);
        assertEquals(List.of(other, job + "/csv-import.accepted/1", job + "/csv-import.completed/1"), ids(taken()));
    }

    private static List<String> ids(List<JsonNode> events) {
        return events.stream().map(event -> event.get("id").asText()).toList();
    }

    private List<JsonNode> taken() {
        return delivered.stream()
                .filter(one -> one.answer() == 204)
                .map(Delivered::event)
                .toList();
    }
}
