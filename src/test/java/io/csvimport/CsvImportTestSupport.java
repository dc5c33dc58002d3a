package io.csvimport;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.csvimport.ledger.LedgerRows;
import io.csvimport.sandbox.Sandbox;
import io.csvimport.sandbox.SandboxImport;
import io.csvimport.sandbox.SandboxRequest;
import io.csvimport.settings.Settings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.reflect.AnnotatedElement;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.apache.camel.Exchange;
import org.apache.camel.main.MainConfigurationProperties;
import org.apache.camel.test.main.junit5.CamelMainTestSupport;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/**
 * The product's routes on a Camel Main of each test's own, in a folder of its own, against a sandbox of its own. What a
 * test looks at is what a user has: files, requests, rows of the ledger, lines of the audit trail.
 * Tests mostly wait, and each has all of its own: they run at a time.
 */
@Execution(ExecutionMode.CONCURRENT)
public abstract class CsvImportTestSupport extends CamelMainTestSupport {

    /**
     * Settings of one test, or of all of a class, without their prefix: {@code "duplicates=import"}; {@code {home}} is
     * the test's folder.
     */
    @Retention(RetentionPolicy.RUNTIME)
    public @interface With {
        String[] value();
    }

    /** The product's routes; what is done every two seconds is done five times a second. */
    private static final Path EAGER_ROUTES = eagerRoutes();

    public static final ObjectMapper JSON = new ObjectMapper();
    public static final String CSV = "name,course\nAnna,First aid\n";

    @TempDir
    public Path home;

    public Path inbox;
    public Sandbox sandbox;
    public final Properties settings = new Properties();

    @RegisterExtension
    public final BeforeEachCallback prepare = test -> {
        inbox = Files.createDirectories(home.resolve("inbox"));
        Files.createDirectories(home.resolve("routes"));
        sandbox = Sandbox.start(0, "5664", "key", "s%25écret+&", Set.of());
        set(
                "api.url=" + sandbox.url(),
                "api.organization=5664",
                "api.key=key",
                "api.secret=s%25écret+&",
                "data-dir=" + home.resolve("data"),
                "file.directory=" + inbox,
                "file.quiet=PT0S",
                "file.quiet-after-growth=PT0S",
                "reconcile.wait=PT0S",
                "track.enabled=false",
                "management.port=0");
        addRoutes();
        for (AnnotatedElement element : List.of(test.getRequiredTestClass(), test.getRequiredTestMethod())) {
            With with = element.getAnnotation(With.class);
            set(with == null ? new String[0] : with.value());
        }
        camelContextConfiguration()
                .withUseOverridePropertiesWithPropertiesComponent(settings)
                .withShutdownTimeout(1);
    };

    public void set(String... lines) {
        for (String line : lines) {
            String[] setting = line.split("=", 2);
            settings.setProperty(Settings.PREFIX + setting[0], setting[1].replace("{home}", home.toString()));
        }
    }

    @AfterEach
    public void closeSandbox() {
        sandbox.close();
    }

    private static Path eagerRoutes() {
        try (Stream<Path> found = Files.walk(Path.of("routes"))) {
            Path copies = Files.createTempDirectory(Path.of("target"), "eager-routes");
            for (Path route : found.filter(file -> file.toString().endsWith(".camel.yaml"))
                    .toList()) {
                String text = Files.readString(route).replace("delay: 2000", "delay: 200");
                Files.writeString(copies.resolve(route.getFileName()), text);
            }
            return copies;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void configure(MainConfigurationProperties configuration) {
        configuration
                .withBasePackageScanEnabled(false)
                .withShutdownTimeout(1)
                .withRoutesIncludePattern(
                        "file:" + EAGER_ROUTES + "/*.camel.yaml,file:" + home.resolve("routes") + "/*.camel.yaml");
    }

    /** The place for {@link #addRoute} and {@link #set}: the context has not started yet. */
    public void addRoutes() throws IOException {
        // most tests need none but the product's
    }

    /** Adds a file of routes of the user's. */
    public void addRoute(String name, String yaml) throws IOException {
        Files.writeString(home.resolve("routes").resolve(name + ".camel.yaml"), yaml);
    }

    // what a user does

    public Path drop(String path, String content) {
        return drop(path, content.getBytes(StandardCharsets.UTF_8));
    }

    /** Renames a file into the inbox: it is whole from the first moment on. */
    public Path drop(String path, byte[] content) {
        return drop(path, content, Instant.now());
    }

    public Path drop(String path, byte[] content, Instant modified) {
        try {
            Path file = inbox.resolve(path);
            Files.createDirectories(file.getParent());
            Path whole = Files.write(home.resolve("incoming"), content);
            Files.setLastModifiedTime(whole, FileTime.from(modified));
            return Files.move(whole, file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What a route of the user's does; the answer may have failed. */
    public Exchange sendCsv(String templateName, String fileName, Object body, Map<String, Object> headers) {
        return template.send("direct:csv-import", exchange -> {
            exchange.getMessage().setBody(body);
            exchange.getMessage().setHeaders(new LinkedHashMap<>(headers));
            exchange.getMessage().setHeader("template", templateName);
            exchange.getMessage().setHeader("fileName", fileName);
        });
    }

    // what a user sees

    public static ConditionFactory soon() {
        return await().atMost(Duration.ofSeconds(60)).pollInterval(Duration.ofMillis(20));
    }

    public static void awaitThat(Callable<Boolean> condition) {
        soon().until(condition);
    }

    /** Waits until the file lies in the folder of its outcome, {@code .imported} and the like. */
    public static Path awaitIn(String folder, Path dropped) {
        Path there = dropped.resolveSibling(folder).resolve(dropped.getFileName());
        awaitThat(() -> Files.exists(there) && !Files.exists(dropped));
        return there;
    }

    public List<SandboxRequest> uploads() {
        return sandbox.requests().stream()
                .filter(request -> request.method().equals("POST"))
                .toList();
    }

    public List<SandboxRequest> uploads(String fileName) {
        return uploads().stream()
                .filter(request -> fileName.equals(request.fileName()))
                .toList();
    }

    /** The one upload of a file, once it was accepted. */
    public SandboxRequest awaitUpload(String fileName) {
        awaitThat(() -> uploads(fileName).stream().anyMatch(request -> request.status() == 202));
        assertEquals(1, uploads(fileName).size());
        return uploads(fileName).get(0);
    }

    /** The file names of all accepted imports, in order. */
    public List<String> importedNames() {
        return sandbox.imports().stream().map(SandboxImport::fileName).toList();
    }

    /** The first import of a file. */
    public SandboxImport importOf(String fileName) {
        return sandbox.imports().stream()
                .filter(made -> made.fileName().equals(fileName))
                .findFirst()
                .orElseThrow();
    }

    /** The lists of imports that were asked for. */
    public List<SandboxRequest> lists() {
        return sandbox.requests().stream()
                .filter(request -> request.method().equals("GET"))
                .toList();
    }

    /** The rows of the ledger, as text, oldest first. */
    public List<Map<String, String>> jobs() throws SQLException {
        return rows("SELECT * FROM csv_import_delivery ORDER BY job");
    }

    /** The latest row of the file name; empty where there is none. */
    public Map<String, String> job(String fileName) throws SQLException {
        return jobs().stream()
                .filter(job -> fileName.equals(job.get("file_name")))
                .reduce((first, second) -> second)
                .orElse(Map.of());
    }

    public Map<String, String> awaitState(String fileName, String state) throws SQLException {
        awaitThat(() -> state.equals(job(fileName).get("state")));
        return job(fileName);
    }

    public List<Map<String, String>> rows(String sql) throws SQLException {
        try (Connection ledger = ledger()) {
            return LedgerRows.query(ledger, sql);
        }
    }

    /** What no user does: a change of the ledger by hand. */
    public void update(String sql) throws SQLException {
        try (Connection ledger = ledger();
                Statement statement = ledger.createStatement()) {
            statement.executeUpdate(sql);
        }
    }

    private Connection ledger() throws SQLException {
        return DriverManager.getConnection("jdbc:sqlite:" + home.resolve("data/csv-import-ledger.db"));
    }

    public Path auditFile() {
        return home.resolve("data/audit/csv-import-audit.jsonl");
    }

    /** The files in the spool now. */
    public final List<Path> spooled() throws IOException {
        while (true) {
            try (Stream<Path> files = Files.walk(home.resolve("data/spool"))) {
                return files.filter(Files::isRegularFile).toList();
            } catch (UncheckedIOException e) {
                // one was deleted while they were looked at: once more
            }
        }
    }

    /** The events of the default audit trail, in order. */
    public List<JsonNode> events() throws IOException {
        return Files.exists(auditFile()) ? events(Files.readString(auditFile())) : List.of();
    }

    public static List<JsonNode> events(String lines) throws IOException {
        List<JsonNode> events = new ArrayList<>();
        // the last one may be half written
        for (String line : lines.substring(0, lines.lastIndexOf('\n') + 1).split("\n")) {
            if (!line.isEmpty()) {
                events.add(JSON.readTree(line));
            }
        }
        return events;
    }

    /** The first event of a type ({@code accepted}) about a file, once it was delivered. */
    public JsonNode awaitEvent(String type, String fileName) throws IOException {
        awaitThat(() -> !events(type, fileName).isEmpty());
        return events(type, fileName).get(0);
    }

    public List<JsonNode> events(String type, String fileName) throws IOException {
        return events().stream()
                .filter(event -> event.get("type").asText().equals("csv-import." + type))
                .filter(event -> event.at("/data/fileName").asText().equals(fileName))
                .toList();
    }
}
