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
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** The routes against the JSON schema of Camel's YAML DSL, which editors check them against, too. */
class RoutesSchemaTest {

    private static JsonSchema schema;

    @BeforeAll
    static void readSchema() throws IOException {
        try (InputStream in = RoutesSchemaTest.class.getResourceAsStream("/schema/camelYamlDsl.json")) {
            schema = JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V4).getSchema(in);
        }
    }

    @TestFactory
    Stream<DynamicTest> everyRouteIsValid() throws IOException {
        try (Stream<Path> found = Files.walk(Path.of("routes"))) {
            List<Path> files = found.filter(file -> file.toString().endsWith(".camel.yaml"))
                    .sorted()
                    .toList();
            assertFalse(files.isEmpty());
            return files.stream()
                    .map(file -> dynamicTest(
                            file.getFileName().toString(),
                            () -> assertEquals(Set.of(), validate(Files.readString(file)))));
        }
    }

    @Test
    void anUnknownWordIsFound() {
        assertFalse(
                validate("- route: { from: { uri: 'direct:a', stepz: [] } }").isEmpty());
    }

    /** What is wrong; a placeholder may stand for a value of any type. */
    private static Set<ValidationMessage> validate(String yaml) {
        Object routes = new Load(LoadSettings.builder().build()).loadFromString(yaml);
        Set<ValidationMessage> problems = new LinkedHashSet<>(schema.validate(new ObjectMapper().valueToTree(routes)));
        problems.removeIf(problem -> problem.getInstanceNode().asText().startsWith("{{"));
        return problems;
    }
}
