package io.csvimport.source.sftp;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.csvimport.Installation;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.awaitility.Awaitility;

/**
 * OpenSSH's own server with a configuration and keys of its own, on a port of the loopback interface, for the user that
 * runs the tests: {@code id} is that user's key, with the passphrase {@link #PASSPHRASE}. Every connection is a process
 * of its own there, as is the server.
 */
public final class OpenSshRig implements AutoCloseable {

    public static final String USERNAME = System.getProperty("user.name");
    public static final String PASSPHRASE = "l%25ö x+&#?=/@: end";

    private static final Path SSHD = Path.of("/usr/sbin/sshd");

    /** The folder of its configuration and of the files for clients. */
    public final Path directory;

    private final Path login;
    private final int port;
    private Process process;

    /** Skips the test where there is no OpenSSH server, but not in a continuous integration. */
    public static void assumeInstalled() {
        assumeTrue(
                Files.isExecutable(SSHD) || System.getenv("CI") != null,
                () -> "needs " + SSHD + ", from Debian's package openssh-server");
    }

    /** @param options of its SFTP subsystem, as {@code -R}: nothing may be changed */
    public OpenSshRig(Path directory, Path login, String... options) throws Exception {
        assertTrue(Files.isExecutable(SSHD), () -> SSHD + " is missing");
        this.directory = Files.createDirectories(directory);
        this.login = Files.createDirectories(login);
        port = Installation.freePort();
        for (String type : List.of("rsa", "ecdsa", "ed25519")) {
            run("ssh-keygen", "-q", "-t", type, "-N", "", "-f", "host_" + type);
        }
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", PASSPHRASE, "-f", "id");
        Files.copy(directory.resolve("id.pub"), directory.resolve("authorized_keys"));
        writeKnownHosts("rsa");
        assertFalse(login.toString().contains(" "), "sshd takes no folder with a blank in its name");
        Files.writeString(
                directory.resolve("sshd_config"),
                """
                ListenAddress 127.0.0.1
                Port %1$d
                HostKey %2$s/host_rsa
                HostKey %2$s/host_ecdsa
                HostKey %2$s/host_ed25519
                AuthorizedKeysFile %2$s/authorized_keys
                PidFile none
                UsePAM no
                StrictModes no
                PermitRootLogin prohibit-password
                PasswordAuthentication no
                Subsystem sftp internal-sftp -d %3$s %4$s
                """
                        .formatted(
                                port, directory.toAbsolutePath(), login.toAbsolutePath(), String.join(" ", options)));
        if (USERNAME.equals("root")) {
            // a service would make it
            Files.createDirectories(Path.of("/run/sshd"));
        }
        start();
    }

    private void run(String... command) throws Exception {
        Process run = new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectOutput(log())
                .start();
        if (!run.waitFor(60, TimeUnit.SECONDS) || run.exitValue() != 0) {
            throw new IOException(command[0] + " failed: " + Files.readString(directory.resolve("log.txt")));
        }
    }

    private ProcessBuilder.Redirect log() {
        return ProcessBuilder.Redirect.appendTo(directory.resolve("log.txt").toFile());
    }

    public int port() {
        return port;
    }

    public Path knownHosts() {
        return directory.resolve("known_hosts");
    }

    /** Its key of this type alone, with its name hashed, as Debian's ssh writes it. */
    private void writeKnownHosts(String type) throws Exception {
        String[] key =
                Files.readString(directory.resolve("host_" + type + ".pub")).split(" ");
        Files.writeString(knownHosts(), "[127.0.0.1]:" + port + " " + key[0] + " " + key[1] + "\n");
        run("ssh-keygen", "-q", "-H", "-f", "known_hosts");
        Files.deleteIfExists(directory.resolve("known_hosts.old"));
    }

    /** The server has new host keys when it starts again. */
    public void changeHostKeys() throws Exception {
        for (String type : List.of("rsa", "ecdsa", "ed25519")) {
            run("ssh-keygen", "-q", "-t", type, "-N", "", "-f", "new_" + type);
            Files.move(
                    directory.resolve("new_" + type),
                    directory.resolve("host_" + type),
                    StandardCopyOption.REPLACE_EXISTING);
        }
    }

    public void start() throws IOException {
        process = new ProcessBuilder(
                        SSHD.toString(),
                        "-D",
                        "-e",
                        "-f",
                        directory.resolve("sshd_config").toString())
                .redirectErrorStream(true)
                .redirectOutput(log())
                .start();
        Awaitility.await("sshd").atMost(Duration.ofSeconds(30)).until(() -> {
            if (!process.isAlive()) {
                throw new IOException("sshd ended: " + log(directory));
            }
            try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
                return socket.isConnected();
            } catch (IOException e) {
                return false;
            }
        });
    }

    private static String log(Path directory) throws IOException {
        return Files.readString(directory.resolve("log.txt"));
    }

    /** Logins that were let in. */
    public long logins() {
        try (Stream<String> lines = Files.lines(directory.resolve("log.txt"))) {
            return lines.filter(line -> line.startsWith("Accepted ")).count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What the processes of its connections have had of the processors: a download under way takes a lot. */
    public Duration work() {
        return process.descendants()
                .map(connection -> connection.info().totalCpuDuration().orElse(Duration.ZERO))
                .reduce(Duration.ZERO, Duration::plus);
    }

    /** SIGSTOP for the processes of all connections: nobody answers on them any more, and nobody is told. */
    public void freezeConnections() throws Exception {
        for (ProcessHandle connection : process.descendants().toList()) {
            run("kill", "-STOP", String.valueOf(connection.pid()));
        }
    }

    /** SIGKILL for the processes of all connections. */
    public void dropConnections() {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
    }

    /** SIGKILL for the server and the processes of all its connections. */
    public void stop() {
        List<ProcessHandle> connections = process.descendants().toList();
        process.destroyForcibly().onExit().join();
        connections.forEach(ProcessHandle::destroyForcibly);
        connections.forEach(connection -> connection.onExit().join());
    }

    @Override
    public void close() {
        stop();
    }
}
