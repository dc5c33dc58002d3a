package io.csvimport.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import com.fasterxml.jackson.databind.JsonNode;
import io.csvimport.CsvImportTestSupport;
import io.csvimport.Hashes;
import io.csvimport.ledger.Claims;
import io.csvimport.sandbox.SandboxFault;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Large files, which are digested while they are sent where they can be no duplicate. */
class LargeFileTest extends CsvImportTestSupport {

    private static final int PIECE = 1 << 16;

    private static byte[] large(String first) {
        String line = "Anna Andersson,First aid\n";
        return (first + "\n" + line.repeat((int) (2 * Claims.LARGE) / line.length())).getBytes(StandardCharsets.UTF_8);
    }

    /** Its upload is under way, and takes long. */
    private Path dropSlowly(String path, byte[] content) throws Exception {
        sandbox.failNext(SandboxFault.slowReading(Duration.ofMillis(20)));
        Path file = drop(path, content);
        awaitThat(() -> uploads().stream().anyMatch(upload -> upload.bodySize() >= PIECE));
        return file;
    }

    @Test
    void aLargeFileIsDigestedWhileItIsSentAndIsKnownByItsDigestAfterwards() throws Exception {
        byte[] content = large("1");
        Path file = dropSlowly("People/people.csv", content);
        assertNull(job("people.csv").get("sha256"));

        awaitIn(".imported", file);
        JsonNode accepted = awaitEvent("accepted", "people.csv");
        assertEquals(Hashes.of(content), accepted.at("/data/sha256").asText());
        assertEquals(Hashes.of(content), job("people.csv").get("sha256"));
        assertEquals(Hashes.of(content), sandbox.imports().get(0).sha256());

        awaitIn(".duplicate", drop("People/again.csv", content));
        awaitIn(".imported", drop("People/other.csv", large("2")));
        assertEquals(List.of("people.csv", "other.csv"), importedNames());
    }

    @Test
    void aNulThatIsFoundOnTheWayEndsTheUploadAndTheFileIsRejected() throws Exception {
        byte[] content = large("1");
        content[content.length - PIECE / 2] = 0;
        Path file = drop("People/people.csv", content);
        Path rejected = awaitIn(".rejected", file);

        JsonNode reason =
                JSON.readTree(rejected.resolveSibling("people.csv.reason.json").toFile());
        assertEquals("no-text", reason.get("reason").asText());
        JsonNode event = awaitEvent("rejected", "people.csv");
        assertEquals("no-text", event.at("/data/reason").asText());
        assertEquals(Hashes.of(content), event.at("/data/sha256").asText());
        assertEquals(1, uploads().size());
        assertEquals(List.of(), uploads().get(0).parts(), "no half was a whole part");
        assertEquals(List.of(), sandbox.imports());
        assertEquals(List.of(), lists(), "what was broken off is not unknown");
    }

    @Test
    @With("file.quiet-empty=PT0S")
    void aLargeFileThatEndsInANulIsJudgedBeforeAByteOfItIsSent() throws Exception {
        byte[] content = large("1");
        content[content.length - 1] = 0;
        awaitIn(".rejected", drop("People/people.csv", content));
        assertEquals(List.of(), uploads());
    }

    @Test
    @With({"preview=gate"})
    void aLargeFileIsDigestedBeforeItsPreview() throws Exception {
        byte[] content = large("1");
        content[content.length / 2] = 0;
        awaitIn(".rejected", drop("People/people.csv", content));
        assertEquals(List.of(), uploads());
    }

    @Test
    @With({"order=none", "parallel=4"})
    void ofEqualLargeFilesThatComeAtOnceOneIsImported() throws Exception {
        byte[] content = large("1");
        sandbox.failNext(SandboxFault.slowReading(Duration.ofMillis(20)));
        Path first = drop("People/first.csv", content);
        Path second = drop("People/second.csv", content);
        Path third = drop("People/third.csv", content);
        awaitThat(() -> !Files.exists(first) && !Files.exists(second) && !Files.exists(third));
        assertEquals(1, sandbox.imports().size());
        assertEquals(1, uploads().size());
        assertEquals(
                2,
                rows("SELECT 1 FROM csv_import_delivery WHERE state = 'duplicate' AND import_id = '"
                                + sandbox.imports().get(0).id() + "'")
                        .size());
    }

    @Test
    @With({"order=none", "parallel=4"})
    void aFileOfTheSameSizeWaitsForTheDigestAndIsImportedWhereItDiffers() throws Exception {
        Path first = dropSlowly("People/first.csv", large("1"));
        Path second = drop("People/second.csv", large("2"));
        awaitThat(() -> "same-size".equals(job("second.csv").get("reason")));
        awaitIn(".imported", first);
        awaitIn(".imported", second);
        assertEquals(List.of("first.csv", "second.csv"), importedNames());
    }

    @Test
    void aLargeFileWhoseUploadBreaksInItsMiddleIsDigestedAndSentAgain() throws Exception {
        byte[] content = large("1");
        sandbox.failNext(SandboxFault.resetAfter(PIECE));
        Path file = drop("People/people.csv", content);
        awaitIn(".imported", file);
        assertEquals(
                Hashes.of(content),
                awaitEvent("accepted", "people.csv").at("/data/sha256").asText());
        assertEquals(2, uploads().size());
        awaitIn(".duplicate", drop("People/again.csv", content));
    }

    @Test
    @With("reconcile.not-found=hold")
    void aLargeFileThatIsHeldAfterItsUploadBrokeIsKnownByItsDigest() throws Exception {
        byte[] content = large("1");
        sandbox.failNext(SandboxFault.resetAfter(PIECE));
        drop("People/people.csv", content);
        assertEquals(Hashes.of(content), awaitState("people.csv", "held").get("sha256"));
        awaitIn(".duplicate", drop("People/again.csv", content));
        assertEquals(List.of(), sandbox.imports());
    }

    @Test
    void aLargeFileThatIsRewrittenWhileItIsSentIsImportedAsItIsAfterwards() throws Exception {
        byte[] content = large("1");
        Path file = dropSlowly("People/people.csv", content);
        Arrays.fill(content, content.length / 2, content.length - 1, (byte) 'x');
        Files.write(file, content);
        awaitIn(".imported", file);
        assertEquals(1, sandbox.imports().size());
        assertEquals(Hashes.of(content), sandbox.imports().get(0).sha256());
        assertEquals("withdrawn", jobs().get(0).get("state"));
    }
}
