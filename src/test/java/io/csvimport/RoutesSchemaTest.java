package io.csvimport;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import com.networknt.schema.ValidationMessage;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/**
 * The routes, the Kamelets and the examples of the manual against the JSON schemas of Camel's YAML DSL: that of the
 * version that runs, and the canonical one, which later versions and designers hold to.
 */
class RoutesSchemaTest {

    private static final Path CANONICAL = Path.of("target/canonical/schema/camelYamlDsl-canonical.json");

    private static JsonSchema schema;
    private static JsonSchema canonical;

    @BeforeAll
    static void readSchemas() throws IOException {
        try (InputStream in = RoutesSchemaTest.class.getResourceAsStream("/schema/camelYamlDsl.json");
                InputStream file = Files.newInputStream(CANONICAL)) {
            JsonSchemaFactory factory = JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V4);
            schema = factory.getSchema(in);
            canonical = factory.getSchema(file);
        }
    }

    @TestFactory
    Stream<DynamicTest> everyRouteIsValid() throws IOException {
        return each(routes(), text -> assertEquals(Set.of(), validate(schema, text)));
    }

    @TestFactory
    Stream<DynamicTest> everyRouteIsCanonical() throws IOException {
        return each(routes(), text -> assertEquals(Set.of(), validate(canonical, text)));
    }

    @TestFactory
    Stream<DynamicTest> everyKameletsTemplateIsCanonical() throws IOException {
        return each(files(Path.of("src/main/resources/kamelets"), ".kamelet.yaml"), text -> {
            Map<?, ?> kamelet = (Map<?, ?>) parse(text);
            Map<Object, Object> template =
                    new LinkedHashMap<>((Map<?, ?>) ((Map<?, ?>) kamelet.get("spec")).get("template"));
            template.put("id", ((Map<?, ?>) kamelet.get("metadata")).get("name"));
            assertEquals(Set.of(), validate(canonical, List.of(Map.of("routeTemplate", template))));
        });
    }

    @TestFactory
    Stream<DynamicTest> everyExampleOfTheManualIsCanonical() {
        List<Manual.Example> examples = Manual.examples().toList();
        assertFalse(examples.isEmpty());
        return examples.stream()
                .map(example ->
                        dynamicTest(example.id(), () -> assertEquals(Set.of(), validate(canonical, example.yaml()))));
    }

    @Test
    void anUnknownWordAndAShortFormAreFound() {
        String route = "- route: { from: { uri: 'direct:a', steps: [ { setBody: { %s } } ] } }";
        String whole = route.formatted("expression: { constant: { expression: a } }");
        assertEquals(Set.of(), validate(canonical, whole));
        assertFalse(validate(canonical, route.formatted("constant: a")).isEmpty());
        assertFalse(validate(canonical, whole.replace("steps", "stepz")).isEmpty());
        assertFalse(validate(schema, whole.replace("steps", "stepz")).isEmpty());
    }

    private static List<Path> routes() throws IOException {
        return files(Path.of("routes"), ".camel.yaml");
    }

    private static List<Path> files(Path folder, String ending) throws IOException {
        try (Stream<Path> found = Files.walk(folder)) {
            return found.filter(file -> file.toString().endsWith(ending))
                    .sorted()
                    .toList();
        }
    }

    private static Stream<DynamicTest> each(List<Path> files, Consumer<String> check) {
        assertFalse(files.isEmpty());
        return files.stream()
                .map(file -> dynamicTest(file.getFileName().toString(), () -> check.accept(Files.readString(file))));
    }

    private static Object parse(String yaml) {
        return new Load(LoadSettings.builder().build()).loadFromString(yaml);
    }

    private static Set<ValidationMessage> validate(JsonSchema schema, String yaml) {
        return validate(schema, parse(yaml));
    }

    /** What is wrong; a placeholder may stand for a value of any type. */
    private static Set<ValidationMessage> validate(JsonSchema schema, Object routes) {
        Set<ValidationMessage> problems = new LinkedHashSet<>(schema.validate(new ObjectMapper().valueToTree(routes)));
        problems.removeIf(problem -> problem.getInstanceNode().asText().startsWith("{{"));
        return problems;
    }
}
