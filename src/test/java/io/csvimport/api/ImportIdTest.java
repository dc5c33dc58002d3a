package io.csvimport.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The id in an API's answer to an upload. */
class ImportIdTest {

    private static final ObjectMapper JSON = new ObjectMapper();

    @ParameterizedTest
    @ValueSource(
            strings = {
                "7",
                "abcdef",
                "dGVzdA==",
                "2026$1",
                "{uuid}",
                "5e1234",
                "1e5",
                "-0",
                "007",
                "0x1F",
                "1.50",
                "123456789012345678901234567890",
                "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
                "urn:import:5",
                "a/b",
                "größe",
                "導入",
                "OK200",
                "accepted-7"
            })
    void oneWordIsAnIdAsItIsWritten(String id) throws IOException {
        assertEquals(id, ImportId.in(id));
        assertEquals(id, ImportId.in("\r\n " + id + "\n"));
        assertEquals(id, ImportId.in(JSON.writeValueAsString(id)));
        assertEquals(id, ImportId.in(JSON.writeValueAsString(Map.of("id", id, "more", Map.of("id", "other")))));
    }

    @ParameterizedTest
    @ValueSource(strings = {"5e1234", "-0", "1.50", "123456789012345678901234567890", "1E+400", "0"})
    void aNumberIsReadAsItIsWritten(String number) {
        assertEquals(number, ImportId.in("{\"status\": 202, \"id\": " + number + "}"));
    }

    @Test
    void anIdIsOpaqueWithinJsonAndHasAnySaneLength() throws IOException {
        for (String id :
                new String[] {"a/b c?d1", "x".repeat(251), "9".repeat(1500), "${body}", "{{key}}", "<7>", "a\"b"}) {
            assertEquals(id, ImportId.in(JSON.writeValueAsString(Map.of("id", id))));
        }
        assertEquals("a/b c?d1", ImportId.in("\"a/b c?d1\""));
        assertEquals("9".repeat(1500), ImportId.in("9".repeat(1500)));
        assertNull(ImportId.in("x".repeat(2001)));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "  ",
                "OK",
                "ok.",
                "\"OK\"",
                "Accepted",
                "true",
                "false",
                "null",
                "\"null\"",
                "NaN",
                "undefined",
                "In-Progress",
                "Your file was accepted",
                "\"Import started\"",
                "\"Import 5 was accepted\"",
                "<html><body>7</body></html>",
                "<7>",
                "<!DOCTYPE html>",
                "{}",
                "{\"id\": null}",
                "{\"id\": true}",
                "{\"id\": {\"id\": 7}}",
                "{\"id\": [7]}",
                "{\"id\": \"\"}",
                "{\"id\": \"a\\u0000b\"}",
                "{\"id\": \"a\\nb\"}",
                "{\"id\": \"undefined\"}",
                "{\"name\": \"7\"}",
                "[7]",
                "[7",
                "{\"id\":7",
                "{\"id\":\"7",
                "{7",
                "\"7",
                "7 8",
                "{\"id\": 7} 8",
                "-",
                "..",
                "a\u202Eb"
            })
    void whatSaysSomethingElseIsNone(String body) {
        assertNull(ImportId.in(body));
    }

    @Test
    void aBodyIsReadByItsMarkAndItsCharset() throws IOException {
        String id = "größe1";
        assertEquals(id, read(("\uFEFF{\"id\": \"" + id + "\"}").getBytes(StandardCharsets.UTF_8), "application/json"));
        assertEquals(id, read(("\uFEFF" + id).getBytes(StandardCharsets.UTF_16LE), "text/plain"));
        assertEquals(id, read(id.getBytes(StandardCharsets.ISO_8859_1), "text/plain; charset=\"ISO-8859-1\""));
        for (String charset :
                new String[] {"text/plain; charset=none-such", "text/plain; charset=", "x; charset=?!", null}) {
            assertEquals(id, read(id.getBytes(StandardCharsets.UTF_8), charset));
        }
    }

    @Test
    void aGzipBodyIsUnpackedUpToAMegabyteAndOneThatIsCutIsNone() throws IOException {
        byte[] packed = gzip("{\"id\": \"7\"}".getBytes(StandardCharsets.UTF_8));
        assertEquals("7", read(packed, "application/json"));
        for (int length = 2; length < packed.length; length++) {
            byte[] cut = Arrays.copyOf(packed, length);
            assertThrows(IOException.class, () -> read(cut, "application/json"), "cut to " + length);
        }
        assertEquals(1 << 20, text(gzip(new byte[50 << 20]), null).length());
    }

    private static String read(byte[] body, String contentType) throws IOException {
        return ImportId.in(text(body, contentType));
    }

    private static String text(byte[] body, String contentType) throws IOException {
        return ApiAnswer.text(new ByteArrayInputStream(body), contentType);
    }

    private static byte[] gzip(byte[] bytes) throws IOException {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(packed)) {
            out.write(bytes);
        }
        return packed.toByteArray();
    }
}
