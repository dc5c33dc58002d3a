package io.csvimport;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.csvimport.sandbox.Sandbox;
import io.csvimport.sandbox.SandboxImport;
import io.csvimport.sandbox.SandboxRequest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicReference;
import org.awaitility.core.ConditionTimeoutException;

/**
 * The product in a working directory of its own, with a sandbox as its API: what a test puts in, and what became of it.
 * Paths are relative to the working directory. Configured by environment variables, as far as it needs to be.
 */
public final class Installation implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final Path directory;
    private final Sandbox sandbox;
    private final Map<String, String> environment = new TreeMap<>();
    private final List<Distribution> processes = new ArrayList<>();

    public Installation(Path directory) throws IOException {
        this(directory, "key", "secret");
    }

    public Installation(Path directory, String key, String secret) throws IOException {
        this.directory = Files.createDirectories(directory);
        sandbox = Sandbox.start(0, "5664", key, secret, Set.of());
        with("CSV_IMPORT_API_URL", sandbox.url());
        with("CSV_IMPORT_API_ORGANIZATION", "5664");
        with("CSV_IMPORT_API_KEY", key);
        with("CSV_IMPORT_API_SECRET", secret);
        with("CSV_IMPORT_FILE_QUIET", "PT0S");
        with("CSV_IMPORT_MANAGEMENT_PORT", String.valueOf(freePort()));
    }

    /** Below those that the system gives to whoever asks for any: it is still free when the product starts. */
    public static int freePort() throws IOException {
        while (true) {
            int port = ThreadLocalRandom.current().nextInt(10_000, 32_000);
            try (ServerSocket socket = new ServerSocket(port)) {
                return socket.getLocalPort();
            } catch (BindException e) {
                // taken: another one
            }
        }
    }

    public Installation with(String variable, String value) {
        environment.put(variable, value);
        return this;
    }

    public Installation without(String variable) {
        environment.remove(variable);
        return this;
    }

    /** An empty folder of the user's own routes, {@code routes}, which is read on top of the packaged ones. */
    public Installation withRoutes() throws IOException {
        return with("CSV_IMPORT_ROUTES", Files.createDirectories(path("routes")).toString());
    }

    /** The text of a packaged file of routes, as in {@code audit/csv-import-audit}. */
    public static String packagedRoute(String path) throws IOException {
        return Files.readString(Distribution.routes().resolve(path + ".camel.yaml"));
    }

    public Distribution start(String... javaOptions) throws IOException {
        Distribution process = Distribution.start(directory, environment, javaOptions);
        processes.add(process);
        return process;
    }

    /** Another application in its place; {@code arguments} are those of Java. */
    public Distribution startHost(List<String> arguments) throws IOException {
        Distribution process = Distribution.startJava(directory, environment, arguments);
        processes.add(process);
        return process;
    }

    public Sandbox sandbox() {
        return sandbox;
    }

    public Path path(String path) {
        return directory.resolve(path);
    }

    public void write(String path, String text) throws IOException {
        Files.createDirectories(path(path).getParent());
        Files.writeString(path(path), text);
    }

    /** A file that arrives whole, renamed into its place, with bytes like no other file. */
    public void drop(String path) throws IOException {
        drop(path, "Name,Course\n" + path + ",Safety\n");
    }

    /** A file that arrives whole, renamed into its place. */
    public void drop(String path, String csv) throws IOException {
        write("arriving.part", csv);
        Files.createDirectories(path(path).getParent());
        Files.move(path("arriving.part"), path(path), StandardCopyOption.ATOMIC_MOVE);
    }

    /** Waits for the API to accept a file of this name. */
    public SandboxImport awaitImport(String fileName) {
        awaitUntil("import of " + fileName, () -> !imports(fileName).isEmpty());
        return imports(fileName).get(0);
    }

    public List<SandboxImport> imports(String fileName) {
        return sandbox.imports().stream()
                .filter(accepted -> accepted.fileName().equals(fileName))
                .toList();
    }

    public List<SandboxRequest> uploads() {
        return sandbox.requests().stream()
                .filter(request -> request.method().equals("POST"))
                .toList();
    }

    /** Waits for the audit event of this type and file, and answers it. */
    public JsonNode awaitAudit(String type, String fileName) throws IOException {
        await(type + " of " + fileName).atMost(PATIENCE).until(() -> audit(type, fileName)
                .isPresent());
        return audit(type, fileName).orElseThrow();
    }

    private Optional<JsonNode> audit(String type, String fileName) throws IOException {
        Path trail =
                path(environment.getOrDefault("CSV_IMPORT_DATA_DIR", "data")).resolve("audit/csv-import-audit.jsonl");
        if (!Files.exists(trail)) {
            return Optional.empty();
        }
        for (JsonNode event : CsvImportTestSupport.events(Files.readString(trail))) {
            if (event.path("type").asText().equals(type)
                    && event.path("data").path("fileName").asText().equals(fileName)) {
                return Optional.of(event);
            }
        }
        return Optional.empty();
    }

    public void awaitFile(String path) {
        awaitUntil(path + " to be there", () -> Files.exists(path(path)));
    }

    public void awaitUntil(String what, Callable<Boolean> condition) {
        try {
            await(what).atMost(PATIENCE).until(() -> {
                boolean alive =
                        processes.stream().anyMatch(process -> process.process().isAlive());
                boolean met = condition.call();
                assertTrue(met || alive, () -> "It ended before " + what + ":\n" + output());
                return met;
            });
        } catch (ConditionTimeoutException e) {
            throw new AssertionError(e.getMessage() + "\nThe product said:\n" + output(), e);
        }
    }

    /** Waits for the one job of this file name to be in a state, and answers it as the job list does. */
    public JsonNode awaitJob(String fileName, String state) {
        String query =
                "/csv-imports?fileName=" + URLEncoder.encode(fileName, StandardCharsets.UTF_8) + "&state=" + state;
        AtomicReference<JsonNode> found = new AtomicReference<>();
        awaitUntil(fileName + " " + state, () -> {
            found.set(CsvImportTestSupport.JSON.readTree(get(query).body()));
            return found.get().path("count").asInt() == 1;
        });
        return found.get().at("/results/0");
    }

    /** Waits until this many jobs are accepted. */
    public void awaitAccepted(int count) {
        awaitUntil(
                count + " accepted jobs",
                () -> CsvImportTestSupport.JSON
                                .readTree(get("/csv-imports?state=accepted&size=1")
                                        .body())
                                .path("count")
                                .asInt()
                        == count);
    }

    /** Waits until the management port answers. */
    public void awaitReady() {
        awaitUntil("readiness", this::isReady);
    }

    public boolean isReady() throws InterruptedException {
        return isReady("/observe/health/ready");
    }

    /** Whether something answers there that all is well. */
    public boolean isReady(String path) throws InterruptedException {
        try {
            return get(path).statusCode() == 200;
        } catch (IOException | IllegalArgumentException e) {
            return false;
        }
    }

    public int managementPort() {
        return Integer.parseInt(environment.get("CSV_IMPORT_MANAGEMENT_PORT"));
    }

    public HttpResponse<String> get(String path) throws IOException, InterruptedException {
        URI uri = URI.create("http://127.0.0.1:" + environment.get("CSV_IMPORT_MANAGEMENT_PORT") + path);
        return HttpClient.newHttpClient()
                .send(
                        HttpRequest.newBuilder(uri)
                                .timeout(Duration.ofSeconds(30))
                                .build(),
                        HttpResponse.BodyHandlers.ofString());
    }

    /** What was printed so far, of every start. */
    public String output() {
        try {
            return Files.readString(path("output.txt"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        processes.forEach(Distribution::close);
        sandbox.close();
    }
}
