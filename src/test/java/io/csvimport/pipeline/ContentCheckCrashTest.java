package io.csvimport.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.csvimport.Distribution;
import io.csvimport.Installation;
import io.csvimport.operations.Operator;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a person has decided of a file that is not as expected, or has yet to decide, outlives the process. */
class ContentCheckCrashTest {

    @Test
    @Tag("long")
    void aHeldFileStaysHeldAndARetriedOneGoesOnAfterAKill(@TempDir Path directory) throws Exception {
        try (Installation product = new Installation(directory).withRoutes()) {
            product.write(
                    "routes/expectations/people.yaml", "- { template: People, rows: { min: 9 }, otherwise: hold }\n");
            Distribution first = product.start();
            product.awaitReady();
            for (String name : List.of("one.csv", "two.csv")) {
                product.drop("inbox/People/" + name, "name\n" + name + "\n");
                product.awaitJob(name, "held");
            }
            first.kill();
            Distribution second = product.start();
            product.awaitReady();
            long job = product.awaitJob("one.csv", "held").path("job").asLong();
            product.sandbox().disconnect();
            assertEquals(
                    202,
                    new Operator(product.managementPort())
                            .post("/csv-imports/" + job + "/retry")
                            .status());
            // its attempt has failed, and the next one is a second away: it is not being sent when it is killed
            product.awaitUntil("its attempt", () -> "unreachable"
                    .equals(product.awaitJob("one.csv", "waiting")
                            .path("reason")
                            .asText()));
            second.kill();
            product.start();
            product.sandbox().reconnect();
            product.awaitImport("one.csv");
            product.awaitJob("two.csv", "held");
            assertEquals(List.of(), product.imports("two.csv"));
        }
    }
}
