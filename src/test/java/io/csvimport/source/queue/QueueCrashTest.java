package io.csvimport.source.queue;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import io.csvimport.CrashRig;
import io.csvimport.CsvImportTestSupport;
import io.csvimport.Hashes;
import io.csvimport.sandbox.SandboxFault;
import io.csvimport.sandbox.SandboxImport;
import jakarta.jms.BytesMessage;
import jakarta.jms.Connection;
import jakarta.jms.JMSException;
import jakarta.jms.MessageProducer;
import jakarta.jms.Session;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The distribution and a real broker, either of them ended in the middle. The same bytes again would be imported again
 * here: a message that is taken for another one shows.
 */
@Tag("long")
class QueueCrashTest {

    private static final String QUEUE = "csv-import";

    @TempDir
    private Path directory;

    private CrashRig rig;
    private Broker broker;
    private final Set<String> sent = new TreeSet<>();
    private String choices = "";

    @BeforeEach
    void open() throws IOException {
        rig = new CrashRig(directory);
        broker = new Broker(directory.resolve("broker")).start();
        rig.settings.putAll(Map.of(
                "CSV_IMPORT_FILE_ENABLED", "false",
                "CSV_IMPORT_API_TIMEOUT", "PT3S",
                "CSV_IMPORT_DUPLICATES", "import",
                "CSV_IMPORT_TEMPLATE", "People",
                "CSV_IMPORT_JMS_ENABLED", "true",
                "CSV_IMPORT_JMS_URL", broker.core(),
                "CSV_IMPORT_JMS_USERNAME", Broker.USER,
                "CSV_IMPORT_JMS_PASSWORD", Broker.PASSWORD));
    }

    @AfterEach
    void close() {
        rig.close();
        broker.close();
    }

    private void send(String content, boolean withId) throws JMSException {
        sent.add(Hashes.of(content.getBytes(UTF_8)));
        try (Connection connection = broker.connect(broker.amqp());
                Session session = connection.createSession();
                MessageProducer producer = session.createProducer(session.createQueue(QUEUE))) {
            producer.setDisableMessageID(!withId);
            BytesMessage message = session.createBytesMessage();
            message.writeBytes(content.getBytes(UTF_8));
            producer.send(message);
        }
    }

    private void url(String protocol) {
        rig.settings.put("CSV_IMPORT_JMS_URL", protocol.equals("amqp") ? broker.amqp() : broker.core());
    }

    private void awaitThat(Callable<Boolean> condition) {
        await().atMost(CrashRig.PATIENCE).until(condition);
    }

    /** Every message was imported once, has its event, and is acknowledged. */
    private void awaitAllImportedOnce() throws Exception {
        awaitThat(() -> rig.sandbox.imports().size() >= sent.size() && broker.count(QUEUE) == 0);
        Map<String, Long> imports = rig.sandbox.imports().stream()
                .collect(Collectors.groupingBy(SandboxImport::sha256, TreeMap::new, Collectors.counting()));
        assertEquals(sent.stream().collect(Collectors.toMap(hash -> hash, hash -> 1L)), imports, () -> story(imports));
        awaitThat(() -> accepted().size() == sent.size());
        assertEquals(0, broker.count("given-up"));
        assertEquals(0, broker.count(QUEUE + ".rejected"));
        awaitThat(() -> rig.oracle
                .rows("SELECT job FROM csv_import_delivery WHERE settled_at IS NULL")
                .isEmpty());
    }

    /** What is wrong comes first: of a long message, often only the beginning is shown. */
    private String story(Map<String, Long> imports) {
        try {
            Set<String> wrong = new TreeSet<>(sent);
            wrong.addAll(imports.keySet());
            wrong.removeIf(hash -> sent.contains(hash) && imports.getOrDefault(hash, 0L) == 1);
            StringBuilder story = new StringBuilder(choices);
            String output = Files.readString(directory.resolve("output.txt"));
            for (String hash : wrong) {
                story.append(imports.getOrDefault(hash, 0L)).append(" times: ");
                for (Map<String, String> row : rig.oracle.rows("SELECT job, file_name, state, attempts, reconciled,"
                        + " sending_at, settled_at, released_at, source_key FROM csv_import_delivery WHERE sha256 = '"
                        + hash + "'")) {
                    story.append(row).append('\n');
                    output.lines()
                            .filter(line -> line.contains(row.get("file_name")))
                            .forEach(line -> story.append(line).append('\n'));
                }
            }
            return story + output;
        } catch (SQLException | IOException e) {
            return e.toString();
        }
    }

    /** The accepted events by their ids, each perhaps told more than once. */
    private Set<String> accepted() throws IOException {
        Set<String> ids = new TreeSet<>();
        Path trail = rig.data.resolve("audit/csv-import-audit.jsonl");
        if (!Files.exists(trail)) {
            return ids;
        }
        for (JsonNode event : CsvImportTestSupport.events(Files.readString(trail))) {
            if (event.path("type").asText().equals("csv-import.accepted")) {
                ids.add(event.path("id").asText());
            }
        }
        return ids;
    }

    @ParameterizedTest
    @ValueSource(strings = {"amqp", "core"})
    void aProductKilledDuringAnUploadThatWasAcceptedFindsIt(String protocol) throws Exception {
        url(protocol);
        rig.sandbox.failNext(SandboxFault.hang(true));
        send("name\nAnna\n", false);
        rig.start();
        awaitThat(() -> rig.sandbox.imports().size() == 1);
        // it was acknowledged when it was in the spool
        awaitThat(() -> broker.count(QUEUE) == 0);
        rig.kill();
        rig.start();
        awaitAllImportedOnce();
        assertEquals(
                List.of("accepted"),
                rig.oracle.rows("SELECT state FROM csv_import_delivery").stream()
                        .map(row -> row.get("state"))
                        .toList());
    }

    @ParameterizedTest
    @ValueSource(strings = {"amqp", "core"})
    void aBrokerThatStopsDuringAnUploadCostsNothing(String protocol) throws Exception {
        url(protocol);
        rig.settings.put("CSV_IMPORT_JMS_CONSUMERS", "2");
        rig.sandbox.failNext(SandboxFault.hang(true));
        send("name\nAnna\n", true);
        rig.start();
        awaitThat(() -> rig.sandbox.imports().size() == 1);
        broker.stop();
        broker.start();
        awaitAllImportedOnce();
        assertEquals(1, rig.oracle.rows("SELECT state FROM csv_import_delivery").size());
    }

    @ParameterizedTest
    @ValueSource(strings = {"amqp", "core"})
    void whateverDiesAndWheneverNoMessageIsLostAndNoneIsImportedTwice(String protocol) throws Exception {
        long seed = Long.getLong("seed", System.nanoTime() % 1_000_000_000);
        int kills = Math.max(4, Integer.getInteger("kills", 12) / 3);
        choices = String.format("-Dseed=%d, %d kills: ", seed, kills);
        System.out.println("QueueCrashTest: " + choices);
        Random random = new Random(seed);
        // each kill is an attempt more for the messages that were held
        broker.stop();
        broker.triesForEver().start();
        url(protocol);
        rig.settings.put("CSV_IMPORT_JMS_CONSUMERS", "3");
        // as in RandomKillTest: longer than what was sent may wait, unread, before a sandbox that gets no processor
        rig.settings.put("CSV_IMPORT_RECONCILE_WAIT", "PT4S");
        for (int kill = 0; kill < kills; kill++) {
            for (int i = 0; i < 6; i++) {
                send("name,number\nAnna," + kill + "-" + i + "\n", random.nextBoolean());
                rig.sandbox.failNext(List.of(
                                SandboxFault.none(),
                                SandboxFault.none(),
                                SandboxFault.status(503, false, Map.of("Retry-After", "1")),
                                SandboxFault.status(500, true, Map.of()),
                                SandboxFault.resetAtEnd(true),
                                SandboxFault.hang(random.nextBoolean()))
                        .get(random.nextInt(6)));
            }
            rig.start();
            if (random.nextInt(4) > 0) {
                rig.awaitReady();
            }
            pause(random.nextInt(4500));
            if (random.nextInt(3) == 0) {
                broker.stop();
                pause(random.nextInt(500));
                broker.start();
                pause(random.nextInt(6000));
            }
            rig.kill();
        }
        rig.sandbox.failNoMore();
        rig.start();
        awaitAllImportedOnce();
    }

    /** So long the surroundings leave it alone; no condition is waited for. */
    private static void pause(int millis) throws InterruptedException {
        Thread.sleep(millis);
    }
}
