package io.csvimport;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.csvimport.sandbox.SandboxImport;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
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
        drop("first.csv", 1);
        Distribution process = rig.start();
        for (int cut = 0; cut < 4; cut++) {
            await().atMost(CrashRig.PATIENCE)
                    .pollInterval(Duration.ofMillis(5))
                    .failFast(() -> !process.process().isAlive())
                    .until(() -> server.work().toMillis() >= 150);
            server.dropConnections();
        }
        drop("second.csv", 2);
        rig.awaitContent();
    }

    @Test
    void aConnectionThatFallsSilentIsGivenUp() throws Exception {
        drop("people.csv", 1);
        Distribution process = rig.start();
        await().atMost(CrashRig.PATIENCE)
                .pollInterval(Duration.ofMillis(5))
                .failFast(() -> !process.process().isAlive())
                .until(() -> server.work().toMillis() >= 150);
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
        Distribution process = rig.start();
        for (int round = 0; round < 4; round++) {
            drop("large-" + round + ".csv", round);
            for (int i = 0; i < 10; i++) {
                rig.drop("Template " + i % 3, "file-" + round + "-" + i + ".csv", "name\n" + round + "-" + i);
            }
            await().atMost(CrashRig.PATIENCE)
                    .pollInterval(Duration.ofMillis(5))
                    .failFast(() -> !process.process().isAlive())
                    .until(() -> server.work().toMillis() >= 100);
            server.stop();
            server.start();
        }
        rig.awaitContent();
        assertEquals(44, rig.sandbox.imports().size());
    }

    @Test
    void aFileIsImportedOnceThoughTheProcessDiedInTheMiddleOfItsDownload() throws Exception {
        drop("people.csv", 1);
        for (int kill = 0; kill < 3; kill++) {
            rig.start();
            await().atMost(CrashRig.PATIENCE)
                    .pollInterval(Duration.ofMillis(5))
                    .until(() -> server.work().toMillis() >= 150);
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

    private void drop(String name, int number) throws Exception {
        byte[] content = LARGE.clone();
        content[0] = (byte) ('0' + number);
        rig.drop("People", name, content, false);
    }
}
