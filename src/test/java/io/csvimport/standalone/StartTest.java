package io.csvimport.standalone;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.csvimport.Distribution;
import io.csvimport.Installation;
import io.csvimport.operations.Operator;
import io.csvimport.sandbox.SandboxFault;
import io.csvimport.settings.SettingsTest;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Starting and stopping: what is needed, what is refused and how it is said, and which setting wins. */
public class StartTest {

    private static final Pattern DESK = Pattern.compile("desk +http://127[.]0[.]0[.]1:(\\d+)/");

    private static final String SECRET = "hunter2-%25";

    @TempDir
    Path directory;

    private Installation product;

    @BeforeEach
    void install() throws IOException {
        product = new Installation(directory, "key", SECRET).with("CSV_IMPORT_TEMPLATE", "People");
    }

    @AfterEach
    void uninstall() {
        product.close();
    }

    @Test
    void everyMissingSettingIsNamedAtOnceWithItsVariable() throws Exception {
        product.without("CSV_IMPORT_API_URL")
                .without("CSV_IMPORT_API_ORGANIZATION")
                .without("CSV_IMPORT_API_KEY")
                .without("CSV_IMPORT_API_SECRET")
                .with("CSV_IMPORT_PARALLEL", "many");
        assertRefused("api.url", "api.organization", "api.key", "api.secret", "parallel");
    }

    /** Each of them by itself, and in more ways: {@link SettingsTest}. */
    @Test
    void everyWrongSettingIsNamedWithItsVariableAndNothingStarts() throws Exception {
        String[] wrong = {
            "api.url=https://key:hunter2-%25@example.com",
            "api.organization=a/b",
            "api.timeout=PT0S",
            "api.requests-per-minute=-1",
            "api.proxy.port=65536",
            "api.trust-store=no-such.p12",
            "template=a\tb",
            "notify=nobody",
            "tag-file-name=yes",
            "ledger.url=jdbc:mysql://localhost/ledger",
            "ledger.keep=2 years",
            "imported.keep=for ever",
            "duplicates=keep",
            "reconcile.wait=-PT1M",
            "reconcile.not-found=ignore",
            "max-size=0",
            "parallel=0",
            "file.enabled=1",
            "file.quiet=2",
            "file.quiet-after-growth=5s",
            "sftp.enabled=on",
            "sftp.port=ssh",
            "sftp.private-key-file=no-such-key",
            "sftp.known-hosts-file=no-such-hosts",
            "sftp.read-only=maybe",
            "jms.enabled=on",
            "jms.url=http://broker",
            "jms.consumers=0",
            "preview=on",
            "track.enabled=on",
            "track.interval=PT0S",
            "void.path=imports",
            "management.port=health",
            "management.username=a:b",
            "health.grace=five",
            "log.format=xml",
            "stop.timeout=PT0S",
        };
        for (String line : wrong) {
            product.with(variable(name(line)), line.substring(name(line).length() + 1));
        }
        assertRefused(Stream.of(wrong).map(StartTest::name).toArray(String[]::new));
    }

    private static String name(String line) {
        return line.substring(0, line.indexOf('='));
    }

    @Test
    void aUsernameWithoutItsPasswordIsNamedAndAPasswordWithoutItsUsername() throws Exception {
        product.with("CSV_IMPORT_MANAGEMENT_USERNAME", "operator");
        assertRefused("management.password");
        product.without("CSV_IMPORT_MANAGEMENT_USERNAME").with("CSV_IMPORT_MANAGEMENT_PASSWORD", SECRET);
        assertRefused("management.username");
    }

    @Test
    void aRefusedStartIsReadableWithJsonLogsToo() throws Exception {
        product.with("CSV_IMPORT_LOG_FORMAT", "json").with("CSV_IMPORT_PARALLEL", "many");
        assertRefused("parallel");
        assertTrue(product.output().lines().anyMatch(line -> line.startsWith("  csv-import.parallel ")));
    }

    @Test
    void everyEmptyVariableIsNamedWhereADefaultExists() throws Exception {
        String[] empty = {"api.timeout", "data-dir", "file.directory", "parallel", "management.port"};
        for (String setting : empty) {
            product.with(variable(setting), "");
        }
        assertRefused(empty);
    }

    @ParameterizedTest
    @ValueSource(strings = {"SFTP", "JMS"})
    void aSourceThatIsSwitchedOnAndNoMoreIsRefused(String source) throws Exception {
        product.with("CSV_IMPORT_" + source + "_ENABLED", "true");
        assertRefused(
                product.start(), "csv-import." + source.toLowerCase(Locale.ROOT) + ".", "(CSV_IMPORT_" + source + "_");
    }

    @Test
    void everyMissingSettingOfTheSftpSourceIsNamedAtOnce() throws Exception {
        product.with("CSV_IMPORT_SFTP_ENABLED", "true");
        assertRefused("sftp.host", "sftp.username", "sftp.password");
        assertEquals(
                3,
                product.output()
                        .lines()
                        .filter(line -> line.contains("csv-import.sftp."))
                        .count());
    }

    @Test
    void anSftpSourceWithNeitherPasswordNorKeyIsRefused() throws Exception {
        withSftp().without("CSV_IMPORT_SFTP_PASSWORD");
        assertRefused("sftp.password");
        assertTrue(product.output().contains("sftp.private-key-file"), product.output());
        assertFalse(product.output().contains("sftp.host"), product.output());
    }

    @Test
    void everyFileOfTheSftpSourceThatIsMissingIsNamed() throws Exception {
        withSftp()
                .with("CSV_IMPORT_SFTP_KNOWN_HOSTS_FILE", "no-such-hosts")
                .with("CSV_IMPORT_SFTP_PRIVATE_KEY_FILE", "no-such-key");
        assertRefused("sftp.known-hosts-file", "sftp.private-key-file");
        assertTrue(product.output().contains("no-such-hosts"), product.output());
        assertTrue(product.output().contains("no-such-key"), product.output());
    }

    private Installation withSftp() throws IOException {
        product.write("known_hosts", "");
        return product.with("CSV_IMPORT_SFTP_ENABLED", "true")
                .with("CSV_IMPORT_SFTP_HOST", "sftp.example.com")
                .with("CSV_IMPORT_SFTP_USERNAME", "partner")
                .with("CSV_IMPORT_SFTP_PASSWORD", SECRET)
                .with("CSV_IMPORT_SFTP_KNOWN_HOSTS_FILE", "known_hosts");
    }

    @Test
    void anUnknownPropertyIsNamed() throws Exception {
        assertRefused(product.start("-Dcsv-import.templat=People"), "csv-import.templat (CSV_IMPORT_TEMPLAT)");
    }

    @Test
    void anUnknownPropertyInAFileIsNamed() throws Exception {
        product.write("application.properties", "csv-import.inbox=inbox\n");
        assertRefused(product.start(), "csv-import.inbox (CSV_IMPORT_INBOX)");
    }

    @Test
    void anUnknownVariableIsNamedAndTheVariablesOfAKubernetesServiceArePassedOver() throws Exception {
        product.with("CSV_IMPORT_API_URLL", "x")
                .with("CSV_IMPORT_PORT", "tcp://10.0.0.1:80")
                .with("CSV_IMPORT_PORT_8080_TCP", "tcp://10.0.0.1:8080")
                .with("CSV_IMPORT_PORT_8080_TCP_ADDR", "10.0.0.1")
                .with("CSV_IMPORT_SERVICE_HOST", "10.0.0.1")
                .with("CSV_IMPORT_SERVICE_PORT_HTTP", "8080")
                .with("CSV_IMPORT_ROUTES_SERVICE_HOST", "10.0.0.1")
                // a Service that is called csv-import-sftp
                .with("CSV_IMPORT_SFTP_PORT", "tcp://10.0.0.1:22");
        assertRefused(
                product.start(), "CSV_IMPORT_API_URLL is not a setting", "csv-import.api.url (CSV_IMPORT_API_URL)");
        assertEquals(2, product.output().lines().count(), product.output());
    }

    @Test
    void aPropertiesFileInAnotherEncodingIsNamedWithItsLine() throws Exception {
        Files.write(product.path("application.properties"), "a=b\nc=ü\n".getBytes(StandardCharsets.ISO_8859_1));
        assertRefused(product.start(), product.path("application.properties") + ", line 2: ");
    }

    @Test
    void aMissingRoutesFolderIsNamed() throws Exception {
        product.with("CSV_IMPORT_ROUTES", "no-such-routes");
        assertRefused(product.start(), "csv-import.routes", "CSV_IMPORT_ROUTES", "no-such-routes");
    }

    @Test
    void aDataDirThatIsAFileIsNamed() throws Exception {
        product.write("data", "a file");
        assertRefused("data-dir");
    }

    @Test
    void aCorruptLedgerIsNamed() throws Exception {
        product.write("data/csv-import-ledger.db", "no database, whoever wrote it ".repeat(100));
        assertRefused(product.start(), product.path("data/csv-import-ledger.db").toString());
    }

    @Test
    void aManagementPortInUseIsNamed() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            product.with("CSV_IMPORT_MANAGEMENT_PORT", String.valueOf(taken.getLocalPort()));
            Distribution process = product.start();
            // nobody answers at that port: it is not asked whether it is ready
            assertTrue(process.process().waitFor(60, TimeUnit.SECONDS), product::output);
            assertRefused(process, "csv-import.management.port", "CSV_IMPORT_MANAGEMENT_PORT");
        }
    }

    @Test
    void ofAnyFreeManagementPortTheStartNamesTheOneThatItHas() throws Exception {
        product.with("CSV_IMPORT_MANAGEMENT_PORT", "0");
        product.start();
        product.awaitUntil("start lines", () -> DESK.matcher(product.output()).find());
        Matcher desk = DESK.matcher(product.output());
        assertTrue(desk.find());
        assertEquals(200, new Operator(Integer.parseInt(desk.group(1))).get("/").status());
    }

    @Test
    void aSecondProcessOnTheSameDataDirRefusesToStart() throws Exception {
        product.start();
        product.awaitReady();
        product.with("CSV_IMPORT_MANAGEMENT_PORT", String.valueOf(Installation.freePort()));
        assertRefused("data-dir");
        product.drop("inbox/people.csv");
        product.awaitImport("people.csv");
    }

    @Test
    void aSecondProcessOnTheLedgerInTheDataDirOfAnotherRefusesToStart() throws Exception {
        product.start();
        product.awaitReady();
        Files.createSymbolicLink(
                product.path("linked.db"),
                product.path("data/csv-import-ledger.db").toAbsolutePath());
        product.with("CSV_IMPORT_MANAGEMENT_PORT", String.valueOf(Installation.freePort()))
                .with("CSV_IMPORT_DATA_DIR", "other");
        for (String ledger : List.of("data/csv-import-ledger.db", "linked.db")) {
            product.with("CSV_IMPORT_LEDGER_URL", "jdbc:sqlite:" + product.path(ledger));
            assertRefused("ledger.url");
        }
        product.drop("inbox/people.csv");
        product.awaitImport("people.csv");
    }

    @Test
    void theEnvironmentWinsOverSystemPropertiesOverTheWorkingDirectoryOverTheFolderOfTheJar() throws Exception {
        Path home = copyOfTheDistribution();
        Files.writeString(
                home.resolve("application.properties"),
                """
                csv-import.template=beside the jar
                csv-import.notify=jar@example.com
                csv-import.data-dir=data-beside-the-jar
                csv-import.file.directory=inbox-beside-the-jar
                """);
        product.write(
                "application.properties",
                """
                csv-import.template=working directory
                csv-import.notify=working.directory@example.com
                csv-import.data-dir=data-working-directory
                """);
        product.with("CSV_IMPORT_TEMPLATE", "environment");
        product.startHost(List.of(
                "-Dcsv-import.template=system property",
                "-Dcsv-import.notify=system.property@example.com",
                "-jar",
                home.resolve("csv-import-routes.jar").toString()));

        product.drop("inbox-beside-the-jar/people.csv");

        var accepted = product.awaitImport("people.csv");
        assertAll(
                () -> assertEquals("environment", accepted.template()),
                () -> assertEquals(List.of("system.property@example.com"), accepted.addresses()),
                () -> assertTrue(Files.exists(product.path("data-working-directory/csv-import-ledger.db"))));
    }

    private Path copyOfTheDistribution() throws IOException {
        Path original = Distribution.routes().getParent();
        Path copy = Files.createDirectories(directory.resolve("installed"));
        Files.createSymbolicLink(copy.resolve("lib"), original.resolve("lib"));
        Files.createSymbolicLink(copy.resolve("routes"), original.resolve("routes"));
        Files.copy(original.resolve("csv-import-routes.jar"), copy.resolve("csv-import-routes.jar"));
        return copy;
    }

    @Test
    void applicationPropertiesAreReadAsUtf8() throws Exception {
        product.without("CSV_IMPORT_TEMPLATE").with("LC_ALL", "C");
        product.write("application.properties", "csv-import.template=Schüler für Übung €\n");
        product.start();
        product.drop("inbox/people.csv");
        assertEquals("Schüler für Übung €", product.awaitImport("people.csv").template());
    }

    @Test
    void relativePathsAreRelativeToTheWorkingDirectory() throws Exception {
        product.with("CSV_IMPORT_FILE_DIRECTORY", "drop/here").with("CSV_IMPORT_DATA_DIR", "state");
        product.start();
        product.drop("drop/here/people.csv");
        product.awaitFile("drop/here/.imported/people.csv");
        product.awaitAudit("csv-import.accepted", "people.csv");
        assertTrue(Files.exists(product.path("state/csv-import-ledger.db")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"environment", "file"})
    void secretsReachTheApiAsTheyAreAndAreNotPrinted(String from) throws Exception {
        String key = "k%25{{x}}+ü";
        String secret = "s%25{{y}}${z}+ü:&?#@/ end";
        try (Installation guarded = new Installation(directory.resolve("guarded"), key, secret)) {
            guarded.with("CSV_IMPORT_TEMPLATE", "People");
            if (from.equals("file")) {
                guarded.without("CSV_IMPORT_API_KEY").without("CSV_IMPORT_API_SECRET");
                guarded.write(
                        "application.properties",
                        "csv-import.api.key=" + key + "\ncsv-import.api.secret=" + secret + "\n");
            }
            guarded.start();
            guarded.drop("inbox/people.csv");
            guarded.awaitFile("inbox/.imported/people.csv");
            String basic = Base64.getEncoder().encodeToString((key + ":" + secret).getBytes(StandardCharsets.UTF_8));
            assertEquals("Basic " + basic, guarded.uploads().get(0).header("Authorization"));
            assertFalse(guarded.output().contains(secret), guarded.output());
        }
    }

    @Test
    void healthLivenessAndReadinessAreUpOnTheManagementPort() throws Exception {
        product.start();
        product.awaitReady();
        for (String path : List.of("/observe/health", "/observe/health/live", "/observe/health/ready")) {
            HttpResponse<String> answer = product.get(path);
            assertEquals(200, answer.statusCode(), path);
            assertEquals(
                    "UP",
                    new ObjectMapper().readTree(answer.body()).path("status").asText(),
                    path);
        }
    }

    @Test
    @Timeout(60)
    void whoAsksBeforeTheRoutesAreLoadedIsToldToAskAgain() throws Exception {
        product.start();
        Set<Integer> statuses = new TreeSet<>();
        while (!statuses.contains(200)) {
            try {
                statuses.add(product.get("/csv-imports").statusCode());
            } catch (ConnectException e) {
                assertFalse(statuses.contains(503), product.output());
            }
        }
        statuses.remove(503);
        assertEquals(Set.of(200), statuses);
    }

    @Test
    void aStopLetsAnUploadUnderWayFinish() throws Exception {
        product.sandbox().failNext(SandboxFault.delay(Duration.ofSeconds(2)));
        Distribution process = product.start();
        product.drop("inbox/people.csv");
        product.awaitUntil("the upload", () -> product.uploads().size() == 1);
        process.stop();
        assertTrue(Files.exists(product.path("inbox/.imported/people.csv")), product::output);
    }

    @Test
    void aStopLeavesAnUploadThatDoesNotFinishInTimeSafely() throws Exception {
        product.with("CSV_IMPORT_STOP_TIMEOUT", "PT1S").with("CSV_IMPORT_RECONCILE_WAIT", "PT1S");
        product.sandbox().failNext(SandboxFault.hang(true));
        Distribution process = product.start();
        product.drop("inbox/people.csv");
        product.awaitImport("people.csv");

        process.stop();
        assertTrue(Files.exists(product.path("inbox/people.csv")), product::output);

        product.start();
        JsonNode event = product.awaitAudit("csv-import.accepted", "people.csv");
        product.awaitFile("inbox/.imported/people.csv");
        assertAll(
                () -> assertTrue(event.path("data").path("reconciled").asBoolean(), event.toString()),
                () -> assertEquals(1, product.uploads().size()));
    }

    private static String variable(String setting) {
        return "CSV_IMPORT_"
                + setting.toUpperCase(Locale.ROOT).replace('.', '_').replace('-', '_');
    }

    private void assertRefused(String... settings) throws Exception {
        String[] names = Stream.of(settings)
                .flatMap(setting -> Stream.of("csv-import." + setting, variable(setting)))
                .toArray(String[]::new);
        assertRefused(product.start(), names);
    }

    private void assertRefused(Distribution process, String... names) throws Exception {
        product.awaitUntil("an end, or a start", () -> !process.process().isAlive() || product.isReady());
        assertFalse(process.process().isAlive(), () -> "It started: " + product.output());
        assertNotEquals(0, process.exitStatus());
        String said = product.output();
        assertAll(
                () -> assertTrue(
                        Stream.of(names).allMatch(said::contains),
                        () -> "Not all of " + List.of(names) + " in: " + said),
                () -> assertFalse(said.contains("\tat "), said),
                () -> assertFalse(said.contains(SECRET), said));
    }
}
