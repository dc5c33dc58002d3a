package io.csvimport.source.queue;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.csvimport.CsvImportTestSupport;
import io.csvimport.sandbox.SandboxRequest;
import jakarta.jms.BytesMessage;
import jakarta.jms.Connection;
import jakarta.jms.Message;
import jakarta.jms.MessageConsumer;
import jakarta.jms.Session;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Messages of a client in another language, Python's of Qpid Proton, which knows nothing of JMS: each over AMQP 1.0, to
 * the product over AMQP 1.0 and over Artemis core.
 */
@Tag("long")
@Execution(ExecutionMode.SAME_THREAD)
class AmqpSenderTest extends CsvImportTestSupport {

    private static final Path SENDER = Path.of("src/test/python/amqp_sender.py");
    private static final String PYTHON = "/usr/bin/python3";
    private static final String CONTENT = "name,course\nJürgen 名前,First aid\n";

    @TempDir
    static Path brokerFolder;

    private static Broker broker;
    private static int number;

    private final String queue = "foreign-" + ++number;

    @BeforeAll
    static void startBroker() throws Exception {
        assumeTrue(
                run(brokerFolder, Map.of(), "-c", "import proton") == 0 || System.getenv("CI") != null,
                "needs Debian's package python3-qpid-proton");
        broker = new Broker(brokerFolder).start();
    }

    @AfterAll
    static void stopBroker() {
        if (broker != null) {
            broker.close();
        }
    }

    @Override
    public void addRoutes() throws IOException {
        set("jms.username=" + Broker.USER, "jms.password=" + Broker.PASSWORD);
        for (String protocol : List.of("amqp", "core")) {
            addRoute(
                    protocol,
                    """
                    - route:
                        id: from-%1$s
                        from:
                          uri: kamelet:csv-import-queue-source
                          parameters:
                            queue: %2$s-%1$s
                            template: People
                            url: "%3$s"
                            username: "#property:csv-import.jms.username"
                            password: "#property:csv-import.jms.password"
                          steps:
                            - to: direct:csv-import
                    """
                            .formatted(protocol, queue, protocol.equals("amqp") ? broker.amqp() : broker.core()));
        }
    }

    private static int run(Path folder, Map<String, String> environment, String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of(PYTHON));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("python.txt").toFile());
        builder.environment().putAll(environment);
        Process python = builder.start();
        assertTrue(python.waitFor(60, TimeUnit.SECONDS));
        return python.exitValue();
    }

    private void send(String protocol, List<String> messages) throws Exception {
        List<String> arguments = new ArrayList<>(List.of(SENDER.toString(), broker.amqp(), queue + "-" + protocol));
        arguments.addAll(messages);
        int status = run(
                home,
                Map.of("AMQP_USER", Broker.USER, "AMQP_PASSWORD", Broker.PASSWORD, "PYTHONUTF8", "1"),
                arguments.toArray(String[]::new));
        assertEquals(0, status, Files.readString(home.resolve("python.txt")));
    }

    private void awaitAcknowledged(String protocol) {
        awaitThat(() -> broker.count(queue + "-" + protocol) == 0);
        assertEquals(0, broker.count("given-up"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"amqp", "core"})
    void dataAndTextAreImportedByteForByteWhateverTheIdIsOrWithoutOne(String protocol) throws Exception {
        List<String> names = List.of("data", "binary", "text", "typed-text", "long-id");
        send(protocol, names);
        for (String name : names) {
            SandboxRequest upload = awaitUpload(name + ".csv");
            assertArrayEquals((CONTENT + name).getBytes(UTF_8), upload.file());
            assertEquals("Courses", importOf(name + ".csv").template());
            assertEquals(List.of("a+b@example.com"), importOf(name + ".csv").addresses());
            assertEquals(
                    "from-" + protocol,
                    awaitEvent("accepted", name + ".csv").at("/data/from").asText());
        }
        awaitAcknowledged(protocol);
        assertEquals(0, broker.count(queue + "-" + protocol + ".rejected"));
    }

    @Test
    void aPropertyOfATypeThatJmsHasNotIsNoTrouble() throws Exception {
        send("amqp", List.of("typed-rejected", "typed"));
        awaitUpload("typed.csv");
        awaitAcknowledged("amqp");
        assertEquals(1, broker.count(queue + "-amqp.rejected"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"amqp", "core"})
    void noOtherPropertySteersTheRequest(String protocol) throws Exception {
        send(protocol, List.of("steering"));
        SandboxRequest upload = awaitUpload("steering.csv");
        assertFalse(
                (upload.target() + upload.headers()).toLowerCase(Locale.ROOT).contains("evil"));
        assertEquals(1, sandbox.requests().size());
        awaitAcknowledged(protocol);
    }

    @ParameterizedTest
    @ValueSource(strings = {"amqp", "core"})
    void whatIsNoCsvOrHasABadNameIsRejectedAndHoldsUpNothing(String protocol) throws Exception {
        Map<String, String> reasons = new LinkedHashMap<>();
        reasons.put("map", "message-kind");
        reasons.put("list", "message-kind");
        // Artemis turns what it does not know into bytes, and a symbol, which is a text, into one
        reasons.put("number", protocol.equals("amqp") ? "message-kind" : "no-text");
        reasons.put("null", "empty");
        reasons.put("no-bytes", "empty");
        reasons.put("number-template", "template");
        if (protocol.equals("amqp")) {
            reasons.put("symbol-template", "template");
        }
        reasons.put("bytes-template", "template");
        reasons.put("line-break", "template");
        reasons.put("bad-path", "file-name");
        reasons.put("strange-properties", "file-name");
        send(protocol, List.copyOf(reasons.keySet()));
        send(protocol, List.of("data"));
        awaitUpload("data.csv");
        awaitAcknowledged(protocol);
        Map<String, String> told = new LinkedHashMap<>();
        try (Connection connection = broker.connect(broker.amqp());
                Session session = connection.createSession();
                MessageConsumer consumer =
                        session.createConsumer(session.createQueue(queue + "-" + protocol + ".rejected"))) {
            for (String name : reasons.keySet()) {
                Message rejected = consumer.receive(10_000);
                told.put(name, rejected.getStringProperty("csvImportReason"));
                if (name.equals("bad-path")) {
                    assertArrayEquals((CONTENT + "../bad-path").getBytes(UTF_8), rejected.getBody(byte[].class));
                    assertEquals("a+b@example.com", rejected.getStringProperty("notify"));
                }
                if (name.equals("strange-properties")) {
                    assertTrue(rejected instanceof BytesMessage);
                    assertEquals("/strange.csv", rejected.getStringProperty("fileName"));
                }
            }
        }
        assertEquals(reasons, told);
        assertEquals(List.of("data.csv"), importedNames());
        assertEquals(1, uploads().size());
    }
}
