package io.csvimport.platform;

import static io.csvimport.CsvImportTestSupport.awaitIn;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.csvimport.sandbox.Sandbox;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import org.apache.camel.CamelContext;
import org.apache.camel.Endpoint;
import org.apache.camel.ProducerTemplate;
import org.apache.camel.Route;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.main.Main;
import org.apache.camel.support.DefaultComponent;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The module in the Camel contexts of another application, which has a route of its own. */
class HostContextTest {

    @TempDir
    private Path home;

    private final MeterRegistry meters = new SimpleMeterRegistry();

    private Sandbox sandbox;

    @BeforeEach
    void startSandbox() {
        sandbox = Sandbox.start(0, "5664", "key", "pa{{ss}}%25", Set.of());
    }

    @AfterEach
    void closeSandbox() {
        sandbox.close();
    }

    /** As a component of which a library is missing: its class is there, and cannot be linked. */
    private static final class HalfThere extends DefaultComponent {
        @Override
        protected Endpoint createEndpoint(String uri, String rest, Map<String, Object> parameters) {
            throw new NoClassDefFoundError("org/example/Missing");
        }
    }

    private Main host(String... settings) throws Exception {
        Properties given = new Properties();
        given.setProperty("csv-import.api.url", sandbox.url());
        given.setProperty("csv-import.api.organization", "5664");
        given.setProperty("csv-import.api.key", "key");
        given.setProperty("csv-import.api.secret", "pa{{ss}}%25");
        given.setProperty("csv-import.data-dir", home.resolve("data").toString());
        given.setProperty("csv-import.file.directory", home.resolve("inbox").toString());
        given.setProperty("csv-import.file.quiet", "PT0S");
        for (String setting : settings) {
            given.setProperty(setting.split("=")[0], setting.split("=")[1]);
        }
        Main main = new Main();
        main.setPropertyPlaceholderLocations("false");
        main.setOverrideProperties(given);
        main.bind("meters", meters);
        main.configure()
                .withBasePackageScanEnabled(false)
                .withRoutesIncludePattern("false")
                .addRoutesBuilder(new RouteBuilder() {
                    @Override
                    public void configure() {
                        from("direct:host").routeId("host").setBody(constant("answer"));
                    }
                });
        main.bind("half-there", new HalfThere());
        main.start();
        return main;
    }

    private static void assertHostWorks(Main main) throws Exception {
        try (ProducerTemplate template = main.getCamelContext().createProducerTemplate()) {
            assertEquals("answer", template.requestBody("direct:host", "question"));
        }
    }

    private Path drop(String name) throws Exception {
        Path folder = Files.createDirectories(home.resolve("inbox/People"));
        Path part = Files.writeString(home.resolve("arriving.part"), "a,b\n1," + name + "\n");
        return Files.move(part, folder.resolve(name), StandardCopyOption.ATOMIC_MOVE);
    }

    private static long routes(CamelContext context) {
        return context.getRoutes().stream()
                .filter(route -> route.getId().startsWith("csv-import"))
                .count();
    }

    @Test
    void itRunsInTheFirstContextThatStartsAndLeavesTheOthersAlone() throws Exception {
        Path first = drop("first.csv");
        Path second;
        Main one = host();
        Main two = host();
        try {
            assertHostWorks(two);
            assertEquals(0, routes(two.getCamelContext()));
            awaitIn(".imported", first);
            second = drop("second.csv");
            awaitIn(".imported", second);
        } finally {
            two.stop();
            one.stop();
        }
        // the first has left, and the next one takes over
        Main three = host();
        try {
            awaitIn(".imported", drop("third.csv"));
            assertEquals(1, meters.get("csv.import.ready").gauge().value());
        } finally {
            three.stop();
        }
        assertEquals(3, sandbox.imports().size());
    }

    @Test
    @Tag("long")
    void whatIsExpectedIsLiveAndToldHereToo() throws Exception {
        Path events = home.resolve("data/audit/csv-import-audit.jsonl");
        Path expectations = Files.createDirectories(home.resolve("routes/expectations"));
        Main main = host("csv-import.routes=" + home.resolve("routes"));
        try {
            // each second an import is due
            Files.writeString(
                    expectations.resolve("people.yaml"), "- { template: People, due: '* * * * * ?', grace: PT1H }");
            Awaitility.await()
                    .atMost(Duration.ofSeconds(30))
                    .until(() ->
                            Files.exists(events) && Files.readString(events).contains("\"type\":\"csv-import.late\""));
            assertEquals(1, expectationsOfPeople("late"));
            drop("people.csv");
            Awaitility.await().atMost(Duration.ofSeconds(30)).until(() -> Files.readString(events)
                    .contains("\"type\":\"csv-import.arrived\""));
            assertTrue(Files.readString(events).lines().noneMatch(line -> line.contains("csv-import.missing")));
        } finally {
            main.stop();
        }
        assertNull(meters.find("csv.import.expectations").gauge());
    }

    private double expectationsOfPeople(String state) {
        return meters.get("csv.import.expectations")
                .tags("template", "People", "state", state)
                .gauge()
                .value();
    }

    @Test
    void everySettingThatIsWrongIsALineOfTheOneExceptionThatEndsTheStart() {
        StartRefusedException refused = assertThrows(
                StartRefusedException.class, () -> host("csv-import.api.url=nowhere", "csv-import.parallel=0"));
        List<String> lines = refused.getMessage().lines().toList();
        assertEquals(3, lines.size(), refused::getMessage);
        assertTrue(lines.get(1).startsWith("  csv-import.api.url (CSV_IMPORT_API_URL) is 'nowhere'"), lines.get(1));
        assertTrue(lines.get(2).startsWith("  csv-import.parallel (CSV_IMPORT_PARALLEL) is '0'"), lines.get(2));
        assertEquals(0, refused.getStackTrace().length);
        assertFalse(Files.exists(home.resolve("data")));
    }

    @Test
    void itIsSwitchedOffWhole() throws Exception {
        Path file = drop("people.csv");
        Main main = host("csv-import.enabled=false", "csv-import.api.url=wrong");
        try {
            assertHostWorks(main);
            assertEquals(0, routes(main.getCamelContext()));
            assertNull(main.getCamelContext().hasComponent("csv-import-http"));
            assertFalse(Files.exists(home.resolve("data")));
            assertTrue(Files.exists(file));
        } finally {
            main.stop();
        }
    }

    /** The Camel CLI builds such a context to export an application, where its secrets may not be. */
    @Test
    void itDoesNothingInAContextThatStartsNoRoutes() throws Exception {
        Main main = host("camel.main.autoStartup=false", "csv-import.api.url=wrong");
        try {
            assertEquals(0, routes(main.getCamelContext()));
            assertFalse(Files.exists(home.resolve("data")));
        } finally {
            main.stop();
        }
    }

    @Test
    void aFeedOfTheHostOnOneOfTheKameletsIsSwitchedOffToo() throws Exception {
        Path feed = Files.writeString(
                home.resolve("feed.camel.yaml"),
                """
                - route:
                    id: from-hr
                    from:
                      uri: kamelet:csv-import-folder-source
                      parameters:
                        directory: %s
                      steps:
                        - to: direct:csv-import
                """
                        .formatted(home.resolve("hr")));
        Main main = host("csv-import.enabled=false", "camel.main.routesIncludePattern=file:" + feed);
        try {
            assertHostWorks(main);
            assertNull(main.getCamelContext().getRoute("from-hr"));
            assertNotNull(main.getCamelContext().getRoute("host"));
        } finally {
            main.stop();
        }
    }

    @Test
    void aFileOfRoutesThatLacksAClassIsNotUsedAndHarmsNoOther() throws Exception {
        Path routes = Files.createDirectories(home.resolve("routes"));
        Files.writeString(
                routes.resolve("outbox.camel.yaml"),
                """
                - route:
                    id: csv-import-outbox
                    from:
                      uri: half-there:x
                      steps:
                        - log: never
                """);
        Main main = host("csv-import.routes=" + routes);
        try {
            assertHostWorks(main);
            Route outbox = main.getCamelContext().getRoute("csv-import-outbox");
            assertTrue(outbox.getEndpoint().getEndpointUri().startsWith("scheduler:"));
            awaitIn(".imported", drop("people.csv"));
        } finally {
            main.stop();
        }
    }
}
