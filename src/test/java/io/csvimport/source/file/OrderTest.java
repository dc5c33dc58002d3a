package io.csvimport.source.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.csvimport.CsvImportTestSupport;
import io.csvimport.sandbox.SandboxFault;
import io.csvimport.sandbox.SandboxRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Files without an order: each is sent for itself, and the promise is the same. */
@CsvImportTestSupport.With({"order=none", "parallel=8"})
class OrderTest extends CsvImportTestSupport {

    private static final SandboxFault LATER = SandboxFault.status(503, false, Map.of("Retry-After", "600"));

    @Override
    public void addRoutes() throws IOException {
        addFeed("ordered", "template");
        addFeed("unordered", "none");
    }

    private void addFeed(String name, String order) throws IOException {
        addRoute(
                name,
                """
                - route:
                    id: %1$s
                    from:
                      uri: kamelet:csv-import-folder-source
                      parameters:
                        directory: "%2$s/%1$s"
                        order: %3$s
                      steps:
                        - to: direct:csv-import
                """
                        .formatted(name, home, order));
    }

    private List<SandboxRequest> inFlight() {
        return uploads().stream().filter(upload -> upload.status() == 0).toList();
    }

    /** Ends the uploads that hang: what became of them is found in the import list. */
    private void cutHangingUploads() {
        sandbox.disconnect();
        sandbox.reconnect();
    }

    @Test
    void aFileThatWaitsHoldsBackNoOther() throws Exception {
        sandbox.failNext(LATER);
        Path waiting = drop("People/waiting.csv", CSV);
        awaitState("waiting.csv", "waiting");
        for (int i = 0; i < 5; i++) {
            awaitIn(".imported", drop("People/later-" + i + ".csv", CSV + i));
        }
        assertTrue(Files.exists(waiting));
        assertEquals(1, uploads("waiting.csv").size());
    }

    @Test
    void aFileOfUnknownOutcomeHoldsBackNoOther() throws Exception {
        sandbox.failList(SandboxFault.status(503));
        sandbox.failNext(SandboxFault.resetAtEnd(true));
        Path unknown = drop("People/unknown.csv", CSV);
        awaitState("unknown.csv", "unknown");
        awaitIn(".imported", drop("People/later.csv", CSV + 2));
        assertTrue(Files.exists(unknown));
        sandbox.failList(null);
        awaitIn(".imported", unknown);
        assertEquals(List.of("unknown.csv", "later.csv"), importedNames());
    }

    @Test
    void soManyUploadsOfATemplateAreUnderWayAtATimeAsTheSettingSays() throws Exception {
        Collections.nCopies(8, SandboxFault.hang(true)).forEach(sandbox::failNext);
        List<Path> files = IntStream.range(0, 20)
                .mapToObj(i -> drop("People/file-" + i + ".csv", CSV + i))
                .toList();
        awaitThat(() -> inFlight().size() == 8
                && rows("SELECT job FROM csv_import_delivery WHERE state = 'sending'")
                                .size()
                        == 8);
        assertEquals(8, uploads().size());
        cutHangingUploads();
        files.forEach(file -> awaitIn(".imported", file));
        assertEquals(20, sandbox.imports().size());
        assertEquals(20, uploads().size());
    }

    @Test
    void ofEqualFilesAtOnceOneIsImportedAndTheOthersAreDuplicates() throws Exception {
        Path folder = Files.createDirectories(home.resolve("prepared"));
        for (int i = 0; i < 6; i++) {
            Files.writeString(folder.resolve("equal-" + i + ".csv"), CSV);
        }
        Files.move(folder, inbox.resolve("People"));
        awaitThat(() -> rows("SELECT job FROM csv_import_delivery WHERE released_at IS NOT NULL")
                        .size()
                == 6);
        assertEquals(1, uploads().size());
        assertEquals(
                5,
                rows("SELECT job FROM csv_import_delivery WHERE state = 'duplicate'")
                        .size());
        for (int i = 0; i < 6; i++) {
            String released = job("equal-" + i + ".csv").get("released_to");
            assertTrue(Files.exists(Path.of(released)), released);
        }
    }

    @Test
    void twoFilesOfOneNameAndTemplateAreNotSentAtATimeAndTheSecondHasNotFailed() throws Exception {
        sandbox.failNext(SandboxFault.hang(true));
        List<Path> files = List.of(
                drop("People/north/people.csv", CSV + "north"),
                drop("People/south/people.csv", CSV + "south"),
                drop("../unordered/People/people.csv", CSV + "unordered"));
        awaitThat(() -> jobs().size() == 3 && inFlight().size() == 1);
        awaitIn(".imported", drop("Courses/people.csv", CSV));
        awaitIn(".imported", drop("People/other.csv", CSV));
        assertEquals(3, uploads().size());
        cutHangingUploads();
        files.forEach(file -> awaitIn(".imported", file));
        assertEquals(5, uploads().size());
        for (Map<String, String> job : jobs()) {
            assertEquals("1", job.get("attempts"), job.toString());
            assertEquals("0", job.get("failures"), job.toString());
        }
    }

    @Test
    @With("order=template")
    void aFeedMayHaveAnOrderOfItsOwn() throws Exception {
        sandbox.failNext(LATER, LATER);
        drop("../unordered/People/for-itself.csv", CSV);
        awaitState("for-itself.csv", "waiting");
        drop("../ordered/People/first.csv", CSV + 1);
        awaitState("first.csv", "waiting");
        Path later = drop("../ordered/People/later.csv", CSV + 2);
        awaitIn(".imported", drop("../ordered/Courses/other.csv", CSV));
        awaitIn(".imported", drop("../unordered/People/passes.csv", CSV + 3));
        assertTrue(Files.exists(later));
        assertEquals(Map.of(), job("later.csv"));
    }
}
