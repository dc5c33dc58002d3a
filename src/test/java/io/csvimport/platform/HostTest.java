package io.csvimport.platform;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.csvimport.CsvImportTestSupport;
import io.csvimport.Distribution;
import io.csvimport.Installation;
import io.csvimport.operations.Operator;
import io.csvimport.sandbox.SandboxFault;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The module in applications that are built and started as their users would. */
@Tag("long")
class HostTest {

    /** What is said of settings that are wrong. */
    private static final List<String> LINES =
            List.of("api.url (CSV_IMPORT_API_URL) is 'nowhere'", "api.urll (", "parallel (");

    @TempDir
    private Path home;

    private Installation host() throws Exception {
        Installation host = new Installation(home, "key", "pa{{ss}}%25");
        return host.with("API_URL", host.sandbox().url())
                .with("API_SECRET", "pa{{ss}}%25")
                .with("SERVER_PORT", String.valueOf(host.managementPort()))
                .without("CSV_IMPORT_API_URL")
                .without("CSV_IMPORT_API_ORGANIZATION")
                .without("CSV_IMPORT_API_KEY")
                .without("CSV_IMPORT_API_SECRET")
                .without("CSV_IMPORT_FILE_QUIET");
    }

    private static JsonNode health(Installation host, String path) throws Exception {
        return CsvImportTestSupport.JSON.readTree(
                host.get("/actuator/health" + path).body());
    }

    /** The inbox, the feed and the route of the host. */
    private static void assertImports(Installation host) throws Exception {
        host.drop("inbox/People/one.csv");
        host.drop("hr/two.csv");
        host.awaitFile("inbox/People/.imported/one.csv");
        host.awaitFile("hr/.imported/two.csv");
        assertEquals("People", host.awaitImport("two.csv").template());
        host.awaitFile("orders.txt");
    }

    private static void refuseTheCredential(Installation host) throws IOException {
        host.sandbox().failAll(SandboxFault.status(401));
        host.sandbox().failList(SandboxFault.status(401));
        host.drop("inbox/People/three.csv");
    }

    /** An upload hangs, and the host is told to end; Camel's own timeout is 45 seconds. */
    private static void assertStops(Installation host, Distribution process) throws Exception {
        host.sandbox().failAll(SandboxFault.hang(false));
        int before = host.uploads().size();
        host.drop("inbox/People/hangs.csv");
        host.awaitUntil("the upload", () -> host.uploads().size() > before);
        process.process().destroy();
        assertTrue(process.process().waitFor(20, TimeUnit.SECONDS), host::output);
    }

    /** Each problem is a line of its own, and none is hidden in a stack trace. */
    private static void assertRefuses(Installation host, Distribution process, int times) throws Exception {
        assertNotEquals(0, process.exitStatus());
        String said = host.output();
        for (String line : LINES) {
            assertEquals(
                    times,
                    said.lines()
                            .filter(any -> any.contains("csv-import." + line))
                            .count(),
                    said);
        }
        assertFalse(said.contains("\tat "), said);
        assertFalse(Files.exists(host.path("data")));
    }

    @Test
    void springBootImportsFromTheInboxAndFromItsOwnFeedAndStops() throws Exception {
        Path jar = HostRig.build("spring-boot", "spring-boot").resolve("target/orders-1.0.0.jar");
        try (Installation host = host()) {
            Distribution process = host.startHost(List.of("-XX:TieredStopAtLevel=1", "-jar", jar.toString()));
            assertImports(host);
            host.awaitUntil("its port", () -> host.isReady("/actuator/health"));
            assertEquals(
                    "UP", health(host, "").at("/components/csv-import/status").asText());
            assertTrue(host.get("/actuator/prometheus").body().contains("csv_import_"));
            assertEquals("[ORDERS] 1", host.get("/tables").body());
            // as Logback prints it, which is Spring Boot's own back end
            assertTrue(
                    host.output().contains(" csv-import                               : one.csv: accepted"),
                    host::output);

            refuseTheCredential(host);
            host.awaitUntil("health", () -> health(host, "/csv-import")
                    .at("/details/reasons")
                    .asText()
                    .contains("401"));
            assertEquals("DOWN", health(host, "/csv-import").at("/status").asText());
            assertEquals(200, host.get("/actuator/health/readiness").statusCode());
            assertEquals(200, host.get("/actuator/health/liveness").statusCode());
            host.sandbox().failAll(SandboxFault.none());
            host.sandbox().failList(SandboxFault.none());
            host.awaitFile("inbox/People/.imported/three.csv");
            assertStops(host, process);
        }
    }

    @Test
    void springBootNamesEverySettingThatIsWrongWithoutAStackTrace() throws Exception {
        Path jar = HostRig.build("spring-boot", "spring-boot").resolve("target/orders-1.0.0.jar");
        try (Installation host = host()) {
            host.with("CSV_IMPORT_API_URL", "nowhere");
            Distribution process = host.startHost(List.of(
                    "-XX:TieredStopAtLevel=1",
                    "-jar",
                    jar.toString(),
                    "--csvImport.api.urll=x",
                    "--csv-import.parallel=0"));
            // Spring's own line, and the one of its failure analysis
            assertRefuses(host, process, 2);
        }
    }

    @Test
    void aSpringBootApplicationGrowsByNoMoreThan25Megabytes() throws Exception {
        long with = Files.size(HostRig.build("spring-boot", "spring-boot").resolve("target/orders-1.0.0.jar"));
        long without = Files.size(HostRig.build("spring-boot", "spring-boot-alone", "-Dwithout.csv-import")
                .resolve("target/orders-1.0.0.jar"));
        assertTrue(with - without < 25_000_000, (with - without) + " bytes");
    }

    /** Camel Main, whose settings that differ are in its environment. */
    private Installation camelHost() throws Exception {
        Installation host = host();
        return host.with("CSV_IMPORT_API_URL", host.sandbox().url()).with("CSV_IMPORT_API_SECRET", "pa{{ss}}%25");
    }

    /** The one check of the module, among those of Camel. */
    private static JsonNode check(Installation host) throws Exception {
        JsonNode checks = CsvImportTestSupport.JSON
                .readTree(host.get("/observe/health").body())
                .at("/checks");
        List<JsonNode> own = new ArrayList<>();
        checks.forEach(check -> own.add(check));
        own.removeIf(check -> !check.path("name").asText().contains("csv-import"));
        assertEquals(1, own.size(), checks::toString);
        return own.get(0);
    }

    /** What the HTTP server of the host shows. */
    private static void assertShows(Installation host) throws Exception {
        assertEquals("ready", host.get("/orders").body());
        host.awaitUntil("health", () -> check(host).path("status").asText().equals("UP"));
        assertTrue(host.get("/observe/metrics").body().contains("csv_import_"));
    }

    @Test
    void camelMainImportsFromTheInboxAndFromItsOwnFeedAndStops() throws Exception {
        Path jar = HostRig.build("camel-main", "camel-main").resolve("target/orders-1.0.0.jar");
        try (Installation host = camelHost()) {
            Distribution process = host.startHost(List.of("-XX:TieredStopAtLevel=1", "-jar", jar.toString()));
            assertImports(host);
            assertShows(host);
            assertTrue(host.output().contains("[orders] The orders are ready"), host::output);
            assertTrue(host.output().contains("[csv-import] "), host::output);

            refuseTheCredential(host);
            host.awaitUntil("health", () -> check(host).toString().contains("401"));
            assertEquals("DOWN", check(host).path("status").asText());
            assertEquals(200, host.get("/observe/health/ready").statusCode());
            assertEquals(200, host.get("/observe/health/live").statusCode());
            assertStops(host, process);
        }
    }

    @Test
    void camelMainNamesEverySettingThatIsWrongWithoutAStackTrace() throws Exception {
        Path jar = HostRig.build("camel-main", "camel-main").resolve("target/orders-1.0.0.jar");
        try (Installation host = camelHost()) {
            host.with("CSV_IMPORT_API_URL", "nowhere");
            Distribution process = host.startHost(List.of(
                    "-XX:TieredStopAtLevel=1",
                    "-Dcsv-import.api.urll=x",
                    "-Dcsv-import.parallel=0",
                    "-jar",
                    jar.toString()));
            assertRefuses(host, process, 1);
        }
    }

    /** The module is the first dependency, and so the first in the class path. */
    @Test
    void springBootServesTheOperationsBehindItsOwnSecurityAndKeepsItsOwnMigrationAndQueue() throws Exception {
        Path jar = HostRig.build("spring-boot-operations", "spring-boot-operations")
                .resolve("target/orders-1.0.0.jar");
        try (Installation host = host()) {
            host.startHost(List.of("-XX:TieredStopAtLevel=1", "-jar", jar.toString()));
            host.drop("inbox/People/one.csv");
            host.awaitFile("inbox/People/.imported/one.csv");

            Operator nobody = new Operator(host.managementPort());
            assertEquals(401, nobody.get("/csv-imports").status());
            assertEquals(401, nobody.post("/csv-imports?template=Posted").status());
            Operator operator = nobody.as("operator", "operator");
            byte[] csv = "Näme;a=b&c=%41\r\nÄnna;\r\n".getBytes(StandardCharsets.ISO_8859_1);
            String path = "/csv-imports?template=Posted&fileName=posted.csv";
            Operator.Answer taken = operator.call("POST", path, csv, "Content-Type", "text/csv");
            assertEquals(202, taken.status(), taken.http().body());
            assertEquals("Posted", host.awaitImport("posted.csv").template());
            String job = "/csv-imports/" + taken.text("job");
            host.awaitUntil("its outcome", () -> operator.get(job).text("state").equals("accepted"));
            assertEquals(2, operator.get("/csv-imports").json().path("count").asInt());
            assertEquals(200, operator.call("DELETE", job, new byte[0]).status());
            assertEquals("voided", operator.get(job).text("state"));
            // a servlet container reads a form itself
            String form = "multipart/form-data; boundary=-";
            assertEquals(
                    415, operator.call("POST", path, csv, "Content-Type", form).status());
            byte[] large = new byte[(10 << 20) + 1];
            assertEquals(
                    413,
                    operator.call("POST", path, large, "Content-Type", "text/csv")
                            .status());
            assertEquals(2, host.uploads().size());

            // the desk: a form's token is in its cookie, too
            String cookie = operator.get("/desk").header("Set-Cookie").replaceFirst(";.*", "");
            String send = "/desk/send/file?template=Posted&fileName=sent.csv&token=" + cookie.replaceFirst(".*=", "");
            assertEquals(
                    303,
                    operator.call("POST", send, "a,b\n1,2\n".getBytes(), "Content-Type", "text/csv", "Cookie", cookie)
                            .status());
            host.awaitImport("sent.csv");
            assertEquals(
                    415,
                    operator.call("POST", send, csv, "Content-Type", form, "Cookie", cookie)
                            .status());
            assertEquals(401, nobody.get("/desk").status());

            JsonNode health = operator.get("/actuator/health").json();
            for (String component : List.of("csv-import", "db", "jms")) {
                assertEquals(
                        "UP", health.at("/components/" + component + "/status").asText(), health::toString);
            }
            assertEquals(200, operator.get("/order?id=2").status());
            host.awaitUntil(
                    "the order",
                    () -> operator.get("/tables").http().body().equals("[ORDERS, flyway_schema_history] 2"));
        }
    }

    @Test
    void quarkusImportsFromTheInboxAndFromItsOwnFeedAndStops() throws Exception {
        Path jar = HostRig.build("quarkus", "quarkus", "-Pspring").resolve("target/quarkus-app/quarkus-run.jar");
        try (Installation host = host()) {
            Distribution process = host.startHost(List.of("-XX:TieredStopAtLevel=1", "-jar", jar.toString()));
            assertImports(host);
            // Quarkus opens its port when its routes run
            host.awaitUntil("its port", () -> host.isReady("/q/health"));
            JsonNode up =
                    CsvImportTestSupport.JSON.readTree(host.get("/q/health").body());
            assertEquals("csv-import", up.at("/checks/0/name").asText(), up::toString);
            assertEquals("UP", up.at("/checks/0/status").asText(), up::toString);
            assertTrue(host.get("/q/metrics").body().contains("csv_import_"));
            assertTrue(host.output().contains(" [csv-import] "), host::output);

            refuseTheCredential(host);
            host.awaitUntil("health", () -> CsvImportTestSupport.JSON
                    .readTree(host.get("/q/health/well").body())
                    .at("/checks/0/data/reasons")
                    .asText()
                    .contains("401"));
            assertEquals(503, host.get("/q/health").statusCode());
            assertEquals(200, host.get("/q/health/ready").statusCode());
            assertEquals(200, host.get("/q/health/live").statusCode());
            host.sandbox().failAll(SandboxFault.none());
            host.sandbox().failList(SandboxFault.none());
            host.awaitFile("inbox/People/.imported/three.csv");
            assertStops(host, process);
        }
    }

    @Test
    void quarkusNamesEverySettingThatIsWrong() throws Exception {
        Path jar = HostRig.build("quarkus", "quarkus", "-Pspring").resolve("target/quarkus-app/quarkus-run.jar");
        try (Installation host = host()) {
            host.with("CSV_IMPORT_API_URL", "nowhere");
            Distribution process = host.startHost(List.of(
                    "-XX:TieredStopAtLevel=1",
                    "-Dcsv-import.api.urll=x",
                    "-Dcsv-import.parallel=0",
                    "-jar",
                    jar.toString()));
            assertNotEquals(0, process.exitStatus());
            String said = host.output();
            // Quarkus adds a stack trace of its own
            String first = said.substring(0, said.indexOf("\tat "));
            for (String line : LINES) {
                assertTrue(first.contains("\n  csv-import." + line), said);
            }
            assertFalse(said.contains("\tat io.csvimport"), said);
            assertFalse(Files.exists(host.path("data")));
        }
    }

    @Test
    void springBootSaysWhyALedgerIsRefusedWithoutAStackTrace() throws Exception {
        Path jar = HostRig.build("spring-boot", "spring-boot").resolve("target/orders-1.0.0.jar");
        List<String> start = List.of("-XX:TieredStopAtLevel=1", "-jar", jar.toString());
        try (Installation host = host()) {
            host.write("data/audit/csv-import-audit.jsonl", "{}\n");
            assertNotEquals(0, host.startHost(start).exitStatus());
            assertTrue(host.output().contains("tells of earlier imports"), host::output);
            try (FileChannel lock = FileChannel.open(
                    host.path("data/csv-import-ledger.lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
                lock.lock();
                assertNotEquals(0, host.startHost(start).exitStatus());
            }
            assertTrue(host.output().contains("Another process works on the data dir"), host::output);
            assertFalse(host.output().contains("\tat "), host::output);
        }
    }

    /** The program {@code camel}, with the files of {@code src/it/camel-main} in its working directory. */
    private static Distribution camel(Installation host, List<String> javaOptions, String... arguments)
            throws Exception {
        Path cli = HostRig.build("camel-cli", "camel-cli").resolve("target/camel-cli-1.0.0.jar");
        Path files = Path.of("src/it/camel-main/src/main/resources");
        host.write("orders.camel.yaml", Files.readString(files.resolve("camel/orders.camel.yaml")));
        host.write("application.properties", Files.readString(files.resolve("application.properties")));
        List<String> command = new ArrayList<>(List.of("-XX:TieredStopAtLevel=1"));
        command.addAll(javaOptions);
        command.addAll(List.of(
                "-Dmaven.repo.local=" + HostRig.REPOSITORY, "-Duser.home=" + host.path("."), "-jar", cli.toString()));
        command.addAll(List.of(arguments));
        command.addAll(List.of(
                "orders.camel.yaml", "application.properties", "--dep=io.csvimport:csv-import-routes:0.1.0-SNAPSHOT"));
        return host.startHost(command);
    }

    private static Distribution camelRun(Installation host, String... javaOptions) throws Exception {
        return camel(host, List.of(javaOptions), "run", "--health", "--metrics");
    }

    @Test
    void theCamelCliImportsFromTheInboxAndFromItsOwnFeedAndStops() throws Exception {
        try (Installation host = camelHost()) {
            Distribution process = camelRun(host);
            assertImports(host);
            assertShows(host);
            assertStops(host, process);
        }
    }

    @Test
    void theCamelCliNamesEverySettingThatIsWrongWithoutAStackTrace() throws Exception {
        try (Installation host = camelHost()) {
            host.with("CSV_IMPORT_API_URL", "nowhere");
            assertRefuses(host, camelRun(host, "-Dcsv-import.api.urll=x", "-Dcsv-import.parallel=0"), 1);
        }
    }

    @Test
    void theCamelCliExportsAnApplicationWithoutTheSecretsThatItRunsWith() throws Exception {
        try (Installation host = camelHost()) {
            host.without("CSV_IMPORT_API_URL").without("CSV_IMPORT_API_SECRET");
            host.drop("inbox/People/one.csv");
            Distribution export = camel(
                    host,
                    List.of(),
                    "export",
                    "--runtime=camel-main",
                    "--gav=com.example:orders:1.0.0",
                    "--dir=exported",
                    "--java-version=17",
                    "--camel-version=4.18.0",
                    "--kamelets-version=4.18.0");
            assertEquals(0, export.exitStatus(), host::output);
            assertFalse(Files.exists(host.path("data")));
            HostRig.maven(host.path("exported"), List.of("package"));

            host.with("CSV_IMPORT_API_URL", host.sandbox().url()).with("CSV_IMPORT_API_SECRET", "pa{{ss}}%25");
            Distribution process = host.startHost(List.of(
                    "-XX:TieredStopAtLevel=1",
                    // the export has switched it on
                    "-Dcamel.server.enabled=false",
                    "-jar",
                    host.path("exported/target/orders-1.0.0.jar").toString()));
            assertImports(host);
            assertShows(host);
            assertStops(host, process);
        }
    }
}
