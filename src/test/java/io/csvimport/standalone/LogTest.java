package io.csvimport.standalone;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.csvimport.Installation;
import io.csvimport.sandbox.SandboxFault;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is printed: here the lines are the interface. */
class LogTest {

    private static final int FILES = 20;

    @TempDir
    Path directory;

    private Installation product;

    @BeforeEach
    void install() throws IOException {
        product = new Installation(directory).with("CSV_IMPORT_RECONCILE_WAIT", "PT0S");
    }

    @AfterEach
    void uninstall() {
        product.close();
    }

    private void importFiles() throws IOException {
        product.start();
        product.awaitReady();
        product.sandbox().failNext(SandboxFault.resetAtEnd(true));
        product.drop("inbox/Lost/lost.csv");
        for (int i = 0; i < FILES; i++) {
            product.drop("inbox/Template " + i % 4 + "/people-" + i + ".csv");
        }
        for (int i = 0; i < FILES; i++) {
            product.awaitFile("inbox/Template " + i % 4 + "/.imported/people-" + i + ".csv");
        }
        product.awaitFile("inbox/Lost/.imported/lost.csv");
        product.awaitUntil("the lines", () -> product.output().split(": accepted").length > FILES + 1);
    }

    @Test
    void jsonLinesHaveTheJobAndTheImportOfTheirOwnFileInTheirContext() throws Exception {
        product.with("CSV_IMPORT_LOG_FORMAT", "json");
        importFiles();
        List<JsonNode> outcomes = new ArrayList<>();
        for (String text : product.output().split("\n")) {
            JsonNode line = new ObjectMapper().readTree(text);
            assertTrue(line.hasNonNull("@timestamp") && line.hasNonNull("log.level") && line.hasNonNull("log.logger"));
            if (line.path("message").asText().contains(": accepted")) {
                outcomes.add(line);
            }
        }
        assertEquals(FILES + 1, outcomes.size());
        for (JsonNode line : outcomes) {
            String message = line.path("message").asText();
            assertAll(
                    () -> assertTrue(
                            message.contains("job " + line.path("csvImportJob").asText() + ")"), line.toString()),
                    () -> assertTrue(
                            message.contains(
                                            "import " + line.path("csvImportId").asText() + " ")
                                    || message.contains(
                                            "import " + line.path("csvImportId").asText() + ","),
                            line.toString()));
        }
    }

    @Test
    void textHasOneReadableLineAnOutcome() throws Exception {
        importFiles();
        List<String> outcomes = product.output()
                .lines()
                .filter(line -> line.contains(": accepted"))
                .toList();
        assertEquals(FILES + 1, outcomes.size());
        outcomes.forEach(line -> assertTrue(
                line.matches(
                        "[0-9:.]{12} INFO  [\\w-]+\\.csv: accepted, import \\d+ \\(template [\\w ]+, [\\d,]+ bytes,"
                                + " from file, job \\d+\\)(, reconciled)?"),
                line));
        assertFalse(product.output().contains("Safety"), "a body is in no line");
    }
}
