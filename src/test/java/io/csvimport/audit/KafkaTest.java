package io.csvimport.audit;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.csvimport.Distribution;
import io.csvimport.Installation;
import io.csvimport.Manual;
import io.csvimport.sandbox.SandboxImport;
import io.csvimport.sandbox.SandboxRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The manual's feed from a Kafka topic, as it stands there, in the distribution, with a real broker. The same bytes again
 * would be imported again here: a record that is taken for another one shows.
 */
@Tag("long")
public class KafkaTest {

    /** Of the manual. */
    public static final String FEED = "people-from-kafka";

    private static final String TOPIC = "people-csv";
    private static final String GROUP = "csv-import";

    @TempDir
    private Path directory;

    private KafkaRig broker;
    private Installation product;
    /** The names of the records that are to be imported. */
    private final List<String> sent = new ArrayList<>();

    /** How many of them each partition has. */
    private final long[] counts = new long[2];

    @BeforeEach
    void open() throws Exception {
        broker = new KafkaRig(directory.resolve("broker")).start();
        broker.createTopic(TOPIC, 2);
        product = new Installation(directory.resolve("product"))
                .withRoutes()
                .with("PEOPLE_BROKERS", broker.brokers())
                .with("CSV_IMPORT_API_REQUESTS_PER_MINUTE", "0")
                .with("CSV_IMPORT_RECONCILE_WAIT", "PT1S")
                .with("CSV_IMPORT_TRACK_ENABLED", "false")
                .with("CSV_IMPORT_DUPLICATES", "import");
        product.write("routes/" + FEED + ".camel.yaml", Manual.example(FEED).yaml());
    }

    @AfterEach
    void close() {
        product.close();
        broker.close();
    }

    private Distribution start() throws Exception {
        // the group does without a process that was killed after 4 seconds, not 45
        return product.start("-Dcamel.component.kafka.sessionTimeoutMs=4000");
    }

    private void send(int partition, String name) throws Exception {
        sent.add(name);
        counts[partition]++;
        broker.send(TOPIC, partition, "name\n" + name + "\n", Map.of("fileName", name));
    }

    private void awaitCommitted(long first, long second) {
        product.awaitUntil(
                "the offsets to be committed",
                () -> broker.committed(GROUP, TOPIC, 0) == first && broker.committed(GROUP, TOPIC, 1) == second);
    }

    /** Every record is one import, and no job is left over. */
    private void awaitAllImportedOnce() {
        product.awaitReady();
        product.awaitUntil(
                "the imports", () -> importedNames().stream().distinct().count() == sent.size());
        product.awaitAccepted(sent.size());
        assertEquals(
                sent.stream().sorted().toList(),
                importedNames().stream().sorted().toList());
    }

    private List<String> importedNames() {
        return product.sandbox().imports().stream().map(SandboxImport::fileName).toList();
    }

    @Test
    void aRecordIsImportedOnceWithTheNamesOfItsHeadersAndByTheFeedsTemplateWhereItHasNone() throws Exception {
        String csv = "name\r\nJürgen 名前\r\n";
        broker.send(
                TOPIC,
                0,
                csv,
                Map.of("template", "Prüfung 1", "notify", "a@example.com,b@example.com", "fileName", "Jürgen.csv"));
        broker.send(TOPIC, 1, "name\nAnna\n", Map.of("fileName", "anna.csv", "CamelHttpUri", "http://127.0.0.1:1"));
        start();
        SandboxImport named = product.awaitImport("Jürgen.csv");
        assertEquals("Prüfung 1", named.template());
        SandboxRequest upload = product.uploads().stream()
                .filter(request -> "Jürgen.csv".equals(request.fileName()))
                .findFirst()
                .orElseThrow();
        assertArrayEquals(csv.getBytes(UTF_8), upload.file());
        JsonNode event = product.awaitAudit("csv-import.accepted", "Jürgen.csv");
        assertEquals(FEED, event.at("/data/from").asText());
        assertEquals(
                "[\"a@example.com\",\"b@example.com\"]",
                event.at("/data/notify").toString());
        assertEquals("People", product.awaitImport("anna.csv").template());
        awaitCommitted(1, 1);
        assertEquals(2, product.sandbox().imports().size());
    }

    @Test
    void theSameBytesInAnotherRecordAreAnotherRecord() throws Exception {
        start();
        for (int i = 0; i < 4; i++) {
            broker.send(TOPIC, i % 2, "name\nAnna\n", Map.of("fileName", "anna.csv"));
        }
        awaitCommitted(2, 2);
        product.awaitUntil("the imports", () -> product.imports("anna.csv").size() == 4);
    }

    @Test
    void whatIsRejectedHoldsBackNothing() throws Exception {
        broker.send(TOPIC, 0, null, Map.of("fileName", "tombstone.csv"));
        broker.send(TOPIC, 0, "", Map.of("fileName", "empty.csv"));
        broker.send(TOPIC, 0, "name\n1\n", Map.of("template", "People\r\nX: 1", "fileName", "break.csv"));
        broker.send(TOPIC, 0, "name\n2\n", Map.of("notify", "nobody", "fileName", "notify.csv"));
        broker.send(TOPIC, 0, "name\n3\n", Map.of("fileName", "../../up.csv"));
        send(0, "good.csv");
        start();
        product.awaitImport("good.csv");
        List<String> reasons = new ArrayList<>();
        for (String name : List.of("tombstone.csv", "empty.csv", "break.csv", "notify.csv", "up.csv")) {
            reasons.add(product.awaitAudit("csv-import.rejected", name)
                    .at("/data/reason")
                    .asText());
        }
        assertEquals(List.of("empty", "empty", "template", "notify", "file-name"), reasons);
        awaitCommitted(6, 0);
        awaitAllImportedOnce();
    }

    @Test
    void recordsThatAreOfferedAgainAfterAKillAreNotImportedTwice() throws Exception {
        for (int i = 0; i < 300; i++) {
            send(0, i + ".csv");
        }
        Distribution first = start();
        product.awaitUntil("some imports", () -> product.sandbox().imports().size() > 5);
        first.kill();
        assertEquals(0, broker.committed(GROUP, TOPIC, 0), "all are offered again");
        start();
        awaitCommitted(300, 0);
        awaitAllImportedOnce();
    }

    @Test
    void whateverDiesAndWheneverEachRecordIsImportedOnce() throws Exception {
        long seed = Long.getLong("seed", System.nanoTime() % 1_000_000_000);
        int kills = Math.max(3, Integer.getInteger("kills", 12) / 10);
        System.out.printf("KafkaTest: -Dseed=%d, %d kills%n", seed, kills);
        Random random = new Random(seed);
        for (int kill = 0; kill < kills; kill++) {
            for (int i = 0; i < 20; i++) {
                send(random.nextInt(2), kill + "-" + i + ".csv");
            }
            Distribution running = start();
            int imports = product.sandbox().imports().size() + random.nextInt(25);
            product.awaitUntil("imports", () -> product.sandbox().imports().size() >= Math.min(imports, sent.size()));
            if (random.nextBoolean()) {
                broker.kill();
                broker.start();
            }
            running.kill();
        }
        start();
        awaitCommitted(counts[0], counts[1]);
        awaitAllImportedOnce();
    }

    @Test
    void itGoesOnWhenTheBrokerIsBack() throws Exception {
        send(0, "before.csv");
        start();
        product.awaitImport("before.csv");
        awaitCommitted(1, 0);
        broker.stop();
        broker.start();
        send(0, "after.csv");
        send(1, "other.csv");
        awaitCommitted(2, 1);
        awaitAllImportedOnce();
    }

    @Test
    void aCommitThatFailsBecauseTheBrokerIsSilentPassesNoRecordOver() throws Exception {
        for (int i = 0; i < 300; i++) {
            send(0, i + ".csv");
        }
        // there are more records than those whose commit fails
        product.start("-Dcamel.component.kafka.maxPollRecords=50");
        product.awaitUntil("some imports", () -> !product.sandbox().imports().isEmpty());
        // not long enough for the group to do without its member, and to begin anew
        broker.signal("STOP");
        product.awaitUntil("the commit to fail", () -> product.output().contains("before successfully committing"));
        broker.signal("CONT");
        send(0, "after.csv");
        awaitCommitted(301, 0);
        awaitAllImportedOnce();
    }

    @Test
    void noOffsetIsCommittedAndNoRecordPassedOverWhileTheSpoolCannotWrite() throws Exception {
        start();
        product.awaitReady();
        send(0, "first.csv");
        product.awaitImport("first.csv");
        awaitCommitted(1, 0);
        Path spool = product.path("data/spool");
        Path away = Files.move(spool, product.path("data/spool-away"));
        Files.createFile(spool);
        IntStream.range(0, 3).forEach(i -> {
            try {
                send(0, "later-" + i + ".csv");
                send(1, "other-" + i + ".csv");
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        });
        product.awaitUntil("some attempts", () -> product.output().split("; it is tried again").length > 4);
        assertEquals(1, broker.committed(GROUP, TOPIC, 0));
        assertEquals(0, broker.committed(GROUP, TOPIC, 1));
        assertEquals(List.of("first.csv"), importedNames());
        Files.delete(spool);
        Files.move(away, spool);
        awaitCommitted(4, 3);
        awaitAllImportedOnce();
        List<String> later = importedNames().stream()
                .filter(name -> name.startsWith("later"))
                .toList();
        assertEquals(List.of("later-0.csv", "later-1.csv", "later-2.csv"), later);
        assertTrue(Files.isDirectory(spool));
    }
}
