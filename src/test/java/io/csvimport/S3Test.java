package io.csvimport;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.csvimport.platform.HostRig;
import io.csvimport.sandbox.SandboxImport;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The manual's feed from a bucket, as it stands there, in the distribution, with the jars that the manual's own
 * {@code extra.xml} names, and with a real S3 server. The same bytes again would be imported again here.
 */
@Tag("long")
public class S3Test {

    /** Of the manual. */
    public static final String FEED = "csvs-from-bucket";

    @TempDir
    private Path directory;

    private S3Rig server;
    private Installation product;

    @BeforeEach
    void open() throws Exception {
        server = new S3Rig(directory.resolve("s3")).start();
        server.put("/learning", "");
        product = new Installation(directory.resolve("product"))
                .withRoutes()
                .with("AWS_ACCESS_KEY_ID", S3Rig.ACCESS_KEY)
                .with("AWS_SECRET_ACCESS_KEY", S3Rig.SECRET_KEY)
                .with("CSV_IMPORT_TEMPLATE", "Setting")
                .with("CSV_IMPORT_DUPLICATES", "import")
                .with("CSV_IMPORT_RECONCILE_WAIT", "PT1S")
                .with("CSV_IMPORT_TRACK_ENABLED", "false")
                .with("CSV_IMPORT_API_REQUESTS_PER_MINUTE", "0");
        product.write(
                "application.properties",
                Manual.blocks("properties")
                        .filter(block -> block.contains("aws2-s3"))
                        .findFirst()
                        .orElseThrow()
                        .replace("https://s3.example.com", server.url()));
        product.write(
                "routes/" + FEED + ".camel.yaml", Manual.example(FEED).yaml().replace("delay: 10000", "delay: 500"));
    }

    @AfterEach
    void close() {
        product.close();
        server.close();
    }

    private Distribution start() throws Exception {
        String pom = Manual.blocks("xml")
                .filter(block -> block.contains("camel-aws2-s3"))
                .findFirst()
                .orElseThrow();
        Path extra = HostRig.copyDependencies("extra", pom);
        return product.startHost(List.of(
                "-XX:TieredStopAtLevel=1",
                "-cp",
                Distribution.routes().resolveSibling("csv-import-routes.jar") + ":" + extra + "/*",
                "io.csvimport.standalone.CsvImportMain"));
    }

    private void awaitGone(String path) {
        product.awaitUntil(path + " to be deleted", () -> !server.has(path));
    }

    @Test
    void theCsvsOfABucketAreImportedUnderTheTemplateOfTheirFolderAndOtherObjectsStay() throws Exception {
        server.put("/learning/People/2026/Jürgen 1.csv", "name\nJürgen\n");
        server.put("/learning/top.CSV", "name\ntop\n");
        server.put("/learning/People/empty.csv", "");
        server.put("/learning/People/readme.txt", "name\nreadme\n");
        start();
        SandboxImport first = product.awaitImport("Jürgen 1.csv");
        assertEquals("People", first.template());
        assertEquals("Setting", product.awaitImport("top.CSV").template());
        product.awaitAudit("csv-import.rejected", "empty.csv");
        for (String key : List.of("People/2026/Jürgen 1.csv", "top.CSV", "People/empty.csv")) {
            awaitGone("/learning/" + key);
        }
        assertTrue(server.has("/learning/People/readme.txt"));
        assertEquals(2, product.sandbox().imports().size());
    }

    @Test
    void anObjectIsImportedOnceWhateverDiesAndOneThatReplacesItIsAnother() throws Exception {
        List<String> names =
                IntStream.range(0, 100).mapToObj(i -> "killed-" + i + ".csv").toList();
        for (String name : names) {
            server.put("/learning/People/" + name, "name\n" + name + "\n");
        }
        for (int imports = 1; imports < 60; imports += 20) {
            int enough = imports;
            Distribution running = start();
            product.awaitUntil("some imports", () -> product.sandbox().imports().size() >= enough);
            if (imports > 1) {
                server.kill();
                server.start();
            }
            running.kill();
        }
        start();
        product.awaitReady();
        for (String name : names) {
            awaitGone("/learning/People/" + name);
        }
        product.awaitAccepted(names.size());
        assertEquals(names.size(), product.sandbox().imports().size());
        server.put("/learning/People/killed-0.csv", "name\nkilled-0.csv\n");
        product.awaitUntil(
                "the second import", () -> product.imports("killed-0.csv").size() == 2);
    }

    @Test
    void anObjectIsNotDeletedWhileTheSpoolCannotWriteAndTakenAsSoonAsItCan() throws Exception {
        start();
        product.awaitReady();
        Path spool = product.path("data/spool");
        Path away = Files.move(spool, product.path("data/spool-away"));
        Files.createFile(spool);
        server.put("/learning/People/full.csv", "name\nfull\n");
        product.awaitUntil("some attempts", () -> product.output().split("; it is tried again").length > 3);
        assertTrue(server.has("/learning/People/full.csv"));
        Files.delete(spool);
        Files.move(away, spool);
        product.awaitImport("full.csv");
        awaitGone("/learning/People/full.csv");
    }
}
