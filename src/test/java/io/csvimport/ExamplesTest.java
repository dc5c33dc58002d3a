package io.csvimport;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.csvimport.audit.KafkaTest;
import io.csvimport.source.queue.Broker;
import io.csvimport.source.queue.QueueTest;
import io.csvimport.source.sftp.SftpRig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** What the manual shows works as it stands there: each route is dropped into the routes folder of a running product. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public class ExamplesTest {

    private Installation product;
    private SftpRig partner;
    private Broker broker;

    @BeforeAll
    public void start(@TempDir Path directory) throws IOException {
        product = new Installation(directory)
                .withRoutes()
                .with("CSV_IMPORT_TEMPLATE", "People")
                .with("CSV_IMPORT_NOTIFY", "hr@example.com")
                .with("CSV_IMPORT_TRACK_INTERVAL", "PT1S");
        // the login folder of the partner's server is the working directory
        partner = new SftpRig(directory.resolve("partner"), directory);
        product.with("PARTNER_HOST", "127.0.0.1")
                .with("PARTNER_PORT", String.valueOf(partner.port()))
                .with("PARTNER_USERNAME", SftpRig.USERNAME)
                .with("PARTNER_PASSWORD", SftpRig.PASSWORD);
        broker = new Broker(directory.resolve("broker")).start();
        product.with("CSV_IMPORT_JMS_URL", broker.amqp())
                .with("CSV_IMPORT_JMS_USERNAME", Broker.USER)
                .with("CSV_IMPORT_JMS_PASSWORD", Broker.PASSWORD);
        product.write("home/.ssh/known_hosts", Files.readString(partner.knownHosts()));
        product.start("-Duser.home=" + product.path("home"));
        product.awaitReady();
    }

    @AfterAll
    public void stop() throws IOException {
        product.close();
        partner.close();
        broker.close();
    }

    @TestFactory
    public Stream<DynamicTest> everyFeedImportsAFile() throws IOException {
        List<Manual.Example> feeds = Manual.examples()
                .filter(Manual.Example::isFeed)
                // these need a server, or jars
                .filter(feed -> !Set.of(KafkaTest.FEED, S3Test.FEED).contains(feed.id()))
                .filter(feed -> !WaysInTest.FEEDS.contains(feed.id()))
                .toList();
        assertFalse(feeds.isEmpty());
        return feeds.stream()
                .map(feed -> dynamicTest(feed.id(), () -> {
                    String name = feed.id() + ".csv";
                    product.write("routes/" + feed.id() + ".camel.yaml", feed.yaml());
                    if (feed.queue() == null) {
                        product.drop(feed.folder() + "/" + name);
                    } else {
                        broker.send(
                                broker.amqp(),
                                feed.queue(),
                                session ->
                                        QueueTest.named(session.createTextMessage("name\n"), Map.of("fileName", name)));
                    }
                    product.awaitImport(name);
                    JsonNode event = product.awaitAudit("csv-import.accepted", name);
                    assertEquals(feed.id(), event.path("data").path("from").asText());
                }));
    }

    @Test
    public void theAuditRouteSendsTheEventsElsewhere() throws IOException {
        Path route = product.path("routes/audit/csv-import-audit.camel.yaml");
        Path events = product.path("audit-team/events.jsonl");
        product.write(
                "routes/audit/csv-import-audit.camel.yaml",
                Manual.example("csv-import-audit").yaml());
        try {
            product.awaitUntil("events for the audit team", () -> {
                product.drop("inbox/audit-" + System.nanoTime() + ".csv");
                return Files.exists(events) && Files.readAllLines(events).size() > 1;
            });
        } finally {
            Files.delete(route);
        }
        Path trail = product.path("data/audit/csv-import-audit.jsonl");
        product.awaitUntil("the packaged route, which other tests need", () -> {
            String name = "back-" + System.nanoTime() + ".csv";
            product.drop("inbox/" + name);
            product.awaitFile("inbox/.imported/" + name);
            return Files.exists(trail) && Files.readString(trail).contains("\"back-");
        });
        for (String line : Files.readAllLines(events)) {
            assertTrue(new ObjectMapper().readTree(line).path("type").asText().startsWith("csv-import."), line);
        }
    }

    @Test
    public void theEventHasTheFieldsOfARealOne() throws IOException {
        product.drop("inbox/event.csv");
        JsonNode real = product.awaitAudit("csv-import.accepted", "event.csv");
        JsonNode shown =
                new ObjectMapper().readTree(Manual.blocks("json").findFirst().orElseThrow());
        assertEquals(fields(real), fields(shown));
        assertEquals(fields(real.get("data")), fields(shown.get("data")));
    }

    @Test
    public void aFileThatIsNotAsTheManualExpectsIsHeld() throws IOException {
        String expectations = Manual.expectations()
                .filter(file -> file.contains("min: 100") && file.contains("encoding") && file.contains("hold"))
                .findFirst()
                .orElseThrow();
        product.write("routes/expectations/nightly.yaml", expectations.replace("People", "Nightly"));
        String csv = "id,name,email\n" + "1,Zoë,zoe@example.com\n".repeat(150);
        product.awaitUntil("few rows are held", () -> {
            // another one until the file of expectations is read
            product.drop("inbox/Nightly/few-" + System.nanoTime() + ".csv");
            return product.get("/csv-imports?template=Nightly&state=held")
                    .body()
                    .contains("at least 100 rows");
        });
        product.drop("inbox/Nightly/good.csv", csv);
        product.awaitJob("good.csv", "completed");
        product.drop("inbox/Nightly/swapped.csv", csv.replace("name,email", "email,name"));
        assertEquals(
                "the header id, email, name",
                product.awaitJob("swapped.csv", "held").path("found").asText());
    }

    @Test
    public void aFileInTheFolderVoidVoidsTheImportThatItNames() throws IOException {
        product.drop("inbox/mistake.csv");
        String id = product.awaitImport("mistake.csv").id();
        product.awaitAudit("csv-import.accepted", "mistake.csv");
        product.write("routes/void.camel.yaml", Manual.example("void-imports").yaml());
        product.write("void/mistake.txt", id + "\n");
        product.write("void/unknown.txt", "17\n");
        product.awaitAudit("csv-import.voided", "mistake.csv");
        assertTrue(product.imports("mistake.csv").get(0).voided());
        product.awaitUntil(
                "both files are moved",
                () -> Files.exists(product.path("void/.voided/mistake.txt"))
                        && Files.exists(product.path("void/.refused/unknown.txt")));
    }

    @Test
    public void aFileInTheFolderPreviewIsPreviewed() throws IOException {
        product.write(
                "routes/preview.camel.yaml", Manual.example("preview-people").yaml());
        product.drop("preview/looked-at.csv");
        Path preview = product.path("preview/looked-at.csv.json");
        product.awaitUntil("preview", () -> Files.exists(preview) && Files.size(preview) > 0);
        JsonNode shown = new ObjectMapper().readTree(Files.readString(preview));
        assertEquals(List.of("failedRows", "statements"), List.copyOf(fields(shown)));
        assertEquals(List.of(), product.imports("looked-at.csv"));
    }

    @TestFactory
    public Stream<DynamicTest> everyStatementOfTheRunbookRunsOnTheLedger() {
        Path ledger = product.path("data/csv-import-ledger.db");
        return Manual.blocks("sql")
                .flatMap(block -> Stream.of(block.replaceAll("--.*", "").split(";")))
                .map(String::strip)
                .filter(statement -> !statement.isEmpty())
                .map(statement -> dynamicTest(statement, () -> {
                    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + ledger);
                            Statement sql = connection.createStatement()) {
                        sql.execute(statement);
                    }
                }));
    }

    private static TreeSet<String> fields(JsonNode json) {
        TreeSet<String> names = new TreeSet<>();
        for (Iterator<String> fields = json.fieldNames(); fields.hasNext(); ) {
            names.add(fields.next());
        }
        return names;
    }
}
