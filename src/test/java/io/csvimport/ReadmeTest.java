package io.csvimport;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** What README.md shows works as it stands there: each route is dropped into the routes folder of a running product. */
class ReadmeTest {

    /** A route of README.md. */
    record Example(String yaml, Map<?, ?> route) {

        static Example of(String yaml) {
            List<?> parsed = (List<?>) new Load(LoadSettings.builder().build()).loadFromString(yaml);
            return new Example(yaml, (Map<?, ?>) ((Map<?, ?>) parsed.get(0)).get("route"));
        }

        String id() {
            return route.get("id").toString();
        }

        boolean isFeed() {
            return yaml.matches("(?s).*direct:csv-import(-spool)?\\s.*");
        }

        private Map<?, ?> parameters() {
            return (Map<?, ?>) ((Map<?, ?>) route.get("from")).get("parameters");
        }

        /** The queue that it takes messages from, or null. */
        String queue() {
            return (String) parameters().get("queue");
        }

        /** The folder that it takes files from. */
        String folder() {
            Map<?, ?> parameters = parameters();
            Object kamelets = parameters.get("directory");
            return (kamelets != null ? kamelets : parameters.get("directoryName")).toString();
        }
    }

    @TempDir
    Path directory;

    private Installation product;
    private SftpRig partner;
    private Broker broker;

    @BeforeEach
    void start() throws IOException {
        product = new Installation(directory)
                .withRoutes()
                .with("CSV_IMPORT_TEMPLATE", "People")
                .with("CSV_IMPORT_NOTIFY", "hr@example.com");
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

    @AfterEach
    void stop() throws IOException {
        product.close();
        partner.close();
        broker.close();
    }

    @TestFactory
    Stream<DynamicTest> everyFeedImportsAFile() throws IOException {
        List<Example> feeds = examples()
                .filter(Example::isFeed)
                // needs a broker
                .filter(feed -> !feed.id().equals(KafkaTest.FEED))
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
    void theAuditRouteSendsTheEventsElsewhere() throws IOException {
        product.write(
                "routes/audit/csv-import-audit.camel.yaml",
                example("csv-import-audit").yaml());
        Path events = product.path("audit-team/events.jsonl");

        product.awaitUntil("events for the audit team", () -> {
            product.drop("inbox/people-" + System.nanoTime() + ".csv");
            return Files.exists(events) && Files.readAllLines(events).size() > 1;
        });
        for (String line : Files.readAllLines(events)) {
            assertEquals(
                    "csv-import.accepted",
                    new ObjectMapper().readTree(line).path("type").asText());
        }
    }

    @Test
    void theEventHasTheFieldsOfARealOne() throws IOException {
        product.drop("inbox/people.csv");
        JsonNode real = product.awaitAudit("csv-import.accepted", "people.csv");
        JsonNode shown = new ObjectMapper().readTree(blocks("json").findFirst().orElseThrow());
        assertEquals(fields(real), fields(shown));
        assertEquals(fields(real.get("data")), fields(shown.get("data")));
    }

    @Test
    void aFileInTheFolderVoidVoidsTheImportThatItNames() throws IOException {
        product.drop("inbox/people.csv");
        String id = product.awaitImport("people.csv").id();
        product.awaitAudit("csv-import.accepted", "people.csv");
        product.write("routes/void.camel.yaml", example("void-imports").yaml());
        product.write("void/wrong.txt", id + "\n");
        product.write("void/unknown.txt", "17\n");
        product.awaitAudit("csv-import.voided", "people.csv");
        assertTrue(product.imports("people.csv").get(0).voided());
        product.awaitUntil(
                "both files are done with",
                () -> Files.exists(product.path("void/.voided/wrong.txt"))
                        && Files.exists(product.path("void/.refused/unknown.txt")));
    }

    @Test
    void aFileInTheFolderPreviewIsPreviewed() throws IOException {
        product.write("routes/preview.camel.yaml", example("preview-people").yaml());
        product.drop("preview/people.csv");
        Path preview = product.path("preview/people.csv.json");
        product.awaitUntil("preview", () -> Files.exists(preview) && Files.size(preview) > 0);
        JsonNode shown = new ObjectMapper().readTree(Files.readString(preview));
        assertEquals(List.of("failedRows", "statements"), List.copyOf(fields(shown)));
        assertEquals(List.of(), product.sandbox().imports());
    }

    static Example example(String id) throws IOException {
        return examples().filter(example -> example.id().equals(id)).findFirst().orElseThrow();
    }

    private static Stream<Example> examples() throws IOException {
        return blocks("yaml").filter(block -> block.contains("- route:")).map(Example::of);
    }

    private static Stream<String> blocks(String language) throws IOException {
        return Pattern.compile("(?ms)^```" + language + "$(.*?)^```$")
                .matcher(Files.readString(Path.of("README.md")))
                .results()
                .map(match -> match.group(1));
    }

    private static TreeSet<String> fields(JsonNode json) {
        TreeSet<String> names = new TreeSet<>();
        for (Iterator<String> fields = json.fieldNames(); fields.hasNext(); ) {
            names.add(fields.next());
        }
        return names;
    }
}
