package io.csvimport.standalone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import io.csvimport.Distribution;
import io.csvimport.Installation;
import io.csvimport.sandbox.Sandbox;
import io.csvimport.sandbox.SandboxFault;
import io.csvimport.settings.Settings;
import io.csvimport.source.queue.Broker;
import io.csvimport.source.sftp.SftpRig;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.stream.Stream;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.apache.activemq.artemis.core.settings.impl.AddressSettings;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code --check}, against real servers that are set up rightly and wrongly: what it says, and that it changes nothing. */
class CheckTest {

    private static final String SECRET = "s%25écret";

    @TempDir
    private Path home;

    private final Properties given = new Properties();
    private Sandbox sandbox;

    @BeforeEach
    void setUp() throws IOException {
        sandbox = Sandbox.start(0, "5664", "key", SECRET, Set.of());
        set("api.url=" + sandbox.url(), "api.organization=5664", "api.key=key", "api.secret=" + SECRET);
        set("data-dir=" + home.resolve("data"), "file.directory=" + home.resolve("inbox"), "management.port=0");
    }

    @AfterEach
    void tearDown() {
        sandbox.close();
    }

    private void set(String... lines) {
        for (String line : lines) {
            String[] setting = line.split("=", 2);
            given.setProperty(Settings.PREFIX + setting[0], setting[1]);
        }
    }

    /** What is printed; whether nothing failed is the other half of it. */
    private String check(boolean expected) throws Exception {
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        Settings settings = new Settings(given);
        Check check = new Check(
                settings,
                given,
                Optional.of(Path.of("routes").toAbsolutePath()),
                false,
                new PrintStream(printed, true, StandardCharsets.UTF_8));
        boolean good = check.run(settings.problems());
        String text = printed.toString(StandardCharsets.UTF_8);
        assertEquals(expected, good, text);
        assertFalse(text.contains(SECRET) || text.contains(SftpRig.PASSWORD) || text.contains(Broker.PASSWORD), text);
        return text;
    }

    /** The one line that failed. */
    private String failed() throws Exception {
        List<String> lines =
                check(false).lines().filter(line -> line.startsWith("failed")).toList();
        assertEquals(1, lines.size(), lines.toString());
        return lines.get(0);
    }

    private static void assertSays(String line, String... texts) {
        Stream.of(texts).forEach(text -> assertTrue(line.contains(text), line));
    }

    private List<String> files() throws IOException {
        try (Stream<Path> files = Files.walk(home)) {
            return files.map(file -> file + " " + file.toFile().lastModified())
                    .sorted()
                    .toList();
        }
    }

    @Test
    void whatIsSetUpRightlyIsALineEachAndNothingIsChangedOrSent() throws Exception {
        SftpRig server = withSftp();
        Broker broker = withBroker();
        Files.createDirectories(home.resolve("own"));
        set("routes=" + home.resolve("own"));
        List<String> before = files();
        String text = check(true);
        assertEquals(
                List.of(
                        "ok      settings:",
                        "ok      data dir:",
                        "ok      ledger:",
                        "ok      management:",
                        "ok      API:",
                        "ok      inbox:",
                        "ok      SFTP:",
                        "ok      broker:",
                        "ok      audit trail:",
                        "ok      routes:"),
                text.lines()
                        .filter(line -> line.startsWith("ok "))
                        .map(line -> line.substring(0, line.indexOf(": ") + 1))
                        .toList(),
                text);
        assertTrue(text.contains(sandbox.url() + " answers 200, organization 5664, clock 0 s off"), text);
        assertEquals(
                List.of("GET"),
                sandbox.requests().stream().map(request -> request.method()).toList());
        assertFalse(Files.exists(home.resolve("data")));
        server.close();
        broker.close();
        // but for the broker's own journal, and the moment in which a file was renamed on the server
        assertEquals(
                before.stream()
                        .filter(file -> !file.contains("/broker"))
                        .map(CheckTest::name)
                        .toList(),
                files().stream()
                        .filter(file -> !file.contains("/broker"))
                        .map(CheckTest::name)
                        .toList());
    }

    private static String name(String file) {
        return file.substring(0, file.indexOf(' '));
    }

    @Test
    void wrongSettingsAreALineEachAndTheRestIsNotTried() throws Exception {
        set("api.key=", "parallel=many");
        String text = check(false);
        assertSays(text, "failed  settings: csv-import.api.key (", "failed  settings: csv-import.parallel (");
        assertEquals(3, text.lines().count(), text);
        assertEquals(List.of(), sandbox.requests());
    }

    // the API

    @Test
    void anApiThatIsNotThereIsNamed() throws Exception {
        set("api.url=http://no-such-host.invalid");
        assertSays(failed(), "failed  API: the name in http://no-such-host.invalid is not known");
        set("api.url=http://127.0.0.1:" + Installation.freePort());
        assertSays(failed(), "failed  API: ", "cannot be reached", "csv-import.api.proxy.host");
    }

    @Test
    void aRefusedCredentialAndAnUnknownOrganizationAreTold() throws Exception {
        set("api.secret=other");
        assertSays(failed(), "answers 401: it refuses the credential (csv-import.api.key, csv-import.api.secret)");
        set("api.secret=" + SECRET, "api.organization=1");
        assertSays(failed(), "it refuses the ", "organization");
    }

    @Test
    void whatIsNoListOfImportsIsNoApi() throws Exception {
        sandbox.answerListsWith(answer -> answer.withBody("<html>Log in</html>"));
        assertSays(failed(), "answers 200, and no list of imports: check csv-import.api.url");
        sandbox.failList(SandboxFault.status(302, false, Map.of("Location", "http://example.com")));
        assertSays(failed(), "answers 302", "no redirect is followed");
        sandbox.failList(SandboxFault.status(500));
        assertSays(failed(), "answers 500 where a list of imports is expected");
        sandbox.failList(SandboxFault.status(503));
        assertSays(check(true), "warning API: ", "answers 503: it is busy");
    }

    @Test
    void aCertificateThatIsNotTrustedAndOneOfAnotherNameAreTold() throws Exception {
        HttpsServer server = https();
        int port = server.getAddress().getPort();
        set("api.url=https://localhost:" + port);
        assertSays(failed(), "shows a certificate that is not trusted here", "csv-import.api.trust-store");
        set("api.trust-store=" + home.resolve("keys.p12"), "api.trust-store-password=changeit");
        assertSays(check(true), "https://localhost:" + port + " answers 200");
        set("api.url=https://127.0.0.1:" + port);
        assertSays(failed(), "https://127.0.0.1:" + port + " shows the certificate of another name");
        server.stop(0);
    }

    /** With a certificate of its own, for localhost. */
    private HttpsServer https() throws Exception {
        Path keys = home.resolve("keys.p12");
        Process keytool = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "keytool")
                                .toString(),
                        "-genkeypair",
                        "-keyalg",
                        "EC",
                        "-dname",
                        "CN=localhost",
                        "-ext",
                        "san=dns:localhost",
                        "-storetype",
                        "PKCS12",
                        "-keystore",
                        keys.toString(),
                        "-storepass",
                        "changeit")
                .redirectErrorStream(true)
                .redirectOutput(home.resolve("keytool.txt").toFile())
                .start();
        assertEquals(0, keytool.waitFor());
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(keys)) {
            store.load(in, "changeit".toCharArray());
        }
        KeyManagerFactory managers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        managers.init(store, "changeit".toCharArray());
        SSLContext tls = SSLContext.getInstance("TLS");
        tls.init(managers.getKeyManagers(), null, null);
        HttpsServer server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setHttpsConfigurator(new HttpsConfigurator(tls));
        server.createContext("/", http -> {
            byte[] list = "{\"count\": 0, \"results\": []}".getBytes(StandardCharsets.UTF_8);
            http.sendResponseHeaders(200, list.length);
            http.getResponseBody().write(list);
            http.close();
        });
        server.start();
        return server;
    }

    @Test
    void aClockThatIsOffIsAWarning() throws Exception {
        sandbox.skewClock(Duration.ofMinutes(5));
        assertSays(check(true), "warning API: ", " s off: set the clock of this machine");
    }

    // the data dir, the ledger, the routes

    @Test
    void aDataDirThatCannotBeMadeIsNamed() throws Exception {
        Files.writeString(home.resolve("file"), "");
        set("data-dir=" + home.resolve("file/data"));
        assertSays(check(false), "failed  data dir: " + home.resolve("file") + " is no folder");
    }

    @Test
    void aLedgerThatIsMissingBrokenOrTooNewIsTold() throws Exception {
        Path data = Files.createDirectories(home.resolve("data/audit")).getParent();
        Files.writeString(data.resolve("audit/csv-import-audit.jsonl"), "{}\n");
        assertSays(failed(), "failed  ledger: ", "there is none, though ", "--new-ledger");
        Files.writeString(data.resolve("csv-import-ledger.db"), "no database, whoever wrote it ".repeat(100));
        assertSays(failed(), "failed  ledger: ", "Restore it from a backup");
    }

    @Test
    void aRunningProcessIsToldAndNotDisturbed() throws Exception {
        try (Installation product = new Installation(home.resolve("product"))) {
            product.start();
            product.awaitReady();
            product.drop("inbox/People/people.csv");
            product.awaitImport("people.csv");
            // it has the same port, and takes the next file, too
            Distribution check = Distribution.startScript(product.path(""), environment(product), "--check");
            assertEquals(0, check.exitStatus(), product::output);
            assertSays(
                    product.output(),
                    "data, ",
                    "in use by a running process",
                    "csv-import-ledger.db can be opened",
                    "ok      management: ");
            product.drop("inbox/People/later.csv");
            product.awaitImport("later.csv");
            assertEquals(2, product.uploads().size());
        }
    }

    private static Map<String, String> environment(Installation product) {
        return Map.of(
                "CSV_IMPORT_API_URL", product.sandbox().url(),
                "CSV_IMPORT_API_ORGANIZATION", "5664",
                "CSV_IMPORT_API_KEY", "key",
                "CSV_IMPORT_API_SECRET", "secret",
                "CSV_IMPORT_MANAGEMENT_PORT", String.valueOf(product.managementPort()));
    }

    @Test
    void aFileOfRoutesThatDoesNotParseIsNamed() throws Exception {
        Path broken = Files.createDirectories(home.resolve("own")).resolve("broken.camel.yaml");
        Files.writeString(broken, "- route:\n    from:\n      urii: direct:x\n");
        set("routes=" + home.resolve("own"));
        assertSays(failed(), "failed  routes: " + broken);
    }

    @Test
    void aMistakeInAFileOfExpectationsIsNamedByItsLine() throws Exception {
        Path people = Files.createDirectories(home.resolve("own/expectations")).resolve("people.yaml");
        Files.writeString(people, "- { template: People, dew: 06:00 }");
        set("routes=" + home.resolve("own"));
        assertSays(failed(), "failed  expectations: expectations/people.yaml:1: dew is not known; the nearest is due");
    }

    @Test
    void anAuditTargetWithoutItsComponentIsNamed() throws Exception {
        set("audit.uri=no-such-component:x?password=" + SECRET);
        assertSays(failed(), "failed  audit trail: csv-import.audit.uri (CSV_IMPORT_AUDIT_URI), no-such-component:");
    }

    // SFTP

    private SftpRig withSftp() throws IOException {
        SftpRig server = new SftpRig(home.resolve("server"), home.resolve("login"));
        Files.createDirectories(home.resolve("login/inbox"));
        set("sftp.enabled=true", "sftp.host=127.0.0.1", "sftp.port=" + server.port());
        set("sftp.username=" + SftpRig.USERNAME, "sftp.password=" + SftpRig.PASSWORD);
        set("sftp.known-hosts-file=" + server.knownHosts());
        return server;
    }

    @Test
    void aWrongHostKeyAWrongLoginAndAMissingFolderOfTheSftpServerAreTold() throws Exception {
        try (SftpRig server = withSftp()) {
            set("sftp.known-hosts-file=" + server.directory.resolve("old_known_hosts"));
            assertSays(failed(), "failed  SFTP: ", "shows another host key");
            set("sftp.known-hosts-file=" + server.knownHosts(), "sftp.password=other");
            assertSays(failed(), "failed  SFTP: ", "refuses the login of " + SftpRig.USERNAME);
            set("sftp.password=" + SftpRig.PASSWORD, "sftp.directory=no-such-folder");
            assertSays(check(true), "warning SFTP: ", "/no-such-folder does not exist");
            set("sftp.read-only=true");
            assertSays(failed(), "failed  SFTP: ", "/no-such-folder does not exist: make the folder");
        }
    }

    @Test
    void anSftpServerThatMovesNoFilesIsToldUnlessItIsOnlyRead() throws Exception {
        try (SftpRig server = withSftp()) {
            server.denyChanges(true);
            assertSays(failed(), "failed  SFTP: ", "files cannot be written, renamed and deleted there");
            int tried = server.changes().size();
            set("sftp.read-only=true");
            assertSays(check(true), "ok      SFTP: ", "nothing is moved there");
            assertEquals(tried, server.changes().size());
        }
    }

    // the broker

    private Broker withBroker() throws IOException {
        Broker broker = new Broker(home.resolve("broker")).start();
        set("jms.enabled=true", "jms.url=" + broker.core());
        set("jms.username=" + Broker.USER, "jms.password=" + Broker.PASSWORD);
        return broker;
    }

    @Test
    void aBrokerThatIsAwayAWrongLoginAndAMissingQueueAreTold() throws Exception {
        try (Broker broker = withBroker()) {
            for (String url : List.of(broker.core(), broker.amqp())) {
                set("jms.url=" + url, "jms.password=other");
                assertSays(failed(), "failed  broker: the broker refuses the login", "csv-import.jms.password");
                set("jms.password=" + Broker.PASSWORD);
            }
            broker.server()
                    .getActiveMQServer()
                    .getAddressSettingsRepository()
                    .addMatch(
                            "#",
                            new AddressSettings().setAutoCreateQueues(false).setAutoCreateAddresses(false));
            for (String url : List.of(broker.core(), broker.amqp())) {
                set("jms.url=" + url);
                assertSays(failed(), "failed  broker: ", "has no queue csv-import");
            }
        }
        assertSays(failed(), "failed  broker: the broker is unavailable");
    }

    // how it is called

    @Test
    void aStartThatFailsNamesTheCheckAndTheCheckOfTheDistributionEndsWithItsStatus() throws Exception {
        try (Installation product = new Installation(home.resolve("product"))) {
            product.write("data/csv-import-ledger.db", "no database, whoever wrote it ".repeat(100));
            assertEquals(2, product.start().exitStatus());
            assertSays(product.output(), "With the argument --check it tries all that a start needs");
            assertEquals(
                    1,
                    Distribution.startScript(product.path(""), environment(product), "--check")
                            .exitStatus());
            assertSays(product.output(), "failed  ledger: ", "ok      API: ");
            assertFalse(product.output().contains("\tat "), product.output());
        }
    }

    @Test
    void helpNamesTheArgumentsAndOthersAreRefused() throws Exception {
        Files.createFile(home.resolve("output.txt"));
        assertEquals(0, Distribution.startScript(home, Map.of(), "--help").exitStatus());
        assertEquals(0, Distribution.startScript(home, Map.of(), "--version").exitStatus());
        assertEquals(2, Distribution.startScript(home, Map.of(), "--chek").exitStatus());
        assertSays(
                Files.readString(home.resolve("output.txt")),
                "--check  ",
                "--new-ledger  ",
                "csv-import-routes 0.",
                "--chek is no argument");
    }
}
