package io.csvimport.source.queue;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.csvimport.Distribution;
import io.csvimport.Installation;
import io.csvimport.operations.Operator;
import io.csvimport.sandbox.SandboxFault;
import jakarta.jms.JMSException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.SocketTimeoutException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How the distribution finds its broker: by which URLs, with which secrets, and what it says where it does not. */
class QueueConnectionTest {

    private static final String STORE_PASSWORD = "store-secret";

    private static final String SECOND =
            """
            - route:
                id: second
                from:
                  uri: kamelet:csv-import-queue-source
                  parameters:
                    queue: second
                    template: People
                    %s
                  steps:
                    - to: direct:csv-import
            """;

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

    @Tag("long")
    @ParameterizedTest
    @ValueSource(strings = {"amqp", "core", "failover"})
    void aBrokerThatIsAwayAtStartIsWaitedForAndToldOnce(String protocol) throws Exception {
        String url = protocol.equals("core") ? broker.core() : broker.amqp();
        product.with("CSV_IMPORT_JMS_URL", protocol.equals("failover") ? "failover:(" + url + ")" : url)
                .start();
        product.awaitReady();
        product.awaitUntil("told", () -> product.output().contains("is unavailable or refuses"));
        broker.start();
        send("a.csv");
        product.awaitImport("a.csv");
        assertEquals(
                1,
                product.output()
                        .lines()
                        .filter(line -> line.contains("is unavailable or refuses"))
                        .count());
        assertSaysNoSecretAndNoTrace();
    }

    @ParameterizedTest
    @ValueSource(strings = {"amqp", "core"})
    void aWrongPasswordIsSaidAndNotShown(String protocol) throws Exception {
        broker.start();
        product.with("CSV_IMPORT_JMS_URL", protocol.equals("core") ? broker.core() : broker.amqp())
                .with("CSV_IMPORT_JMS_PASSWORD", "wrong#secret")
                .with("CSV_IMPORT_HEALTH_GRACE", "PT0S")
                .start();
        product.awaitUntil("told", () -> product.output().contains("is unavailable or refuses"));
        awaitDownForTheBroker();
        send("a.csv");
        assertSaysNoSecretAndNoTrace();
        assertEquals(List.of(), product.uploads());
        assertEquals(1, broker.count("csv-import"));
    }

    private void awaitDownForTheBroker() {
        product.awaitUntil("routes", () -> product.output().contains("csv-import-routes is ready."));
        product.awaitUntil("readiness DOWN for the broker", () -> {
            HttpResponse<String> ready = product.get("/observe/health/ready");
            String health = product.get("/observe/health").body();
            assertFalse(health.contains(Broker.PASSWORD) || health.contains("wrong#secret"), health);
            return ready.statusCode() == 503 && health.contains("The broker ");
        });
    }

    @Tag("long")
    @ParameterizedTest
    @ValueSource(strings = {"amqp", "core", "failover", "reconnect"})
    void readinessIsDownWhileTheBrokerIsAwayAndUpWhenItIsBack(String client) throws Exception {
        broker.start();
        String url =
                switch (client) {
                    case "amqp" -> broker.amqp();
                    case "failover" -> "failover:(" + broker.amqp() + ")";
                    case "reconnect" -> broker.core() + "?reconnectAttempts=-1&retryInterval=200";
                    default -> broker.core();
                };
        product.with("CSV_IMPORT_JMS_URL", url)
                .with("CSV_IMPORT_HEALTH_GRACE", "PT0S")
                .start();
        send("a.csv");
        product.awaitImport("a.csv");
        product.awaitReady();
        broker.stop();
        awaitDownForTheBroker();
        broker.start();
        product.awaitReady();
        send("b.csv");
        product.awaitImport("b.csv");
        assertSaysNoSecretAndNoTrace();
    }

    @Test
    void aFeedThatIsRemovedLeavesNoFailureOfItsBroker() throws Exception {
        product.withRoutes().with("CSV_IMPORT_JMS_ENABLED", "false").with("CSV_IMPORT_HEALTH_GRACE", "PT0S");
        product.write("routes/second.camel.yaml", SECOND.formatted(""));
        product.start();
        awaitDownForTheBroker();
        Files.delete(product.path("routes/second.camel.yaml"));
        product.awaitReady();
        assertSaysNoSecretAndNoTrace();
    }

    @ParameterizedTest
    @ValueSource(strings = {"username: lms", "consumers: 1"})
    void aFeedWithoutABrokerOrWithALoginForNoneIsRefusedByName(String parameter) throws Exception {
        product.withRoutes()
                .with("CSV_IMPORT_JMS_ENABLED", "false")
                .with("CSV_IMPORT_JMS_URL", parameter.startsWith("username") ? broker.core() : "");
        product.write("routes/second.camel.yaml", SECOND.formatted(parameter));
        product.start();
        product.awaitUntil("told", () -> product.output().contains("second.camel.yaml is not used: "));
        assertTrue(
                product.output().contains(parameter.startsWith("username") ? "needs a url" : "CSV_IMPORT_JMS_URL"),
                product.output());
        assertSaysNoSecretAndNoTrace();
    }

    @Test
    void aMessageThatWaitsGoesOnAtOnceWhenAPersonSaysSo() throws Exception {
        broker.start();
        product.sandbox().failNext(SandboxFault.status(503, false, Map.of("Retry-After", "600")));
        product.start();
        product.awaitReady();
        send("a.csv");
        Operator operator = new Operator(product.managementPort());
        product.awaitUntil(
                "waiting",
                () -> operator.get("/csv-imports?state=waiting")
                                .json()
                                .path("count")
                                .asInt()
                        == 1);
        String job = operator.get("/csv-imports?state=waiting")
                .json()
                .at("/results/0/job")
                .asText();
        assertEquals(202, operator.post("/csv-imports/" + job + "/retry").status());
        product.awaitImport("a.csv");
        product.awaitUntil("acknowledged", () -> broker.count("csv-import") == 0);
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
        assertTrue(classes.contains("io.csvimport.pipeline.Claiming "));
        for (String library :
                List.of("org.springframework.jms.", "org.apache.qpid.", "org.apache.activemq.", "io.csvimport.Queue")) {
            assertFalse(classes.contains(" " + library), library);
        }
    }
}
