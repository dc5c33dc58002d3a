package io.csvimport;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import jakarta.jms.JMSException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How the distribution finds its broker: by which URLs, with which secrets, and what it says where it does not. */
class QueueConnectionTest {

    private static final String STORE_PASSWORD = "store-secret";

    @TempDir
    private Path directory;

    private Installation product;
    private Broker broker;

    @BeforeEach
    void open() throws IOException {
        broker = new Broker(directory.resolve("broker"));
        product = new Installation(directory.resolve("product"))
                .with("CSV_IMPORT_FILE_ENABLED", "false")
                .with("CSV_IMPORT_TEMPLATE", "People")
                .with("CSV_IMPORT_JMS_ENABLED", "true")
                .with("CSV_IMPORT_JMS_URL", broker.core())
                .with("CSV_IMPORT_JMS_USERNAME", Broker.USER)
                .with("CSV_IMPORT_JMS_PASSWORD", Broker.PASSWORD);
    }

    @AfterEach
    void close() {
        product.close();
        broker.close();
    }

    private void send(String name) throws JMSException {
        broker.send(
                broker.core(),
                "csv-import",
                session ->
                        QueueTest.named(session.createTextMessage("name\n" + name + "\n"), Map.of("fileName", name)));
    }

    private void assertSaysNoSecretAndNoTrace() {
        List.of(Broker.PASSWORD, STORE_PASSWORD, "wrong#secret")
                .forEach(secret -> assertFalse(product.output().contains(secret), product.output()));
        assertFalse(product.output().contains("\tat "), product.output());
    }

    @ParameterizedTest
    @ValueSource(strings = {"amqp", "core"})
    void failoverAndTlsUrlsPassThrough(String protocol) throws Exception {
        Path keys = directory.resolve("keys.p12");
        Process keytool = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "keytool")
                                .toString(),
                        "-genkeypair",
                        "-alias",
                        "broker",
                        "-keyalg",
                        "EC",
                        "-dname",
                        "CN=broker",
                        "-ext",
                        "san=ip:127.0.0.1",
                        "-storetype",
                        "PKCS12",
                        "-keystore",
                        keys.toString(),
                        "-storepass",
                        STORE_PASSWORD)
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("keytool.txt").toFile())
                .start();
        assertEquals(0, keytool.waitFor(), () -> keys.toString());
        int port = Installation.freePort();
        int nobody = Installation.freePort();
        broker.listen("tcp://127.0.0.1:" + port + "?protocols=" + protocol.toUpperCase()
                        + ";sslEnabled=true;keyStorePath=" + keys + ";keyStoreType=PKCS12;keyStorePassword="
                        + STORE_PASSWORD)
                .start();
        product.with(
                        "CSV_IMPORT_JMS_URL",
                        protocol.equals("amqp")
                                ? "failover:(amqps://127.0.0.1:%d,amqps://127.0.0.1:%d?transport.trustStoreLocation=%s&transport.trustStorePassword=%s)?failover.reconnectDelay=50"
                                        .formatted(nobody, port, keys, STORE_PASSWORD)
                                : "(tcp://127.0.0.1:%d,tcp://127.0.0.1:%d)?sslEnabled=true&trustStorePath=%s&trustStoreType=PKCS12&trustStorePassword=%s"
                                        .formatted(nobody, port, keys, STORE_PASSWORD))
                .start();
        send("a.csv");
        product.awaitImport("a.csv");
        product.awaitUntil("acknowledged", () -> broker.count("csv-import") == 0);
        assertSaysNoSecretAndNoTrace();
    }

    @ParameterizedTest
    @ValueSource(strings = {"amqp", "core", "failover"})
    void aBrokerThatIsAwayAtStartIsWaitedForAndToldOnce(String protocol) throws Exception {
        String url = protocol.equals("core") ? broker.core() : broker.amqp();
        product.with("CSV_IMPORT_JMS_URL", protocol.equals("failover") ? "failover:(" + url + ")" : url)
                .start();
        product.awaitReady();
        if (!protocol.equals("failover")) {
            product.awaitUntil("told", () -> product.output().contains("is away or refuses"));
        }
        broker.start();
        send("a.csv");
        product.awaitImport("a.csv");
        assertEquals(
                protocol.equals("failover") ? 0 : 1,
                product.output()
                        .lines()
                        .filter(line -> line.contains("is away or refuses"))
                        .count());
        assertSaysNoSecretAndNoTrace();
    }

    @ParameterizedTest
    @ValueSource(strings = {"amqp", "core"})
    void aWrongPasswordIsSaidAndNotShown(String protocol) throws Exception {
        broker.start();
        product.with("CSV_IMPORT_JMS_URL", protocol.equals("core") ? broker.core() : broker.amqp())
                .with("CSV_IMPORT_JMS_PASSWORD", "wrong#secret")
                .start();
        product.awaitUntil("told", () -> product.output().contains("is away or refuses"));
        send("a.csv");
        assertSaysNoSecretAndNoTrace();
        assertEquals(List.of(), product.uploads());
        assertEquals(1, broker.count("csv-import"));
    }

    @Test
    void aStopEndsTheWaitForABrokerAtOnce() throws Exception {
        Distribution process = product.with("CSV_IMPORT_JMS_URL", "failover:(" + broker.amqp() + ")")
                .start();
        product.awaitReady();
        assertEquals(143, process.stop());
    }

    @Test
    void aQueueThatIsOffNeedsNoSettingsOpensNoConnectionAndLoadsNothing() throws Exception {
        try (ServerSocket listening = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            product.with("CSV_IMPORT_JMS_URL", "tcp://127.0.0.1:" + listening.getLocalPort())
                    .with("CSV_IMPORT_JMS_ENABLED", "false")
                    .with("CSV_IMPORT_FILE_ENABLED", "true")
                    .start("-Xlog:class+load:file=classes.txt");
            product.drop("inbox/a.csv");
            product.awaitImport("a.csv");
            listening.setSoTimeout(1);
            assertThrows(SocketTimeoutException.class, listening::accept);
        }
        String classes = Files.readString(product.path("classes.txt"));
        assertTrue(classes.contains("io.csvimport.Ledger "));
        for (String library :
                List.of("org.springframework.jms.", "org.apache.qpid.", "org.apache.activemq.", "io.csvimport.Queue")) {
            assertFalse(classes.contains(" " + library), library);
        }
    }
}
