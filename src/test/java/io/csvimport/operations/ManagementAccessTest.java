package io.csvimport.operations;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.csvimport.Installation;
import io.csvimport.operations.Operator.Answer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Who may use the management port: beyond the loopback interface only who has the credential. */
class ManagementAccessTest {

    private static final String PASSWORD = "s%25écret: {{x}}";
    private static final List<String> GUARDED = List.of(
            "/csv-imports",
            "/csv-imports/1",
            "/openapi.json",
            "/",
            "/other",
            "/observe/jolokia",
            "//csv-imports",
            "/%63sv-imports",
            "/observe/health/../../csv-imports",
            "/observe/health/%2e%2e/%2e%2e/csv-imports",
            "/observe/metrics;/../../csv-imports");
    private static final List<String> OPEN =
            List.of("/observe/health", "/observe/health/live", "/observe/health/ready", "/observe/metrics");

    @TempDir
    Path directory;

    private Installation product;
    private Operator operator;

    @BeforeEach
    void install() throws IOException {
        product = new Installation(directory);
        operator = new Operator(product.managementPort());
    }

    @AfterEach
    void uninstall() {
        product.close();
    }

    @Test
    void withoutACredentialOnlyHealthAndMetricsAreServedBeyondTheLoopbackInterface() throws Exception {
        product.with("CSV_IMPORT_MANAGEMENT_HOST", "0.0.0.0").start();
        product.awaitReady();
        for (String path : GUARDED) {
            for (Answer answer : List.of(
                    operator.get(path),
                    operator.as("", "").get(path),
                    operator.call("POST", path, new byte[] {'a'}),
                    operator.call("DELETE", path, new byte[0]))) {
                assertEquals(403, answer.status(), path);
                assertEquals("application/problem+json", answer.header("Content-Type"));
                assertTrue(answer.text("detail").contains("csv-import.management.password"), answer.text("detail"));
            }
        }
        assertOpen();
        assertEquals(0, product.uploads().size());
    }

    @ParameterizedTest
    @ValueSource(strings = {"0.0.0.0", "127.0.0.1"})
    void theCredentialIsAskedForWhereverItIsSet(String host) throws Exception {
        product.with("CSV_IMPORT_MANAGEMENT_HOST", host)
                .with("CSV_IMPORT_MANAGEMENT_USERNAME", "operator")
                .with("CSV_IMPORT_MANAGEMENT_PASSWORD", PASSWORD)
                .start();
        product.awaitReady();
        for (String path : GUARDED) {
            for (Answer answer : List.of(
                    operator.get(path),
                    operator.as("operator", "wrong").get(path),
                    operator.as("other", PASSWORD).get(path),
                    operator.as("operator", "").get(path),
                    operator.get(path, "Authorization", "Basic ?"),
                    operator.get(path, "Authorization", "Bearer " + PASSWORD.length()),
                    operator.post(path))) {
                assertEquals(401, answer.status(), path);
                assertTrue(answer.header("WWW-Authenticate").startsWith("Basic realm="));
                assertEquals("application/problem+json", answer.header("Content-Type"));
            }
        }
        Operator known = operator.as("operator", PASSWORD);
        Answer taken = known.call("POST", "/csv-imports?template=People&fileName=people.csv", new byte[] {'a'});
        assertAll(
                () -> assertEquals(200, known.get("/csv-imports").status()),
                () -> assertEquals(200, known.get("/openapi.json").status()),
                () -> assertEquals(202, taken.status(), taken.http().body()));
        product.awaitImport("people.csv");
        assertOpen();
        assertFalse(product.output().contains(PASSWORD), product.output());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "/x"})
    void aServerOfTheUsersOwnGivesNoWayAroundTheGuard(String base) throws Exception {
        int port = Installation.freePort();
        product.write(
                "application.properties",
                "camel.server.enabled=true\ncamel.server.host=0.0.0.0\ncamel.server.port=" + port
                        + "\ncamel.server.path=" + base + "/\n");
        product.start();
        product.awaitReady();
        Operator outside = new Operator(port);
        for (String path :
                List.of("/csv-imports", "/csv-imports/1", "//csv-imports", "/%63sv-imports", "/openapi.json")) {
            assertNotEquals(200, outside.get(base + path).status(), path);
            assertNotEquals(200, outside.get(path).status(), path);
        }
        assertEquals(404, outside.get("/other").status());
    }

    @Test
    void theCallsAreEditedWhileItRunsAndArePackagedOnesAgain() throws Exception {
        product.withRoutes().start();
        product.awaitReady();
        String file = "routes/operations/csv-import-jobs-retry.camel.yaml";
        String calls = Installation.packagedRoute("operations/csv-import-jobs-retry");
        product.write(file, calls.replace("/{id}/retry", "/{id}/again"));
        product.awaitUntil(
                "the edited call",
                () -> operator.post("/csv-imports/1/again").status() == 404
                        && operator.post("/csv-imports/1/again").text("detail").contains("ledger"));
        assertEquals(200, operator.get("/csv-imports").status());

        product.write(file, calls.replace("    from:", "    form:"));
        product.awaitUntil("the refusal", () -> product.output().contains(file + " is not used"));
        assertEquals(200, operator.get("/csv-imports").status());

        Files.delete(product.path(file));
        product.awaitUntil(
                "the packaged calls",
                () -> operator.post("/csv-imports/1/retry").text("detail").contains("ledger"));
        assertOpen();
    }

    private void assertOpen() throws Exception {
        for (String path : OPEN) {
            assertEquals(200, operator.get(path).status(), path);
        }
    }
}
