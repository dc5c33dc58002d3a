package io.csvimport.source;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.csvimport.CsvImportTestSupport;
import io.csvimport.sandbox.SandboxFault;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What holds for the files of every folder, on this machine and on a server: the inbox is that of the source. */
public abstract class FileSourceContract extends CsvImportTestSupport {

    /** Waits until the source has looked for files once more, where that can be told. */
    protected void awaitPoll() {}

    // what is taken

    @Test
    public void whatIsNoPlainCsvIsLeftAlone() throws Exception {
        Path outside = Files.writeString(home.resolve("outside.csv"), "outside");
        Files.createDirectories(home.resolve("elsewhere"));
        Files.writeString(home.resolve("elsewhere/inside.csv"), "elsewhere");
        List<Path> left = List.of(
                drop("People/.hidden.csv", "1"),
                drop("People/.hidden/people.csv", "2"),
                drop(".People/people.csv", "3"),
                drop("People/people.txt", "4"),
                drop("People/people.csv.part", "5"),
                drop("People/people.csv~", "6"),
                drop("People/csv", "7"),
                drop("People/people.xlsx", "8"),
                Files.createDirectories(inbox.resolve("People/folder.csv")),
                Files.createSymbolicLink(inbox.resolve("People/link.csv"), outside),
                Files.createSymbolicLink(inbox.resolve("People/dangling.csv"), home.resolve("nowhere")),
                Files.createSymbolicLink(inbox.resolve("linked"), home.resolve("elsewhere")),
                Files.createSymbolicLink(inbox.resolve("People/linked"), home.resolve("elsewhere")));
        awaitIn(".imported", drop("People/first.csv", CSV));
        awaitIn(".imported", drop("People/second.csv", CSV + 2));
        awaitPoll();
        assertEquals(List.of("first.csv", "second.csv"), importedNames());
        for (Path file : left) {
            assertTrue(Files.exists(file, LinkOption.NOFOLLOW_LINKS), file.toString());
        }
        assertEquals(2, jobs().size());
        assertEquals("outside", Files.readString(outside));
        assertTrue(Files.exists(home.resolve("elsewhere/inside.csv")));
    }

    // where it goes

    @Test
    public void aNameThatIsTakenGetsItsJobAndNothingIsOverwritten() throws Exception {
        List<Path> old = new ArrayList<>();
        for (String name : List.of(".imported/people.csv", ".duplicate/people.csv", ".rejected/people.csv")) {
            old.add(drop("People/" + name, "old"));
        }
        old.add(drop("People/.rejected/people.csv.reason.json", "old"));
        for (String content : List.of(CSV, CSV, "")) {
            Path file = drop("People/people.csv", content);
            awaitThat(() -> !Files.exists(file));
        }
        assertEquals(CSV, Files.readString(taken(old.get(0), "accepted")));
        assertEquals(CSV, Files.readString(taken(old.get(1), "duplicate")));
        assertEquals("", Files.readString(taken(old.get(2), "rejected")));
        assertEquals(
                "empty", reason(taken(old.get(2), "rejected")).get("reason").asText());
        for (Path file : old) {
            assertEquals("old", Files.readString(file), file.toString());
        }
    }

    private Path taken(Path old, String state) throws SQLException {
        String job = rows("SELECT job FROM csv_import_delivery WHERE state = '" + state + "'")
                .get(0)
                .get("job");
        return old.resolveSibling("people~" + job + ".csv");
    }

    @Test
    public void aReasonFileThatIsThereIsNotOverwritten() throws Exception {
        Path old = drop("People/.rejected/people.csv.reason.json", "old");
        Path file = drop("People/people.csv", "");
        awaitThat(() -> !Files.exists(file));
        assertEquals("old", Files.readString(old));
        assertEquals("empty", reason(taken(old, "rejected")).get("reason").asText());
    }

    @Test
    public void theReasonFileTellsReasonDetailStatusAndTime() throws Exception {
        Instant before = Instant.now().minusSeconds(1);
        sandbox.failNext(SandboxFault.status(422));
        JsonNode refused = reason(awaitIn(".rejected", drop("People/refused.csv", CSV)));
        JsonNode empty = reason(awaitIn(".rejected", drop("People/empty.csv", "")));
        assertEquals(Set.of("reason", "detail", "httpStatus", "time"), names(refused));
        assertEquals(422, refused.get("httpStatus").asInt());
        assertFalse(refused.get("reason").asText().isBlank());
        assertFalse(refused.get("detail").asText().isBlank());
        assertTrue(Instant.parse(refused.get("time").asText()).isAfter(before));
        assertEquals(Set.of("reason", "detail", "time"), names(empty));
        assertEquals("empty", empty.get("reason").asText());
    }

    private static Set<String> names(JsonNode object) {
        Set<String> names = new HashSet<>();
        object.fieldNames().forEachRemaining(names::add);
        return names;
    }

    protected static JsonNode reason(Path rejected) throws IOException {
        return JSON.readTree(Files.readString(rejected.resolveSibling(rejected.getFileName() + ".reason.json")));
    }

    // when it is taken, and in which order

    @Test
    public void filesFoundTogetherGoInTheOrderOfTheirTimesThenNames() throws Exception {
        Path folder = Files.createDirectories(home.resolve("prepared"));
        Instant time = Instant.parse("2026-01-02T03:04:05Z");
        write(folder.resolve("a.csv"), "1", time.plusSeconds(3));
        write(folder.resolve("c.csv"), "2", time.plusSeconds(1));
        write(folder.resolve("b.csv"), "3", time.plusSeconds(1));
        write(folder.resolve("z.csv"), "4", time);
        write(folder.resolve("Y.csv"), "5", time.plusSeconds(2));
        Files.move(folder, inbox.resolve("People"));
        awaitThat(() -> sandbox.imports().size() == 5);
        assertEquals(List.of("z.csv", "b.csv", "c.csv", "Y.csv", "a.csv"), importedNames());
    }

    protected static Path write(Path file, String content, Instant modified) throws IOException {
        return Files.setLastModifiedTime(Files.writeString(file, content), FileTime.from(modified));
    }

    protected static void append(Path file, String text) {
        try {
            Files.writeString(file, text, StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    // what becomes of it

    @Test
    public void aFileThatIsTakenAwayWhileItWaitsIsWithdrawn() throws Exception {
        sandbox.failAll(SandboxFault.status(503));
        Path file = drop("People/people.csv", CSV);
        awaitState("people.csv", "waiting");
        Files.delete(file);
        JsonNode event = awaitEvent("withdrawn", "people.csv");
        assertNull(event.get("subject"));
        sandbox.failAll(null);
        awaitIn(".imported", drop("People/again.csv", CSV));
        assertEquals(List.of("again.csv"), importedNames());
    }
}
