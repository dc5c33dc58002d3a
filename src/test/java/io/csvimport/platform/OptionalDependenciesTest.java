package io.csvimport.platform;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.csvimport.CsvImportTestSupport;
import io.csvimport.Distribution;
import io.csvimport.Installation;
import io.csvimport.Manual;
import io.csvimport.audit.KafkaRig;
import io.csvimport.audit.KafkaTest;
import io.csvimport.settings.Settings;
import io.csvimport.source.queue.Broker;
import io.csvimport.source.sftp.SftpRig;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import jakarta.jms.JMSException;
import jakarta.jms.TextMessage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The manual's table of what to add for what. Each row in a Camel Main application whose class path is the artifact, what it
 * brings, and the lines of the row; and without these lines.
 */
class OptionalDependenciesTest {

    private static final Path PAGE = Path.of("src/main/docs/platforms.md");
    private static final Pattern COORDINATES = Pattern.compile("`([\\w.-]+:[\\w.-]+:\\d[\\w.-]*)`");
    private static final String LOGS = "org.slf4j:slf4j-simple:2.0.17";

    /** By the first cell of the row. */
    private static final Map<String, List<String>> TABLE = table();

    @TempDir
    private Path home;

    private static Map<String, List<String>> table() {
        Map<String, List<String>> rows = new LinkedHashMap<>();
        Manual.read(PAGE)
                .lines()
                .filter(line ->
                        line.startsWith("|") && COORDINATES.matcher(line).find())
                .forEach(line -> rows.put(
                        line.split("\\|")[1].strip(),
                        COORDINATES
                                .matcher(line)
                                .results()
                                .map(found -> found.group(1))
                                .toList()));
        return rows;
    }

    private static String classPath(String host, Collection<String> dependencies) throws Exception {
        List<String> all = new ArrayList<>(List.of(LOGS));
        all.addAll(dependencies);
        return HostRig.classPath("dependencies-" + host, all);
    }

    /** Starts Camel's own main class. */
    private static Distribution start(Installation host, String classPath, String... javaOptions) throws IOException {
        List<String> arguments = new ArrayList<>(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"));
        arguments.addAll(List.of(javaOptions));
        arguments.addAll(List.of("-cp", classPath, "org.apache.camel.main.Main"));
        return host.startHost(arguments);
    }

    /** Without what the rows say the start stops, and says so line by line. */
    private static void assertRefused(Installation host, String... rows) throws Exception {
        assertRefusedWith(classPath("none", List.of()), host, rows);
    }

    private static void assertRefusedWith(String classPath, Installation host, String... rows) throws Exception {
        int before = Files.exists(host.path("output.txt")) ? host.output().length() : 0;
        assertNotEquals(0, start(host, classPath).exitStatus());
        String said = host.output().substring(before);
        TreeSet<String> missing = new TreeSet<>();
        for (String row : rows) {
            missing.addAll(TABLE.get(row));
        }
        assertEquals(missing, new TreeSet<>(added(said)), said);
        assertFalse(Files.exists(host.path("data")));
    }

    /** What the start has said is to be added. */
    private static List<String> added(String said) {
        return Pattern.compile(
                        "csv-import\\.\\S+ \\(CSV_IMPORT_\\w+\\) is '[^']*': add (\\S+), which is not on the class path")
                .matcher(said)
                .results()
                .map(line -> line.group(1))
                .toList();
    }

    private static void startWith(String row, Installation host, String... javaOptions) throws Exception {
        start(host, classPath(row.toLowerCase(Locale.ROOT).replaceAll("[^a-z]+", "-"), TABLE.get(row)), javaOptions);
    }

    @Test
    void theManualNamesEveryDependencyInTheVersionOfTheBuild() {
        TreeSet<String> known = new TreeSet<>();
        for (Object line : Settings.resource("dependencies.properties").values()) {
            known.add(line.toString().replaceFirst(".* ", ""));
        }
        TreeSet<String> named = new TreeSet<>();
        TABLE.values().forEach(named::addAll);
        assertEquals(known, named);
    }

    @Test
    @Tag("long")
    void theFolderNeedsNoneOfThem() throws Exception {
        String classPath = classPath("none", List.of());
        TABLE.values().stream()
                .flatMap(List::stream)
                .map(coordinates -> coordinates.split(":")[1])
                .forEach(artifact -> assertFalse(classPath.contains("/" + artifact + "-"), artifact));
        try (Installation host = new Installation(home)) {
            start(host, classPath);
            host.drop("inbox/People/people.csv");
            host.awaitFile("inbox/People/.imported/people.csv");
        }
    }

    @Test
    @Tag("long")
    void allThatIsMissingIsNamedAtOnceWithTheOtherProblems() throws Exception {
        try (Installation host = new Installation(home)) {
            host.with("CSV_IMPORT_PARALLEL", "0")
                    .with("CSV_IMPORT_SFTP_ENABLED", "true")
                    .with("CSV_IMPORT_JMS_ENABLED", "true")
                    .with("CSV_IMPORT_JMS_URL", "amqp://127.0.0.1:1")
                    .with("CSV_IMPORT_LEDGER_URL", "jdbc:postgresql://127.0.0.1:1/ledger")
                    .with("CSV_IMPORT_MANAGEMENT_ROUTES", "true")
                    .with("CSV_IMPORT_AUDIT_URI", "no-such:component");
            assertRefused(host, "SFTP", "Queue, AMQP 1.0", "PostgreSQL ledger", "Calls over HTTP");
            for (String setting : List.of("parallel", "sftp.host", "sftp.username", "audit.uri")) {
                assertTrue(host.output().contains("csv-import." + setting + " ("), host.output());
            }
        }
    }

    @Test
    @Tag("long")
    void sftp() throws Exception {
        try (SftpRig server = new SftpRig(home.resolve("keys"), home.resolve("login"));
                Installation host = new Installation(home.resolve("host"))) {
            set(host, server);
            assertRefused(host, "SFTP");
            startWith("SFTP", host);
            assertImportsFromServer(host);
        }
    }

    private static void set(Installation host, SftpRig server) {
        host.with("CSV_IMPORT_SFTP_ENABLED", "true")
                .with("CSV_IMPORT_SFTP_HOST", "127.0.0.1")
                .with("CSV_IMPORT_SFTP_PORT", String.valueOf(server.port()))
                .with("CSV_IMPORT_SFTP_USERNAME", SftpRig.USERNAME)
                .with("CSV_IMPORT_SFTP_PASSWORD", SftpRig.PASSWORD)
                .with("CSV_IMPORT_SFTP_KNOWN_HOSTS_FILE", server.knownHosts().toString());
    }

    private void assertImportsFromServer(Installation host) throws IOException {
        Path folder = Files.createDirectories(home.resolve("login/inbox/People"));
        Path part = Files.writeString(home.resolve("login/remote.part"), "name\nfrom a server\n");
        Files.move(part, folder.resolve("remote.csv"));
        host.awaitImport("remote.csv");
        host.awaitUntil("the move", () -> Files.exists(folder.resolve(".imported/remote.csv")));
    }

    private void assertQueue(String row, boolean isCore) throws Exception {
        try (Broker broker = new Broker(home.resolve("broker")).start();
                Installation host = new Installation(home.resolve("host"))) {
            set(host, isCore ? broker.core() : broker.amqp());
            assertRefused(host, row);
            startWith(row, host);
            assertImportsFromQueue(host, broker, "csv-import");
        }
    }

    private static void set(Installation host, String brokerUrl) {
        host.with("CSV_IMPORT_JMS_ENABLED", "true")
                .with("CSV_IMPORT_JMS_URL", brokerUrl)
                .with("CSV_IMPORT_JMS_USERNAME", Broker.USER)
                .with("CSV_IMPORT_JMS_PASSWORD", Broker.PASSWORD);
    }

    private static void assertImportsFromQueue(Installation host, Broker broker, String queue) throws Exception {
        broker.send(
                broker.core(),
                queue,
                session -> named(session.createTextMessage("name\n" + queue + "\n"), queue + ".csv"),
                session -> named(session.createTextMessage("a\0b"), "bad.csv"));
        host.awaitImport(queue + ".csv");
        // what is rejected goes back by the same client
        host.awaitUntil("the rejected message", () -> broker.count(queue + ".rejected") == 1);
        host.awaitUntil("the acknowledgements", () -> broker.count(queue) == 0);
    }

    private static TextMessage named(TextMessage message, String name) throws JMSException {
        message.setStringProperty("template", "People");
        message.setStringProperty("fileName", name);
        return message;
    }

    @Test
    @Tag("long")
    void aQueueOverAmqp() throws Exception {
        assertQueue("Queue, AMQP 1.0", false);
    }

    @Test
    @Tag("long")
    void aQueueOverArtemisCore() throws Exception {
        assertQueue("Queue, Artemis core", true);
    }

    @Test
    @Tag("long")
    void aLedgerInPostgresql() throws Exception {
        try (EmbeddedPostgres postgres = EmbeddedPostgres.builder().start();
                Installation host = new Installation(home.resolve("host"))) {
            host.with("CSV_IMPORT_LEDGER_URL", "jdbc:postgresql://127.0.0.1:" + postgres.getPort() + "/postgres")
                    .with("CSV_IMPORT_LEDGER_USERNAME", "postgres")
                    .with("CSV_IMPORT_LEDGER_PASSWORD", "postgres");
            assertRefused(host, "PostgreSQL ledger");
            startWith("PostgreSQL ledger", host);
            host.drop("inbox/People/people.csv");
            host.awaitFile("inbox/People/.imported/people.csv");
            try (Statement query =
                            postgres.getPostgresDatabase().getConnection().createStatement();
                    ResultSet jobs = query.executeQuery("SELECT count(*) FROM csv_import_delivery")) {
                jobs.next();
                assertEquals(1, jobs.getInt(1));
            }
        }
    }

    @Test
    @Tag("long")
    void aTopicOfKafkaAndAnAuditTrailInAnother() throws Exception {
        try (KafkaRig broker = new KafkaRig(home.resolve("broker")).start();
                Installation host = new Installation(home.resolve("host"))) {
            broker.createTopic("audit", 1);
            broker.createTopic("people-csv", 1);
            host.with("CSV_IMPORT_AUDIT_URI", "kafka:audit?brokers=" + broker.brokers())
                    .with("CSV_IMPORT_TRACK_ENABLED", "false")
                    .with("PEOPLE_BROKERS", broker.brokers())
                    .withRoutes();
            host.write("routes/feed.camel.yaml", Manual.example(KafkaTest.FEED).yaml());
            assertRefused(host, "Kafka");
            startWith("Kafka", host);
            broker.send("people-csv", 0, CsvImportTestSupport.CSV, Map.of("fileName", "people.csv"));
            host.awaitImport("people.csv");
            host.awaitUntil("the event", () -> broker.count("audit", 0) == 1);
        }
    }

    @Test
    @Tag("long")
    void callsOverHttp() throws Exception {
        try (Installation host = new Installation(home)) {
            host.with("CSV_IMPORT_MANAGEMENT_ROUTES", "true");
            assertRefused(host, "Calls over HTTP");
            // the component alone has no server
            String component = TABLE.get("Calls over HTTP").get(0).replace("-main:", ":");
            assertRefusedWith(classPath("component", List.of(component)), host, "Calls over HTTP");
            startWith(
                    "Calls over HTTP",
                    host,
                    "-Dcamel.server.enabled=true",
                    "-Dcamel.server.host=127.0.0.1",
                    "-Dcamel.server.port=" + host.managementPort());
            host.drop("inbox/People/people.csv");
            host.awaitFile("inbox/People/.imported/people.csv");
            assertEquals(1, count(host));
        }
    }

    /** Someone has cut Spring's JMS out of the class path: the queue does not run, all else does. */
    @Test
    @Tag("long")
    void whatIsHalfThereIsToldAndHarmsNoRouteOfTheHost() throws Exception {
        List<String> dependencies = Stream.of("Queue, AMQP 1.0", "Calls over HTTP")
                .flatMap(row -> TABLE.get(row).stream())
                .toList();
        String half = String.join(
                ":",
                Stream.of(classPath("half", dependencies).split(":"))
                        .filter(jar -> !jar.contains("spring-jms"))
                        .toList());
        try (Installation host = new Installation(home)) {
            host.write(
                    "routes/orders.camel.yaml",
                    """
                    - route:
                        id: orders
                        from:
                          uri: file:orders
                          steps:
                            - to: file:done
                    """);
            host.write("orders/order.txt", "order");
            host.with("CSV_IMPORT_JMS_ENABLED", "true")
                    .with("CSV_IMPORT_JMS_URL", "amqp://127.0.0.1:1")
                    .with("CAMEL_MAIN_ROUTES_INCLUDE_PATTERN", "file:routes/*");
            start(
                    host,
                    half,
                    "-Dcamel.health.exposureLevel=full",
                    "-Dcamel.management.enabled=true",
                    "-Dcamel.management.healthCheckEnabled=true",
                    "-Dcamel.management.host=127.0.0.1",
                    "-Dcamel.management.port=" + host.managementPort());
            host.awaitFile("done/order.txt");
            host.drop("inbox/People/people.csv");
            host.awaitFile("inbox/People/.imported/people.csv");
            String health = host.get("/observe/health").body();
            assertTrue(health.contains("csv-import-from-queue"), health);
            assertTrue(host.output().contains("the class org.springframework.jms."), host.output());
        }
    }

    /** Spring makes the beans of the feeds there. */
    @Test
    @Tag("long")
    void inSpringBootTheyAllWorkTogether() throws Exception {
        List<String> dependencies = TABLE.values().stream()
                .flatMap(List::stream)
                .distinct()
                .map(coordinates -> coordinates.replaceFirst(
                        "^org.apache.camel:(camel-platform-http)-main:", "org.apache.camel.springboot:$1-starter:"))
                .toList();
        Path jar = HostRig.build("spring-boot", "spring-boot-with-all", dependencies)
                .resolve("target/orders-1.0.0.jar");
        try (Installation host = new Installation(home.resolve("host"))) {
            host.with("CSV_IMPORT_MANAGEMENT_ROUTES", "true");
            // Spring replaces placeholders
            assertAllWorkTogether(host, jar, password -> password.replace("${", "\\${"));
            assertEquals(5, count(host));
        }
    }

    /** But for calls over HTTP: the extension with Camel's HTTP server is not served everywhere. */
    @Test
    @Tag("long")
    void inQuarkusTheyAllWorkTogether() throws Exception {
        List<String> dependencies = TABLE.values().stream()
                .flatMap(List::stream)
                .distinct()
                .filter(coordinates -> !coordinates.contains("platform-http"))
                .collect(Collectors.toCollection(ArrayList::new));
        // the BOM of Camel Quarkus takes it away from camel-jms
        dependencies.add("org.springframework:spring-context:6.2.15");
        Path jar = HostRig.build("quarkus", "quarkus-with-all", dependencies)
                .resolve("target/quarkus-app/quarkus-run.jar");
        try (Installation host = new Installation(home.resolve("host"))) {
            assertAllWorkTogether(host, jar, password -> password);
        }
    }

    /** @param escape for what the platform replaces in a value */
    private void assertAllWorkTogether(Installation host, Path jar, UnaryOperator<String> escape) throws Exception {
        try (SftpRig server = new SftpRig(home.resolve("keys"), home.resolve("login"));
                Broker broker = new Broker(home.resolve("broker")).start()) {
            set(host, server);
            set(host, broker.amqp());
            host.with("CSV_IMPORT_SFTP_PASSWORD", escape.apply(SftpRig.PASSWORD))
                    .with("CSV_IMPORT_JMS_PASSWORD", escape.apply(Broker.PASSWORD))
                    .with("SERVER_PORT", String.valueOf(host.managementPort()))
                    .withRoutes();
            host.write(
                    "routes/from-core.camel.yaml",
                    """
                    - route:
                        id: from-core
                        from:
                          uri: kamelet:csv-import-queue-source
                          parameters:
                            queue: core
                            url: "%s"
                            username: "#property:csv-import.jms.username"
                            password: "#property:csv-import.jms.password"
                          steps:
                            - to: direct:csv-import
                    """
                            .formatted(broker.core()));
            host.startHost(List.of("-XX:TieredStopAtLevel=1", "-jar", jar.toString()));
            assertImportsFromServer(host);
            assertImportsFromQueue(host, broker, "csv-import");
            assertImportsFromQueue(host, broker, "core");
        }
    }

    private static int count(Installation host) throws Exception {
        return CsvImportTestSupport.JSON
                .readTree(host.get("/csv-imports").body())
                .path("count")
                .asInt();
    }
}
