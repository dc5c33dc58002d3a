package io.csvimport.source.sftp;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.csvimport.Hashes;
import io.csvimport.sandbox.SandboxFault;
import io.csvimport.sandbox.SandboxImport;
import io.csvimport.source.FileSourceContract;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.security.KeyPair;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.camel.health.HealthCheckRegistry;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The inbox of an SFTP server: who is let in, which files are taken, when, as what, and where they go. */
class SftpTest extends FileSourceContract {

    private SftpRig server;

    /** The inbox is the server's. */
    @Override
    public void addRoutes() throws IOException {
        server = new SftpRig(home.resolve("server"), home.resolve("login"));
        inbox = Files.createDirectories(home.resolve("login/inbox"));
        set(
                "sftp.enabled=true",
                "sftp.host=127.0.0.1",
                "sftp.port=" + server.port(),
                "sftp.username=" + SftpRig.USERNAME,
                "sftp.password=" + SftpRig.PASSWORD,
                "sftp.known-hosts-file=" + server.knownHosts());
    }

    @AfterEach
    void closeServer() throws IOException {
        server.close();
    }

    @Override
    protected void awaitPoll() {
        awaitPolls(1);
    }

    private void awaitPolls(int polls) {
        long before = server.listings("inbox");
        awaitThat(() -> server.listings("inbox") >= before + polls);
    }

    // who is let in

    @Test
    void aFileIsImportedByPasswordAndMovedOnTheServer() throws Exception {
        Path imported = awaitIn(".imported", drop("People/people.csv", CSV));
        assertEquals(CSV, Files.readString(imported));
        assertArrayEquals(CSV.getBytes(UTF_8), awaitUpload("people.csv").file());
        assertEquals("People", importOf("people.csv").template());
        JsonNode data = awaitEvent("accepted", "people.csv").get("data");
        assertEquals("sftp", data.get("from").asText());
        assertEquals("People", data.get("template").asText());
        assertEquals(CSV.length(), data.get("fileSize").asLong());
        assertEquals(Hashes.of(CSV.getBytes(UTF_8)), data.get("sha256").asText());
        assertEquals(importOf("people.csv").id(), data.get("importId").asText());
    }

    @Test
    @With({"track.enabled=true", "track.interval=PT0.1S"})
    void theFailedRowsOfAnImportLieBesideItsFileOnTheServer() throws Exception {
        Path imported = awaitIn(".imported", drop("People/people.csv", "name\nAnna\ninvalid\n"));
        assertEquals(
                1, awaitEvent("completed", "people.csv").at("/data/failedRows").asInt());
        Path rows = imported.resolveSibling("people.csv.failed-rows.csv");
        assertTrue(Files.readString(rows).startsWith("row,error\n3,"), Files.readString(rows));
        String place = job("people.csv").get("failed_rows_file");
        assertTrue(
                place.startsWith("sftp://") && place.endsWith("/People/.imported/people.csv.failed-rows.csv"), place);
    }

    @Test
    @With({"track.enabled=true", "track.interval=PT0.1S", "sftp.read-only=true"})
    void whereTheServerIsOnlyReadTheFailedRowsLieInTheDataDir() throws Exception {
        drop("People/people.csv", "name\nAnna\ninvalid\n");
        awaitEvent("completed", "people.csv");
        Path rows = Path.of(job("people.csv").get("failed_rows_file"));
        assertEquals(home.resolve("data/failed-rows"), rows.getParent());
        assertTrue(Files.readString(rows).startsWith("row,error\n3,"), Files.readString(rows));
    }

    @Test
    @With({"sftp.password=", "sftp.private-key-file={home}/server/id"})
    void aFileIsImportedByPrivateKey() {
        awaitIn(".imported", drop("People/people.csv", CSV));
        assertEquals(1, sandbox.imports().size());
        assertEquals(0, server.passwords());
    }

    @Test
    @With({
        "sftp.password=",
        "sftp.private-key-file={home}/server/id-locked",
        "sftp.private-key-passphrase=" + SftpRig.PASSPHRASE
    })
    void aFileIsImportedByPrivateKeyWithPassphrase() {
        awaitIn(".imported", drop("People/people.csv", CSV));
        assertEquals(1, sandbox.imports().size());
        assertEquals(0, server.passwords());
    }

    @Test
    @With("sftp.known-hosts-file={home}/server/empty_known_hosts")
    void aServerWithAnUnknownHostKeyIsRefusedAndTheLoginNotTried() {
        assertRefusedUnseen();
    }

    @Test
    @With("sftp.known-hosts-file={home}/server/old_known_hosts")
    void aServerWithAChangedHostKeyIsRefusedAndTheLoginNotTried() {
        assertRefusedUnseen();
    }

    private void assertRefusedUnseen() {
        Path file = drop("People/people.csv", CSV);
        awaitThat(() -> server.ended() >= 1);
        assertEquals(0, server.passwords());
        assertEquals(0, server.keys());
        assertTrue(Files.exists(file));
        assertEquals(List.of(), sandbox.requests());
    }

    @Test
    void aServerThatHasAnotherHostKeyOrRefusesTheLoginForATimeIsUsedAgain() throws Exception {
        awaitIn(".imported", drop("People/before.csv", CSV));
        KeyPair known = server.changeHostKey(null);
        int passwords = server.passwords();
        Path file = drop("People/people.csv", CSV + 2);
        awaitEnded();
        assertEquals(passwords, server.passwords());
        assertTrue(Files.exists(file));
        server.refuseLogins(true);
        server.changeHostKey(known);
        awaitThat(() -> server.passwords() > passwords);
        assertTrue(Files.exists(file));
        server.refuseLogins(false);
        awaitIn(".imported", file);
        assertEquals(2, uploads().size());
    }

    @Test
    void aLoginThatIsRefusedIsTriedOnceAConnection() {
        server.refuseLogins(true);
        server.dropConnections();
        int passwords = server.passwords();
        int connections = server.connections();
        awaitThat(() -> server.connections() == connections + 2 && server.ended() == server.connections());
        assertEquals(passwords + 2, server.passwords());
    }

    @Test
    @With({"sftp.password=", "sftp.private-key-file={home}/server/id-locked", "health.grace=PT0S"})
    void aPrivateKeyWhosePassphraseIsNotGivenIsNoLoginThatWasRefused() {
        awaitThat(() -> readiness().contains("is encrypted, and no passphrase is given"));
        assertEquals(0, server.connections());
    }

    @Test
    @With("health.grace=PT0S")
    void aServerThatOffersUnsafeAlgorithmsOnlyIsRefusedWithWhatToDo() throws Exception {
        int passwords = server.passwords();
        server.beOld();
        awaitThat(() -> readiness().contains("ssh-rsa"));
        assertTrue(readiness().contains("the parameter algorithms of its Kamelet"), readiness());
        assertTrue(server.passwords() <= passwords + 1);
    }

    private String readiness() {
        return String.valueOf(context.getCamelContextExtension()
                .getContextPlugin(HealthCheckRegistry.class)
                .getCheck("csv-import")
                .orElseThrow()
                .call()
                .getMessage());
    }

    @Test
    @With("parallel=4")
    void aServerThatLetsInOneConnectionIsListedAndReadOverIt() throws Exception {
        server.letInOne();
        server.dropConnections();
        for (int i = 0; i < 20; i++) {
            drop("Template " + i % 4 + "/" + name(i), CSV + i);
        }
        for (int i = 0; i < 20; i++) {
            awaitIn(".imported", inbox.resolve("Template " + i % 4 + "/" + name(i)));
        }
        assertTrue(server.connections() <= 6, server.connections() + " connections");
    }

    /** The next connection has come and gone. */
    private void awaitEnded() {
        int before = server.connections();
        awaitThat(() -> server.connections() > before && server.ended() == server.connections());
    }

    // what is taken

    @Test
    @With({"template=Setting Template", "notify=setting@x.com"})
    void theFirstFolderNamesTheTemplate() throws Exception {
        drop("root.csv", "a\n1\n");
        drop("Folder Template/in/deep/er/folders.CSV", "a\n2\n");
        drop("Übungen 名前/umlaut.Csv", "a\n3\n");
        // an inbox elsewhere is none
        Path elsewhere = Files.createDirectories(home.resolve("login/Folder Template"));
        Files.writeString(elsewhere.resolve("elsewhere.csv"), CSV);
        assertImport("root.csv", "Setting Template");
        assertImport("folders.CSV", "Folder Template");
        assertImport("umlaut.Csv", "Übungen 名前");
        awaitThat(() -> Files.exists(inbox.resolve("Folder Template/in/deep/er/.imported/folders.CSV")));
        awaitThat(() -> Files.exists(inbox.resolve(".imported/root.csv")));
        assertEquals(3, sandbox.imports().size());
    }

    private void assertImport(String name, String templateName) throws IOException {
        assertEquals(
                templateName, awaitEvent("accepted", name).at("/data/template").asText(), name);
        SandboxImport made = importOf(name);
        assertEquals(templateName, made.template(), name);
        assertEquals(List.of("setting@x.com"), made.addresses(), name);
    }

    @Test
    @With("parallel=8")
    void strangeNamesAreImportedUnderTheirOwnName() throws Exception {
        List<String> names = List.of(
                "-rf.csv",
                "100%25.csv",
                "a%2Fb.csv",
                "a+b & c.csv",
                "a#b.csv",
                "a;b.csv",
                "${body}.csv",
                "{{x}}.csv",
                "a'b\"c.csv",
                "*.csv",
                "a?.csv",
                "[a].csv",
                "~.csv",
                " .csv",
                "a..csv",
                "名前 Jürgen ü.csv",
                "x".repeat(196) + ".csv");
        for (String name : names) {
            drop(name + "/" + name, CSV + name);
        }
        // what the patterns above would match, too
        drop("*.csv/ab.csv", CSV + "ab");
        drop("a?.csv/ab.csv", CSV + "abc");
        for (String name : names) {
            Path imported = awaitIn(".imported", inbox.resolve(name + "/" + name));
            assertEquals(CSV + name, Files.readString(imported));
            assertEquals(CSV + name, new String(awaitUpload(name).file(), UTF_8));
            assertEquals(name, importOf(name).template());
        }
        awaitThat(() -> sandbox.imports().size() == names.size() + 2);
    }

    @Test
    void namesWithSeparatorsInAListingAreRefusedAndLeadNowhere() throws Exception {
        Path evil = Files.writeString(home.resolve("login/evil.csv"), CSV + "evil");
        Path absolute = Files.writeString(home.resolve("absolute.csv"), CSV + "absolute");
        Map<String, String> listed = Map.of(
                "one.csv", "../../evil.csv",
                "two.csv", "a/b.csv",
                "three.csv", "..\\x.csv",
                "four.csv", absolute.toString(),
                "five.csv", "../five.csv");
        listed.forEach(server::listAs);
        List<Path> files = new ArrayList<>(List.of(evil, absolute));
        listed.keySet().forEach(name -> files.add(drop("People/" + name, CSV + name)));
        Path folder = Files.createDirectories(inbox.resolve("folder"));
        server.listAs("folder", "../../login");
        awaitIn(".imported", drop("People/first.csv", CSV));
        awaitIn(".imported", drop("People/second.csv", CSV + 2));
        awaitPolls(1);
        assertEquals(List.of("first.csv", "second.csv"), importedNames());
        assertEquals(2, jobs().size());
        assertTrue(files.stream().allMatch(Files::exists), files.toString());
        assertTrue(Files.exists(folder));
        Set<String> evilNames = new HashSet<>(listed.keySet());
        Stream.of("evil.csv", "b.csv", "x.csv", "..\\x.csv", "absolute.csv").forEach(evilNames::add);
        try (Stream<Path> all = Files.walk(home)) {
            assertEquals(
                    Set.copyOf(files),
                    Set.copyOf(all.filter(file ->
                                    evilNames.contains(file.getFileName().toString()))
                            .toList()));
        }
        assertEquals(
                List.of(),
                server.changes().stream().filter(c -> c.contains("evil")).toList());
    }

    // when it is taken, and in which order

    @Test
    @With({"file.quiet=PT0.6S", "file.quiet-after-growth=PT2S"})
    void aFileThatIsBeingWrittenIsNotTakenUntilItStandsStillAndHoldsUpNoOther() throws Exception {
        Path growing = Files.createFile(
                Files.createDirectories(inbox.resolve("People")).resolve("growing.csv"));
        ScheduledExecutorService writer = Executors.newSingleThreadScheduledExecutor();
        writer.scheduleAtFixedRate(() -> append(growing, "line\n"), 0, 100, TimeUnit.MILLISECONDS);
        awaitIn(".imported", drop("People/other.csv", CSV));
        awaitPolls(2);
        writer.shutdown();
        assertTrue(writer.awaitTermination(10, TimeUnit.SECONDS));
        // a pause longer than the quiet time of a file that never grew, then the last line
        soon().during(Duration.ofSeconds(1)).until(() -> Files.exists(growing));
        append(growing, "last line\n");
        String whole = Files.readString(growing);
        awaitIn(".imported", growing);
        assertEquals(whole, new String(awaitUpload("growing.csv").file(), UTF_8));
        assertEquals(List.of("other.csv", "growing.csv"), importedNames());
    }

    @Test
    @With("parallel=4")
    void manySmallFilesAreTakenInAFewLogins() throws Exception {
        Path folders = Files.createDirectories(home.resolve("prepared"));
        Instant time = Instant.parse("2026-01-02T03:04:05Z");
        for (int i = 0; i < 200; i++) {
            Path folder = Files.createDirectories(folders.resolve("Template " + i % 4));
            write(folder.resolve(name(i)), CSV + i, time.plusSeconds(i));
        }
        for (int t = 0; t < 4; t++) {
            Files.move(folders.resolve("Template " + t), inbox.resolve("Template " + t));
        }
        for (int t = 0; t < 4; t++) {
            String templateName = "Template " + t;
            // many files take their time on a busy machine
            soon().atMost(Duration.ofMinutes(2))
                    .until(() -> files(templateName + "/.imported").size() == 50);
            assertEquals(
                    IntStream.range(0, 200)
                            .filter(i -> templateName.equals("Template " + i % 4))
                            .mapToObj(SftpTest::name)
                            .toList(),
                    sandbox.imports().stream()
                            .filter(made -> made.template().equals(templateName))
                            .map(SandboxImport::fileName)
                            .toList());
        }
        assertTrue(server.logins() <= 6, server.logins() + " logins");
        for (int i = 0; i < 200; i++) {
            assertEquals(1, server.downloads(name(i)));
        }
    }

    private static String name(int i) {
        return "%03d.csv".formatted(i);
    }

    private List<Path> files(String folder) throws IOException {
        if (!Files.exists(inbox.resolve(folder))) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(inbox.resolve(folder))) {
            return files.toList();
        }
    }

    // where it goes

    @Test
    void noReasonIsWrittenThroughALinkOnTheServer() throws Exception {
        Path outside = Files.writeString(home.resolve("outside"), "outside");
        Path folder = Files.createDirectories(inbox.resolve("People/.rejected"));
        for (String name : List.of("people.csv.reason.json", ".people.csv.reason.json.tmp", "more.csv")) {
            Files.createSymbolicLink(folder.resolve(name), outside);
        }
        Files.createSymbolicLink(folder.resolve("more.csv.reason.json"), home.resolve("nowhere"));
        Path file = drop("People/people.csv", "");
        Path more = drop("People/more.csv", "");
        awaitThat(() -> !Files.exists(file) && !Files.exists(more));
        assertEquals("outside", Files.readString(outside));
        assertFalse(Files.exists(home.resolve("nowhere")));
    }

    @Test
    void nothingOfAFileIsLeftInTheDataDirOnceItsFateIsSettled() throws Exception {
        dropTogether("first.csv", CSV, "second.csv", CSV, "third.csv", "");
        awaitIn(".imported", inbox.resolve("People/first.csv"));
        awaitIn(".duplicate", inbox.resolve("People/second.csv"));
        awaitIn(".rejected", inbox.resolve("People/third.csv"));
        awaitPolls(1);
        try (Stream<Path> data = Files.walk(home.resolve("data"))) {
            assertEquals(
                    List.of(),
                    data.filter(Files::isRegularFile)
                            .map(file -> home.resolve("data").relativize(file).toString())
                            .filter(file -> !file.matches("csv-import[^/]*|audit/.*"))
                            .toList());
        }
    }

    @Test
    void aServerThatRefusesToMoveKeepsTheFileWhichIsImportedOnceAndMovedLater() throws Exception {
        server.denyChanges(true);
        Path file = drop("People/people.csv", CSV);
        Path bad = drop("People/empty.csv", "");
        awaitEvent("accepted", "people.csv");
        awaitEvent("rejected", "empty.csv");
        awaitPolls(3);
        assertTrue(Files.exists(file));
        server.denyChanges(false);
        awaitIn(".imported", file);
        awaitIn(".rejected", bad);
        assertEquals(1, uploads().size());
        assertEquals(2, jobs().size());
    }

    @Test
    @With("duplicates=import")
    void aFileIsImportedOnceThoughThereIsNoFolderToMoveItInto() throws Exception {
        Path noFolder = drop("People/.imported", "a file of this name");
        Path file = drop("People/people.csv", CSV);
        awaitEvent("accepted", "people.csv");
        awaitPolls(3);
        assertTrue(Files.exists(file));
        Files.delete(noFolder);
        awaitIn(".imported", file);
        assertEquals(1, uploads().size());
        assertEquals(1, jobs().size());
    }

    @Test
    @With("duplicates=import")
    void aFileThatItsServerCannotMoveIsImportedOnceAndMovedOnceItCan() throws Exception {
        server.failMoves(true);
        Path file = drop("People/people.csv", CSV);
        awaitEvent("accepted", "people.csv");
        awaitThat(() ->
                server.changes().stream().filter("move people.csv"::equals).count() >= 2);
        server.failMoves(false);
        awaitIn(".imported", file);
        assertEquals(1, uploads().size());
        assertEquals(1, jobs().size());
    }

    /** Names and contents of files for one template, in the order of their times. */
    private void dropTogether(String... files) {
        Instant time = Instant.parse("2026-01-02T03:04:05Z");
        for (int i = files.length - 2; i >= 0; i -= 2) {
            drop("People/" + files[i], files[i + 1].getBytes(UTF_8), time.plusSeconds(i));
        }
    }

    // what becomes of it

    @Test
    void aWaitingFileStaysAndHoldsBackLaterOnesOfItsTemplateOnly() throws Exception {
        sandbox.failNext(SandboxFault.status(503, false, Map.of("Retry-After", "10")));
        // a server tells times in seconds
        Path waiting =
                drop("People/waiting.csv", CSV.getBytes(UTF_8), Instant.now().minusSeconds(5));
        awaitState("waiting.csv", "waiting");
        Path later = drop("People/later.csv", CSV + 1);
        awaitIn(".imported", drop("Courses/other.csv", CSV + 2));
        assertTrue(Files.exists(waiting));
        assertTrue(Files.exists(later));
        awaitIn(".imported", waiting);
        awaitIn(".imported", later);
        assertEquals(List.of("other.csv", "waiting.csv", "later.csv"), importedNames());
        assertEquals(4, uploads().size());
    }

    @Test
    void theSameBytesAreADuplicate() throws Exception {
        dropTogether("first.csv", CSV, "second.csv", CSV);
        awaitIn(".imported", inbox.resolve("People/first.csv"));
        awaitIn(".duplicate", inbox.resolve("People/second.csv"));
        awaitIn(".imported", drop("Courses/third.csv", CSV));
        assertEquals(List.of("first.csv", "third.csv"), importedNames());
        assertEquals(
                importOf("first.csv").id(),
                awaitEvent("duplicate", "second.csv").at("/data/importId").asText());
    }

    @Test
    void anUnknownOutcomeIsClearedUpByTheImportList() throws Exception {
        sandbox.failNext(SandboxFault.resetAtEnd(true));
        awaitIn(".imported", drop("People/people.csv", CSV));
        assertTrue(awaitEvent("accepted", "people.csv").at("/data/reconciled").asBoolean());
        assertEquals(1, uploads().size());
        assertEquals(1, sandbox.imports().size());
    }

    @Test
    void theCopyOfAFileWhoseOutcomeWasUnknownOrThatWasWithdrawnIsNotKept() throws Exception {
        sandbox.failNext(SandboxFault.resetAtEnd(true));
        awaitIn(".imported", drop("People/unknown.csv", CSV));
        awaitThat(() -> spooled().isEmpty());
        sandbox.failAll(SandboxFault.status(503));
        Path file = drop("People/people.csv", CSV + 2);
        awaitState("people.csv", "waiting");
        assertEquals(1, spooled().size());
        Files.delete(file);
        awaitEvent("withdrawn", "people.csv");
        awaitThat(() -> spooled().isEmpty());
    }

    @Test
    @Tag("long")
    void aFileThatIsUploadedAnewWhileItWaitsIsImportedOnce() throws Exception {
        sandbox.failAll(SandboxFault.status(503));
        Path file = drop("People/people.csv", CSV);
        awaitState("people.csv", "waiting");
        Files.setLastModifiedTime(file, FileTime.from(Instant.now().plusSeconds(5)));
        awaitEvent("withdrawn", "people.csv");
        sandbox.failAll(null);
        awaitIn(".imported", file);
        assertEquals(1, sandbox.imports().size());
    }

    @Test
    @Tag("long")
    void aWaitingFileIsNotWithdrawnWhileTheServerIsAway() throws Exception {
        sandbox.failAll(SandboxFault.status(503));
        Path file = drop("People/people.csv", CSV);
        awaitState("people.csv", "waiting");
        server.stop();
        // longer than it leaves between two looks for files that are gone
        soon().during(Duration.ofSeconds(12))
                .until(() -> !job("people.csv").get("state").equals("withdrawn"));
        server.start();
        sandbox.failAll(null);
        awaitIn(".imported", file);
        assertEquals(List.of(), events("withdrawn", "people.csv"));
        assertEquals(1, sandbox.imports().size());
    }

    @Test
    void badInputIsRejectedAndNothingIsSent() throws Exception {
        Map<Path, String> files = Map.of(
                drop("People/empty.csv", ""), "empty",
                drop("People/nul.csv", "name\nAn\0na\n"), "no-text",
                drop("no-template.csv", CSV), "no-template",
                drop("People/line\nbreak.csv", CSV), "file-name",
                drop("Peo\tple/people.csv", CSV), "template");
        for (Map.Entry<Path, String> file : files.entrySet()) {
            assertRejected(file.getKey(), file.getValue());
        }
        assertEquals(List.of(), sandbox.requests());
        awaitIn(".imported", drop("People/good.csv", CSV));
    }

    @Test
    @With("max-size=100B")
    void aFileLargerThanTheLargestIsRejectedWithoutADownload() throws Exception {
        assertRejected(drop("People/large.csv", "x".repeat(101)), "too-large");
        awaitIn(".imported", drop("People/fits.csv", "x".repeat(100)));
        assertEquals(0, server.downloads("large.csv"));
        assertEquals(List.of("fits.csv"), importedNames());
    }

    private void assertRejected(Path file, String expected) throws IOException {
        assertEquals(expected, reason(awaitIn(".rejected", file)).get("reason").asText(), file.toString());
        assertEquals(
                expected,
                awaitEvent("rejected", file.getFileName().toString())
                        .at("/data/reason")
                        .asText());
    }

    // when it changes, or the connection ends

    @Test
    void aFileThatIsReplacedDuringItsUploadIsNeitherImportedHalfNorLost() throws Exception {
        byte[] large = large();
        sandbox.failNext(SandboxFault.slowReading(Duration.ofMillis(5)));
        Path file = drop("People/people.csv", large);
        awaitThat(() -> uploads().stream().anyMatch(upload -> upload.bodySize() > 0));
        Path other = Files.writeString(home.resolve("other.csv"), CSV);
        Files.move(other, file, StandardCopyOption.REPLACE_EXISTING);
        awaitThat(() -> importedSizes().contains((long) CSV.length()));
        awaitThat(() -> !Files.exists(file));
        assertWholeOnce(Set.of((long) CSV.length(), (long) large.length));
        assertMoved((long) CSV.length());
    }

    @Test
    void aFileThatIsRewrittenDuringItsDownloadIsImportedAsItIsAfterwardsOnly() throws Exception {
        byte[] large = large();
        SftpRig.Hold hold = server.holdRead(1 << 20);
        Path file = drop("People/people.csv", large, Instant.now().minusSeconds(60));
        awaitThat(hold::isReached);
        byte[] other = new String(large, UTF_8).replace('0', '9').getBytes(UTF_8);
        Files.write(file, other);
        hold.release();
        awaitThat(() -> !Files.exists(file));
        assertEquals(
                List.of(Hashes.of(other)),
                sandbox.imports().stream().map(SandboxImport::sha256).toList());
    }

    @Test
    void aFileThatGrowsDuringItsDownloadIsImportedWholeOnly() throws Exception {
        byte[] large = large();
        SftpRig.Hold hold = server.holdRead(1 << 20);
        Path file = drop("People/people.csv", large, Instant.now().minusSeconds(60));
        awaitThat(hold::isReached);
        append(file, "more\n");
        hold.release();
        awaitThat(() -> !Files.exists(file));
        assertEquals(List.of(large.length + 5L), importedSizes());
        assertMoved(large.length + 5L);
    }

    @Test
    void aFileThatIsTakenAwayDuringItsDownloadHoldsUpNoOther() throws Exception {
        SftpRig.Hold hold = server.holdRead(1 << 20);
        Path file = drop("People/people.csv", large());
        awaitThat(hold::isReached);
        Files.delete(file);
        hold.release();
        awaitIn(".imported", drop("People/other.csv", CSV));
        awaitIn(".imported", drop("People/more.csv", CSV + 2));
    }

    @Test
    void aFileThatItsServerServesOnceIsImportedThoughTheApiIsAwayThen() throws Exception {
        server.serveOnce();
        sandbox.failNext(SandboxFault.status(503));
        Path file = drop("People/people.csv", CSV);
        assertEquals(
                "sftp", awaitEvent("accepted", "people.csv").at("/data/from").asText());
        assertEquals(List.of("people.csv"), importedNames());
        assertEquals(CSV.length(), importedSizes().get(0));
        assertFalse(Files.exists(file));
        awaitThat(() -> spooled().isEmpty());
        assertEquals(1, jobs().size());
    }

    @Test
    void aServerThatTellsNoTypeOfItsFilesIsReadAllTheSame() {
        server.tellNo("permissions");
        awaitIn(".imported", drop("People/people.csv", CSV));
        awaitIn(".imported", drop("People/in/deep/more.csv", CSV + 2));
    }

    @Test
    @With("file.quiet-empty=PT0.5S")
    void aFileWhoseSizeItsServerDoesNotTellIsReadOnceAndWhatCameIsImported() throws Exception {
        server.tellNo("size");
        Path imported = awaitIn(".imported", drop("People/people.csv", CSV));
        assertEquals(CSV, Files.readString(imported));
        assertEquals(List.of((long) CSV.length()), importedSizes());
        awaitPolls(2);
        assertEquals(1, server.downloads("people.csv"));
    }

    @Test
    void aDownloadWhoseConnectionIsCutIsTakenUpAgain() throws Exception {
        byte[] large = large();
        SftpRig.Hold hold = server.holdRead(1 << 20);
        Path file = drop("People/people.csv", large);
        awaitThat(hold::isReached);
        server.dropConnections();
        awaitIn(".imported", file);
        assertWholeOnce(Set.of((long) large.length));
        assertEquals(1, uploads().size());
    }

    @Test
    @Tag("long")
    void aMoveWhoseAnswerIsLostIsMadeOnce() throws Exception {
        SftpRig.Hold hold = server.holdAfterMove();
        Path file = drop("People/people.csv", CSV);
        awaitThat(hold::isReached);
        server.dropConnections();
        // the same name, another file: a delivery of its own
        drop("People/people.csv", CSV + 2);
        awaitThat(() -> sandbox.imports().size() == 2 && !Files.exists(file));
        awaitThat(() -> rows("SELECT job FROM csv_import_delivery WHERE released_at IS NULL")
                .isEmpty());
        assertEquals(2, uploads().size());
        assertEquals(Set.of(CSV, CSV + 2), Set.copyOf(contents("People/.imported")), "nothing is overwritten");
    }

    @Test
    void aServerThatWasAwayIsUsedAgain() throws Exception {
        awaitIn(".imported", drop("People/before.csv", CSV));
        server.stop();
        Path file = drop("People/people.csv", CSV + 2);
        soon().during(Duration.ofSeconds(1)).until(() -> Files.exists(file));
        server.start();
        awaitIn(".imported", file);
        assertEquals(2, uploads().size());
    }

    @Test
    @With("sftp.directory=later")
    void aFolderThatIsMissingOnTheServerIsUsedOnceItIsThere() throws Exception {
        awaitThat(() -> server.logins() >= 1);
        Path people = Files.createDirectories(home.resolve("login/later/People"));
        awaitIn(".imported", write(people.resolve("people.csv"), CSV, Instant.now()));
    }

    /** More than what the sockets hold. */
    private static byte[] large() {
        return "0123456789abcde\n".repeat(1 << 20).getBytes(UTF_8);
    }

    private List<Long> importedSizes() {
        return sandbox.imports().stream().map(SandboxImport::size).toList();
    }

    private void assertWholeOnce(Set<Long> sizes) {
        assertTrue(sizes.containsAll(importedSizes()), importedSizes().toString());
        assertEquals(Set.copyOf(importedSizes()).size(), importedSizes().size(), "each once");
    }

    private void assertMoved(long size) throws IOException {
        List<Long> moved = new ArrayList<>();
        for (Path file : files("People/.imported")) {
            moved.add(Files.size(file));
        }
        assertTrue(moved.contains(size), moved.toString());
    }

    private List<String> contents(String folder) throws IOException {
        List<String> contents = new ArrayList<>();
        for (Path file : files(folder)) {
            contents.add(Files.readString(file));
        }
        return contents;
    }

    // a server that may only be read

    @Test
    @With("sftp.read-only=true")
    void whereTheServerIsReadOnlyAFileIsImportedOnceAndAChangedOneAgain() throws Exception {
        server.denyChanges(true);
        Path file = drop("People/people.csv", CSV.getBytes(UTF_8), Instant.now().minusSeconds(60));
        Path bad = drop("People/empty.csv", "");
        Path same = drop("People/same.csv", CSV.getBytes(UTF_8), Instant.now());
        awaitEvent("accepted", "people.csv");
        awaitEvent("rejected", "empty.csv");
        awaitEvent("duplicate", "same.csv");
        awaitPolls(2);
        assertEquals(1, uploads().size());
        assertEquals(3, jobs().size());
        assertEquals(1, server.downloads("people.csv"));
        Files.writeString(file, CSV + "changed");
        awaitThat(() -> sandbox.imports().size() == 2);
        awaitThat(() -> events("accepted", "people.csv").size() == 2);
        awaitPolls(2);
        assertEquals(2, uploads().size());
        assertTrue(Stream.of(file, bad, same).allMatch(Files::exists));
        assertEquals(List.of(), server.changes(), "nothing is tried that would change the server");
    }

    @Test
    @Tag("long")
    @With("sftp.read-only=true")
    void whereTheServerIsReadOnlyAWaitingFileGoesOnAndOneThatIsTakenAwayIsWithdrawn() throws Exception {
        sandbox.failAll(SandboxFault.status(503));
        Path gone = drop("Courses/gone.csv", CSV);
        Path file = drop("People/people.csv", CSV);
        awaitState("gone.csv", "waiting");
        awaitState("people.csv", "waiting");
        Files.delete(gone);
        awaitEvent("withdrawn", "gone.csv");
        sandbox.failAll(null);
        awaitEvent("accepted", "people.csv");
        assertTrue(Files.exists(file));
        assertEquals(List.of("people.csv"), importedNames());
        assertEquals(List.of(), server.changes());
    }
}
