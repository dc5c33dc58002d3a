package io.csvimport;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.stream.Collectors.toCollection;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.csvimport.platform.CsvImportPlugin;
import io.csvimport.settings.Settings;
import java.io.IOException;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.apache.camel.CamelContext;
import org.apache.camel.Route;
import org.apache.camel.main.BaseMainSupport;
import org.apache.camel.main.Main;
import org.apache.camel.main.MainListenerSupport;
import org.apache.camel.spi.PackageScanResourceResolver;
import org.apache.camel.support.scan.DefaultPackageScanResourceResolver;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** What holds for every route, Kamelet and setting, and what a missing direct: or a forgotten setting would break late. */
class ConventionsTest {

    private static final Path ROUTES = Path.of("routes");
    private static final Path KAMELETS = Path.of("src/main/resources/kamelets");
    private static final Path POM = Path.of("pom.xml");
    private static final Path DEFAULTS = Path.of("src/main/resources/META-INF/csv-import/defaults.properties");
    private static final Path OPENAPI = Path.of("src/main/resources/META-INF/csv-import/openapi.json");
    private static final Path JAR = Distribution.routes().resolveSibling("csv-import-routes.jar");
    private static final String ENDING = ".camel.yaml";

    /** The settings of the contract, with their defaults. */
    private static final String SETTINGS =
            """
            api.url=
            api.organization=
            api.key=
            api.secret=
            api.timeout=PT20M
            api.requests-per-minute=3000
            api.proxy.host=
            api.proxy.port=
            api.proxy.username=
            api.proxy.password=
            api.trust-store=
            api.trust-store-password=
            template=
            notify=
            data-dir=data
            ledger.url=
            ledger.username=
            ledger.password=
            ledger.keep=P2Y
            imported.keep=
            duplicates=skip
            reconcile.wait=PT2M
            reconcile.not-found=upload
            tag-file-name=false
            max-attempts=5
            max-size=10GB
            parallel=4
            order=template
            file.enabled=true
            file.directory=inbox
            file.quiet=PT2S
            file.quiet-after-growth=PT5S
            file.quiet-empty=PT1M
            sftp.enabled=false
            sftp.host=
            sftp.port=22
            sftp.username=
            sftp.password=
            sftp.private-key-file=
            sftp.private-key-passphrase=
            sftp.known-hosts-file=
            sftp.directory=inbox
            sftp.read-only=false
            jms.enabled=false
            jms.url=
            jms.username=
            jms.password=
            jms.queue=csv-import
            jms.consumers=1
            preview=off
            track.enabled=true
            track.interval=PT30S
            track.quiet=PT10M
            void.path=csv-import
            routes=
            enabled=true
            audit.uri=bean:csvImportAuditFile
            management.port=9876
            management.host=127.0.0.1
            management.username=
            management.password=
            management.routes=false
            health.grace=PT5M
            log.format=text
            stop.timeout=PT25S
            """;

    /** A file of routes/: its name without the ending, and the one thing that is in it. */
    private record RouteFile(Path path, String stem, String text, String kind, Map<?, ?> content) {

        boolean isRoute() {
            return kind.equals("route");
        }

        boolean consumes(String scheme) {
            return from().get("uri").toString().startsWith(scheme);
        }

        Map<?, ?> from() {
            return (Map<?, ?>) content.get("from");
        }
    }

    /** A step of a route: its kind, as in setHeader, and what it says. */
    private record Step(String kind, Object content) {

        String id() {
            return content instanceof Map<?, ?> map && map.get("id") instanceof String id ? id : "";
        }
    }

    @TempDir
    Path directory;

    // the files

    @TestFactory
    Stream<DynamicTest> everyFileHoldsOneRouteOrOneConfigurationNamedLikeTheFile() {
        return eachFile(file -> {
            assertTrue(Set.of("route", "routeConfiguration").contains(file.kind), file.kind);
            assertEquals(file.stem, file.content.get("id"));
        });
    }

    @Test
    void theOpenApiDocumentDescribesEveryCall() throws IOException {
        Map<String, String> described = new TreeMap<>();
        JsonNode paths = new ObjectMapper().readTree(read(OPENAPI)).path("paths");
        paths.properties().forEach(path -> path.getValue()
                .properties()
                .forEach(call -> described.put(
                        call.getValue().path("operationId").asText(),
                        call.getKey().toUpperCase(Locale.ROOT) + " " + path.getKey())));
        Map<String, String> offered = new TreeMap<>();
        files().stream()
                .filter(file -> file.isRoute() && file.consumes("platform-http:/csv-imports"))
                .forEach(file -> offered.put(
                        file.stem,
                        // HEAD is described by GET
                        ((Map<?, ?>) file.from().get("parameters"))
                                        .get("httpMethodRestrict")
                                        .toString()
                                        .replace(",HEAD", "")
                                + " "
                                + file.from().get("uri").toString().replace("platform-http:", "")));
        assertFalse(offered.isEmpty());
        assertEquals(offered, described);
    }

    @TestFactory
    Stream<DynamicTest> everyRouteThatConsumesDirectIsCalledLikeIt() {
        return eachFile(RouteFile::isRoute, file -> {
            String uri = (String) file.from().get("uri");
            assertTrue(!uri.startsWith("direct:") || uri.equals("direct:" + file.stem), uri);
        });
    }

    @TestFactory
    Stream<DynamicTest> everyRouteHasADescription() {
        return eachFile(file -> {
            assertFalse(String.valueOf(file.content.get("description")).matches("null|\\s*"));
            assertFalse(file.content.get("description").toString().contains("\n"), "one line");
        });
    }

    @TestFactory
    Stream<DynamicTest> everyStepHasAnIdThatIsVerbAndObject() {
        return eachFile(file -> assertEquals(
                List.of(),
                steps(file.content).stream()
                        .filter(step -> !step.id().matches("[a-z]+(-[a-z]+)+"))
                        .toList()));
    }

    @Test
    void everyStepIdIsUniqueAmongAllRoutes() {
        Set<String> seen = new TreeSet<>();
        List<String> twice = files().stream()
                .flatMap(file -> steps(file.content).stream())
                .map(Step::id)
                .filter(id -> !seen.add(id))
                .toList();
        assertEquals(List.of(), twice);
    }

    @TestFactory
    Stream<DynamicTest> everyFileIsShort() {
        return eachFile(file -> {
            long route = file.text
                    .lines()
                    .filter(line -> !line.isBlank() && !line.startsWith("#"))
                    .count();
            assertTrue(file.text.lines().count() <= 60, "a file has at most 60 lines");
            assertTrue(!file.isRoute() || route <= 40, () -> "a route has at most 40 lines, this one has " + route);
            values(file.content, "steps")
                    .forEach(steps -> assertTrue(((List<?>) steps).size() <= 8, "at most 8 steps in a row"));
        });
    }

    @TestFactory
    Stream<DynamicTest> noFileNamesAHostAPortOrACredential() {
        return Stream.concat(files().stream().map(RouteFile::path), kamelets().stream())
                .map(file -> dynamicTest(file.toString(), () -> {
                    String text = read(file);
                    assertEquals(
                            List.of(),
                            found("(?i)https?://|localhost|\\d+\\.\\d+\\.\\d+\\.\\d+|[\\w}]:\\d{2,5}\\b", text));
                    assertEquals(
                            List.of(),
                            found(
                                    "(?im)^[\\s{-]*(password|passphrase|secret|username|key|host|port): *(?!.*(?:\\{\\{|#property:))\\S+.*$",
                                    text));
                }));
    }

    /** Simple reads from left to right: {@code a || b && c} is {@code (a || b) && c}. */
    @Test
    void noConditionHasAnAndBehindAnOr() {
        List<String> texts = Stream.concat(
                        files().stream().map(RouteFile::text),
                        kamelets().stream().map(ConventionsTest::read))
                .toList();
        assertTrue(texts.stream().anyMatch(text -> text.contains(" || ")));
        assertEquals(
                List.of(),
                texts.stream()
                        .flatMap(text -> found("(?m)^.*\\|\\|[^\"]*&&.*$", text).stream())
                        .toList());
    }

    // what refers to what

    @Test
    void everyDirectEndpointThatIsCalledIsConsumed() {
        Set<String> consumed = values(routes(), "from").stream()
                .map(from -> ((Map<?, ?>) from).get("uri").toString())
                .collect(toCollection(TreeSet::new));
        List<String> called = Stream.of("to", "toD", "wireTap", "enrich", "pollEnrich")
                .flatMap(kind -> values(routes(), kind).stream())
                .map(to -> to instanceof Map<?, ?> map ? map.get("uri").toString() : to.toString())
                .filter(uri -> uri.startsWith("direct:"))
                .toList();
        assertFalse(called.isEmpty());
        assertEquals(
                List.of(),
                called.stream().filter(uri -> !consumed.contains(uri)).toList());
    }

    @Test
    void everyRouteConfigurationThatIsNamedExists() {
        Set<Object> configurations = files().stream()
                .filter(file -> file.kind.equals("routeConfiguration"))
                .map(file -> file.content.get("id"))
                .collect(toCollection(HashSet::new));
        List<Object> named = values(routes(), "routeConfigurationId");
        assertFalse(named.isEmpty());
        assertTrue(configurations.containsAll(named), () -> named + " of " + configurations);
    }

    @Test
    void everyPlaceholderOfRoutesAndKameletsIsASettingWithADefault() throws IOException {
        Set<String> used = new TreeSet<>();
        for (RouteFile file : files()) {
            used.addAll(found("\\{\\{(csv-import\\.[^}:]+)", file.text));
            used.addAll(found("#property:(csv-import\\.[a-z.-]+)", file.text));
            used.addAll(found("\\$\\{properties:(csv-import\\.[^}:]+)", file.text));
        }
        for (Path kamelet : kamelets()) {
            used.addAll(found("\\{\\{(csv-import\\.[^}:]+)", read(kamelet)));
        }
        assertFalse(used.isEmpty());
        used.removeAll(properties(read(DEFAULTS)).keySet());
        assertEquals(Set.of(), used);
    }

    @Test
    void everyBeanThatIsNamedIsInTheRegistry() throws Exception {
        Set<String> named = new TreeSet<>();
        for (Object content : Stream.concat(
                        files().stream().map(RouteFile::content),
                        kamelets().stream().map(ConventionsTest::parse))
                .toList()) {
            values(content, "ref").forEach(ref -> named.add(ref.toString()));
            named.addAll(found("\\bbean:(\\w+)", content.toString()));
        }
        named.addAll(found("=bean:(\\w+)", read(DEFAULTS)));
        named.removeIf(name -> name.startsWith("{{"));
        assertTrue(named.contains("csvImportClaim"), named.toString());
        withRoutesOfTheJar(context -> assertEquals(
                List.of(),
                named.stream()
                        .filter(name -> context.getRegistry().lookupByName(name) == null)
                        .toList()));
    }

    // what is loaded

    /** Those too that are off by default: an application may switch them on. */
    @Test
    void theJarHasEveryFileOfTheFolder() throws IOException {
        Set<String> packaged;
        try (ZipFile jar = new ZipFile(JAR.toFile())) {
            packaged = jar.stream()
                    .map(ZipEntry::getName)
                    .filter(name -> name.startsWith("META-INF/csv-import/routes/") && name.endsWith(ENDING))
                    .map(name -> name.replaceFirst(".*/", "").replace(ENDING, ""))
                    .collect(toCollection(TreeSet::new));
        }
        Set<String> stems = files().stream().map(RouteFile::stem).collect(toCollection(TreeSet::new));
        assertEquals(stems, packaged);
    }

    @Test
    void theRoutesOfTheJarAreThoseOfTheFolderWhereverCamelLooks() throws Exception {
        withRoutesOfTheJar(context -> assertEquals(routeIds(), loaded(context)));
    }

    @Test
    void theRoutesOfTheFolderAreAllLoaded() throws Exception {
        Main main = main();
        main.configure()
                .setGlobalOptions(Map.of(
                        CsvImportPlugin.PACKAGED_ROUTES, Distribution.routes().toString()));
        with(main, context -> {
            assertEquals(routeIds(), loaded(context));
        });
    }

    private void withRoutesOfTheJar(Consumer<CamelContext> look) throws Exception {
        try (URLClassLoader jar = new URLClassLoader(new URL[] {JAR.toUri().toURL()}, null)) {
            Main main = main();
            main.configure().withRoutesIncludePattern("false");
            main.addMainListener(new MainListenerSupport() {
                @Override
                public void beforeInitialize(BaseMainSupport fresh) {
                    // in the jar, and not in the folder of the build
                    fresh.getCamelContext()
                            .getCamelContextExtension()
                            .addContextPlugin(
                                    PackageScanResourceResolver.class, new DefaultPackageScanResourceResolver() {
                                        @Override
                                        public Set<ClassLoader> getClassLoaders() {
                                            return Set.of(jar);
                                        }
                                    });
                }
            });
            with(main, look);
        }
    }

    private Main main() {
        Main main = new Main();
        main.setPropertyPlaceholderLocations("false");
        Properties settings = new Properties();
        Map.of(
                        "api.url", "http://127.0.0.1:9",
                        "api.organization", "5664",
                        "api.key", "key",
                        "api.secret", "secret",
                        "file.directory", directory.resolve("inbox").toString(),
                        "data-dir", directory.resolve("data").toString())
                .forEach((name, value) -> settings.setProperty("csv-import." + name, value));
        main.setOverrideProperties(settings);
        return main;
    }

    private static void with(Main main, Consumer<CamelContext> look) {
        main.start();
        try {
            look.accept(main.getCamelContext());
        } finally {
            main.stop();
        }
    }

    private static Set<String> loaded(CamelContext context) {
        return context.getRoutes().stream()
                .filter(route -> !route.isCreatedByKamelet() && !route.isCreatedByRestDsl())
                .map(Route::getId)
                .collect(toCollection(TreeSet::new));
    }

    /** Of all routes but those of sources that are off by default: these are absent. */
    private static Set<String> routeIds() {
        Properties defaults = Settings.defaults();
        return files().stream()
                .filter(RouteFile::isRoute)
                .filter(file -> !(file.content().get("precondition") instanceof String setting)
                        || defaults.getProperty(setting.replaceAll("[{}]", "")).equals("true"))
                .map(RouteFile::stem)
                .collect(toCollection(TreeSet::new));
    }

    // the settings

    @Test
    void theDefaultsAreThoseOfTheContract() throws IOException {
        Map<String, String> contract = new TreeMap<>();
        properties(SETTINGS).forEach((name, value) -> contract.put("csv-import." + name, value));
        assertEquals(contract, properties(read(DEFAULTS)));
    }

    @Test
    void theTableOfSettingsInTheManualIsComplete() throws IOException {
        List<String> table = Manual.lines()
                .dropWhile(line -> !line.startsWith("| `api.url` |"))
                .takeWhile(line -> line.startsWith("|"))
                .flatMap(line -> found("`([^`]+)`", line.split("\\|")[1]).stream())
                .toList();
        assertEquals(
                new ArrayList<>(properties(SETTINGS).keySet()),
                table.stream().sorted().toList());
    }

    @Test
    void anIdeKnowsEverySettingWithItsDefaultFromTheMetadataOfSpringBoot() throws IOException {
        Map<String, String> known = new TreeMap<>();
        for (JsonNode property : CsvImportTestSupport.JSON
                .readTree(Path.of("src/main/resources/META-INF/spring-configuration-metadata.json")
                        .toFile())
                .path("properties")) {
            assertFalse(property.path("description").asText().isEmpty(), property.toString());
            known.put(
                    property.path("name").asText(),
                    property.path("defaultValue").asText());
        }
        assertEquals(properties(read(DEFAULTS)), known);
    }

    @Test
    void everySettingHasAComment() throws IOException {
        // one comment may stand over several lines; an empty line or a heading ends what it is about
        boolean commented = false;
        List<String> bare = new ArrayList<>();
        for (String line : Files.readAllLines(DEFAULTS)) {
            if (line.isBlank() || line.startsWith("# ---")) {
                commented = false;
            } else if (line.startsWith("#")) {
                commented = true;
            } else if (!commented) {
                bare.add(line);
            }
        }
        assertEquals(List.of(), bare);
    }

    // the Kamelets

    @TestFactory
    Stream<DynamicTest> everyKameletAndEachOfItsPropertiesIsDescribed() {
        return kamelets().stream()
                .map(file -> dynamicTest(file.getFileName().toString(), () -> {
                    Map<?, ?> kamelet = (Map<?, ?>) parse(file);
                    Map<?, ?> definition = (Map<?, ?>) ((Map<?, ?>) kamelet.get("spec")).get("definition");
                    Map<?, ?> properties = (Map<?, ?>) definition.get("properties");
                    assertEquals(
                            file.getFileName().toString().replace(".kamelet.yaml", ""),
                            ((Map<?, ?>) kamelet.get("metadata")).get("name"));
                    assertTrue(definition.keySet().containsAll(List.of("title", "description", "type")));
                    assertFalse(properties.isEmpty());
                    properties.forEach((name, property) -> assertTrue(
                            ((Map<?, ?>) property).keySet().containsAll(List.of("title", "description", "type")),
                            name.toString()));
                }));
    }

    @TestFactory
    Stream<DynamicTest> everyKameletHasWhatADesignerShows() {
        return kamelets().stream()
                .map(file -> dynamicTest(file.getFileName().toString(), () -> {
                    Map<?, ?> metadata = (Map<?, ?>) ((Map<?, ?>) parse(file)).get("metadata");
                    Map<?, ?> annotations = (Map<?, ?>) metadata.get("annotations");
                    for (String name :
                            List.of("kamelet.support.level", "provider", "kamelet.group", "kamelet.namespace")) {
                        assertFalse(
                                String.valueOf(annotations.get("camel.apache.org/" + name))
                                        .matches("null|\\s*"),
                                name);
                    }
                    assertEquals(projectVersion(), annotations.get("camel.apache.org/catalog.version"));
                    String icon =
                            annotations.get("camel.apache.org/kamelet.icon").toString();
                    String beginning = "data:image/svg+xml;base64,";
                    assertTrue(icon.startsWith(beginning) && icon.length() < 1000, icon);
                    String svg = new String(Base64.getDecoder().decode(icon.substring(beginning.length())), UTF_8);
                    assertTrue(svg.matches("<svg [^>]*viewBox=.*</svg>"), svg);
                    assertEquals(Map.of("camel.apache.org/kamelet.type", "source"), metadata.get("labels"));
                }));
    }

    @TestFactory
    Stream<DynamicTest> everyCredentialOfAKameletIsMarkedAsOne() {
        return kamelets().stream()
                .map(file -> dynamicTest(
                        file.getFileName().toString(), () -> properties(file).forEach((name, property) -> {
                            Map<?, ?> described = (Map<?, ?>) property;
                            boolean secret = name.toString().matches("(?i).*(password|passphrase|secret|token)");
                            Set<String> marks = new TreeSet<>();
                            if (secret) {
                                marks.add("urn:alm:descriptor:com.tectonic.ui:password");
                            }
                            if (secret || name.equals("username")) {
                                marks.add("urn:camel:group:credentials");
                            }
                            List<?> marked = described.get("x-descriptors") instanceof List<?> list ? list : List.of();
                            assertEquals(marks, new TreeSet<>(marked), name.toString());
                            assertEquals(secret ? "password" : null, described.get("format"), name.toString());
                        })));
    }

    /** Whoever runs a Kamelet without this project's POM, such as the Camel CLI, gets its libraries by this list. */
    @TestFactory
    Stream<DynamicTest> everyKameletNamesTheLibrariesThatThePomHas() {
        return kamelets().stream()
                .map(file -> dynamicTest(file.getFileName().toString(), () -> {
                    List<?> named = (List<?>) ((Map<?, ?>) ((Map<?, ?>) parse(file)).get("spec")).get("dependencies");
                    Set<String> known = dependencies();
                    assertTrue(known.containsAll(named), () -> named + " of " + known);
                    assertTrue(named.contains("mvn:io.csvimport:csv-import-routes:" + projectVersion()));
                }));
    }

    @Test
    void theKameletsAreInTheDistributionBesideTheRoutes() {
        for (Path kamelet : kamelets()) {
            assertEquals(
                    read(kamelet),
                    read(Distribution.routes().resolveSibling("kamelets").resolve(kamelet.getFileName())));
        }
    }

    private static String projectVersion() {
        return found("(?s)<artifactId>csv-import-routes</artifactId>\\s*<version>([^<]+)<", read(POM))
                .get(0);
    }

    /** Of the POM, as Kamelets name them. */
    private static Set<String> dependencies() {
        String pom = read(POM);
        Set<String> names = new TreeSet<>(Set.of("mvn:io.csvimport:csv-import-routes:" + projectVersion()));
        Pattern.compile("<dependency>\\s*<groupId>([^<]+)</groupId>\\s*<artifactId>([^<]+)</artifactId>"
                        + "(?:\\s*<version>\\$\\{([^<}]+)}</version>)?")
                .matcher(pom)
                .results()
                .forEach(found -> names.add(
                        found.group(3) == null
                                ? found.group(2).replaceFirst("^camel-", "camel:")
                                : String.join(
                                        ":",
                                        "mvn",
                                        found.group(1),
                                        found.group(2),
                                        found("<" + found.group(3) + ">([^<]+)<", pom)
                                                .get(0))));
        return names;
    }

    private static Map<?, ?> properties(Path kamelet) {
        Map<?, ?> spec = (Map<?, ?>) ((Map<?, ?>) parse(kamelet)).get("spec");
        return (Map<?, ?>) ((Map<?, ?>) spec.get("definition")).get("properties");
    }

    // reading

    private static Stream<DynamicTest> eachFile(Consumer<RouteFile> check) {
        return eachFile(file -> true, check);
    }

    private static Stream<DynamicTest> eachFile(Predicate<RouteFile> which, Consumer<RouteFile> check) {
        List<RouteFile> files = files().stream().filter(which).toList();
        assertFalse(files.isEmpty());
        return files.stream().map(file -> dynamicTest(file.stem, () -> check.accept(file)));
    }

    private static List<RouteFile> files() {
        return yamls(ROUTES, ENDING).stream()
                .map(path -> {
                    List<?> parsed = (List<?>) parse(path);
                    assertEquals(1, parsed.size(), () -> path + " holds one thing");
                    Map.Entry<?, ?> only =
                            ((Map<?, ?>) parsed.get(0)).entrySet().iterator().next();
                    String stem = path.getFileName().toString().replace(ENDING, "");
                    return new RouteFile(path, stem, read(path), only.getKey().toString(), (Map<?, ?>) only.getValue());
                })
                .toList();
    }

    private static List<?> routes() {
        return files().stream().map(RouteFile::content).toList();
    }

    private static List<Path> kamelets() {
        return yamls(KAMELETS, ".kamelet.yaml");
    }

    private static List<Path> yamls(Path folder, String ending) {
        try (Stream<Path> found = Files.walk(folder)) {
            return found.filter(file -> file.toString().endsWith(ending))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Object parse(Path yaml) {
        return new Load(LoadSettings.builder().build()).loadFromString(read(yaml));
    }

    private static Map<String, String> properties(String text) throws IOException {
        Properties properties = new Properties();
        properties.load(new StringReader(text));
        Map<String, String> sorted = new TreeMap<>();
        properties.forEach((name, value) -> sorted.put(name.toString(), value.toString()));
        return sorted;
    }

    /** Every match of the pattern: its first group, where it has one. */
    private static List<String> found(String pattern, String text) {
        return Pattern.compile(pattern)
                .matcher(text)
                .results()
                .map(match -> match.group(Math.min(1, match.groupCount())))
                .toList();
    }

    /** The values of this key, wherever it stands. */
    private static List<Object> values(Object yaml, String key) {
        List<Object> values = new ArrayList<>();
        if (yaml instanceof Map<?, ?> map) {
            map.forEach((name, value) -> {
                if (name.equals(key)) {
                    values.add(value);
                }
                values.addAll(values(value, key));
            });
        } else if (yaml instanceof List<?> list) {
            list.forEach(item -> values.addAll(values(item, key)));
        }
        return values;
    }

    private static List<Step> steps(Object yaml) {
        return values(yaml, "steps").stream()
                .flatMap(steps -> ((List<?>) steps).stream())
                .map(step -> ((Map<?, ?>) step).entrySet().iterator().next())
                .map(step -> new Step(step.getKey().toString(), step.getValue()))
                .toList();
    }
}
