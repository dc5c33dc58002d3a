package io.csvimport;

import io.csvimport.sandbox.Sandbox;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;

/** A working directory, a sandbox and an oracle, with which the distribution is started and killed again and again. */
public final class CrashRig implements AutoCloseable {

    /** More than any pause on the way to an outcome, and no pass condition: what is not content by then never is. */
    public static final Duration PATIENCE = Duration.ofSeconds(100);

    private static final AtomicInteger NUMBER = new AtomicInteger();

    public final Path directory;
    public final Path inbox;
    public final Path data;
    public final Sandbox sandbox = Sandbox.start(0, "5664", "key", "secret", Set.of());
    public final Oracle oracle;
    public final Map<String, String> settings = new HashMap<>();
    public final List<String> javaOptions = new ArrayList<>(List.of("-Xmx256m"));
    private Distribution running;
    private long readyBefore;

    public CrashRig(Path directory) {
        this(directory, Oracle.auditFile(directory.resolve("data")));
    }

    public CrashRig(Path directory, Oracle.AuditTrail audit) {
        this.directory = directory;
        inbox = directory.resolve("inbox");
        data = directory.resolve("data");
        oracle = new Oracle(inbox, data, sandbox, audit);
        settings.putAll(Map.of(
                "CSV_IMPORT_API_URL", sandbox.url(),
                "CSV_IMPORT_API_ORGANIZATION", "5664",
                "CSV_IMPORT_API_KEY", "key",
                "CSV_IMPORT_API_SECRET", "secret",
                "CSV_IMPORT_API_TIMEOUT", "PT1M",
                "CSV_IMPORT_API_REQUESTS_PER_MINUTE", "0",
                "CSV_IMPORT_FILE_QUIET", "PT0S",
                "CSV_IMPORT_RECONCILE_WAIT", "PT1S",
                "CSV_IMPORT_MANAGEMENT_PORT", "0"));
    }

    public Distribution start() throws IOException {
        return start(Map.of());
    }

    /** @param more settings, of this start only */
    public Distribution start(Map<String, String> more) throws IOException {
        Map<String, String> environment = new HashMap<>(settings);
        environment.putAll(more);
        readyBefore = readyLines();
        running = Distribution.start(directory, environment, javaOptions.toArray(String[]::new));
        return running;
    }

    /** Waits until it works, or has ended. */
    public void awaitReady() throws IOException {
        Awaitility.await()
                .atMost(PATIENCE)
                .until(() -> readyLines() > readyBefore || !running.process().isAlive());
    }

    private long readyLines() throws IOException {
        return running == null
                ? 0
                : running.output()
                        .lines()
                        .filter(line -> line.endsWith("csv-import-routes is ready."))
                        .count();
    }

    public void kill() throws InterruptedException {
        running.kill();
    }

    /** A file of its own bytes, renamed into place. */
    public Path drop(String name) throws IOException {
        return drop("People", name, "name,number\nAnna," + NUMBER.incrementAndGet() + "\n");
    }

    public Path drop(String folder, String name, String content) throws IOException {
        return drop(folder, name, content.getBytes(StandardCharsets.UTF_8), false);
    }

    /** @param bad whether it is to be rejected */
    public Path drop(String folder, String name, byte[] content, boolean bad) throws IOException {
        oracle.arrives(name, content, bad);
        Path target = inbox.resolve(folder).resolve(name);
        Files.createDirectories(target.getParent());
        Path hidden = target.resolveSibling("." + NUMBER.incrementAndGet() + ".part");
        Files.write(hidden, content);
        return Files.move(hidden, target, StandardCopyOption.ATOMIC_MOVE);
    }

    public void awaitContent() throws IOException {
        try {
            oracle.awaitContent(PATIENCE, running.process());
        } catch (AssertionError e) {
            throw new AssertionError(e.getMessage() + "\n--- output of the process:\n" + tail(running.output()), e);
        }
        if (!running.process().isAlive()) {
            throw new AssertionError("the process has ended by itself:\n" + tail(running.output()));
        }
    }

    private static String tail(String text) {
        return text.substring(Math.max(0, text.length() - 60_000));
    }

    @Override
    public void close() {
        if (running != null) {
            running.close();
        }
        sandbox.close();
    }
}
