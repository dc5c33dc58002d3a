package io.csvimport;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.csvimport.sandbox.SandboxFault;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a machine suffers from: nothing is lost, and the process goes on by itself when the cause is gone. */
@Tag("long")
class TroubleTest {

    /** How long a trouble lasts: longer than the ledger waits for a lock, and than the first pauses. */
    private static final Duration TROUBLE = Duration.ofSeconds(7);

    @TempDir
    private Path directory;

    private CrashRig rig;
    private final Deque<Path> mounts = new ArrayDeque<>();

    @BeforeEach
    void open() {
        rig = new CrashRig(directory);
    }

    @AfterEach
    void close() throws Exception {
        rig.close();
        while (!mounts.isEmpty()) {
            run("umount", mounts.pop().toString());
        }
    }

    @Test
    void aFullDiskDelaysFilesThatComeAndLosesNone() throws Exception {
        mount(rig.data, "-t", "tmpfs", "-o", "size=4m", "tmpfs");
        start();
        Path filler = fill(rig.data);
        rig.drop("people.csv");
        rig.drop("more.csv");
        itLasts();
        Files.delete(filler);
        rig.awaitContent();
    }

    @Test
    void anAnswerThatCannotBeWrittenDownOnAFullDiskIsFoundInTheImportList() throws Exception {
        mount(rig.data, "-t", "tmpfs", "-o", "size=4m", "tmpfs");
        rig.sandbox.failNext(SandboxFault.delay(Duration.ofSeconds(3)));
        start();
        rig.drop("people.csv");
        await().atMost(CrashRig.PATIENCE).until(() -> imports() == 1);
        Path filler = fill(rig.data);
        itLasts();
        Files.delete(filler);
        rig.awaitContent();
    }

    @Test
    void anEventThatAFullDiskCutShortIsWrittenAgainOnALineOfItsOwn() throws Exception {
        // an audit trail without a ledger would be refused
        start();
        rig.kill();
        Path audit = rig.data.resolve("audit");
        mount(audit, "-t", "tmpfs", "-o", "size=64k", "tmpfs");
        // the next event begins on one page of the disk and ends on another
        Files.writeString(audit.resolve("csv-import-audit.jsonl"), "{\"x\":\"" + "x".repeat(4096 - 100 - 9) + "\"}\n");
        Path filler = fill(audit);
        rig.drop("people.csv");
        start();
        await().atMost(CrashRig.PATIENCE)
                .until(() -> !rig.oracle.rows("SELECT 1 FROM csv_import_event").isEmpty());
        itLasts();
        Files.delete(filler);
        rig.awaitContent();
    }

    @ParameterizedTest
    @ValueSource(strings = {"template", "none"})
    void aHundredThousandFilesGoThroughASmallHeapAndHoldUpNoOtherTemplate(String order) throws Exception {
        rig.settings.put("CSV_IMPORT_ORDER", order);
        Path folder = Files.createDirectories(rig.inbox.resolve("Many"));
        for (int i = 0; i < 100_000; i++) {
            Files.writeString(folder.resolve(i + ".csv"), "a\n" + i + "\n");
        }
        rig.javaOptions.set(0, "-Xmx64m");
        start();
        Path other = rig.drop("people.csv");
        await().atMost(CrashRig.PATIENCE).until(() -> !Files.exists(other) && imports() > 3000);
        long uploads = uploads();
        assertTrue(uploads <= imports() + 4, "no file is uploaded twice: " + uploads);
        Path late = rig.drop("more.csv");
        await().atMost(CrashRig.PATIENCE).until(() -> !Files.exists(late));
        rig.kill();
    }

    @Test
    void aRejectedFileIsMovedWithItsWholeReasonOnceThereIsRoom() throws Exception {
        mount(rig.inbox, "-t", "tmpfs", "-o", "size=64k", "tmpfs");
        rig.drop("People", "empty.csv", new byte[0], true);
        Path filler = fill(rig.inbox);
        start();
        await().atMost(CrashRig.PATIENCE).until(() -> !rig.oracle
                .rows("SELECT 1 FROM csv_import_delivery WHERE state = 'rejected'")
                .isEmpty());
        itLasts();
        Files.delete(filler);
        rig.awaitContent();
    }

    @Test
    void aFileInAReadOnlyFolderIsImportedOnceAndMovedOnceItCanBe() throws Exception {
        rig.drop("people.csv");
        mount(rig.inbox, "--bind", rig.inbox.toString());
        assumeTrue(run("mount", "-o", "remount,ro,bind", rig.inbox.toString()), "needs a read-only bind mount");
        start();
        await().atMost(CrashRig.PATIENCE).until(() -> imports() == 1);
        itLasts();
        assertTrue(run("mount", "-o", "remount,rw,bind", rig.inbox.toString()));
        rig.awaitContent();
        assertEquals(1, uploads());
    }

    @Test
    void filesThatComeWhileTheLedgerIsLockedAreImportedAfterwards() throws Exception {
        start();
        try (Connection ledger = rig.oracle.connect();
                Statement statement = ledger.createStatement()) {
            statement.execute("BEGIN IMMEDIATE");
            rig.drop("people.csv");
            rig.drop("more.csv");
            itLasts();
            assertEquals(0, uploads());
        }
        rig.awaitContent();
    }

    @Test
    void anAnswerThatComesWhileTheLedgerIsLockedIsFoundInTheImportList() throws Exception {
        rig.sandbox.failNext(SandboxFault.delay(Duration.ofSeconds(1)));
        start();
        rig.drop("people.csv");
        await().atMost(CrashRig.PATIENCE).until(() -> imports() == 1);
        try (Connection ledger = rig.oracle.connect();
                Statement statement = ledger.createStatement()) {
            statement.execute("BEGIN IMMEDIATE");
            itLasts();
        }
        rig.awaitContent();
    }

    @Test
    void aFileThatTheApiRefusesWhileTheLedgerIsLockedIsImportedAfterwards() throws Exception {
        rig.sandbox.failNext(new SandboxFault(
                SandboxFault.END,
                SandboxFault.Action.ANSWER,
                false,
                503,
                Map.of("Retry-After", "1"),
                Duration.ofSeconds(1),
                Duration.ZERO));
        start();
        rig.drop("people.csv");
        await().atMost(CrashRig.PATIENCE).until(() -> uploads() == 1);
        try (Connection ledger = rig.oracle.connect();
                Statement statement = ledger.createStatement()) {
            statement.execute("BEGIN IMMEDIATE");
            itLasts();
        }
        rig.awaitContent();
    }

    @Test
    void aCorruptLedgerStopsTheStartAndARestoredOneGoesOn() throws Exception {
        rig.drop("people.csv");
        start();
        rig.awaitContent();
        rig.kill();
        Path ledger = rig.data.resolve("csv-import-ledger.db");
        Path backup = rig.data.resolve("backup.db");
        // the write-ahead log is part of it
        try (Connection connection = rig.oracle.connect();
                Statement statement = connection.createStatement()) {
            statement.execute("VACUUM INTO '" + backup + "'");
        }
        try (Stream<Path> files = Files.list(rig.data)) {
            for (Path file :
                    files.filter(f -> f.toString().matches(".*ledger.db-.*")).toList()) {
                Files.delete(file);
            }
        }
        byte[] noise = new byte[(int) Files.size(backup)];
        Arrays.fill(noise, (byte) 'x');
        Files.write(ledger, noise);
        Path more = rig.drop("more.csv");

        Distribution refused = rig.start();
        assertTrue(refused.exitStatus() != 0);
        assertTrue(refused.output().contains(ledger.toString()), refused.output());
        assertFalse(refused.output().contains("\tat "), refused.output());
        assertTrue(Files.exists(more));

        Files.delete(ledger);
        Files.move(backup, ledger);
        rig.start();
        rig.awaitContent();
    }

    @Tag("long")
    @Test
    void anUploadIsFoundThoughTheClockWasSetBackAfterTheProcessDied() throws Exception {
        rig.sandbox.failNext(SandboxFault.hang(true));
        rig.drop("people.csv");
        start();
        await().atMost(CrashRig.PATIENCE).until(() -> imports() == 1);
        rig.kill();

        rig.start(FakeClock.of("-2h"));
        rig.awaitContent();
        assertEquals(1, uploads());
    }

    @Tag("long")
    @Test
    void anUploadIsFoundThoughTheProcessWasAwayForDays() throws Exception {
        rig.sandbox.failNext(SandboxFault.hang(true));
        rig.drop("people.csv");
        start();
        await().atMost(CrashRig.PATIENCE).until(() -> imports() == 1);
        rig.kill();

        rig.start(FakeClock.of("+3d"));
        rig.awaitContent();
        assertEquals(1, uploads());
    }

    @Tag("long")
    @ParameterizedTest
    @ValueSource(strings = {"-5m", "-2d"})
    void aWaitingFileGoesOnThoughTheClockWasSetBack(String offset) throws Exception {
        rig.sandbox.failNext(SandboxFault.status(503, false, Map.of("Retry-After", "300")));
        rig.drop("people.csv");
        start();
        await().atMost(CrashRig.PATIENCE).until(() -> !rig.oracle
                .rows("SELECT 1 FROM csv_import_delivery WHERE state = 'waiting'")
                .isEmpty());
        rig.kill();

        rig.start(FakeClock.of(offset));
        rig.awaitContent();
    }

    private void start() throws IOException {
        rig.start();
        rig.awaitReady();
    }

    private static void itLasts() {
        await().pollDelay(TROUBLE).atMost(TROUBLE.multipliedBy(2)).until(() -> true);
    }

    private int imports() {
        return rig.sandbox.imports().size();
    }

    private long uploads() {
        return rig.sandbox.requests().stream()
                .filter(request -> request.method().equals("POST"))
                .count();
    }

    private void mount(Path place, String... what) throws Exception {
        Files.createDirectories(place);
        String[] command = Stream.of(Stream.of("mount"), Stream.of(what), Stream.of(place.toString()))
                .flatMap(part -> part)
                .toArray(String[]::new);
        assumeTrue(run(command), "needs the right to mount");
        mounts.push(place);
    }

    private static boolean run(String... command) throws Exception {
        try {
            Process process =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            return process.waitFor(20, TimeUnit.SECONDS) && process.exitValue() == 0;
        } catch (IOException e) {
            // there is no such command
            return false;
        }
    }

    /** Takes all the room there is; answers what to delete to give it back. */
    private static Path fill(Path folder) throws IOException {
        Path filler = folder.resolve(".filler");
        try (OutputStream out = Files.newOutputStream(filler)) {
            byte[] page = new byte[4096];
            while (true) {
                out.write(page);
            }
        } catch (IOException full) {
            return filler;
        }
    }
}
