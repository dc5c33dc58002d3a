package io.csvimport.ledger;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.csvimport.Distribution;
import io.csvimport.Hashes;
import io.csvimport.Installation;
import io.csvimport.operations.Operator;
import io.csvimport.sandbox.Sandbox;
import io.csvimport.sandbox.SandboxImport;
import io.csvimport.sandbox.SandboxRequest;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.ToIntFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;
import org.awaitility.core.ConditionTimeoutException;

/**
 * A PostgreSQL server, a sandbox, and one inbox that several processes share, each with a data dir of its own. It knows
 * every CSV that arrived, and tells what is wrong with what became of them.
 */
public final class PostgresRig implements AutoCloseable {

    /** No pass condition: what is not content by then never is. */
    private static final Duration PATIENCE = Duration.ofSeconds(100);

    private static final HttpClient HTTP = HttpClient.newHttpClient();
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Set<String> RESTING = Set.of("accepted", "completed", "duplicate", "rejected", "withdrawn");
    private static final AtomicInteger NUMBER = new AtomicInteger();

    /** What arrived with the same bytes: how often, and whether it is bad input. */
    private record Arrival(String name, int copies, boolean bad) {}

    public final Sandbox sandbox = Sandbox.start(0, "5664", "key", "secret", Set.of());
    private final Path directory;
    private final Path inbox;
    private final Path serverData;
    private final int serverPort;
    private EmbeddedPostgres server;
    private final Map<String, Distribution> processes = new LinkedHashMap<>();
    private final Map<String, Integer> managementPorts = new HashMap<>();
    private final Map<String, Arrival> arrivals = new TreeMap<>();
    private final Set<String> withdrawn = new HashSet<>();
    private final Hashes hashes = new Hashes();

    public PostgresRig(Path directory) throws IOException {
        this.directory = directory;
        inbox = Files.createDirectories(directory.resolve("inbox"));
        serverData = Files.createDirectories(directory.resolve("postgres"));
        server = EmbeddedPostgres.builder()
                .setDataDirectory(serverData)
                .setCleanDataDirectory(false)
                .start();
        serverPort = server.getPort();
    }

    /** As a server is stopped by its keeper: sessions end, the port refuses. */
    public void stopServer() throws IOException {
        server.close();
    }

    /** The same server again: its data, its port. */
    public void startServer() throws IOException {
        server = EmbeddedPostgres.builder()
                .setDataDirectory(serverData)
                .setCleanDataDirectory(false)
                .setPort(serverPort)
                .start();
    }

    public int serverPort() {
        return serverPort;
    }

    public static String ledgerUrl(int port) {
        return "jdbc:postgresql://127.0.0.1:" + port + "/postgres";
    }

    /** @param more settings of this process, which may take the place of the common ones */
    public Distribution start(String name, Map<String, String> more) throws IOException {
        int managementPort = Installation.freePort();
        managementPorts.put(name, managementPort);
        Map<String, String> environment = new HashMap<>(Map.of(
                "CSV_IMPORT_API_URL", sandbox.url(),
                "CSV_IMPORT_API_ORGANIZATION", "5664",
                "CSV_IMPORT_API_KEY", "key",
                "CSV_IMPORT_API_SECRET", "secret",
                "CSV_IMPORT_API_REQUESTS_PER_MINUTE", "0",
                "CSV_IMPORT_FILE_DIRECTORY", inbox.toString(),
                "CSV_IMPORT_FILE_QUIET", "PT0S",
                "CSV_IMPORT_RECONCILE_WAIT", "PT3S",
                "CSV_IMPORT_TRACK_ENABLED", "false",
                "CSV_IMPORT_MANAGEMENT_PORT", String.valueOf(managementPort)));
        environment.put("CSV_IMPORT_LEDGER_URL", ledgerUrl(serverPort));
        environment.put("CSV_IMPORT_LEDGER_USERNAME", "postgres");
        environment.put("CSV_IMPORT_LEDGER_PASSWORD", "postgres");
        environment.putAll(more);
        Distribution process =
                Distribution.start(Files.createDirectories(directory.resolve(name)), environment, "-Xmx256m");
        processes.put(name, process);
        return process;
    }

    public Operator operator(String name) {
        return new Operator(managementPorts.get(name));
    }

    public boolean isReady(String name) throws InterruptedException {
        return health(name).startsWith("200");
    }

    /** Status and body of the readiness check; empty where nobody answers. */
    public String health(String name) throws InterruptedException {
        URI uri = URI.create("http://127.0.0.1:" + managementPorts.get(name) + "/observe/health/ready");
        try {
            HttpResponse<String> answer = HTTP.send(
                    HttpRequest.newBuilder(uri).timeout(Duration.ofSeconds(30)).build(),
                    HttpResponse.BodyHandlers.ofString());
            return answer.statusCode() + " " + answer.body();
        } catch (IOException e) {
            return "";
        }
    }

    /** SIGSTOP: the process stands still wherever it is. */
    public static void freeze(Distribution process) throws IOException, InterruptedException {
        signal("STOP", process);
    }

    /** SIGCONT: it goes on as if nothing had been. */
    public static void thaw(Distribution process) throws IOException, InterruptedException {
        signal("CONT", process);
    }

    private static void signal(String name, Distribution process) throws IOException, InterruptedException {
        // a shell has it built in
        int status = new ProcessBuilder(
                        "sh", "-c", "kill -" + name + " " + process.process().pid())
                .start()
                .waitFor();
        if (status != 0) {
            throw new IOException("SIG" + name + " was not delivered");
        }
    }

    /** A file of its own bytes, renamed into place. */
    public Path drop(String path) throws IOException {
        return drop(path, "name,number\nAnna," + NUMBER.incrementAndGet() + "\n");
    }

    public Path drop(String path, String content) throws IOException {
        return drop(path, content.getBytes(StandardCharsets.UTF_8), false);
    }

    /** A file that is to be rejected. */
    public Path dropBad(String path, String content) throws IOException {
        return drop(path, content.getBytes(StandardCharsets.UTF_8), true);
    }

    private Path drop(String path, byte[] content, boolean bad) throws IOException {
        Path target = inbox.resolve(path);
        arrivals.merge(
                Hashes.of(content),
                new Arrival(path, 1, bad),
                (first, again) -> new Arrival(first.name, first.copies + again.copies, bad));
        Files.createDirectories(target.getParent());
        Path hidden = Files.write(directory.resolve("part-" + NUMBER.incrementAndGet()), content);
        return Files.move(hidden, target, StandardCopyOption.ATOMIC_MOVE);
    }

    /** A file that was not sent yet gets another name: the delivery under its first one is withdrawn. */
    public void rename(Path file, String name) throws IOException {
        withdrawn.add(hashes.of(file));
        Files.move(file, file.resolveSibling(name));
    }

    public static ConditionFactory await() {
        return Awaitility.await().atMost(PATIENCE).pollInterval(Duration.ofMillis(100));
    }

    /** Waits until nothing is wrong; what is wrong at the end of that time fails the test, with all that is known. */
    public void awaitContent() throws IOException {
        try {
            await().until(() -> complaints().isEmpty());
        } catch (ConditionTimeoutException e) {
            StringBuilder report = new StringBuilder(String.join("\n", complaints()));
            for (Map.Entry<String, Distribution> process : processes.entrySet()) {
                String output = process.getValue().output();
                report.append("\n--- output of ").append(process.getKey()).append(":\n");
                report.append(output.substring(Math.max(0, output.length() - 20_000)));
            }
            throw new AssertionError(report.toString(), e);
        }
    }

    /** What is wrong now, one line each. */
    private List<String> complaints() {
        List<String> complaints = new ArrayList<>();
        try {
            checkImports(complaints);
            checkFiles(complaints);
            if (complaints.isEmpty()) {
                checkLedger(complaints);
                checkAudit(complaints);
            }
        } catch (IOException | SQLException e) {
            complaints.add("not to be read: " + e);
        }
        return complaints;
    }

    private void checkImports(List<String> complaints) {
        Map<String, Long> imports = count(sandbox.imports().stream().map(SandboxImport::sha256));
        arrivals.forEach((hash, arrival) ->
                expect(arrival.bad ? 0L : 1L, imports.getOrDefault(hash, 0L), arrival.name + ": imports", complaints));
        imports.keySet().removeAll(arrivals.keySet());
        expect(Set.of(), imports.keySet(), "imports of no file", complaints);
    }

    private void checkFiles(List<String> complaints) throws IOException {
        Map<String, List<String>> folders = new HashMap<>();
        for (Path file : files()) {
            if (file.toString().endsWith(".csv")) {
                folders.computeIfAbsent(hashes.of(file), hash -> new ArrayList<>())
                        .add(file.getParent().getFileName().toString());
            }
        }
        arrivals.forEach((hash, arrival) -> {
            Map<String, Long> wanted = new TreeMap<>(Map.of(
                    ".imported", arrival.bad ? 0L : 1L,
                    ".duplicate", arrival.bad ? 0L : arrival.copies - 1L,
                    ".rejected", arrival.bad ? (long) arrival.copies : 0L));
            wanted.values().removeIf(n -> n == 0);
            Map<String, Long> found = count(folders.getOrDefault(hash, List.of()).stream());
            expect(wanted, found, arrival.name + ": files", complaints);
        });
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> found = Files.walk(inbox)) {
            return found.filter(Files::isRegularFile).toList();
        } catch (UncheckedIOException e) {
            // moved while it was looked at
            throw e.getCause();
        }
    }

    private void checkLedger(List<String> complaints) throws SQLException {
        List<Map<String, String>> rows = rows("SELECT * FROM csv_import_delivery ORDER BY job");
        rows.stream()
                .filter(row -> !RESTING.contains(row.get("state"))
                        || row.get("settled_at") == null
                        || row.get("released_at") == null)
                .forEach(row -> complaints.add("not at rest: " + row));
        Map<String, Long> wanted = arrivals.entrySet().stream()
                .collect(Collectors.toMap(
                        Map.Entry::getKey,
                        arrival -> arrival.getValue().copies + (withdrawn.contains(arrival.getKey()) ? 1L : 0L)));
        expect(wanted, count(rows.stream().map(row -> row.get("sha256"))), "rows", complaints);
        List<Map<String, String>> unsent = rows("SELECT id FROM csv_import_event WHERE sent_at IS NULL");
        expect(List.of(), unsent, "events that were not sent", complaints);
    }

    private void checkAudit(List<String> complaints) throws IOException {
        Map<String, String> sent = new HashMap<>();
        for (String line : auditLines()) {
            String before = sent.put(JSON.readTree(line).path("id").asText(), line);
            if (before != null && !before.equals(line)) {
                complaints.add("sent again, and differs: " + before + " and " + line);
            }
        }
        Map<String, Long> types = new TreeMap<>();
        Set<String> accepted = new HashSet<>();
        for (String line : sent.values()) {
            JsonNode event = JSON.readTree(line);
            String type = event.path("type").asText();
            types.merge(type, 1L, Long::sum);
            if (type.equals("csv-import.accepted")) {
                accepted.add(event.at("/data/sha256").asText() + " is import "
                        + event.at("/data/importId").asText());
            }
        }
        expect(
                sandbox.imports().stream()
                        .map(imported -> imported.sha256() + " is import " + imported.id())
                        .collect(Collectors.toSet()),
                accepted,
                "accepted events",
                complaints);
        Map<String, Long> wanted = new TreeMap<>(Map.of(
                "csv-import.accepted", sum(arrival -> arrival.bad ? 0 : 1),
                "csv-import.duplicate", sum(arrival -> arrival.bad ? 0 : arrival.copies - 1),
                "csv-import.rejected", sum(arrival -> arrival.bad ? arrival.copies : 0),
                "csv-import.withdrawn", (long) withdrawn.size()));
        wanted.values().removeIf(n -> n == 0);
        expect(wanted, types, "events", complaints);
    }

    private long sum(ToIntFunction<Arrival> part) {
        return arrivals.values().stream().mapToInt(part).sum();
    }

    private static Map<String, Long> count(Stream<String> values) {
        return new TreeMap<>(values.collect(Collectors.groupingBy(value -> value, Collectors.counting())));
    }

    private static void expect(Object wanted, Object found, String what, List<String> complaints) {
        if (!wanted.equals(found)) {
            complaints.add(what + ": " + found + ", not " + wanted);
        }
    }

    /** The lines of the audit trails of all processes. */
    private List<String> auditLines() throws IOException {
        List<String> lines = new ArrayList<>();
        for (String name : processes.keySet()) {
            Path file = directory.resolve(name).resolve("data/audit/csv-import-audit.jsonl");
            if (Files.exists(file)) {
                lines.addAll(Files.readAllLines(file));
            }
        }
        return lines;
    }

    /** The first event about a file, by its name. */
    public JsonNode event(String fileName) throws IOException {
        for (String line : auditLines()) {
            JsonNode event = JSON.readTree(line);
            if (event.at("/data/fileName").asText().equals(fileName)) {
                return event;
            }
        }
        throw new AssertionError("there is no event about " + fileName);
    }

    /** All uploads, those on their way, too. */
    public List<SandboxRequest> uploads() {
        return sandbox.requests().stream()
                .filter(request -> request.method().equals("POST"))
                .toList();
    }

    public boolean isImported(Path file) throws IOException {
        String hash = hashes.of(file);
        return sandbox.imports().stream().anyMatch(imported -> imported.sha256().equals(hash));
    }

    public List<Map<String, String>> rows(String sql) throws SQLException {
        try (Connection ledger = DriverManager.getConnection(ledgerUrl(serverPort), "postgres", "postgres")) {
            return LedgerRows.query(ledger, sql);
        }
    }

    @Override
    public void close() throws IOException {
        // SIGKILL ends a frozen process, too
        processes.values().forEach(Distribution::close);
        sandbox.close();
        server.close();
    }
}
