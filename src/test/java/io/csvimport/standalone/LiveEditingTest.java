package io.csvimport.standalone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.csvimport.Installation;
import io.csvimport.sandbox.SandboxFault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The routes folder while the product runs: what is added, edited and removed takes effect; what is broken does no harm. */
class LiveEditingTest {

    /** What can be wrong with a file of routes. */
    enum Broken {
        UNPARSABLE("- route:\n    id: [never closed\n"),
        WITHOUT_FROM("- route:\n    id: broken\n"),
        UNKNOWN_STEP(route("broken", "direct:broken", "no-such-step: here")),
        UNKNOWN_COMPONENT(route("broken", "no-such-component:here", "to: direct:csv-import")),
        UNKNOWN_OPTION(route("broken", "file:broken?noSuchOption=1", "to: direct:csv-import")),
        UNKNOWN_PARAMETER(feed("broken", "broken", "People").replace("template:", "templat:")),
        CUT_VALUE(feed("broken", "broken", "R&D")),
        DATA_DIR(feed("broken", "data/spool", "People"));

        private final String text;

        Broken(String text) {
            this.text = text;
        }

        String withId(String id) {
            return text.replace("broken", id);
        }
    }

    @TempDir
    static Path directory;

    private static Installation product;

    @BeforeAll
    static void start() throws IOException {
        product = new Installation(directory.resolve("live"))
                .withRoutes()
                .with("CSV_IMPORT_TEMPLATE", "People")
                .with("CSV_IMPORT_STOP_TIMEOUT", "PT2S");
        product.start();
        product.awaitReady();
    }

    @AfterAll
    static void stop() {
        product.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"routes", "routes/sources", "routes/a/new/folder"})
    void aFeedOfTheUsersOwnWorksWithoutARestart(String folder) throws Exception {
        String id = "own-" + folder.replace('/', '-');
        product.write(folder + "/" + id + ".camel.yaml", ownFeed(id, id, "Own Template"));
        product.drop(id + "/" + id + ".csv");

        assertEquals("Own Template", product.awaitImport(id + ".csv").template());
        var event = product.awaitAudit("csv-import.accepted", id + ".csv");
        assertEquals(id, event.path("data").path("from").asText());
    }

    @Test
    void aSecondFolderInFiveLinesIsAFullFeed() throws Exception {
        product.write(
                "routes/courses.camel.yaml",
                """
                - route:
                    id: courses
                    from:
                      uri: kamelet:csv-import-folder-source
                      parameters: { directory: courses, template: Courses }
                      steps: [ { to: direct:csv-import } ]
                """);
        product.drop("courses/courses.csv");
        product.drop("courses/Named By Folder/named.csv");

        assertEquals("Courses", product.awaitImport("courses.csv").template());
        assertEquals("Named By Folder", product.awaitImport("named.csv").template());
        product.awaitFile("courses/.imported/courses.csv");
        product.awaitFile("courses/Named By Folder/.imported/named.csv");
        var event = product.awaitAudit("csv-import.accepted", "courses.csv");
        assertEquals("courses", event.path("data").path("from").asText());
    }

    @Test
    void editingTheAuditRouteRedirectsTheAuditEvents() throws Exception {
        String audit = "routes/my-audit.camel.yaml";
        String original = Installation.packagedRoute("audit/csv-import-audit");
        product.write(
                audit, original.replace("\"{{csv-import.audit.uri}}\"", "file:redirected?fileName=${exchangeId}.json"));
        Path redirected = product.path("redirected");

        product.awaitUntil("a redirected event", () -> {
            product.drop("inbox/audited-" + System.nanoTime() + ".csv");
            return Files.exists(redirected);
        });
        product.drop("inbox/redirected.csv");
        String id = product.awaitImport("redirected.csv").id();
        product.awaitUntil("the redirected event", () -> contains(redirected, "\"subject\":\"" + id + "\""));

        Files.delete(product.path(audit));
        product.awaitUntil("the audit file again", () -> {
            product.drop("inbox/restored.csv");
            return Files.readString(product.path("data/audit/csv-import-audit.jsonl"))
                    .contains("restored.csv");
        });
        awaitEmptyInbox();
    }

    @Test
    void editingTheDirectoryOfAFeedTakesEffect() throws Exception {
        product.write("routes/moving.camel.yaml", feed("moving", "moving-before", "Before"));
        product.drop("moving-before/before.csv");
        product.awaitFile("moving-before/.imported/before.csv");

        product.write("routes/moving.camel.yaml", feed("moving", "moving-after", "After"));
        product.drop("moving-after/after.csv");

        assertEquals("After", product.awaitImport("after.csv").template());
        assertLeftAlone("moving-before", "moving-after");
    }

    @Test
    void removingAFileRemovesItsRoutes() throws Exception {
        product.write("routes/leaving.camel.yaml", feed("leaving", "leaving", "Old"));
        product.drop("leaving/old.csv");
        product.awaitFile("leaving/.imported/old.csv");

        Files.delete(product.path("routes/leaving.camel.yaml"));
        product.write("routes/coming.camel.yaml", feed("leaving", "coming", "New"));
        product.drop("coming/new.csv");

        assertEquals("New", product.awaitImport("new.csv").template());
        assertLeftAlone("leaving", "coming");
    }

    @Test
    void aFileWithTheIdOfAnotherIsRefusedByNameUntilTheOtherIsRemoved() throws Exception {
        product.write("routes/first.camel.yaml", feed("shared-id", "first", "First"));
        product.drop("first/a.csv");
        assertEquals("First", product.awaitImport("a.csv").template());

        int said = product.output().length();
        product.write("routes/second.camel.yaml", feed("shared-id", "second", "Second"));
        awaitReportOf("second.camel.yaml", said);
        product.drop("second/b.csv");
        product.drop("first/c.csv");
        assertEquals("First", product.awaitImport("c.csv").template());
        assertTrue(Files.exists(product.path("second/b.csv")));

        Files.delete(product.path("routes/first.camel.yaml"));
        assertEquals("Second", product.awaitImport("b.csv").template());
    }

    @ParameterizedTest
    @EnumSource
    void aBrokenFileIsReportedByNameAndLeavesTheOthersRunning(Broken broken) throws Exception {
        String id = "new-" + broken.name();
        int said = product.output().length();
        product.write("routes/" + id + ".camel.yaml", broken.withId(id));
        awaitReportOf(id + ".camel.yaml", said);
        product.drop("inbox/" + id + ".csv");
        product.awaitFile("inbox/.imported/" + id + ".csv");
    }

    @ParameterizedTest
    @EnumSource
    void aBrokenVersionLeavesThePreviousOneRunningUntilACorrectedOneTakesOver(Broken broken) throws Exception {
        String id = "edited-" + broken.name();
        String file = "routes/" + id + ".camel.yaml";
        product.write(file, feed(id, id, "Previous"));
        product.drop(id + "/" + id + "-1.csv");
        product.awaitImport(id + "-1.csv");

        int said = product.output().length();
        product.write(file, broken.withId(id));
        awaitReportOf(id + ".camel.yaml", said);
        product.drop(id + "/" + id + "-2.csv");
        assertEquals("Previous", product.awaitImport(id + "-2.csv").template());

        product.write(file, feed(id, id + "-corrected", "Corrected"));
        product.drop(id + "-corrected/" + id + "-3.csv");
        assertEquals("Corrected", product.awaitImport(id + "-3.csv").template());
    }

    @Test
    void aValueWithAnAmpersandIsWrittenRaw() throws Exception {
        product.write("routes/ampersand.camel.yaml", feed("ampersand", "RAW(a & b)", "RAW(R&D)"));
        product.drop("a & b/ampersand.csv");
        assertEquals("R&D", product.awaitImport("ampersand.csv").template());
    }

    @ParameterizedTest
    @ValueSource(strings = {"slow-feed", "csv-import-upload"})
    void aRouteUnderWayFinishesWhenItsFileIsEdited(String route) throws Exception {
        product.write("routes/slow-feed.camel.yaml", feed("slow-feed", "slow", "Slow"));
        String name = route + ".csv";
        product.drop("slow/before-" + name);
        product.awaitFile("slow/.imported/before-" + name);

        product.sandbox().failNext(SandboxFault.delay(Duration.ofSeconds(5)));
        product.drop("slow/" + name);
        product.awaitImport(name);
        Path file = product.path("routes/" + route + ".camel.yaml");
        String text = Files.exists(file) ? Files.readString(file) : Installation.packagedRoute("api/csv-import-upload");
        product.write("routes/" + route + ".camel.yaml", text + "# edited\n");
        product.awaitFile("slow/.imported/" + name);
        product.drop("slow/after-" + name);
        product.awaitFile("slow/.imported/after-" + name);

        assertEquals(1, product.imports(name).size());
    }

    @Test
    void aDeletedFeedTakesNothingMoreAndNoOtherEditWaitsForItsUpload() throws Exception {
        try (Installation fresh = new Installation(directory.resolve("deleted")).withRoutes()) {
            fresh.write("routes/deleted.camel.yaml", feed("deleted", "deleted", "Deleted"));
            fresh.start();
            fresh.awaitReady();
            // until the process stops
            fresh.sandbox().failNext(SandboxFault.hang(true));
            fresh.drop("deleted/under-way.csv");
            fresh.awaitImport("under-way.csv");
            fresh.write("routes/added.camel.yaml", feed("added", "added", "Added"));
            Files.delete(fresh.path("routes/deleted.camel.yaml"));
            fresh.drop("added/first.csv");
            fresh.awaitFile("added/.imported/first.csv");
            fresh.write("routes/later.camel.yaml", feed("later", "later", "Later"));
            fresh.drop("deleted/later.csv");
            fresh.drop("later/second.csv");
            fresh.awaitFile("later/.imported/second.csv");
            assertTrue(Files.exists(fresh.path("deleted/later.csv")));
            assertTrue(Files.exists(fresh.path("deleted/under-way.csv")));
        }
    }

    @Test
    @Tag("long")
    void aPackagedRouteThatIsEditedUnderLoadLosesNoAnswer() throws Exception {
        try (Installation fresh = new Installation(directory.resolve("load")).withRoutes()) {
            fresh.with("CSV_IMPORT_ORDER", "none")
                    .with("CSV_IMPORT_TEMPLATE", "People")
                    .with("CSV_IMPORT_STOP_TIMEOUT", "PT10S");
            fresh.start();
            fresh.awaitReady();
            fresh.sandbox().failAll(SandboxFault.delay(Duration.ofMillis(300)));
            String text = Installation.packagedRoute("api/csv-import-upload");
            for (int i = 0; i < 40; i++) {
                fresh.drop("inbox/" + i + ".csv");
            }
            fresh.awaitFile("inbox/.imported/0.csv");
            fresh.write("routes/csv-import-upload.camel.yaml", text + "# edited\n");
            fresh.awaitUntil(
                    "edited",
                    () -> fresh.output().contains("Added") || fresh.output().contains("Updated"));
            for (int i = 0; i < 40; i++) {
                fresh.awaitFile("inbox/.imported/" + i + ".csv");
            }
            for (int i = 0; i < 40; i++) {
                fresh.awaitAudit("csv-import.accepted", i + ".csv");
            }
            String events = Files.readString(fresh.path("data/audit/csv-import-audit.jsonl"));
            assertFalse(events.contains("csv-import.unknown"), events);
        }
    }

    @Test
    void aCalledRouteThatMovesToAnotherFileStartsOnceItsEndpointIsFree() throws Exception {
        product.write(
                "routes/caller.camel.yaml",
                ownFeed("caller", "called", "Called").replace(":csv-import", ":called"));
        product.write("routes/called-1.camel.yaml", route("called-1", "direct:called", "to: direct:csv-import"));
        product.drop("called/before.csv");
        product.awaitImport("before.csv");

        // it is in use when it moves
        product.sandbox().failNext(SandboxFault.delay(Duration.ofMillis(1500)));
        product.drop("called/moves.csv");
        product.awaitImport("moves.csv");
        Files.delete(product.path("routes/called-1.camel.yaml"));
        product.write("routes/called-2.camel.yaml", route("called-2", "direct:called", "to: direct:csv-import"));
        product.drop("called/after.csv");
        product.awaitImport("after.csv");
        assertFalse(product.output().contains("called-2.camel.yaml is not used"), product::output);
        assertEquals(1, product.imports("moves.csv").size());

        // there are two for a while
        product.write("routes/called-3.camel.yaml", route("called-3", "direct:called", "to: direct:csv-import"));
        awaitReportOf("called-3.camel.yaml is not used", 0);
        Files.delete(product.path("routes/called-2.camel.yaml"));
        product.awaitUntil("a start of called-3", () -> product.output().contains(": [called-3]"));
        product.drop("called/last.csv");
        product.awaitImport("last.csv");
    }

    @Test
    void brokenFilesFromTheBeginningAreReportedByNameAndTheOthersStart() throws Exception {
        try (Installation fresh = new Installation(directory.resolve("fresh")).withRoutes()) {
            for (Broken broken : Broken.values()) {
                fresh.write("routes/" + broken + ".camel.yaml", broken.withId(broken.name()));
            }
            fresh.write("routes/one.camel.yaml", feed("same-id", "one", "One"));
            fresh.write("routes/two.camel.yaml", feed("same-id", "two", "Two"));
            fresh.start();
            fresh.drop("inbox/People/people.csv");
            fresh.drop("one/one.csv");

            fresh.awaitFile("inbox/People/.imported/people.csv");
            fresh.awaitFile("one/.imported/one.csv");
            fresh.awaitReady();
            for (Broken broken : Broken.values()) {
                assertTrue(fresh.output().contains(broken + ".camel.yaml"), fresh::output);
            }
            assertTrue(fresh.output().contains("two.camel.yaml"), fresh::output);
        }
    }

    private static String feed(String id, String directory, String template) {
        return """
                - route:
                    id: %s
                    from:
                      uri: kamelet:csv-import-folder-source
                      parameters: { directory: %s, template: %s }
                      steps: [ { to: direct:csv-import } ]
                """
                .formatted(id, directory, template);
    }

    private static String ownFeed(String id, String directory, String template) {
        return """
                - route:
                    id: %s
                    from:
                      uri: file:%s
                      steps:
                        - setHeader: { name: template, constant: %s }
                        - to: direct:csv-import
                """
                .formatted(id, directory, template);
    }

    private static String route(String id, String from, String step) {
        return """
                - route:
                    id: %s
                    from:
                      uri: %s
                      steps: [ { %s } ]
                """
                .formatted(id, from, step);
    }

    private static void awaitReportOf(String file, int after) {
        product.awaitUntil(
                "a report of " + file, () -> product.output().substring(after).contains(file));
    }

    /** A file in the first directory lies there still when a later one in the second has been imported. */
    private static void assertLeftAlone(String left, String served) throws Exception {
        product.drop(left + "/left-in-" + left + ".csv");
        product.drop(served + "/served-in-" + served + ".csv");
        product.awaitImport("served-in-" + served + ".csv");
        assertTrue(Files.exists(product.path(left + "/left-in-" + left + ".csv")));
    }

    private static boolean contains(Path folder, String text) throws IOException {
        try (var files = Files.list(folder)) {
            for (Path file : files.toList()) {
                if (Files.readString(file).contains(text)) {
                    return true;
                }
            }
        }
        return false;
    }

    private static void awaitEmptyInbox() {
        product.awaitUntil("an empty inbox", () -> {
            try (var files = Files.list(product.path("inbox"))) {
                return files.noneMatch(Files::isRegularFile);
            }
        });
    }
}
