package io.csvimport;

import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.csvimport.sandbox.Sandbox;
import io.csvimport.sandbox.SandboxFault;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * SIGKILL at random moments, while files arrive at random and the API fails at random. {@code -Dseed=…} repeats the
 * choices of a run (not the machine's timing), {@code -Dkills=…} says how many, half of them in each
 * order of the files: 8 by default, some hundred where there is time.
 */
@Tag("long")
class RandomKillTest {

    /** Many order keys: one that waits or looks for an upload holds up no other. */
    private static final List<String> FOLDERS = List.of(
            "People",
            "People/north",
            "Course completions",
            "Course completions/2026",
            "Skills",
            "Zertifikate Ü",
            "a",
            "b",
            "c",
            "d",
            "e",
            "f");
    /** Few, so that the same name comes again and again. */
    private static final List<String> NAMES = List.of("people.csv", "a b.csv", "größe.CSV", "export.csv");

    /** Milliseconds; less than reconcile.wait, and the time for which a slow reading sandbox has bytes of a dead process. */
    private static final int LONGEST_LAG = 1000;

    private final long seed = Long.getLong("seed", System.nanoTime() % 1_000_000_000);
    private final int kills = Integer.getInteger("kills", 8);

    @TempDir
    private Path directory;

    private CrashRig rig;
    private ScheduledExecutorService clock;
    private ScheduledExecutorService surroundings;
    private volatile Throwable broken;
    private int files;

    @BeforeEach
    void open() {
        rig = new CrashRig(directory);
        rig.settings.putAll(Map.of(
                "CSV_IMPORT_API_TIMEOUT", "PT3S",
                "CSV_IMPORT_RECONCILE_WAIT", "PT4S",
                "CSV_IMPORT_PARALLEL", "4",
                "CSV_IMPORT_TRACK_INTERVAL", "PT1S"));
        clock = Executors.newScheduledThreadPool(2);
        surroundings = Executors.newScheduledThreadPool(2);
    }

    @AfterEach
    void close() {
        surroundings.shutdownNow();
        clock.shutdownNow();
        rig.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"template", "none"})
    void whateverDiesAndWheneverNoFileIsLostNoneIsImportedTwiceAndEachHasItsEvent(String order) throws Exception {
        rig.settings.put("CSV_IMPORT_ORDER", order);
        System.out.printf("RandomKillTest: -Dseed=%d -Dkills=%d%n", seed, kills);
        try {
            run();
        } catch (AssertionError e) {
            throw new AssertionError(String.format("repeat with -Dseed=%d -Dkills=%d: ", seed, kills) + e, e);
        }
    }

    private void run() throws Exception {
        Random random = new Random(seed);
        every(250, new Sender(new Random(random.nextLong())));
        every(100, new Weather(rig.sandbox, new Random(random.nextLong())));
        for (int kill = 0; kill < kills / 2; kill++) {
            rig.start();
            // mostly while it works, sometimes while it starts
            if (random.nextInt(6) > 0) {
                rig.awaitReady();
            }
            pause(random.nextInt(3500));
            rig.kill();
        }
        surroundings.shutdown();
        assertTrue(surroundings.awaitTermination(20, TimeUnit.SECONDS));
        assertNull(broken);
        Weather.clear(rig.sandbox);
        rig.start();
        rig.awaitContent();
        Map<String, Long> answers = rig.sandbox.requests().stream()
                .collect(Collectors.groupingBy(
                        request -> request.method() + " " + request.status(), TreeMap::new, Collectors.counting()));
        System.out.printf("RandomKillTest: %d kills, %d files, requests: %s%n", kills / 2, files, answers);
        assertTrue(files > kills / 2, "too few files came: " + files);
    }

    private void every(int millis, Callable<?> task) {
        surroundings.scheduleWithFixedDelay(
                () -> {
                    try {
                        task.call();
                    } catch (Exception | AssertionError e) {
                        broken = e;
                    }
                },
                0,
                millis,
                TimeUnit.MILLISECONDS);
    }

    private void pause(int millis) throws InterruptedException, ExecutionException {
        clock.schedule(() -> {}, millis, TimeUnit.MILLISECONDS).get();
    }

    /** Puts files into the inbox: most are small, some large, slowly written, the same bytes again, or bad. */
    private final class Sender implements Callable<Void> {

        private final Random random;
        private byte[] earlier;
        private String earlierFolder;

        Sender(Random random) {
            this.random = random;
        }

        @Override
        public Void call() throws Exception {
            String folder = FOLDERS.get(random.nextInt(FOLDERS.size()));
            String name = NAMES.get(random.nextInt(NAMES.size()));
            int kind = random.nextInt(20);
            int size = kind == 0 ? 1_000_000 + random.nextInt(4_000_000) : 100;
            byte[] content = content(size);
            boolean bad = kind == 1;
            if (bad) {
                content[content.length - 2] = 0;
            } else if (kind == 2 && earlier != null) {
                content = earlier;
                folder = earlierFolder;
            } else {
                earlier = content;
                earlierFolder = folder;
            }
            Path target = rig.inbox.resolve(folder).resolve(name);
            if (Files.exists(target)) {
                // no sender replaces what it has sent; what was to come is a new name
                target = target.resolveSibling(files + " " + name);
            }
            Files.createDirectories(target.getParent());
            Path hidden = target.resolveSibling("." + files + ".csv");
            try (OutputStream out = Files.newOutputStream(hidden)) {
                int step = kind == 3 ? 30 : content.length;
                for (int i = 0; i < content.length; i += step) {
                    out.write(content, i, Math.min(step, content.length - i));
                    if (kind == 3) {
                        pause(100);
                    }
                }
            }
            rig.oracle.arrives(target.getFileName().toString(), content, bad);
            Files.move(hidden, target, StandardCopyOption.ATOMIC_MOVE);
            files++;
            return null;
        }

        /** All small files have the same size: only the bytes tell them apart. */
        private byte[] content(int size) {
            StringBuilder csv = new StringBuilder("name,number\n");
            while (csv.length() < size - 30) {
                csv.append(String.format("Anna,%019d%n", random.nextLong() >>> 1));
            }
            return csv.toString().getBytes(StandardCharsets.UTF_8);
        }
    }

    /** What the API suffers from: a fault in every fourth upload, and a list that changes every time it is called. */
    private static final class Weather implements Callable<Void> {

        private final Sandbox sandbox;
        private final Random random;
        private long queued;

        Weather(Sandbox sandbox, Random random) {
            this.sandbox = sandbox;
            this.random = random;
        }

        @Override
        public Void call() {
            long uploads = sandbox.requests().stream()
                    .filter(request -> request.method().equals("POST"))
                    .count();
            // enough for all that come until the next call: whether one fails does not depend on the others
            for (; queued < uploads + 20; queued++) {
                sandbox.failNext(random.nextInt(4) == 0 ? upload() : SandboxFault.none());
            }
            sandbox.failList(random.nextInt(3) == 0 ? list() : null);
            sandbox.listCutShort(random.nextInt(5) == 0 ? random.nextInt(5) : Integer.MAX_VALUE);
            sandbox.listLag(Duration.ofMillis(random.nextInt(LONGEST_LAG)));
            return null;
        }

        private SandboxFault upload() {
            return switch (random.nextInt(14)) {
                case 0 -> SandboxFault.resetAfter(0);
                case 1 -> SandboxFault.resetAfter(1 + random.nextInt(300));
                case 2 -> SandboxFault.resetAfter(random.nextInt(2_000_000));
                case 3 -> SandboxFault.resetAtEnd(false);
                case 4 -> SandboxFault.resetAtEnd(true);
                case 5 -> SandboxFault.status(500, true, Map.of());
                case 6 -> SandboxFault.status(502, true, Map.of());
                case 7 -> SandboxFault.status(503, false, Map.of("Retry-After", "1"));
                case 8 -> SandboxFault.status(429, false, Map.of("Retry-After", "1"));
                case 9 -> SandboxFault.hang(random.nextBoolean());
                case 10 -> SandboxFault.noId();
                case 11 -> SandboxFault.earlyStatus(401, Map.of());
                case 12 -> SandboxFault.slowReading(Duration.ofMillis(20));
                default -> SandboxFault.delay(Duration.ofMillis(random.nextInt(2500)));
            };
        }

        private SandboxFault list() {
            return switch (random.nextInt(5)) {
                case 0 -> SandboxFault.resetAfter(0);
                case 1 -> SandboxFault.status(500);
                case 2 -> SandboxFault.status(503);
                case 3 -> SandboxFault.hang(true);
                default -> SandboxFault.delay(Duration.ofMillis(500 + random.nextInt(2300)));
            };
        }

        static void clear(Sandbox sandbox) {
            sandbox.failNoMore();
            sandbox.failList(null);
            sandbox.listCutShort(Integer.MAX_VALUE);
            sandbox.listLag(Duration.ZERO);
        }
    }
}
