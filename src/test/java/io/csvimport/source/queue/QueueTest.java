package io.csvimport.source.queue;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.csvimport.CsvImportTestSupport;
import io.csvimport.Hashes;
import io.csvimport.operations.Readiness;
import io.csvimport.sandbox.SandboxFault;
import io.csvimport.sandbox.SandboxRequest;
import jakarta.jms.BytesMessage;
import jakarta.jms.Connection;
import jakarta.jms.JMSException;
import jakarta.jms.MapMessage;
import jakarta.jms.Message;
import jakarta.jms.MessageConsumer;
import jakarta.jms.MessageProducer;
import jakarta.jms.QueueBrowser;
import jakarta.jms.Session;
import jakarta.jms.StreamMessage;
import jakarta.jms.TextMessage;
import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.time.Duration;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.activemq.artemis.core.server.ActiveMQServer;
import org.apache.activemq.artemis.core.settings.impl.AddressSettings;
import org.apache.qpid.jms.message.JmsMessage;
import org.apache.qpid.jms.message.facade.JmsMessageFacade;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceAccessMode;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.api.parallel.ResourceLocksProvider;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.util.FileSystemUtils;

/** The queue source, in-process, against a real broker: AMQP 1.0 and Artemis core. */
@CsvImportTestSupport.With({"jms.username=" + Broker.USER, "jms.password=" + Broker.PASSWORD})
@ResourceLock(providers = QueueTest.SharedBroker.class)
public class QueueTest extends CsvImportTestSupport {

    private static final String BROKER = "broker of QueueTest";
    private static final AtomicInteger NUMBER = new AtomicInteger();

    @TempDir
    static Path brokerFolder;

    private static Broker broker;

    private final String queue = "csv-" + NUMBER.incrementAndGet();

    /** Tests use the broker at the same time, but for those that stop it. */
    static class SharedBroker implements ResourceLocksProvider {
        @Override
        public Set<Lock> provideForMethod(List<Class<?>> enclosing, Class<?> test, Method method) {
            return method.isAnnotationPresent(ResourceLock.class)
                    ? Set.of()
                    : Set.of(new Lock(BROKER, ResourceAccessMode.READ));
        }
    }

    @BeforeAll
    static void startBroker() throws IOException {
        broker = new Broker(brokerFolder).start();
    }

    @AfterAll
    static void stopBroker() {
        broker.close();
    }

    @Override
    public void addRoutes() throws IOException {
        addHidingRoute();
        for (String protocol : List.of("amqp", "core")) {
            addRoute(
                    "from-" + protocol,
                    """
                - route:
                    id: from-%s
                    from:
                      uri: kamelet:csv-import-queue-source
                      parameters:
                        queue: %s
                        template: People
                        url: "%s"
                        username: "#property:csv-import.jms.username"
                        password: "#property:csv-import.jms.password"
                      steps:
                        - to: direct:csv-import
                """
                            .formatted(protocol, queue + "-" + protocol, url(protocol)));
        }
    }

    private void addHidingRoute() throws IOException {
        addRoute(
                "hiding",
                """
                - route:
                    id: hiding
                    from:
                      uri: kamelet:csv-import-queue-source
                      parameters:
                        queue: %s-hiding
                        url: "%s"
                        username: "#property:csv-import.jms.username"
                        password: "#property:csv-import.jms.password"
                      steps:
                        - doTry:
                            steps:
                              - to: direct:csv-import
                            doCatch:
                              - exception: [java.lang.Exception]
                                steps:
                                  - log: hidden
                """
                        .formatted(queue, broker.core()));
    }

    private static String url(String protocol) {
        return protocol.equals("amqp") ? broker.amqp() : broker.core();
    }

    private String queue(String protocol) {
        return queue + "-" + protocol;
    }

    private static BytesMessage bytes(Session session, String content) throws JMSException {
        BytesMessage message = session.createBytesMessage();
        message.writeBytes(content.getBytes(UTF_8));
        return message;
    }

    public static Message named(Message message, Map<String, ?> properties) throws JMSException {
        for (Map.Entry<String, ?> property : properties.entrySet()) {
            message.setObjectProperty(property.getKey(), property.getValue());
        }
        return message;
    }

    private void send(String protocol, Broker.Maker... makers) throws JMSException {
        broker.send(url(protocol), queue(protocol), makers);
    }

    private void sendWithoutId(String protocol, int count) throws JMSException {
        try (Connection connection = broker.connect(url(protocol));
                Session session = connection.createSession();
                MessageProducer producer = session.createProducer(session.createQueue(queue(protocol)))) {
            producer.setDisableMessageID(true);
            producer.setDisableMessageTimestamp(true);
            for (int i = 0; i < count; i++) {
                producer.send(named(bytes(session, CSV), Map.of("fileName", "same.csv")));
            }
        }
    }

    /** The broker marks them as redelivered. */
    private void giveOutAndTakeBack(String protocol, int count) throws JMSException {
        try (Connection connection = broker.connect(url(protocol));
                Session session = connection.createSession(true, Session.SESSION_TRANSACTED);
                MessageConsumer consumer = session.createConsumer(session.createQueue(queue(protocol)))) {
            connection.start();
            for (int i = 0; i < count; i++) {
                assertNotNull(consumer.receive(60_000));
            }
            session.rollback();
        }
    }

    /** Of the first message in the queue. */
    private String identity(String protocol) throws JMSException, IOException {
        try (BrokerClient client = BrokerClient.of(url(protocol), "", "");
                Connection connection = broker.connect(url(protocol));
                Session session = connection.createSession();
                QueueBrowser browser = session.createBrowser(session.createQueue(queue(protocol)))) {
            Message message = (Message) browser.getEnumeration().nextElement();
            QueueMessage read = new QueueMessage(message, session, 0, client, home.resolve("copy"));
            read.read(queue(protocol));
            return read.identity;
        }
    }

    private void awaitAcknowledged(String protocol) {
        awaitThat(() -> broker.count(queue(protocol)) == 0);
    }

    private void awaitConsumers(String protocol, int count) {
        awaitThat(() -> broker.queue(queue(protocol)) != null
                && broker.queue(queue(protocol)).getConsumerCount() == count);
    }

    private Message takeRejected(String protocol) throws JMSException {
        Message rejected = broker.take(url(protocol), queue(protocol) + ".rejected", 60_000);
        assertNotNull(rejected);
        return rejected;
    }

    // what becomes of a message

    @ParameterizedTest
    @ValueSource(strings = {"amqp", "core"})
    void bytesTextAndStreamMessagesAreImportedByteForByte(String protocol) throws Exception {
        String csv = "name\nJürgen 名前\n";
        send(
                protocol,
                session -> named(bytes(session, csv + "bytes"), Map.of("fileName", "bytes.csv")),
                session -> named(session.createTextMessage(csv + "text"), Map.of("fileName", "text.csv")),
                session -> {
                    StreamMessage stream = session.createStreamMessage();
                    stream.writeBytes(csv.getBytes(UTF_8));
                    stream.writeString("stream");
                    return named(stream, Map.of("fileName", "stream.csv"));
                });
        for (String kind : List.of("bytes", "text", "stream")) {
            SandboxRequest upload = awaitUpload(kind + ".csv");
            assertArrayEquals((csv + kind).getBytes(UTF_8), upload.file());
        }
        assertEquals(
                "from-" + protocol,
                awaitEvent("accepted", "text.csv").at("/data/from").asText());
        awaitAcknowledged(protocol);
        awaitThat(() -> spooled().isEmpty());
        awaitThat(() -> jobs().stream().allMatch(job -> job.get("released_at") != null));
    }

    @ParameterizedTest
    @ValueSource(strings = {"amqp", "core"})
    void propertiesNameTemplateNotifyAndFile(String protocol) throws Exception {
        send(
                protocol,
                session -> named(
                        bytes(session, CSV),
                        Map.of("template", "Courses", "notify", "a+b@x.com, c@x.com", "fileName", "a/b/c.csv")));
        SandboxRequest upload = awaitUpload("c.csv");
        assertEquals("Courses", importOf("c.csv").template());
        assertTrue(upload.target().contains("notify=a%2Bb%40x.com"), upload.target());
    }

    @ParameterizedTest
    @ValueSource(strings = {"amqp", "core"})
    void aMessageThatNamesNothingIsOfTheFeedsTemplateAndNamedAfterItsJob(String protocol) throws Exception {
        send(protocol, session -> bytes(session, CSV));
        awaitThat(() -> !sandbox.imports().isEmpty());
        assertEquals(jobs().get(0).get("job") + ".csv", importedNames().get(0));
        assertEquals("People", sandbox.imports().get(0).template());
    }

    @ParameterizedTest
    @ValueSource(strings = {"amqp", "core"})
    void theSameBytesAgainAreADuplicateAndAcknowledged(String protocol) throws Exception {
        send(protocol, session -> bytes(session, CSV), session -> bytes(session, CSV));
        awaitThat(() -> events().size() == 2);
        awaitAcknowledged(protocol);
        assertEquals(1, sandbox.imports().size());
        assertEquals(0, broker.count(queue(protocol) + ".rejected"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"amqp", "core"})
    @With("duplicates=import")
    void whereDuplicatesAreImportedSoAreEqualMessagesWithoutAnId(String protocol) throws Exception {
        sendWithoutId(protocol, 3);
        awaitThat(() -> sandbox.imports().size() == 3);
        awaitAcknowledged(protocol);
    }

    @ParameterizedTest
    @CsvSource({"0, false, 2", "1, false, 1", "2, false, 0", "0, true, 2", "1, true, 1", "2, true, 0"})
    @With("duplicates=import")
    void aMessageWithoutAnIdWhoseAcknowledgementWasNotConfirmedIsKnownWhetherTheBrokerMarksItOrNot(
            int left, boolean isMarked, int imports) throws Exception {
        String route = "from-amqp";
        awaitConsumers("amqp", 1);
        context.getRouteController().stopRoute(route);
        awaitConsumers("amqp", 0);
        sendWithoutId("amqp", 2);
        if (isMarked) {
            giveOutAndTakeBack("amqp", 2);
        }
        String key = route + "|" + identity("amqp") + "|";
        for (int i = 0; i < left; i++) {
            // by a process that was killed when the job was in the ledger, and before the broker knew
            update(
                    "INSERT INTO csv_import_delivery (source_key, item_key, source, state, organization, template, notify,"
                            + " file_name, file_size, sha256, duplicates, owner, attempts, sending_at, settled_at, released_at,"
                            + " created_at) SELECT '" + i + "', '" + key + i + "', '" + route
                            + "', 'accepted', '5664', 'People',"
                            + " '', 'same.csv', " + CSV.length() + ", '" + Hashes.of(CSV.getBytes(UTF_8))
                            + "', 'import', owner,"
                            + " 1, '2026-01-31T04:05:06.789Z', '2026-01-31T04:05:06.789Z', '2026-01-31T04:05:06.789Z',"
                            + " '2026-01-31T04:05:06.789Z' FROM csv_import_owner");
        }
        context.getRouteController().startRoute(route);
        awaitAcknowledged("amqp");
        awaitThat(() -> sandbox.imports().size() == imports);
        assertEquals(2, jobs().size());
        // confirmed meanwhile: what comes later is another one
        awaitThat(() -> rows("SELECT job FROM csv_import_delivery WHERE item_key IS NOT NULL")
                .isEmpty());
        sendWithoutId("amqp", 1);
        awaitThat(() -> sandbox.imports().size() == imports + 1);
        assertEquals(3, jobs().size());
    }

    @ParameterizedTest
    @ValueSource(strings = {"amqp", "core"})
    void anEmptyMessageIsRejectedAsItIsWithItsPropertiesAndTheReason(String protocol) throws Exception {
        send(protocol, session -> named(bytes(session, ""), Map.of("fileName", "empty.csv", "number", 7)));
        Message rejected = takeRejected(protocol);
        assertEquals("empty", rejected.getStringProperty("csvImportReason"));
        assertEquals("empty.csv", rejected.getStringProperty("fileName"));
        assertEquals(7, rejected.getIntProperty("number"));
        assertEquals(
                "empty", awaitEvent("rejected", "empty.csv").at("/data/reason").asText());
        awaitAcknowledged(protocol);
        assertEquals(List.of(), uploads());
    }

    @ParameterizedTest
    @ValueSource(strings = {"amqp", "core"})
    void aRejectedMessageOfASenderThatSpeaksNoJmsIsRejectedAllTheSame(String protocol) throws Exception {
        broker.send(broker.amqp(), queue(protocol), session -> {
            Message message = session.createTextMessage("");
            JmsMessageFacade amqp = ((JmsMessage) message).getFacade();
            amqp.setProperty("fileName", "empty.csv");
            amqp.setProperty("x-sender", "name");
            if (protocol.equals("amqp")) {
                // the broker itself cannot give it to a core client
                amqp.setProperty("sent", new Date());
            }
            return message;
        });
        Message rejected = takeRejected(protocol);
        assertEquals("empty", rejected.getStringProperty("csvImportReason"));
        assertEquals("empty.csv", rejected.getStringProperty("fileName"));
        assertEquals(protocol.equals("amqp"), rejected.propertyExists("sent"));
        awaitAcknowledged(protocol);
        assertEquals(0, broker.givenUp(queue(protocol)));
    }

    @Test
    void aMessageThatTheBrokerGivesOutAgainThoughItWasAcknowledgedIsImportedOnce() throws Exception {
        Broker.Maker good = session -> named(bytes(session, CSV), Map.of("template", "People", "fileName", "good.csv"));
        Broker.Maker odd = session -> {
            // the broker cannot give it to a core client, and ends its consumer, whatever that has in hands
            Message message = session.createTextMessage("");
            ((JmsMessage) message).getFacade().setProperty("sent", new Date());
            return message;
        };
        // a new connection for each try
        broker.server()
                .getActiveMQServer()
                .getAddressSettingsRepository()
                .addMatch(queue("core"), new AddressSettings().setMaxDeliveryAttempts(3));
        broker.send(broker.amqp(), queue("core"), odd, good, odd);
        awaitAcknowledged("core");
        awaitState("good.csv", "accepted");
        assertEquals(
                1,
                rows("SELECT job FROM csv_import_delivery WHERE file_name = 'good.csv'")
                        .size());
    }

    @ParameterizedTest
    @CsvSource({"amqp, 0", "core, 0", "amqp, 422", "core, 422"})
    void aMessageThatTheBrokerDoesNotPermitToRejectWaitsUntilItDoes(String protocol, int status) throws Exception {
        String rejected = queue(protocol) + ".rejected";
        ActiveMQServer server = broker.server().getActiveMQServer();
        server.getSecurityRepository().addMatch(rejected, Set.of());
        // the first time that it goes back, the broker gives it up
        server.getAddressSettingsRepository()
                .addMatch(queue(protocol), new AddressSettings().setMaxDeliveryAttempts(1));
        sandbox.failAll(status == 0 ? SandboxFault.none() : SandboxFault.status(status));
        send(
                protocol,
                session -> named(bytes(session, status == 0 ? "" : CSV), Map.of("fileName", "bad.csv", "number", 7)));
        awaitState("bad.csv", "rejected");
        soon().during(Duration.ofSeconds(2)).until(() -> broker.count(rejected) == 0);
        server.getSecurityRepository().removeMatch(rejected);
        Message taken = takeRejected(protocol);
        assertEquals(status == 0 ? "empty" : "http-422", taken.getStringProperty("csvImportReason"));
        assertEquals(7, taken.getIntProperty("number"));
        awaitAcknowledged(protocol);
        awaitThat(() -> spooled().isEmpty());
        awaitThat(() -> job("bad.csv").get("released_at") != null);
        assertEquals(0, broker.givenUp(queue(protocol)));
        assertEquals(1, jobs().size());
    }

    @ParameterizedTest
    @ValueSource(strings = {"amqp", "core"})
    void whatTheApiRejectsKeepsItsBody(String protocol) throws Exception {
        sandbox.failAll(SandboxFault.status(422));
        String large = "name\n" + "Anna\n".repeat(100_000);
        send(
                protocol,
                session -> {
                    Message first = named(bytes(session, CSV), Map.of("x", "y", "fileName", "first.csv"));
                    first.setJMSCorrelationID("correlation");
                    return first;
                },
                session -> session.createTextMessage(CSV + "text"),
                session -> {
                    StreamMessage stream = session.createStreamMessage();
                    stream.writeString(CSV + "stream");
                    return stream;
                },
                session -> bytes(session, large));
        awaitThat(() -> broker.count(queue(protocol) + ".rejected") == 4);
        try (Connection connection = broker.connect(url(protocol));
                Session session = connection.createSession();
                MessageConsumer consumer = session.createConsumer(session.createQueue(queue(protocol) + ".rejected"))) {
            BytesMessage first = (BytesMessage) consumer.receive(5000);
            assertArrayEquals(CSV.getBytes(UTF_8), content(first));
            assertEquals("y", first.getStringProperty("x"));
            assertEquals("first.csv", first.getStringProperty("fileName"));
            assertEquals("correlation", first.getJMSCorrelationID());
            assertEquals(CSV + "text", ((TextMessage) consumer.receive(5000)).getText());
            byte[] stream = (byte[]) ((StreamMessage) consumer.receive(5000)).readObject();
            assertArrayEquals((CSV + "stream").getBytes(UTF_8), stream);
            BytesMessage last = (BytesMessage) consumer.receive(5000);
            assertArrayEquals(large.getBytes(UTF_8), content(last));
            assertEquals("http-422", last.getStringProperty("csvImportReason"));
        }
        awaitAcknowledged(protocol);
    }

    private static byte[] content(BytesMessage message) throws JMSException {
        byte[] content = new byte[(int) message.getBodyLength()];
        message.readBytes(content);
        return content;
    }

    @ParameterizedTest
    @ValueSource(strings = {"amqp", "core"})
    void objectMapAndOtherMessagesAreRefused(String protocol) throws Exception {
        send(
                protocol,
                session -> session.createObjectMessage("csv"),
                session -> {
                    MapMessage map = session.createMapMessage();
                    map.setString("csv", CSV);
                    return map;
                },
                Session::createMessage,
                session -> {
                    StreamMessage stream = session.createStreamMessage();
                    stream.writeInt(7);
                    return stream;
                });
        awaitThat(() -> broker.count(queue(protocol) + ".rejected") == 4);
        Message object = takeRejected(protocol);
        assertEquals("message-kind", object.getStringProperty("csvImportReason"));
        assertEquals(CSV, ((MapMessage) takeRejected(protocol)).getString("csv"));
        awaitAcknowledged(protocol);
        awaitThat(() -> events().size() == 4);
        assertTrue(jobs().stream().allMatch(job -> job.get("reason").equals("message-kind")));
        assertEquals(List.of(), uploads());
    }

    // bad input

    @ParameterizedTest
    @ValueSource(strings = {"amqp", "core"})
    void badNamesAreRejected(String protocol) throws Exception {
        Map<String, String> reasons = new LinkedHashMap<>();
        reasons.put("fileName=/etc/people.csv", "file-name");
        reasons.put("fileName=../people.csv", "file-name");
        reasons.put("fileName=C:\\people.csv", "file-name");
        reasons.put("fileName=people\r\n.csv", "file-name");
        reasons.put("template=People\r\nX-Evil: 1", "template");
        reasons.put("notify=a@x.com\r\nBcc: b@x.com", "notify");
        reasons.put("notify=nobody", "notify");
        reasons.put("template=#7", "template");
        reasons.put("notify=#7", "notify");
        reasons.put("fileName=#7", "file-name");
        for (String property : reasons.keySet()) {
            String[] parts = property.split("=", 2);
            // a property of another type than text is no name
            Object value = parts[1].equals("#7") ? 7 : parts[1];
            send(protocol, session -> named(bytes(session, CSV + property), Map.of(parts[0], value)));
        }
        awaitThat(() -> broker.count(queue(protocol) + ".rejected") == reasons.size());
        for (String reason : reasons.values()) {
            assertEquals(reason, takeRejected(protocol).getStringProperty("csvImportReason"));
        }
        awaitAcknowledged(protocol);
        assertEquals(List.of(), uploads());
    }

    @ParameterizedTest
    @ValueSource(strings = {"amqp", "core"})
    void noOtherPropertySteersAnythingWhateverItsCase(String protocol) throws Exception {
        Map<String, Object> evil = new LinkedHashMap<>();
        for (String name : List.of(
                "CamelHttpUri",
                "camelhttpuri",
                "CAMELHTTPURI",
                "CamelRestHttpUri",
                "CamelHttpPath",
                "CamelHttpQuery",
                "camelHttpQuery",
                "CamelHttpMethod",
                "CamelFileName",
                "Authorization",
                "Host",
                "csvImportSourceKey",
                "csvImportDuplicates",
                "csvImportOutcome",
                "CamelRedeliveryDelay",
                "X_Evil")) {
            evil.put(name, "http://127.0.0.1:1/evil");
        }
        evil.put("Template", "Other");
        evil.put("TEMPLATE", "Other");
        send(protocol, session -> named(bytes(session, CSV), evil), session -> {
            Message message = named(bytes(session, CSV + 2), evil);
            message.setJMSReplyTo(session.createQueue(queue(protocol) + "-replies"));
            message.setJMSCorrelationID("evil");
            message.setJMSType("evil");
            return message;
        });
        awaitThat(() -> sandbox.imports().size() == 2);
        awaitAcknowledged(protocol);
        for (SandboxRequest upload : uploads()) {
            assertEquals("POST", upload.method());
            assertFalse((upload.target() + upload.headers())
                    .toLowerCase(Locale.ROOT)
                    .contains("evil"));
            assertFalse(upload.target().contains("notify"), upload.target());
        }
        assertEquals("People", sandbox.imports().get(0).template());
        assertEquals(0, broker.count(queue(protocol) + "-replies"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"template", "notify", "fileName"})
    void aNameThatIsNoStringIsRejectedForThatAndNotAsMissing(String name) throws Exception {
        broker.send(broker.amqp(), queue + "-hiding", session -> named(bytes(session, CSV), Map.of(name, 7L)));
        Message rejected = broker.take(broker.core(), queue + "-hiding.rejected", 60_000);
        assertEquals(name.equals("fileName") ? "file-name" : name, rejected.getStringProperty("csvImportReason"));
        String detail = rejected.getStringProperty("csvImportDetail");
        assertTrue(detail.contains("property " + name + " of a message must be a string"), detail);
        assertEquals(7, rejected.getLongProperty(name));
    }

    // waiting

    @ParameterizedTest
    @ValueSource(strings = {"amqp", "core"})
    void whileTheApiIsAwayMessagesAreAcknowledgedAllTheSameAndImportedInTheirOrder(String protocol) throws Exception {
        sandbox.failAll(SandboxFault.status(503, false, Map.of("Retry-After", "1")));
        send(
                protocol,
                session -> named(bytes(session, CSV), Map.of("fileName", "first.csv")),
                session -> named(bytes(session, CSV + 2), Map.of("fileName", "second.csv")));
        awaitThat(() -> uploads().size() == 1);
        awaitAcknowledged(protocol);
        awaitThat(() -> spooled().size() == 2);
        assertEquals(List.of(), importedNames());
        sandbox.failAll(SandboxFault.none());
        awaitThat(() -> importedNames().equals(List.of("first.csv", "second.csv")));
        awaitThat(() -> spooled().isEmpty());
    }

    @ParameterizedTest
    @CsvSource({"amqp, ledger", "core, ledger", "amqp, spool", "core, spool"})
    void whileLedgerOrSpoolCannotBeWrittenNothingIsTaken(String protocol, String what) throws Exception {
        // the first time that it goes back, the broker gives it up
        broker.server()
                .getActiveMQServer()
                .getAddressSettingsRepository()
                .addMatch(queue(protocol), new AddressSettings().setMaxDeliveryAttempts(1));
        Path spool = home.resolve("data/spool");
        Path aside = home.resolve("aside");
        try (java.sql.Connection lock =
                DriverManager.getConnection("jdbc:sqlite:" + home.resolve("data/csv-import-ledger.db"))) {
            if (what.equals("ledger")) {
                lock.createStatement().execute("BEGIN EXCLUSIVE");
            } else {
                Files.move(spool, aside);
            }
            send(
                    protocol,
                    session -> named(bytes(session, CSV), Map.of("fileName", "a.csv")),
                    session -> named(bytes(session, CSV + 2), Map.of("fileName", "b.csv")));
            awaitThat(() -> broker.delivering(queue(protocol)) == 1);
            soon().during(Duration.ofSeconds(1)).until(() -> broker.count(queue(protocol)) == 2);
            assertEquals(1, broker.delivering(queue(protocol)));
            assertEquals(List.of(), uploads());
        }
        if (what.equals("spool")) {
            FileSystemUtils.deleteRecursively(spool);
            Files.move(aside, spool);
        }
        awaitThat(() -> importedNames().equals(List.of("a.csv", "b.csv")));
        awaitAcknowledged(protocol);
        assertEquals(0, broker.givenUp(queue(protocol)));
        assertEquals(2, jobs().size());
    }

    @Test
    @With({"jms.consumers=3", "parallel=3"})
    void messagesOfSeveralTemplatesAreWorkedOnAtATime() throws Exception {
        sandbox.failAll(SandboxFault.hang(false));
        send(
                "core",
                session -> named(bytes(session, CSV), Map.of("template", "a")),
                session -> named(bytes(session, CSV), Map.of("template", "b")),
                session -> named(bytes(session, CSV), Map.of("template", "c")));
        awaitAcknowledged("core");
        awaitThat(() -> rows("SELECT job FROM csv_import_delivery WHERE state = 'sending'")
                        .size()
                == 3);
    }

    @ParameterizedTest
    @CsvSource({
        "amqp, claimed, 1, false",
        "core, waiting, 1, false",
        "amqp, accepted, 0, true",
        "core, unknown, 1, true"
    })
    void aMessageThatAnEarlierVersionHadInHandsTakesUpItsJob(
            String protocol, String state, int imports, boolean withSendingTime) throws Exception {
        String route = "from-" + protocol;
        awaitConsumers(protocol, 1);
        context.getRouteController().stopRoute(route);
        awaitConsumers(protocol, 0);
        send(protocol, session -> named(bytes(session, CSV), Map.of("fileName", "a.csv")));
        String key = route + "|" + identity(protocol);
        String time = withSendingTime ? "'2026-01-31T04:05:06.789Z'" : "NULL";
        update("INSERT INTO csv_import_delivery (source_key, item_key, source, state, organization, template, notify,"
                + " file_name, file_size, sha256, duplicates, owner, attempts, sending_at, settled_at, created_at)"
                + " VALUES ('" + key + "', '" + key + "', '" + route + "', '" + state + "', '5664', 'People', '',"
                + " 'a.csv', " + CSV.length() + ", '" + Hashes.of(CSV.getBytes(UTF_8)) + "', 'skip', 'place/old',"
                + (withSendingTime ? 1 : 0) + ", " + time + ", "
                + (state.equals("accepted") ? time : "NULL") + ", '2026-01-31T04:05:06.789Z')");
        context.getRouteController().startRoute(route);
        awaitAcknowledged(protocol);
        awaitState("a.csv", "accepted");
        assertEquals(imports, sandbox.imports().size());
        assertEquals(1, jobs().size());
        awaitThat(() -> spooled().isEmpty());
    }

    @ParameterizedTest
    @ValueSource(strings = {"amqp", "core"})
    @With("reconcile.not-found=hold")
    void aHeldMessageIsAcknowledgedWithADurableCopyThatGoesOnWhenAPersonSaysSo(String protocol) throws Exception {
        sandbox.failNext(SandboxFault.status(500, false, Map.of()));
        send(
                protocol,
                session -> named(bytes(session, CSV), Map.of("fileName", "held.csv")),
                session -> named(bytes(session, CSV + 2), Map.of("fileName", "later.csv")));
        awaitState("held.csv", "held");
        awaitAcknowledged(protocol);
        awaitUpload("later.csv");
        awaitThat(() -> spooled().size() == 1);
        assertEquals(CSV, Files.readString(spooled().get(0)));
        assertNull(job("held.csv").get("released_at"));
        update("UPDATE csv_import_delivery SET state = 'waiting', settled_at = NULL, next_attempt_at = NULL"
                + " WHERE state = 'held'");
        awaitThat(() -> importedNames().contains("held.csv"));
        assertEquals(
                "from-" + protocol,
                awaitEvent("accepted", "held.csv").at("/data/from").asText());
        awaitThat(() -> spooled().isEmpty());
        assertEquals(2, jobs().size());
    }

    @Test
    void aFeedThatHidesThatACsvWaitsLosesNothing() throws Exception {
        sandbox.failNext(SandboxFault.status(503, false, Map.of("Retry-After", "1")));
        broker.send(
                broker.core(),
                queue + "-hiding",
                session -> named(bytes(session, CSV), Map.of("fileName", "a.csv", "template", "People")));
        awaitThat(() -> importedNames().equals(List.of("a.csv")));
        awaitThat(() -> broker.count(queue + "-hiding") == 0);
    }

    @Test
    @With("health.grace=PT0S")
    @ResourceLock(BROKER)
    void aFeedThatIsStoppedLeavesNoFailureOfItsBroker() throws Exception {
        Readiness health = context.getRegistry().lookupByNameAndType("csvImportReadiness", Readiness.class);
        broker.stop();
        try {
            awaitThat(() -> health.call().getMessage().orElse("").contains("broker"));
            for (String route : List.of("from-amqp", "from-core", "hiding")) {
                context.getRouteController().stopRoute(route);
            }
            awaitThat(() -> !health.call().getMessage().orElse("").contains("broker"));
        } finally {
            broker.start();
        }
        // whoever starts a route again finds its consumer at work
        context.getRouteController().startRoute("from-amqp");
        send("amqp", session -> named(bytes(session, CSV), Map.of("fileName", "a.csv")));
        awaitUpload("a.csv");
    }

    // the broker

    @ParameterizedTest
    @ValueSource(strings = {"amqp", "core"})
    @ResourceLock(BROKER)
    void aBrokerThatStopsWhileItsMessageIsImportedCostsNothing(String protocol) throws Exception {
        sandbox.failAll(SandboxFault.status(503, false, Map.of("Retry-After", "1")));
        send(protocol, session -> named(bytes(session, CSV), Map.of("fileName", "a.csv")));
        awaitThat(() -> !uploads().isEmpty());
        awaitAcknowledged(protocol);
        broker.stop();
        sandbox.failAll(SandboxFault.none());
        awaitState("a.csv", "accepted");
        awaitThat(() -> job("a.csv").get("released_at") != null);
        broker.start();
        send(protocol, session -> named(bytes(session, CSV + 2), Map.of("fileName", "b.csv")));
        awaitUpload("b.csv");
        assertEquals(List.of("a.csv", "b.csv"), importedNames());
        assertEquals(2, jobs().size());
    }
}
