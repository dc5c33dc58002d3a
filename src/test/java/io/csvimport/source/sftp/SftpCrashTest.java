package io.csvimport.source.sftp;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.csvimport.CrashRig;
import io.csvimport.Distribution;
import io.csvimport.Installation;
import io.csvimport.sandbox.SandboxFault;
import io.csvimport.sandbox.SandboxImport;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The built distribution and an SFTP server, either of which dies at the worst moment. */
@Tag("long")
class SftpCrashTest {

    private static final byte[] LARGE = "0123456789abcde\n".repeat(1 << 19).getBytes(UTF_8);

    @TempDir
    private Path directory;

    private CrashRig rig;
    private SftpRig server;

    @BeforeEach
    void open() {
        rig = new CrashRig(directory);
        // the rig's inbox is the server's
        server = new SftpRig(directory.resolve("server"), directory);
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
                SftpRig.USERNAME,
                "CSV_IMPORT_SFTP_PASSWORD",
                SftpRig.PASSWORD,
                "CSV_IMPORT_SFTP_KNOWN_HOSTS_FILE",
                server.knownHosts().toString()));
    }

    @AfterEach
    void close() throws IOException {
        rig.close();
        server.close();
    }

    // the product dies

    @Test
    void aFileIsImportedOnceThoughTheProcessDiedInTheMiddleOfItsDownload() throws Exception {
        SftpRig.Hold hold = server.holdRead(1 << 20);
        rig.drop("People", "people.csv", LARGE, false);
        startUntil(hold);
        rig.kill();
        assertEquals(0, rig.sandbox.requests().size());
        hold.release();

        rig.start();
        rig.awaitContent();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aFileIsImportedOnceThoughTheProcessDiedBeforeTheAnswer(boolean accepted) throws Exception {
        rig.sandbox.failNext(SandboxFault.hang(accepted));
        rig.drop("people.csv");
        rig.start();
        await().atMost(CrashRig.PATIENCE).until(() -> rig.sandbox.requests().stream()
                .anyMatch(request -> request.parts().size() == 1));
        rig.kill();

        rig.start();
        rig.awaitContent();
    }

    @Test
    void aFileIsImportedOnceThoughTheProcessDiedInTheMiddleOfItsUpload() throws Exception {
        rig.sandbox.failNext(SandboxFault.hangAfter(100_000));
        rig.drop("People", "people.csv", LARGE, false);
        rig.start();
        await().atMost(CrashRig.PATIENCE)
                .until(() -> rig.sandbox.requests().stream().anyMatch(request -> request.bodySize() >= 100_000));
        rig.kill();
        assertEquals(0, rig.sandbox.imports().size());

        rig.start();
        rig.awaitContent();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aFileIsMovedOnceThoughTheProcessDiedBeforeItKnewOfTheMove(boolean moved) throws Exception {
        SftpRig.Hold hold = moved ? server.holdAfterMove() : server.holdBeforeMove();
        Path file = rig.drop("people.csv");
        startUntil(hold);
        rig.kill();
        server.stop();
        assertEquals(!moved, Files.exists(file));
        if (moved) {
            // the same name, another file: a delivery of its own
            rig.drop("people.csv");
        }

        server.start();
        rig.start();
        rig.awaitContent();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aRejectedFileIsMovedWithItsReasonThoughTheProcessDied(boolean moved) throws Exception {
        SftpRig.Hold hold = moved ? server.holdAfterMove() : server.holdBeforeMove();
        rig.drop("People", "empty.csv", new byte[0], true);
        startUntil(hold);
        rig.kill();
        server.stop();

        server.start();
        rig.start();
        rig.awaitContent();
    }

    private void startUntil(SftpRig.Hold hold) throws IOException {
        Distribution process = rig.start();
        await().atMost(CrashRig.PATIENCE)
                .failFast(() -> !process.process().isAlive())
                .until(hold::isReached);
    }

    // the server dies

    @Test
    void filesAreImportedOnceThoughTheServerComesAndGoes() throws Exception {
        Distribution process = rig.start();
        for (int round = 0; round < 6; round++) {
            for (int i = 0; i < 10; i++) {
                rig.drop("Template " + i % 3, "file-" + round + "-" + i + ".csv", "name\n" + round + "-" + i);
            }
            int imports = rig.sandbox.imports().size();
            await().atMost(CrashRig.PATIENCE)
                    .failFast(() -> !process.process().isAlive())
                    .until(() -> rig.sandbox.imports().size() > imports + 2);
            if (round % 2 == 0) {
                server.dropConnections();
            } else {
                server.stop();
                server.start();
            }
        }
        rig.awaitContent();
        assertEquals(60, rig.sandbox.imports().size());
    }

    @Test
    void aServerThatIsNotThereAtTheStartIsUsedOnceItIs() throws Exception {
        server.stop();
        rig.drop("people.csv");
        rig.start();
        rig.awaitReady();
        server.start();
        rig.awaitContent();
    }

    // a server that may only be read

    @Test
    void whereTheServerIsReadOnlyARestartImportsNothingAgain() throws Exception {
        server.denyChanges(true);
        rig.settings.put("CSV_IMPORT_SFTP_READ_ONLY", "true");
        Path file = rig.drop("people.csv");
        Path bad = rig.drop("People", "empty.csv", new byte[0], true);
        for (int start = 0; start < 3; start++) {
            Distribution process = rig.start();
            long listings = server.listings("inbox");
            await().atMost(CrashRig.PATIENCE)
                    .failFast(() -> !process.process().isAlive())
                    .until(() -> server.listings("inbox") >= listings + 3 && events("rejected") == 1);
            if (start == 0) {
                await().atMost(CrashRig.PATIENCE).until(() -> events("accepted") == 1);
                await().atMost(CrashRig.PATIENCE).until(() -> rig.oracle
                        .rows("SELECT 1 FROM csv_import_event WHERE sent_at IS NULL")
                        .isEmpty());
                rig.kill();
            } else {
                process.stop();
            }
        }
        assertEquals(1, rig.sandbox.imports().size());
        assertEquals(1, rig.sandbox.requests().size());
        assertEquals(2, rig.oracle.rows("SELECT 1 FROM csv_import_delivery").size());
        assertEquals(1, events("accepted"));
        assertTrue(Files.exists(file) && Files.exists(bad));
        assertEquals(List.of(), server.changes());
    }

    private long events(String type) throws IOException {
        Path trail = rig.data.resolve("audit/csv-import-audit.jsonl");
        if (!Files.exists(trail)) {
            return 0;
        }
        try (Stream<String> lines = Files.lines(trail)) {
            return lines.filter(line -> line.contains("\"csv-import." + type + "\""))
                    .count();
        }
    }

    // what is said, and what is not

    @Test
    void neitherPasswordNorPassphraseIsInAnythingThatIsPrintedOrWritten() throws Exception {
        rig.settings.put(
                "CSV_IMPORT_SFTP_PRIVATE_KEY_FILE",
                server.directory.resolve("id-locked").toString());
        rig.settings.put("CSV_IMPORT_SFTP_PRIVATE_KEY_PASSPHRASE", SftpRig.PASSPHRASE);
        int management = Installation.freePort();
        rig.settings.put("CSV_IMPORT_MANAGEMENT_PORT", String.valueOf(management));
        rig.drop("people.csv");
        Distribution process = rig.start();
        rig.awaitContent();
        // some trouble, of which it tells: a login that is refused, another host key, no server
        server.refuseLogins(true);
        server.dropConnections();
        int logins = server.passwords() + server.keys();
        await().atMost(CrashRig.PATIENCE).until(() -> server.passwords() + server.keys() >= logins + 2);
        server.changeHostKey(null);
        int connections = server.connections();
        await().atMost(CrashRig.PATIENCE).until(() -> server.connections() >= connections + 2);
        server.stop();
        String health = health(management);
        process.stop();
        List<String> secrets = new ArrayList<>();
        for (String secret : List.of(SftpRig.PASSWORD, SftpRig.PASSPHRASE)) {
            secrets.add(secret);
            secrets.add(URLEncoder.encode(secret, UTF_8));
            secrets.add(URLEncoder.encode(secret, UTF_8).replace("+", "%20"));
            secrets.add(Base64.getEncoder().encodeToString(secret.getBytes(UTF_8)));
            // its beginning: up to what an encoding may change, or a parser may split
            secrets.add(secret.substring(0, 4));
        }
        assertTrue(process.output().contains("csv-import"), "it has said something");
        for (String secret : secrets) {
            assertFalse(health.contains(secret), health);
            assertEquals(List.of(), filesWith(secret), secret);
        }
        assertFalse(process.output().contains("\tat "), process.output());
    }

    private static String health(int port) throws IOException, InterruptedException {
        return HttpClient.newHttpClient()
                .send(
                        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/observe/health"))
                                .build(),
                        HttpResponse.BodyHandlers.ofString())
                .body();
    }

    /** Of the working directory, but for what is the server's. */
    private List<Path> filesWith(String text) throws IOException {
        List<Path> found = new ArrayList<>();
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.filter(Files::isRegularFile)
                    .filter(file -> !file.startsWith(server.directory))
                    .toList()) {
                if (new String(Files.readAllBytes(file), UTF_8).contains(text)) {
                    found.add(file);
                }
            }
        }
        return found;
    }

    @Test
    void aHostKeyThatIsUnknownIsSaidWithWhatToDo() throws Exception {
        Path empty = Files.writeString(directory.resolve("empty_known_hosts"), "");
        rig.settings.put("CSV_IMPORT_SFTP_KNOWN_HOSTS_FILE", empty.toString());
        Distribution process = rig.start();
        await().atMost(CrashRig.PATIENCE).until(() -> process.output().contains("ssh-keyscan"));
        assertTrue(process.output().contains(empty.toString()), process.output());
        assertTrue(process.output().contains("127.0.0.1"), process.output());
        assertEquals(0, server.passwords());
    }

    @Test
    void aSourceThatIsOffOpensNoConnection() throws Exception {
        try (ServerSocketChannel socket = ServerSocketChannel.open().bind(new InetSocketAddress("127.0.0.1", 0))) {
            socket.configureBlocking(false);
            rig.settings.put("CSV_IMPORT_SFTP_ENABLED", "false");
            rig.settings.put(
                    "CSV_IMPORT_SFTP_PORT", String.valueOf(((InetSocketAddress) socket.getLocalAddress()).getPort()));
            rig.settings.put("CSV_IMPORT_FILE_DIRECTORY", "inbox");
            rig.drop("people.csv");
            rig.start();
            rig.awaitContent();
            assertNull(socket.accept());
        }
    }

    // size

    @Test
    @Tag("long")
    void aFileOf300MegabytesPassesThroughAHeapOf96() throws Exception {
        rig.javaOptions.set(0, "-Xmx96m");
        Path large = directory.resolve("large.part");
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        long size = 0;
        try (OutputStream out = Files.newOutputStream(large)) {
            for (int block = 0; block < 38; block++) {
                byte[] content = LARGE.clone();
                content[0] = (byte) ('0' + block);
                out.write(content);
                digest.update(content);
                size += content.length;
            }
        }
        assertTrue(size > 300_000_000);
        Path file = Files.createDirectories(rig.inbox.resolve("People")).resolve("large.csv");
        Files.move(large, file);
        Distribution process = rig.start();
        await().atMost(Duration.ofMinutes(3))
                .failFast(() -> !process.process().isAlive())
                .until(() -> Files.exists(file.resolveSibling(".imported").resolve("large.csv")));
        SandboxImport made = rig.sandbox.imports().get(0);
        assertEquals(size, made.size());
        assertEquals(HexFormat.of().formatHex(digest.digest()), made.sha256());
        assertEquals(1, rig.sandbox.imports().size());
        assertEquals(1, server.downloads("large.csv"));
        assertTrue(
                List.of(process.process().info().arguments().orElseThrow()).contains("-Xmx96m"),
                "the heap was that small");
        System.out.println("300 MB over SFTP, most memory of the process: " + most(process));
    }

    private static String most(Distribution process) throws IOException {
        try (Stream<String> lines =
                Files.lines(Path.of("/proc/" + process.process().pid() + "/status"))) {
            return lines.filter(line -> line.startsWith("VmHWM")).findFirst().orElse("unknown");
        }
    }
}
