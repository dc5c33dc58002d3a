package io.csvimport.source.file;

import static java.nio.charset.StandardCharsets.UTF_16LE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.csvimport.file.SourceFolders;
import io.csvimport.sandbox.SandboxFault;
import io.csvimport.sandbox.SandboxImport;
import io.csvimport.source.FileSourceContract;
import io.csvimport.source.Untaken;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.camel.health.HealthCheck;
import org.apache.camel.util.FileUtil;
import org.junit.jupiter.api.Test;

/** The inbox: which files are taken, when, in which order, as which template, and where they go. */
class FolderTest extends FileSourceContract {

    @Override
    public void addRoutes() throws IOException {
        // its own template for files in no folder, and a header of its own for urgent ones
        addRoute(
                "second-feed",
                """
                - route:
                    id: second-feed
                    from:
                      uri: kamelet:csv-import-folder-source
                      parameters:
                        directory: "%1$s/second"
                        template: Feed Template
                      steps:
                        - to: direct:csv-import
                - route:
                    id: header-feed
                    from:
                      uri: kamelet:csv-import-folder-source
                      parameters:
                        directory: "%1$s/third"
                        template: Feed Template
                      steps:
                        - setHeader: { name: template, constant: Header Template }
                        - setHeader: { name: notify, constant: header@x.com }
                        - to: direct:csv-import
                """
                        .formatted(home));
    }

    // what is taken

    @Test
    @With({"template=Setting Template", "notify=setting@x.com"})
    void aHeaderWinsOverTheFolderAndTheFolderOverTheSetting() throws Exception {
        drop("root.csv", "a\n1\n");
        drop("Folder Template/in/deep/er/folders.CSV", "a\n2\n");
        drop("../second/feed.csv", "a\n3\n");
        drop("../second/Folder Template/feed-folder.Csv", "a\n4\n");
        drop("../third/Folder Template/header.csv", "a\n5\n");
        assertImport("root.csv", "Setting Template", "setting@x.com", "file");
        assertImport("folders.CSV", "Folder Template", "setting@x.com", "file");
        assertImport("feed.csv", "Feed Template", "setting@x.com", "second-feed");
        assertImport("feed-folder.Csv", "Folder Template", "setting@x.com", "second-feed");
        assertImport("header.csv", "Header Template", "header@x.com", "header-feed");
        awaitThat(() -> Files.exists(inbox.resolve("Folder Template/in/deep/er/.imported/folders.CSV")));
        awaitThat(() -> Files.exists(home.resolve("third/Folder Template/.imported/header.csv")));
    }

    private void assertImport(String name, String templateName, String notify, String from) throws IOException {
        JsonNode data = awaitEvent("accepted", name).get("data");
        assertEquals(templateName, data.get("template").asText(), name);
        assertEquals(from, data.get("from").asText(), name);
        SandboxImport made = importOf(name);
        assertEquals(templateName, made.template(), name);
        assertEquals(List.of(notify), made.addresses(), name);
    }

    @Test
    void strangeNamesAreImportedUnderTheirOwnName() throws Exception {
        List<String> names = List.of(
                "-rf.csv",
                "--help.csv",
                "100%25.csv",
                "a%2Fb.csv",
                "a+b.csv",
                "a#b.csv",
                "a;b.csv",
                "${body}.csv",
                "{{x}}.csv",
                "a'b\"c.csv",
                "*.csv",
                " .csv",
                "a..csv",
                "名前 ü.csv",
                "x".repeat(196) + ".csv");
        for (String name : names) {
            drop("People/" + name, CSV + name);
            drop(name + "/template.csv", CSV + name);
        }
        for (String name : names) {
            awaitIn(".imported", inbox.resolve("People/" + name));
            assertEquals(CSV + name, new String(awaitUpload(name).file(), UTF_8));
            assertEquals(name, importOf(name).fileName());
            awaitIn(".imported", inbox.resolve(name + "/template.csv"));
            assertTrue(sandbox.imports().stream().anyMatch(i -> i.template().equals(name)), name);
        }
        assertEquals(2 * names.size(), sandbox.imports().size());
    }

    @Test
    void aBackslashInANameIsNoReasonToLeaveTheFile() throws Exception {
        Path file = drop("People/back\\slash.csv", CSV);
        awaitThat(() -> !Files.exists(file));
        // its last segment may be the name, or it may be refused as one
        boolean rejected = jobs().get(0).get("state").equals("rejected");
        assertEquals(rejected ? List.of() : List.of("slash.csv"), importedNames());
        assertTrue(Files.exists(
                file.resolveSibling(rejected ? ".rejected" : ".imported").resolve("back\\slash.csv")));
        // the name may come again
        drop("People/back\\slash.csv", CSV + "again");
        awaitThat(() -> !Files.exists(file));
    }

    @Test
    void aNameWithALineBreakIsRejected() throws Exception {
        Path file = drop("People/line\nbreak.csv", CSV);
        Path rejected = awaitIn(".rejected", file);
        Path folder = drop("line\rbreak/people.csv", CSV);
        awaitIn(".rejected", folder);
        assertEquals("file-name", reason(rejected).get("reason").asText());
        assertEquals(List.of(), uploads());
    }

    // where it goes

    @Test
    void aNameOf255BytesIsMovedAndItsReasonIsToldUnderAShorterOne() throws Exception {
        String name = "x" + "ü".repeat(125) + ".csv";
        List<String> others =
                List.of("x" + "ü".repeat(124) + "ä.csv", "y".repeat(251) + ".csv", "z".repeat(240) + ".csv");
        for (String empty : List.of(name, others.get(0), others.get(1), others.get(2))) {
            Path file = drop("People/" + empty, "");
            awaitThat(() -> !Files.exists(file));
        }
        Path folder = inbox.resolve("People/.rejected");
        Set<String> told = new HashSet<>();
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file :
                    files.filter(f -> f.toString().endsWith(".reason.json")).toList()) {
                JsonNode reason = JSON.readTree(Files.readString(file));
                assertEquals("empty", reason.get("reason").asText());
                told.add(reason.get("fileName").asText());
            }
        }
        assertEquals(Set.of(name, others.get(0), others.get(1), others.get(2)), told);

        // imported, a duplicate, and both again where the name is taken
        for (String folderName : List.of(".imported", ".duplicate")) {
            Path taken = inbox.resolve("Courses").resolve(folderName).resolve(name);
            Files.createDirectories(taken.getParent());
            Files.writeString(taken, "old");
            Path file = drop("Courses/" + name, CSV);
            awaitThat(() -> !Files.exists(file));
            assertEquals("old", Files.readString(taken));
            awaitThat(() -> job(name).get("released_to") != null);
            assertEquals(CSV, Files.readString(Path.of(job(name).get("released_to"))));
        }
        assertEquals("duplicate", job(name).get("state"));
    }

    @Test
    void noLinkInTheFoldersIsFollowedAndNothingItLeadsToIsWritten() throws Exception {
        Path victim = Files.writeString(home.resolve("victim"), "precious");
        Path rejected = Files.createDirectories(inbox.resolve("People/.rejected"));
        String reason = rejected.resolve("people.csv.reason.json").toString();
        Files.createSymbolicLink(Path.of(reason), victim);
        Files.createSymbolicLink(rejected.resolve(".people.csv.reason.json.tmp"), victim);
        Files.createLink(Path.of(SourceFolders.hidden(reason)), victim);
        Path more = rejected.resolve("more.csv.reason.json");
        Files.createSymbolicLink(Path.of(SourceFolders.hidden(more.toString())), victim);
        Files.createSymbolicLink(rejected.resolve("more.csv"), home.resolve("nowhere"));
        for (String name : List.of("people.csv", "more.csv")) {
            Path file = drop("People/" + name, "");
            awaitThat(() -> !Files.exists(file));
            awaitThat(() -> job(name).get("released_to") != null);
            Path moved = Path.of(job(name).get("released_to"));
            assertEquals("", Files.readString(moved));
            assertEquals("empty", reason(moved).get("reason").asText());
            assertFalse(Files.isSymbolicLink(moved.resolveSibling(moved.getFileName() + ".reason.json")));
        }
        assertEquals("precious", Files.readString(victim));
        assertFalse(Files.exists(home.resolve("nowhere")));
    }

    @Test
    @With("duplicates=import")
    void theFoldersAfterwardsMayBeOnAnotherFileSystem() throws Exception {
        Path memory = Path.of("/dev/shm");
        assumeTrue(Files.isWritable(memory) && !Files.getFileStore(memory).equals(Files.getFileStore(inbox)));
        Path archive = Files.createTempDirectory(memory, "csv-import");
        try {
            Path people = Files.createDirectories(inbox.resolve("People"));
            for (String folder : List.of(".imported", ".rejected")) {
                Files.createSymbolicLink(people.resolve(folder), Files.createDirectory(archive.resolve(folder)));
            }
            Instant modified = Instant.parse("2026-01-02T03:04:05.678Z");
            Path imported = awaitIn(".imported", drop("People/people.csv", CSV.getBytes(UTF_8), modified));
            Path rejected = awaitIn(".rejected", drop("People/empty.csv", ""));
            Path again = drop("People/people.csv", CSV + "again");
            awaitThat(() -> !Files.exists(again));
            awaitThat(() -> job("people.csv").get("released_to") != null);
            assertEquals(CSV, Files.readString(imported));
            assertEquals(modified, Files.getLastModifiedTime(imported).toInstant());
            assertEquals("empty", reason(rejected).get("reason").asText());
            assertEquals(
                    CSV + "again", Files.readString(Path.of(job("people.csv").get("released_to"))));
            assertEquals(List.of("people.csv", "people.csv"), importedNames());
            assertEquals(3, jobs().size());
            try (Stream<Path> files = Files.walk(archive)) {
                assertEquals(4, files.filter(Files::isRegularFile).count(), "nothing unfinished is left over");
            }
        } finally {
            FileUtil.removeDir(archive.toFile());
        }
    }

    // when it is taken, and in which order

    @Test
    @With({"file.quiet=PT0.8S", "file.quiet-after-growth=PT3S"})
    void aFileThatIsBeingWrittenIsNotTakenUntilItStandsStillAndHoldsUpNoOther() throws Exception {
        Path growing = Files.createFile(
                Files.createDirectories(inbox.resolve("People")).resolve("growing.csv"));
        ScheduledExecutorService writer = Executors.newSingleThreadScheduledExecutor();
        // slowly, then a pause longer than the quiet time of a file that never grew, then the last line
        for (int line = 0; line <= 10; line++) {
            String text = "line " + line + "\n";
            writer.schedule(() -> append(growing, text), line < 10 ? line * 100 : 2200, TimeUnit.MILLISECONDS);
        }
        awaitIn(".imported", drop("People/other.csv", CSV));
        awaitIn(".imported", growing);
        writer.shutdown();
        assertEquals(
                "line 0\nline 1\nline 2\nline 3\nline 4\nline 5\nline 6\nline 7\nline 8\nline 9\nline 10\n",
                new String(awaitUpload("growing.csv").file(), UTF_8));
        assertEquals(List.of("other.csv", "growing.csv"), importedNames());
    }

    @Test
    @With({"file.quiet=PT0S", "file.quiet-empty=PT1H"})
    void aFileThatIsEmptyOrEndsInNulsIsNotJudgedBeforeItsContentMayBeThere() throws Exception {
        Path empty = drop("People/empty.csv", "");
        byte[] zeros = new byte[CSV.length()];
        Path preallocated = drop("Courses/preallocated.csv", zeros, Instant.parse("2026-01-02T03:04:05Z"));
        byte[] utf16 = Arrays.copyOf("\uFEFFname\nÅke\n".getBytes(UTF_16LE), 100);
        Path wide = drop("Wide/wide.csv", utf16);
        awaitThat(() -> untaken().map(Untaken.Files::files).orElse(0L) == 3);
        append(empty, CSV);
        Files.writeString(preallocated, CSV + 2);
        awaitIn(".imported", empty);
        awaitIn(".imported", preallocated);
        assertTrue(Files.exists(wide));
        assertEquals(Set.of("empty.csv", "preallocated.csv"), Set.copyOf(importedNames()));
        assertEquals(List.of(), events("rejected", "empty.csv"));
        assertEquals(2, jobs().size());
    }

    @Test
    @With({"file.quiet=PT0S", "file.quiet-empty=PT0.5S"})
    void aFileThatStaysEmptyIsRejected() throws Exception {
        awaitIn(".rejected", drop("People/empty.csv", ""));
        awaitIn(".rejected", drop("Courses/zeros.csv", new byte[100]));
        // the last character of a file in UTF-16 is no NUL, though its last byte is
        awaitIn(".imported", drop("Wide/wide.csv", "\uFEFFname\nÅke\n".getBytes(UTF_16LE)));
    }

    private Optional<Untaken.Files> untaken() {
        Untaken untaken = context.getRegistry().lookupByNameAndType("csvImportUntaken", Untaken.class);
        return Optional.ofNullable(untaken.feeds().get("csv-import-from-folder"));
    }

    @Test
    void readinessIsDownWhileTheInboxIsGoneOrNoFolder() throws Exception {
        awaitIn(".imported", drop("People/people.csv", CSV));
        HealthCheck health = context.getRegistry().lookupByNameAndType("csvImportReadiness", HealthCheck.class);
        assertEquals(HealthCheck.State.UP, health.call().getState());
        Path elsewhere = Files.move(inbox, home.resolve("elsewhere"));
        awaitThat(() -> reasons(health).contains(inbox + " is gone"));
        Files.createFile(inbox);
        awaitThat(() -> reasons(health).contains(inbox + " is no folder"));
        Files.delete(inbox);
        Files.move(elsewhere, inbox);
        awaitIn(".imported", drop("People/more.csv", CSV + 2));
        assertEquals(HealthCheck.State.UP, health.call().getState());
    }

    private static String reasons(HealthCheck health) {
        return String.valueOf(health.call().getMessage().orElse(null));
    }

    @Test
    void aFileThatChangesDuringItsUploadIsImportedAsItIsAfterwardsOnly() throws Exception {
        // larger than what the sockets hold, so that the end is read when the sandbox has read most
        byte[] large = "0123456789abcde\n".repeat(1 << 20).getBytes(UTF_8);
        SandboxFault slowly = SandboxFault.slowReading(Duration.ofMillis(20));
        sandbox.failNext(slowly, slowly);
        Path replaced = drop("Replaced/replaced.csv", large);
        Path growing = drop("Growing/growing.csv", large);
        awaitThat(
                () -> uploads().stream().filter(upload -> upload.bodySize() > 0).count() == 2);
        Path other = Files.writeString(home.resolve("other.csv"), CSV);
        Files.move(other, replaced, StandardCopyOption.REPLACE_EXISTING);
        append(growing, "more\n");
        awaitIn(".imported", replaced);
        Path whole = awaitIn(".imported", growing);
        assertEquals(
                Set.of(CSV.length() + 0L, large.length + 5L),
                Set.copyOf(sandbox.imports().stream().map(SandboxImport::size).toList()));
        assertEquals(2, sandbox.imports().size());
        assertEquals(large.length + 5L, Files.size(whole));
        assertEquals(4, uploads().size());
        assertTrue(
                uploads().subList(0, 2).stream()
                        .allMatch(upload -> upload.parts().isEmpty()),
                "no half was a whole part");
        assertEquals(List.of(), lists(), "what was broken off is not unknown");
    }

    @Test
    void aWaitingFileHoldsBackLaterOnesOfItsFeedAndTemplateAndNothingElse() throws Exception {
        sandbox.failNext(SandboxFault.status(503, false, Map.of("Retry-After", "600")));
        drop("People/waiting.csv", CSV);
        awaitState("waiting.csv", "waiting");
        Path later = drop("People/later.csv", CSV + 1);
        awaitIn(".imported", drop("../second/People/same-template.csv", CSV + 2));
        awaitIn(".imported", drop("Courses/same-feed.csv", CSV + 3));
        assertTrue(Files.exists(later));
        assertEquals(List.of("same-template.csv", "same-feed.csv"), importedNames());
    }
}
