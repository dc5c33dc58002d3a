package io.csvimport.standalone;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.csvimport.Distribution;
import io.csvimport.sandbox.Sandbox;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StartCacheTest {

    @TempDir
    Path directory;

    private Sandbox sandbox;
    private Map<String, String> settings;

    @BeforeEach
    void start() throws Exception {
        sandbox = Sandbox.start(0, "5664", "key", "secret", Set.of());
        settings = Map.of(
                "CSV_IMPORT_API_URL", sandbox.url(),
                "CSV_IMPORT_API_ORGANIZATION", "5664",
                "CSV_IMPORT_API_KEY", "key",
                "CSV_IMPORT_API_SECRET", "secret",
                "CSV_IMPORT_FILE_QUIET", "PT0S",
                "CSV_IMPORT_MANAGEMENT_PORT", "0",
                "JAVA_OPTS", "-Xlog:class+load:file=" + directory.resolve("classes.txt"));
        Files.createDirectories(directory.resolve("inbox/People"));
        Files.writeString(directory.resolve("inbox/People/people.csv"), "name\nAnna\n");
    }

    @AfterEach
    void stop() {
        sandbox.close();
    }

    @Test
    void theScriptStartsWithTheClassesOfAnEarlierStart() throws Exception {
        // from wherever it is called, by whatever name
        Path link = Files.createSymbolicLink(directory.resolve("import"), Distribution.script());
        assertTrue(Files.isExecutable(link));
        try (Distribution product = Distribution.startScript(directory, settings)) {
            await().atMost(Duration.ofSeconds(60))
                    .until(() -> Files.exists(directory.resolve("inbox/People/.imported/people.csv")));
            product.stop();
        }
        try (Stream<String> classes = Files.lines(directory.resolve("classes.txt"), UTF_8)) {
            String loaded = classes.filter(line -> line.contains(" io.csvimport.standalone.CsvImportMain "))
                    .findFirst()
                    .orElseThrow();
            assertTrue(loaded.contains("source: shared objects file"), loaded);
        }
    }

    @Test
    void aProcessThatIsKilledLeavesNothingInTheTemporaryFolder() throws Exception {
        Path temporary = Files.createDirectories(directory.resolve("temporary"));
        try (Distribution product =
                Distribution.start(directory, settings, "-Djava.io.tmpdir=" + temporary, "-XX:-UsePerfData")) {
            await().atMost(Duration.ofSeconds(60))
                    .until(() -> Files.exists(directory.resolve("inbox/People/.imported/people.csv")));
            product.kill();
        }
        try (Stream<Path> left = Files.list(temporary)) {
            assertEquals(List.of(), left.toList());
        }
    }

    @Test
    @Tag("long")
    void theRehearsalTouchesNothingOfTheUsers() throws Exception {
        Files.writeString(directory.resolve("application.properties"), "csv-import.api.url=" + sandbox.url() + "\n");
        Path cache = cache();
        Files.setLastModifiedTime(cache, FileTime.from(Instant.EPOCH));
        try (Distribution rehearsal = Distribution.startScript(directory, settings, "--cache")) {
            assertEquals(0, rehearsal.exitStatus(), rehearsal.output());
        }
        assertTrue(Files.getLastModifiedTime(cache).toInstant().isAfter(Instant.EPOCH));
        assertEquals(List.of(), sandbox.requests());
        assertTrue(Files.exists(directory.resolve("inbox/People/people.csv")));
        assertFalse(Files.exists(directory.resolve("data")));
    }

    private static Path cache() {
        String version = System.getProperty("java.version");
        return Distribution.script()
                .resolveSibling("../cache/" + version + (Runtime.version().feature() >= 25 ? ".aot" : ".jsa"))
                .normalize();
    }
}
