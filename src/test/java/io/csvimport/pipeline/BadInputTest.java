package io.csvimport.pipeline;

import static java.nio.charset.StandardCharsets.UTF_16BE;
import static java.nio.charset.StandardCharsets.UTF_16LE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.csvimport.CsvImportTestSupport;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.camel.Exchange;
import org.junit.jupiter.api.Test;

/** Bad input is rejected with a clear reason, nothing of it is uploaded, and others go on. */
class BadInputTest extends CsvImportTestSupport {

    private static final String NUL = "name\nAn\0na\n";

    @Test
    void anEmptyFileIsRejected() throws Exception {
        assertRejected(drop("People/empty.csv", ""), "empty");
        assertOthersGoOn();
    }

    @Test
    void aFileWithoutATemplateIsRejected() throws Exception {
        JsonNode reason = assertRejected(drop("people.csv", CSV), "no-template");
        assertTrue(reason.get("detail").asText().contains("csv-import.template"), reason.toString());
        assertOthersGoOn();
    }

    @Test
    void aTemplateWithControlCharactersIsRejected() throws Exception {
        assertRejected(drop("Peo\tple/a.csv", CSV), "template");
        assertRejected(drop("Peo\nple/b.csv", CSV + 2), "template");
        assertRejected(drop("Peo\u0085ple/c.csv", CSV + 3), "template");
        assertRejectedMessage(Map.of("template", "People\r\nX-Injected: 1"), "template");
        assertOthersGoOn();
    }

    @Test
    void aNameWithControlCharactersIsRejected() throws Exception {
        assertRejected(drop("People/peo\tple.csv", CSV), "file-name");
        assertRejected(drop("People/peo\u007Fple.csv", CSV + 2), "file-name");
        assertRejectedMessage(Map.of("template", "People", "fileName", "a\r\nX-Injected: 1.csv"), "file-name");
        assertRejectedMessage(Map.of("template", "People", "fileName", "a\u0000.csv"), "file-name");
        assertOthersGoOn();
    }

    @Test
    void anEntryOfNotifyThatIsNoAddressIsRejected() throws Exception {
        List<String> wrong = List.of(
                "nobody",
                "a@x.com,nobody",
                "a@x.com\r\nBcc: b@x.com",
                "a@x.com\n",
                "a b@x.com",
                "@x.com",
                "a@",
                "a@x.com;b@x.com",
                "A <a@x.com>",
                "a@b@c");
        for (String notify : wrong) {
            assertRejectedMessage(Map.of("template", "People", "notify", notify), "notify");
        }
        assertOthersGoOn();
    }

    @Test
    void contentThatIsNoTextIsRejectedWhereverTheNulIs() throws Exception {
        assertRejected(drop("People/first.csv", NUL), "no-text");
        assertRejected(drop("People/late.csv", "0123456789abcde\n".repeat(20_000) + "\0"), "no-text");
        assertRejected(drop("People/no-mark.csv", "name\nAnna\n".getBytes(UTF_16LE)), "no-text");
        assertRejected(drop("People/zip.csv", new byte[] {'P', 'K', 3, 4, 0, 0, 8, 0}), "no-text");
        assertOthersGoOn();
    }

    @Test
    void utf16AndUtf32WithAByteOrderMarkAreText() {
        Map<String, Charset> encodings = new LinkedHashMap<>();
        encodings.put("utf16le.csv", UTF_16LE);
        encodings.put("utf16be.csv", UTF_16BE);
        encodings.put("utf32le.csv", Charset.forName("UTF-32LE"));
        encodings.put("utf32be.csv", Charset.forName("UTF-32BE"));
        encodings.forEach((name, encoding) -> {
            byte[] content = "\uFEFFname\nJürgen\n".getBytes(encoding);
            drop("People/" + name, content);
            assertArrayEquals(content, awaitUpload(name).file(), name);
        });
    }

    @Test
    @With("max-size=100B")
    void aFileLargerThanTheLargestIsRejectedAndOneOfThatSizeIsNot() throws Exception {
        assertRejected(drop("People/large.csv", "x".repeat(101)), "too-large");
        awaitIn(".imported", drop("People/fits.csv", "x".repeat(100)));
        Exchange done = sendCsv("People", "stream.csv", "y".repeat(101), Map.of());
        assertEquals("too-large", done.getMessage().getHeader("csvImportReason"));
        assertEquals(List.of("fits.csv"), importedNames());
    }

    @Test
    void theSameBadFileAgainIsRejectedAgainAndIsNoDuplicate() throws Exception {
        for (int i = 0; i < 2; i++) {
            Path file = drop("People/nul.csv", NUL);
            awaitThat(() -> !Files.exists(file));
        }
        assertEquals(
                List.of("rejected", "rejected"),
                jobs().stream().map(job -> job.get("state")).toList());
        awaitThat(() -> events("rejected", "nul.csv").size() == 2);
    }

    private JsonNode assertRejected(Path file, String expected) throws IOException {
        Path rejected = awaitIn(".rejected", file);
        JsonNode reason =
                JSON.readTree(Files.readString(rejected.resolveSibling(rejected.getFileName() + ".reason.json")));
        assertEquals(expected, reason.get("reason").asText());
        assertFalse(reason.get("detail").asText().isBlank());
        JsonNode event = awaitEvent("rejected", file.getFileName().toString());
        assertEquals(expected, event.at("/data/reason").asText());
        assertEquals(List.of(), sandbox.requests());
        return reason;
    }

    private void assertRejectedMessage(Map<String, Object> headers, String expected) throws IOException {
        int before = events().size();
        Exchange done = template.send("direct:csv-import", exchange -> {
            exchange.getMessage().setBody(CSV);
            exchange.getMessage().setHeaders(new LinkedHashMap<>(headers));
        });
        assertEquals("rejected", done.getMessage().getHeader("csvImportOutcome"), headers.toString());
        assertEquals(expected, done.getMessage().getHeader("csvImportReason"), headers.toString());
        awaitThat(() -> events().size() == before + 1);
        assertEquals(expected, events().get(before).at("/data/reason").asText());
        assertEquals(List.of(), sandbox.requests());
    }

    private void assertOthersGoOn() {
        Path good = drop("People/good.csv", CSV + "good");
        awaitIn(".imported", good);
        assertEquals(CSV + "good", new String(awaitUpload("good.csv").file(), UTF_8));
    }
}
