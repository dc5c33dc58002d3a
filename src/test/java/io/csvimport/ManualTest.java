package io.csvimport;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import io.csvimport.settings.Settings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** What README.md and the manual name exists: pages and headings, classes, routes, files and settings. */
class ManualTest {

    private static final Path MAP = Path.of("src/main/docs/develop.md");

    // links

    @TestFactory
    Stream<DynamicTest> everyLinkLeadsSomewhere() {
        return Manual.pages().stream()
                .map(page -> dynamicTest(page.toString(), () -> found("\\]\\(([^)]+)\\)", Manual.read(page)).stream()
                        .filter(link -> !link.startsWith("https://"))
                        .forEach(link -> assertLeadsSomewhere(page, link))));
    }

    private static void assertLeadsSomewhere(Path page, String link) {
        String[] parts = link.split("#");
        Path target = parts[0].isEmpty() ? page : page.resolveSibling(parts[0]).normalize();
        assertTrue(Files.exists(target), () -> page + ": " + link);
        if (parts.length > 1) {
            assertTrue(anchors(target).contains(parts[1]), () -> page + ": " + link);
        }
    }

    /** As GitHub makes them of headings. */
    private static List<String> anchors(Path page) {
        return found("(?m)^#+ (.+)$", Manual.read(page).replaceAll("(?ms)^```.*?^```$", "")).stream()
                .map(heading -> heading.toLowerCase(Locale.ROOT)
                        .replaceAll("[^a-z0-9 _-]", "")
                        .replace(' ', '-'))
                .toList();
    }

    @Test
    void theFrontPageLinksToEveryPage() {
        String front = Manual.read(Manual.FRONT);
        Manual.pages().stream()
                .filter(page -> !page.equals(Manual.FRONT))
                .forEach(page -> assertTrue(front.contains("(" + page + ")"), page.toString()));
    }

    // names

    @Test
    void everyEnvironmentVariableIsASetting() {
        Set<String> settings = Settings.defaults().stringPropertyNames().stream()
                .map(name -> name.toUpperCase(Locale.ROOT).replaceAll("[.-]", "_"))
                .collect(Collectors.toSet());
        Set<String> named = new TreeSet<>(found("\\bCSV_IMPORT_[A-Z_]*[A-Z]\\b", Manual.text()));
        assertFalse(named.isEmpty());
        named.removeAll(settings);
        assertEquals(Set.of(), named);
    }

    /** But for those of Kafka's client. */
    @TestFactory
    Stream<DynamicTest> everyMessageOfTheTroubleshootingTableIsSaid() {
        String sources = code(Path.of("src/main"), ".java") + code(Path.of("routes"), ".yaml");
        String page = Manual.read(Path.of("src/main/docs/operations.md"));
        return page.substring(page.indexOf("## Troubleshooting"))
                .lines()
                .filter(line -> line.startsWith("| `") && !line.contains("Kafka"))
                .flatMap(line -> found("`([^`]+)`", line.split("\\|")[1]).stream())
                .map(message -> dynamicTest(message, () -> Stream.of(message.split("…|\\d+|: |, "))
                        .filter(part -> part.strip().length() > 3)
                        .forEach(part -> assertTrue(sources.contains(part.strip()), part))));
    }

    /** The text of all files with this ending, in which no string is cut in two. */
    private static String code(Path folder, String ending) {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(file -> file.toString().endsWith(ending))
                    .map(Manual::read)
                    .collect(Collectors.joining("\n"))
                    .replaceAll("\"\\s*\\+\\s*\"", "");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** In its room; tests are named without theirs. */
    @TestFactory
    Stream<DynamicTest> everyClassOfTheMapExists() {
        Set<String> tests = names(Path.of("src/test"), ".java");
        return names(
                "(?:[a-z]+[.])*[A-Z][a-z]\\w+",
                name -> Files.exists(Path.of("src/main/java/io/csvimport/" + name.replace('.', '/') + ".java"))
                        || tests.contains(name));
    }

    @Test
    void everyRoomIsOnTheMap() throws IOException {
        Path root = Path.of("src/main/java/io/csvimport");
        String map = Manual.read(MAP);
        Set<String> onTheMap = map.substring(map.indexOf("### Rooms"), map.indexOf("### What to touch"))
                .lines()
                .filter(line -> line.startsWith("| `"))
                .flatMap(line -> found("`([a-z.]+)`", line.split("\\|")[1]).stream())
                .collect(Collectors.toSet());
        try (Stream<Path> folders = Files.walk(root)) {
            Set<String> rooms = folders.filter(folder -> Files.isDirectory(folder) && !folder.equals(root))
                    .map(folder -> root.relativize(folder).toString().replace('/', '.'))
                    .collect(Collectors.toSet());
            assertEquals(rooms, onTheMap);
        }
    }

    @Test
    void everyBeanThatARouteNamesIsOnTheMap() {
        String map = Manual.read(MAP);
        String beans = map.substring(map.indexOf("### Beans"), map.indexOf("### Rooms"));
        String routes =
                code(Path.of("routes"), ".camel.yaml") + code(Path.of("src/main/resources/kamelets"), ".kamelet.yaml");
        assertEquals(
                new TreeSet<>(found("(?:ref: |bean:|language: )(csvImport[A-Z]\\w+)", routes + Settings.defaults())),
                new TreeSet<>(found("`(csvImport[A-Z]\\w+)`", beans)));
    }

    @TestFactory
    Stream<DynamicTest> everyRouteOfTheMapExists() {
        Set<String> routes = names(Path.of("routes"), ".camel.yaml");
        routes.addAll(names(Path.of("src/main/resources/kamelets"), ".kamelet.yaml"));
        return names("csv-import(-[a-z]+)*", routes::contains);
    }

    /** Or setting. */
    @TestFactory
    Stream<DynamicTest> everyStepOfTheMapExists() {
        String routes = code(Path.of("routes"), ".camel.yaml");
        Set<String> settings = Settings.defaults().stringPropertyNames();
        return names(
                "(?!csv-import)[a-z]+(?:-[a-z]+)+",
                name -> Pattern.compile("id: " + name + "\\b").matcher(routes).find()
                        || settings.contains("csv-import." + name));
    }

    @TestFactory
    Stream<DynamicTest> everyFileOfTheMapExists() {
        return names("(?!target/)[\\w.-]+/[\\w./-]*", name -> Files.exists(Path.of(name)));
    }

    /** A test for each name of this form that the map shows as code. */
    private static Stream<DynamicTest> names(String form, Predicate<String> exists) {
        List<String> names =
                found("`(" + form + ")`", Manual.read(MAP)).stream().distinct().toList();
        assertFalse(names.isEmpty());
        return names.stream().map(name -> dynamicTest(name, () -> assertTrue(exists.test(name), name)));
    }

    /** The names of the files below the folder that end so, without the ending. */
    private static Set<String> names(Path folder, String ending) {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith(ending))
                    .map(name -> name.substring(0, name.length() - ending.length()))
                    .collect(Collectors.toCollection(TreeSet::new));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The first group of every match. */
    private static List<String> found(String pattern, String text) {
        return Pattern.compile(pattern)
                .matcher(text)
                .results()
                .map(match -> match.group(Math.min(1, match.groupCount())))
                .toList();
    }
}
