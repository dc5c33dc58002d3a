package io.csvimport;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** The documents for users: README.md, which is the front page, and the pages of the manual. */
public final class Manual {

    public static final Path FRONT = Path.of("README.md");

    private static final Path PAGES = Path.of("src/main/docs");

    private Manual() {}

    /** A route that the manual shows. */
    public record Example(String yaml, Map<?, ?> route) {

        private static Example of(String yaml) {
            List<?> parsed = (List<?>) new Load(LoadSettings.builder().build()).loadFromString(yaml);
            return new Example(yaml, (Map<?, ?>) ((Map<?, ?>) parsed.get(0)).get("route"));
        }

        public String id() {
            return route.get("id").toString();
        }

        public boolean isFeed() {
            return yaml.matches("(?s).*direct:csv-import(-spool)?\\s.*");
        }

        private Map<?, ?> parameters() {
            return (Map<?, ?>) ((Map<?, ?>) route.get("from")).get("parameters");
        }

        /** The queue that it takes messages from, or null. */
        public String queue() {
            return (String) parameters().get("queue");
        }

        /** The folder that it takes files from. */
        public String folder() {
            Map<?, ?> parameters = parameters();
            Object kamelets = parameters.get("directory");
            return (kamelets != null ? kamelets : parameters.get("directoryName")).toString();
        }
    }

    /** The front page first. */
    public static List<Path> pages() {
        try (Stream<Path> pages =
                Files.list(PAGES).filter(page -> page.toString().endsWith(".md"))) {
            return Stream.concat(Stream.of(FRONT), pages.sorted()).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public static String read(Path page) {
        try {
            return Files.readString(page);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** All pages, one after another. */
    public static String text() {
        return pages().stream().map(Manual::read).collect(Collectors.joining("\n"));
    }

    public static Stream<String> lines() {
        return text().lines();
    }

    /** What stands between {@code ```language} and {@code ```}; what stands on two pages comes once. */
    public static Stream<String> blocks(String language) {
        return Pattern.compile("(?ms)^```" + language + "$(.*?)^```$")
                .matcher(text())
                .results()
                .map(match -> match.group(1))
                .distinct();
    }

    public static Stream<Example> examples() {
        return blocks("yaml").filter(block -> block.contains("- route:")).map(Example::of);
    }

    /** Files of expectations. */
    public static Stream<String> expectations() {
        return blocks("yaml").filter(block -> block.startsWith("\n- template:"));
    }

    public static Example example(String id) {
        return examples().filter(example -> example.id().equals(id)).findFirst().orElseThrow();
    }
}
