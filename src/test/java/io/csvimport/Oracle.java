package io.csvimport;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.csvimport.ledger.LedgerRows;
import io.csvimport.sandbox.Sandbox;
import io.csvimport.sandbox.SandboxImport;
import io.csvimport.sandbox.SandboxRequest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;
import org.awaitility.core.TerminalFailureException;

/**
 * Knows every CSV that arrived, by its content's hash, and tells what is wrong with what became of them: each is one
 * import and has one accepted event, which may have been sent more than once; the same bytes again are duplicates; bad
 * input is rejected; nothing is left behind, in the inbox, in the ledger, in the outbox. It believes the API, the audit
 * trail and the files; the ledger is only asked whether it has come to rest.
 */
public final class Oracle {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Set<String> RESTING = Set.of("accepted", "completed", "duplicate", "rejected", "withdrawn");

    /** What arrived with the same bytes: how often, and whether it is bad input. */
    private record Arrival(String name, int copies, boolean bad) {}

    /** Where audit events go, each as it was sent. */
    public interface AuditTrail {
        List<String> events() throws IOException;
    }

    private final Path inbox;
    private final Path ledger;
    private final Sandbox sandbox;
    private final AuditTrail audit;
    private final Map<String, Arrival> arrivals = new ConcurrentHashMap<>();
    /** Moved files do not change: each is read once. */
    private final Hashes hashes = new Hashes();

    public Oracle(Path inbox, Path dataDir, Sandbox sandbox, AuditTrail audit) {
        this.inbox = inbox;
        this.ledger = dataDir.resolve("csv-import-ledger.db");
        this.sandbox = sandbox;
        this.audit = audit;
    }

    /** The default audit trail. */
    public static AuditTrail auditFile(Path dataDir) {
        Path file = dataDir.resolve("audit").resolve("csv-import-audit.jsonl");
        return () -> {
            try {
                return Files.readAllLines(file);
            } catch (NoSuchFileException e) {
                return List.of();
            }
        };
    }

    /** From now on, there is one more file of these bytes. */
    public void arrives(String name, byte[] content, boolean bad) {
        arrivals.merge(
                Hashes.of(content), new Arrival(name, 1, bad), (a, b) -> new Arrival(a.name, a.copies + b.copies, bad));
    }

    /**
     * Waits until nothing is wrong; what is wrong at the end of that time, or of the process, fails the test, with all
     * that is known.
     */
    public void awaitContent(Duration atMost, Process process) {
        try {
            Awaitility.await()
                    .atMost(atMost)
                    .pollInterval(Duration.ofMillis(200))
                    .failFast(() -> !process.isAlive())
                    .until(() -> complaints().isEmpty());
        } catch (ConditionTimeoutException | TerminalFailureException e) {
            throw new AssertionError(report());
        }
    }

    /** What is wrong now, one line each. */
    public List<String> complaints() {
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
        Map<String, Long> imports =
                sandbox.imports().stream().collect(Collectors.groupingBy(SandboxImport::sha256, Collectors.counting()));
        arrivals.forEach((hash, arrival) -> {
            long n = imports.getOrDefault(hash, 0L);
            if (n != (arrival.bad ? 0 : 1)) {
                complaints.add(hash + " " + arrival.name + ": imported " + n + " times");
            }
        });
        imports.keySet().stream()
                .filter(hash -> !arrivals.containsKey(hash))
                .forEach(hash -> complaints.add(hash + ": imported, but no file has these bytes"));
    }

    private void checkFiles(List<String> complaints) throws IOException {
        Map<String, List<String>> folders = new TreeMap<>();
        for (Path file : files()) {
            String folder = file.getParent().getFileName().toString();
            if (!Set.of(".imported", ".duplicate", ".rejected").contains(folder)) {
                complaints.add(file + ": left behind");
            } else if (file.toString().endsWith(".reason.json")) {
                checkReason(file, complaints);
            } else if (file.toString().toLowerCase(Locale.ROOT).endsWith(".csv")) {
                folders.computeIfAbsent(hashes.of(file), h -> new ArrayList<>()).add(folder);
            }
        }
        arrivals.forEach((hash, arrival) -> {
            Map<String, Long> found = folders.getOrDefault(hash, List.of()).stream()
                    .collect(Collectors.groupingBy(folder -> folder, Collectors.counting()));
            Map<String, Long> wanted = new HashMap<>();
            wanted.put(arrival.bad ? ".rejected" : ".imported", arrival.bad ? arrival.copies : 1L);
            wanted.put(".duplicate", arrival.bad ? 0L : arrival.copies - 1L);
            wanted.values().removeIf(n -> n == 0);
            if (!found.equals(wanted)) {
                complaints.add(hash + " " + arrival.name + ": is in " + found + ", not in " + wanted);
            }
        });
    }

    private List<Path> files() throws IOException {
        if (!Files.exists(inbox)) {
            return List.of();
        }
        List<Path> files = new ArrayList<>();
        try (Stream<Path> found = Files.walk(inbox)) {
            found.filter(Files::isRegularFile).forEach(files::add);
        } catch (UncheckedIOException e) {
            // moved while it was looked at
            throw e.getCause();
        }
        return files;
    }

    private static void checkReason(Path file, List<String> complaints) throws IOException {
        Path rejected = file.resolveSibling(file.getFileName().toString().replace(".reason.json", ""));
        try {
            if (JSON.readTree(file.toFile()).path("reason").asText().isEmpty()) {
                complaints.add(file + ": has no reason");
            }
        } catch (JsonProcessingException e) {
            complaints.add(file + ": is no JSON");
        }
        if (!Files.exists(rejected)) {
            complaints.add(file + ": the reason of no file");
        }
    }

    private void checkLedger(List<String> complaints) throws SQLException {
        Map<String, Integer> living = new HashMap<>();
        for (Map<String, String> row : rows("SELECT * FROM csv_import_delivery")) {
            if (!RESTING.contains(row.get("state"))
                    || row.get("settled_at") == null
                    || row.get("released_at") == null) {
                complaints.add(row.get("sha256") + " job " + row.get("job") + ": not at rest: " + row);
            }
            if (Set.of("accepted", "completed").contains(row.get("state"))) {
                living.merge(row.get("sha256"), 1, Integer::sum);
            }
        }
        arrivals.forEach((hash, arrival) -> {
            if (living.getOrDefault(hash, 0) != (arrival.bad ? 0 : 1)) {
                complaints.add(hash + " " + arrival.name + ": accepted in " + living.get(hash) + " rows");
            }
        });
        for (Map<String, String> row : rows("SELECT id FROM csv_import_event WHERE sent_at IS NULL")) {
            complaints.add("event " + row.get("id") + ": not sent");
        }
    }

    private void checkAudit(List<String> complaints) throws IOException, SQLException {
        Map<String, String> sent = new LinkedHashMap<>();
        Map<String, Set<String>> accepted = new HashMap<>();
        Map<String, Set<String>> importIds = new HashMap<>();
        Set<String> ends = new LinkedHashSet<>();
        for (String line : audit.events()) {
            JsonNode event = parse(line, complaints);
            if (event == null) {
                continue;
            }
            String id = event.path("id").asText();
            if (!line.equals(sent.getOrDefault(id, line))) {
                complaints.add("event " + id + ": sent again, and differs");
            }
            sent.put(id, line);
            JsonNode data = event.path("data");
            String type = event.path("type").asText();
            if (type.equals("csv-import.accepted")) {
                accepted.computeIfAbsent(data.path("sha256").asText(), h -> new LinkedHashSet<>())
                        .add(id);
                importIds
                        .computeIfAbsent(data.path("sha256").asText(), h -> new LinkedHashSet<>())
                        .add(data.path("importId").asText());
            }
            if (Set.of("csv-import.duplicate", "csv-import.rejected").contains(type)) {
                ends.add(id);
            }
        }
        for (SandboxImport imported : sandbox.imports()) {
            String hash = imported.sha256();
            if (accepted.getOrDefault(hash, Set.of()).size() != 1) {
                complaints.add(hash + " " + imported.fileName() + ": its accepted events are " + accepted.get(hash));
            } else if (!importIds.get(hash).equals(Set.of(imported.id()))) {
                complaints.add(hash + " " + imported.fileName() + ": is import " + imported.id()
                        + ", but the audit trail says " + importIds.get(hash));
            }
        }
        long ended = arrivals.values().stream()
                .mapToInt(arrival -> arrival.bad ? arrival.copies : arrival.copies - 1)
                .sum();
        if (ends.size() != ended) {
            complaints.add("of " + ended + " duplicates and rejected files, " + ends.size() + " have an event");
        }
        checkOrder(List.copyOf(sent.keySet()), complaints);
    }

    private static JsonNode parse(String line, List<String> complaints) {
        try {
            return JSON.readTree(line);
        } catch (JsonProcessingException e) {
            complaints.add("the audit trail has a line that is no JSON: " + line);
            return null;
        }
    }

    /** Every event of the ledger was sent, those of one job in the order they were written. */
    private void checkOrder(List<String> sent, List<String> complaints) throws SQLException {
        Map<String, Integer> latest = new HashMap<>();
        for (Map<String, String> row : rows("SELECT id, job FROM csv_import_event ORDER BY sequence")) {
            int place = sent.indexOf(row.get("id"));
            if (place < latest.getOrDefault(row.get("job"), 0)) {
                complaints.add("event " + row.get("id") + ": missing, or sent before an earlier one of its job");
            }
            latest.put(row.get("job"), place);
        }
    }

    /** The rows of the ledger; none where there is no ledger yet. */
    public List<Map<String, String>> rows(String query) throws SQLException {
        if (!Files.exists(ledger)) {
            return List.of();
        }
        try (Connection connection = connect()) {
            return LedgerRows.query(connection, query);
        }
    }

    public Connection connect() throws SQLException {
        return DriverManager.getConnection("jdbc:sqlite:" + ledger + "?busy_timeout=10000");
    }

    /** All that is known of what is wrong: the rows, events and requests of each file that is complained of. */
    public String report() {
        List<String> complaints = complaints();
        StringBuilder report = new StringBuilder("the oracle is not content:\n");
        complaints.forEach(complaint -> report.append("  ").append(complaint).append('\n'));
        try {
            List<Map<String, String>> rows = rows("SELECT * FROM csv_import_delivery ORDER BY job");
            List<Map<String, String>> events = rows("SELECT * FROM csv_import_event ORDER BY sequence");
            arrivals.forEach((hash, arrival) -> {
                if (complaints.stream().anyMatch(complaint -> complaint.contains(hash))) {
                    report.append("\n").append(hash).append(' ').append(arrival).append('\n');
                    rows.stream().filter(row -> hash.equals(row.get("sha256"))).forEach(row -> report.append(
                                    "  row     ")
                            .append(row)
                            .append(events.stream()
                                    .filter(event -> event.get("job").equals(row.get("job")))
                                    .map(event -> "\n  event   " + event)
                                    .collect(Collectors.joining()))
                            .append('\n'));
                    sandbox.imports().stream()
                            .filter(imported -> hash.equals(imported.sha256()))
                            .forEach(imported -> report.append("  import  ")
                                    .append(imported.id())
                                    .append(" created ")
                                    .append(imported.created())
                                    .append('\n'));
                    requests(arrival.name)
                            .forEach(request ->
                                    report.append("  request ").append(request).append('\n'));
                }
            });
        } catch (SQLException e) {
            report.append(e);
        }
        return report.toString();
    }

    /** All requests that brought a file of this name, or asked for the list. */
    private List<String> requests(String name) {
        List<String> requests = new ArrayList<>();
        for (SandboxRequest request : sandbox.requests()) {
            boolean list = request.method().equals("GET");
            String head = new String(request.body(), 0, Math.min(request.body().length, 300), StandardCharsets.UTF_8);
            if (list || head.contains(name)) {
                requests.add(request.arrived() + " " + request.method() + " " + request.target() + ", "
                        + request.bodySize() + " bytes, " + request.sha256() + ": " + request.status());
            }
        }
        return requests;
    }
}
