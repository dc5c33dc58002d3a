package io.csvimport.operations;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.csvimport.Installation;
import io.csvimport.Manual;
import io.csvimport.sandbox.SandboxFault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** What Prometheus reads after an import, a rejection, and beside a file that waits. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class MetricsTest {

    private static final Path OBSERVABILITY = Path.of("src/main/observability");

    private Installation product;
    private long bytes;

    @BeforeAll
    void importSomeFiles(@TempDir Path directory) throws Exception {
        product = new Installation(directory)
                .withRoutes()
                .with("CSV_IMPORT_TRACK_ENABLED", "false")
                // nothing takes the audit events
                .with("CSV_IMPORT_AUDIT_URI", "file:" + Files.createFile(directory.resolve("no-folder")) + "/events");
        product.write("routes/expectations/people.yaml", "- { template: People, due: '0 0 6 1 1 ?' }\n");
        product.start();
        product.awaitReady();
        product.drop("inbox/People/people.csv");
        product.awaitFile("inbox/People/.imported/people.csv");
        bytes = Files.size(product.path("inbox/People/.imported/people.csv"));
        product.write("inbox/empty.csv", "");
        product.awaitFile("inbox/.rejected/empty.csv");
        product.sandbox().failVoid(SandboxFault.status(503));
        Operator operator = new Operator(product.managementPort());
        assertEquals(
                202,
                operator.call(
                                "DELETE",
                                "/csv-imports/"
                                        + product.sandbox().imports().get(0).id(),
                                new byte[0])
                        .status());
        product.sandbox().failAll(SandboxFault.status(503, false, Map.of("Retry-After", "600")));
        product.drop("inbox/People/waits.csv");
        product.awaitUntil("a file that waits", () -> metric("csv_import_open_files{state=\"waiting\"}") == 1);
    }

    @AfterAll
    void stop() {
        product.close();
    }

    private String scrape() throws IOException, InterruptedException {
        return product.get("/observe/metrics").body();
    }

    private double metric(String name) throws IOException, InterruptedException {
        return scrape().lines()
                .filter(line -> line.startsWith(name + " "))
                .mapToDouble(line -> Double.parseDouble(line.substring(name.length() + 1)))
                .findFirst()
                .orElse(-1);
    }

    @Test
    void filesAreCountedByOutcomeAndSource() throws Exception {
        assertAll(
                () -> assertEquals(1, metric("csv_import_files_total{from=\"file\",outcome=\"accepted\"}")),
                () -> assertEquals(1, metric("csv_import_files_total{from=\"file\",outcome=\"rejected\"}")),
                () -> assertEquals(0, metric("csv_import_files_total{from=\"file\",outcome=\"held\"}")),
                () -> assertEquals(bytes, metric("csv_import_uploaded_bytes_total")));
    }

    @Test
    void uploadsAreTimedAndRequestsCountedByStatus() throws Exception {
        assertAll(
                () -> assertEquals(1, metric("csv_import_upload_seconds_count")),
                () -> assertEquals(1, metric("csv_import_upload_seconds_bucket{le=\"900.0\"}")),
                () -> assertTrue(metric("csv_import_upload_seconds_sum") > 0),
                () -> assertEquals(1, metric("csv_import_api_requests_total{operation=\"upload\",status=\"202\"}")),
                () -> assertEquals(1, metric("csv_import_api_requests_total{operation=\"upload\",status=\"503\"}")));
    }

    @Test
    void whatWaitsHasAnAge() throws Exception {
        assertAll(
                () -> assertEquals(0, metric("csv_import_open_files{state=\"held\"}")),
                () -> assertEquals(1, metric("csv_import_open_files{state=\"voiding\"}")),
                () -> assertTrue(metric("csv_import_api_requests_total{operation=\"void\",status=\"503\"}") > 0),
                () -> assertTrue(metric("csv_import_open_files_age_seconds") > 0),
                () -> assertTrue(metric("csv_import_data_dir_free_bytes") > 0),
                () -> assertEquals(1, metric("csv_import_ready")));
        product.awaitUntil("the outbox", () -> metric("csv_import_outbox_events") == 2);
        assertTrue(metric("csv_import_outbox_events_age_seconds") > 0);
    }

    @Test
    void whatIsExpectedIsCountedByTemplateAndState() throws Exception {
        String name = "csv_import_expectations{state=\"%s\",template=\"%s\"}";
        product.awaitUntil(
                "what is expected each year",
                () -> metric(name.formatted("awaited", "People")) + metric(name.formatted("arrived", "People")) == 1);
        for (String state : List.of("late", "missing", "suspicious")) {
            assertEquals(0, metric(name.formatted(state, "People")));
        }
        product.write("routes/expectations/courses.yaml", "- { template: Courses, due: '0 0 6 1 1 ?' }\n");
        product.awaitUntil("another template", () -> metric(name.formatted("awaited", "Courses")) == 1);
        Files.delete(product.path("routes/expectations/courses.yaml"));
        product.awaitUntil("its end", () -> metric(name.formatted("awaited", "Courses")) == -1);
    }

    @Test
    @Tag("long")
    void whatIsHeldForItsContentHasNotArrived() throws Exception {
        String name = "csv_import_expectations{state=\"%s\",template=\"Members\"}";
        product.write("routes/expectations/members.yaml", "- { template: Members, header: [id], otherwise: hold }\n");
        product.awaitUntil("what is expected", () -> metric(name.formatted("awaited")) == 1);
        product.drop("inbox/Members/members.csv", "name\nAnna\n");
        product.awaitUntil("what is not as expected", () -> metric(name.formatted("suspicious")) == 1);
        assertEquals(1, metric(name.formatted("awaited")));
        assertEquals(0, metric(name.formatted("arrived")));
        Files.delete(product.path("routes/expectations/members.yaml"));
        Files.delete(product.path("inbox/Members/members.csv"));
        product.awaitUntil("its end", () -> metric(name.formatted("awaited")) == -1);
        product.awaitUntil("no held file", () -> metric("csv_import_open_files{state=\"held\"}") == 0);
    }

    @Test
    void theDashboardAndTheAlertsNameMetricsThatAreThere() throws Exception {
        Set<String> served = scrape().lines()
                .filter(line -> !line.startsWith("#"))
                .map(line -> line.replaceFirst("[{ ].*", ""))
                .collect(Collectors.toCollection(TreeSet::new));
        try (Stream<Path> files = Files.list(OBSERVABILITY)) {
            for (Path file : files.toList()) {
                Set<String> named = named(Files.readString(file));
                assertFalse(named.isEmpty(), file.toString());
                named.removeAll(served);
                assertEquals(Set.of(), named, file.toString());
            }
        }
    }

    @Test
    void theManualNamesEveryMetricOfTheProduct() throws Exception {
        Set<String> served = named(scrape());
        served.removeIf(name -> name.matches(".*_seconds_(bucket|count|sum|max)|jvm_.*|process_.*"));
        served.add("csv_import_upload_seconds");
        Set<String> table = named(
                Manual.lines().filter(line -> line.startsWith("| `csv_import_")).collect(Collectors.joining("\n")));
        assertEquals(served, table);
    }

    private static Set<String> named(String text) {
        return Pattern.compile("\\b(csv_import|jvm|process)_[a-z_]+\\b")
                .matcher(text.replaceAll("(?m)^# (HELP|TYPE) .*$", ""))
                .results()
                .map(match -> match.group())
                .collect(Collectors.toCollection(TreeSet::new));
    }
}
