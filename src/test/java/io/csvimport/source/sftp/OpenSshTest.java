package io.csvimport.source.sftp;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.csvimport.CrashRig;
import io.csvimport.Distribution;
import io.csvimport.sandbox.SandboxImport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The built distribution and OpenSSH's own server, with a key and host keys as its own tools make them. */
@Tag("long")
class OpenSshTest {

    private static final byte[] LARGE = "0123456789abcde\n".repeat(6 << 20).getBytes(UTF_8);

    @TempDir
    private Path directory;

    private CrashRig rig;
    private OpenSshRig server;

    @BeforeEach
    void open() throws Exception {
        OpenSshRig.assumeInstalled();
        rig = new CrashRig(directory);
        open(new OpenSshRig(directory.resolve("server"), directory));
    }

    /** The rig's inbox is the server's. */
    private void open(OpenSshRig opened) {
        server = opened;
        rig.settings.putAll(Map.of(
                "CSV_IMPORT_FILE_DIRECTORY",
                "no-inbox",
                "CSV_IMPORT_SFTP_ENABLED",
                "true",
                "CSV_IMPORT_SFTP_HOST",
                "127.0.0.1",
                "CSV_IMPORT_SFTP_PORT",
                String.valueOf(server.port()),
                "CSV_IMPORT_SFTP_USERNAME",
                OpenSshRig.USERNAME,
                "CSV_IMPORT_SFTP_PRIVATE_KEY_FILE",
                server.directory.resolve("id").toString(),
                "CSV_IMPORT_SFTP_PRIVATE_KEY_PASSPHRASE",
                OpenSshRig.PASSPHRASE,
                "CSV_IMPORT_SFTP_KNOWN_HOSTS_FILE",
                server.knownHosts().toString()));
    }

    @AfterEach
    void close() {
        if (rig != null) {
            rig.close();
        }
        if (server != null) {
            server.close();
        }
    }

    @Test
    void filesOfStrangeNamesAreImportedAndMovedAndNothingIsOverwritten() throws Exception {
        List<String> names = List.of(
                "100%25 ü.csv", "a+b & c;d.csv", "a'b\"c.csv", "*.csv", "a?.csv", "[ab].csv", "-rf.csv", "名前.CSV");
        for (String name : names) {
            rig.drop("People", name, "name\n" + name);
            rig.drop(name, "a.csv", "name\na" + name);
        }
        rig.drop("People", "empty.csv", new byte[0], true);
        rig.drop("People", "again.csv", "name\n" + names.get(0));
        Path taken =
                Files.createDirectories(rig.inbox.resolve("People/.imported")).resolve(names.get(0) + ".old");
        Files.writeString(taken, "old");
        rig.start();
        rig.awaitContent();
        // the same names again: moves of the protocol's own extension replace what is there
        for (String name : names) {
            rig.drop("People", name, "name\nsecond " + name);
        }
        rig.awaitContent();
        assertEquals("old", Files.readString(taken));
        try (Stream<Path> imported = Files.list(rig.inbox.resolve("People/.imported"))) {
            assertEquals(2 * names.size() + 1, imported.count());
        }
    }

    @Test
    void aFileWhoseReasonFileWouldHaveTooLongANameIsImportedAndMoved() throws Exception {
        rig.drop("People", "x".repeat(244) + ".csv", "name\nlong");
        rig.start();
        rig.awaitContent();
    }

    @Test
    void manySmallFilesAreTakenInAFewLogins() throws Exception {
        for (int i = 0; i < 200; i++) {
            rig.drop("Template " + i % 4, "file-" + i + ".csv", "name\n" + i);
        }
        rig.start();
        rig.awaitContent();
        assertTrue(server.logins() <= 5, server.logins() + " logins");
    }

    @Test
    void downloadsWhoseConnectionsAreCutAreTakenUpAgain() throws Exception {
        drop("1.csv", 1);
        Instant start = Instant.now();
        Distribution process = rig.start();
        int dropped = 1;
        for (int cut = 0; cut < 4; ) {
            int files = dropped;
            awaitAlive(
                    process, () -> isDownloading(start) || rig.sandbox.imports().size() == files);
            if (isDownloading(start)) {
                server.dropConnections();
                cut++;
                awaitAlive(process, () -> !isDownloading(start));
            } else {
                // the download was over before it could be cut
                dropped++;
                drop(dropped + ".csv", dropped);
            }
        }
        drop("last.csv", dropped + 1);
        rig.awaitContent();
    }

    @Test
    void aConnectionThatFallsSilentIsGivenUp() throws Exception {
        drop("people.csv", 1);
        Instant start = Instant.now();
        Distribution process = rig.start();
        awaitAlive(process, () -> isDownloading(start) || !rig.sandbox.imports().isEmpty());
        server.freezeConnections();
        rig.drop("later.csv");
        // a silence is waited for: no time is too long here
        await().atMost(Duration.ofMinutes(5))
                .failFast(() -> !process.process().isAlive())
                .until(() -> rig.sandbox.imports().size() == 2);
        rig.awaitContent();
    }

    @Test
    void aServerThatDiesAndComesBackIsUsedAgain() throws Exception {
        Instant start = Instant.now();
        Distribution process = rig.start();
        for (int round = 0; round < 4; round++) {
            drop("large-" + round + ".csv", round);
            for (int i = 0; i < 10; i++) {
                rig.drop("Template " + i % 3, "file-" + round + "-" + i + ".csv", "name\n" + round + "-" + i);
            }
            int imports = 11 * round + 11;
            awaitAlive(
                    process, () -> isDownloading(start) || rig.sandbox.imports().size() == imports);
            server.stop();
            awaitAlive(process, () -> !isDownloading(start));
            server.start();
        }
        rig.awaitContent();
        assertEquals(44, rig.sandbox.imports().size());
    }

    @Test
    void aFileIsImportedOnceThoughTheProcessDiedInTheMiddleOfItsDownload() throws Exception {
        drop("people.csv", 1);
        for (int kill = 0; kill < 3; kill++) {
            Instant start = Instant.now();
            Distribution process = rig.start();
            awaitAlive(
                    process,
                    () -> isDownloading(start) || !rig.sandbox.imports().isEmpty());
            rig.kill();
            await().atMost(CrashRig.PATIENCE).until(() -> server.work().isZero());
        }
        rig.start();
        rig.awaitContent();
    }

    @Test
    void aServerWithNewHostKeysIsRefused() throws Exception {
        rig.drop("before.csv");
        Distribution process = rig.start();
        rig.awaitContent();
        server.changeHostKeys();
        server.stop();
        server.start();
        long logins = server.logins();
        Path file = rig.inbox.resolve("People/people.csv");
        Files.writeString(file, "name\nAnna\n");
        await().atMost(CrashRig.PATIENCE)
                .failFast(() -> !process.process().isAlive())
                .until(() -> process.output().contains("another host key"));
        assertEquals(logins, server.logins());
        assertTrue(Files.exists(file));
        assertEquals(1, rig.sandbox.imports().size());
    }

    @Test
    void aServerThatMayOnlyBeReadIsReadOnce() throws Exception {
        server.close();
        open(new OpenSshRig(directory.resolve("read-only"), directory, "-R"));
        rig.settings.put("CSV_IMPORT_SFTP_READ_ONLY", "true");
        Path file = rig.drop("people.csv");
        for (int start = 1; start <= 2; start++) {
            int starts = start;
            rig.start();
            await().atMost(CrashRig.PATIENCE).until(() -> rig.sandbox.imports().size() == starts);
            rig.drop("another-" + start + ".csv");
            await().atMost(CrashRig.PATIENCE).until(() -> rig.sandbox.imports().size() == starts + 1);
            rig.kill();
        }
        assertEquals(
                List.of("people.csv", "another-1.csv", "another-2.csv"),
                rig.sandbox.imports().stream().map(SandboxImport::fileName).toList());
        assertTrue(Files.exists(file));
    }

    private static void awaitAlive(Distribution process, Callable<Boolean> condition) {
        await().atMost(CrashRig.PATIENCE)
                .pollInterval(Duration.ofMillis(5))
                .failFast(() -> !process.process().isAlive())
                .until(condition);
    }

    /** Whether some of a large file, and not all of it, was written to the spool since then. */
    private boolean isDownloading(Instant since) throws IOException {
        Path spool = rig.data.resolve("spool");
        if (!Files.exists(spool)) {
            return false;
        }
        try (Stream<Path> copies = Files.list(spool)) {
            for (Path copy : copies.toList()) {
                BasicFileAttributes found = Files.readAttributes(copy, BasicFileAttributes.class);
                if (found.size() >= 1 << 20
                        && found.size() < LARGE.length
                        && found.lastModifiedTime().toInstant().isAfter(since)) {
                    return true;
                }
            }
        } catch (NoSuchFileException e) {
            // deleted while it was looked at
        }
        return false;
    }

    private void drop(String name, int number) throws Exception {
        byte[] content = LARGE.clone();
        content[0] = (byte) ('0' + number);
        rig.drop("People", name, content, false);
    }
}
