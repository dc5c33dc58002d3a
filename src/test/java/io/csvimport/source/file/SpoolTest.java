package io.csvimport.source.file;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.csvimport.CsvImportTestSupport;
import io.csvimport.sandbox.SandboxFault;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.camel.Exchange;
import org.junit.jupiter.api.Test;

/**
 * What is handed over to {@code direct:csv-import-spool}. The same bytes again would be imported again here: an item that
 * is taken for another one shows.
 */
@CsvImportTestSupport.With("duplicates=import")
class SpoolTest extends CsvImportTestSupport {

    /** Hands over a CSV; answers its job. */
    private Long spool(Object body, Map<String, Object> headers) {
        Exchange done = template.send("direct:csv-import-spool", exchange -> {
            exchange.getMessage().setBody(body);
            exchange.getMessage().setHeaders(new LinkedHashMap<>(headers));
        });
        assertNull(done.getException());
        return done.getMessage().getHeader("csvImportJob", Long.class);
    }

    private static Map<String, Object> item(String key, String name) {
        return Map.of("csvImportSourceKey", key, "template", "People", "fileName", name);
    }

    @Test
    void anItemThatIsOfferedAgainKeepsItsJob() throws Exception {
        sandbox.failNext(SandboxFault.status(503, false, Map.of("Retry-After", "1")));
        Long job = spool(CSV, item("topic/0/17", "people.csv"));
        assertEquals(job, spool(CSV, item("topic/0/17", "people.csv")));
        awaitEvent("accepted", "people.csv");
        awaitThat(() -> job("people.csv").get("released_at") != null);
        // and when nothing is left of it but the ledger's row
        assertEquals(job, spool(CSV, item("topic/0/17", "people.csv")));
        assertNotEquals(job, spool(CSV, item("topic/0/18", "others.csv")));
        awaitEvent("accepted", "others.csv");
        assertEquals(List.of("people.csv", "others.csv"), importedNames());
        assertEquals(2, jobs().size());
        awaitThat(() -> spooled().isEmpty());
    }

    @Test
    void otherBytesOrAnotherTemplateAreAnotherItemWhateverTheKeySays() throws Exception {
        spool(CSV, item("///", "first.csv"));
        spool(CSV + 2, item("///", "second.csv"));
        spool(CSV, Map.of("csvImportSourceKey", "///", "template", "Courses", "fileName", "third.csv"));
        for (String name : List.of("first.csv", "second.csv", "third.csv")) {
            awaitEvent("accepted", name);
        }
    }

    @Test
    void itemsWithoutAKeyAreTakenEachTime() throws Exception {
        Map<String, Object> names = Map.of("template", "People", "fileName", "people.csv");
        spool(CSV, names);
        spool(CSV, names);
        awaitThat(() -> sandbox.imports().size() == 2);
    }

    @Test
    void anItemThatWaitsHoldsBackLaterOnesOfItsTemplate() throws Exception {
        assertEquals("claimed|waiting", statesOfTheLaterAndTheWaitingItem());
    }

    @Test
    @With("order=none")
    void withoutAnOrderAnItemThatWaitsHoldsBackNoOther() throws Exception {
        assertEquals("accepted|waiting", statesOfTheLaterAndTheWaitingItem());
    }

    private String statesOfTheLaterAndTheWaitingItem() throws Exception {
        sandbox.failNext(SandboxFault.status(503, false, Map.of("Retry-After", "600")));
        spool(CSV, item("topic/0/17", "waiting.csv"));
        awaitState("waiting.csv", "waiting");
        spool(CSV, item("topic/0/18", "later.csv"));
        spool(CSV, Map.of("template", "Courses", "fileName", "other.csv"));
        awaitEvent("accepted", "other.csv");
        if (settings.containsKey("csv-import.order")) {
            awaitEvent("accepted", "later.csv");
        }
        return job("later.csv").get("state") + "|" + job("waiting.csv").get("state");
    }

    @Test
    void whatWasRejectedMayComeAgain() throws Exception {
        Map<String, Object> unnamed = Map.of("csvImportSourceKey", "topic/0/17", "fileName", "people.csv");
        Long rejected = spool(CSV, unnamed);
        assertEquals(
                "no-template",
                awaitEvent("rejected", "people.csv").at("/data/reason").asText());
        assertNotEquals(rejected, spool(CSV, item("topic/0/17", "people.csv")));
        awaitEvent("accepted", "people.csv");
    }

    @Test
    void nothingAtAllIsRejectedAsEmpty() throws Exception {
        spool(null, item("topic/0/17", "tombstone.csv"));
        assertEquals(
                "empty",
                awaitEvent("rejected", "tombstone.csv").at("/data/reason").asText());
        awaitThat(() -> job("tombstone.csv").get("released_at") != null);
    }

    @Test
    void namesMayBeBytesAsKafkaHasThem() throws Exception {
        Map<String, Object> headers = new LinkedHashMap<>();
        headers.put("template", "Prüfung 名前".getBytes(UTF_8));
        headers.put("notify", "a@example.com,b@example.com".getBytes(UTF_8));
        headers.put("fileName", "Jürgen.csv".getBytes(UTF_8));
        spool(CSV.getBytes(UTF_8), headers);
        awaitEvent("accepted", "Jürgen.csv");
        assertEquals("Prüfung 名前", importOf("Jürgen.csv").template());
        assertEquals(
                List.of("a@example.com", "b@example.com"),
                JSON.convertValue(awaitEvent("accepted", "Jürgen.csv").at("/data/notify"), List.class));
        assertArrayEquals(CSV.getBytes(UTF_8), awaitUpload("Jürgen.csv").file());
    }

    @Test
    void bytesWithALineBreakAreRejectedAsTextIs() throws Exception {
        int job = 0;
        for (String name : List.of("template", "notify", "fileName")) {
            for (String bad : List.of("a@example.com\r\nX: 1", "a@example.com\n")) {
                Map<String, Object> headers = new LinkedHashMap<>(item("topic/0/" + job++, "people.csv"));
                headers.put(name, bad.getBytes(UTF_8));
                spool(CSV, headers);
            }
        }
        int rejected = job;
        awaitThat(() -> events().size() == rejected);
        assertEquals(
                List.of("template", "template", "notify", "notify", "file-name", "file-name"),
                events().stream()
                        .map(event -> event.at("/data/reason").asText())
                        .toList());
        assertEquals(List.of(), sandbox.requests());
    }
}
