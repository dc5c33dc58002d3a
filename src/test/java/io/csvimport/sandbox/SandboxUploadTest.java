package io.csvimport.sandbox;

import static io.csvimport.sandbox.SandboxTestClient.FILE_HEADERS;
import static io.csvimport.sandbox.SandboxTestClient.ROOT;
import static io.csvimport.sandbox.SandboxTestClient.body;
import static io.csvimport.sandbox.SandboxTestClient.head;
import static io.csvimport.sandbox.SandboxTestClient.readUntil;
import static io.csvimport.sandbox.SandboxTestClient.uploadTarget;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vertx.core.json.JsonObject;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.security.MessageDigest;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class SandboxUploadTest {
    private static final String CSV = "name,e-mail\nAnnie,anna@example.org\n";

    private final Sandbox sandbox = Sandbox.start(0, "5664", "key", "sécret", Set.of("People", "Größe 1+2"));
    private final SandboxTestClient client = new SandboxTestClient(sandbox);

    @AfterEach
    void close() {
        sandbox.close();
    }

    @Test
    void aDocumentedUploadIsAcceptedAndRemembered() throws Exception {
        String target = ROOT + "/csv-import?template=Gr%C3%B6%C3%9Fe%201%2B2&fileSize=" + CSV.length()
                + "&notify=a%2Bb%40example.org,c@example.org";
        HttpResponse<String> answer = client.post(target, body(FILE_HEADERS, CSV));
        assertEquals(202, answer.statusCode(), answer.body());

        SandboxImport accepted = sandbox.imports().get(0);
        assertEquals(new JsonObject(answer.body()), new JsonObject().put("id", accepted.id()));
        assertEquals("Größe 1+2", accepted.template());
        assertEquals(List.of("a+b@example.org", "c@example.org"), accepted.addresses());
        assertEquals("people.csv", accepted.fileName());
        assertEquals(CSV.length(), accepted.size());
        assertEquals(sha256(CSV), accepted.sha256());

        SandboxRequest request = sandbox.requests().get(0);
        assertEquals(target, request.target());
        assertEquals("POST", request.method());
        assertEquals(202, request.status());
        assertEquals("people.csv", request.fileName());
        assertEquals(CSV.length(), request.size());
        assertEquals(sha256(CSV), request.sha256());
        assertArrayEquals(CSV.getBytes(UTF_8), request.file());
        assertEquals(body(FILE_HEADERS, CSV), new String(request.body(), UTF_8));
        assertEquals(List.of(FILE_HEADERS.split("\r\n")), request.parts().get(0).headers());
        assertEquals("multipart/form-data; boundary=BOUNDARY", request.header("content-type"));
    }

    @Test
    void headersAreRememberedAsSentAndInOrder() throws Exception {
        String body = body(FILE_HEADERS, CSV);
        String head = head(uploadTarget(CSV), body.length(), "X-b: 1\r\nx-A: 2\r\nX-b: 3\r\n");
        try (Socket socket = client.open(head + body)) {
            readUntil(socket, "202 Accepted");
        }
        List<String> own = sandbox.requests().get(0).headers().stream()
                .filter(h -> h.getKey().toLowerCase().startsWith("x-"))
                .map(Object::toString)
                .toList();
        assertEquals(List.of("X-b=1", "x-A=2", "X-b=3"), own);
    }

    @ParameterizedTest
    @EnumSource(Sandbox.IdForm.class)
    void theIdIsAnsweredInEveryForm(Sandbox.IdForm form) throws Exception {
        sandbox.answerIdAs(form);
        HttpResponse<String> answer = client.upload(CSV);
        String id = sandbox.imports().get(0).id();
        assertEquals(
                switch (form) {
                    case OBJECT -> "{\"id\":\"" + id + "\"}";
                    case STRING -> "\"" + id + "\"";
                    case NUMBER, TEXT -> id;
                },
                answer.body());
        assertEquals(
                form == Sandbox.IdForm.TEXT ? "text/plain" : "application/json",
                answer.headers().firstValue("Content-Type").orElseThrow());
    }

    @Test
    void idsIncreaseAlsoOverSandboxes() throws Exception {
        client.upload(CSV);
        client.upload(CSV);
        List<Long> ids =
                sandbox.imports().stream().map(i -> Long.valueOf(i.id())).toList();
        assertTrue(ids.get(0) < ids.get(1), ids.toString());
        try (Sandbox later = Sandbox.start(0, "5664", "key", "sécret", Set.of())) {
            new SandboxTestClient(later).upload(CSV);
            assertTrue(Long.parseLong(later.imports().get(0).id()) > ids.get(1));
        }
    }

    @Test
    void everyAnswerHasADate() throws Exception {
        for (String path : List.of("/", ROOT + "/csv-import", ROOT + "/csv-import?x=y")) {
            String date = client.get(path).headers().firstValue("Date").orElseThrow();
            ZonedDateTime.parse(date, DateTimeFormatter.RFC_1123_DATE_TIME);
            assertEquals(29, date.length(), date);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "fileSize=35                                        | template is missing",
                "template=&fileSize=35                              | template is missing",
                "template=Other&fileSize=35                         | unknown template 'Other'",
                "template=Gr%C3%B6%C3%9Fe+1+2&fileSize=35           | unknown template 'Größe 1 2'",
                "template=Gr%F6%DFe&fileSize=35                     | is not UTF-8",
                "template=Gr%C3%B6%C3%9Fe%201%2&fileSize=35         | is not percent-encoded",
                "template=People\"&fileSize=35                      | is not percent-encoded",
                "template=Größe&fileSize=35                         | is not percent-encoded",
                "template=People                                    | fileSize is missing",
                "template=People&fileSize=34                        | fileSize is '34', but the file has 35 bytes",
                "template=People&fileSize=035                       | fileSize is '035'",
                "template=People&fileSize=x                         | fileSize is 'x'",
                "template=People&fileSize=35&notify=                | '' is no address",
                "template=People&fileSize=35&notify=anna            | 'anna' is no address",
                "template=People&fileSize=35&notify=a+b@x           | 'a b@x' is no address",
                "template=People&fileSize=35&notify=a@x,            | '' is no address",
                "template=People&fileSize=35&notify=a@x%0D%0Ab      | is no address",
                "template=People&fileSize=35&fileSize=35            | 'fileSize' is given twice",
                "template=People&fileSize                           | or without a value",
                "template=People&fileSize=35&Notify=a@x             | unknown query parameter 'Notify'",
                "template=People&fileSize=35&                       | unknown query parameter ''",
            })
    void aQueryAgainstTheRulesIsRefused(String query, String error) throws Exception {
        String body = body(FILE_HEADERS, CSV);
        try (Socket socket = client.open(head(ROOT + "/csv-import?" + query, body.length(), "") + body)) {
            String answer = readUntil(socket, "\"}");
            assertTrue(answer.startsWith("HTTP/1.1 400 "), answer);
            String text = new String(answer.getBytes(ISO_8859_1), UTF_8);
            assertTrue(text.contains(error), text);
        }
        assertEquals(List.of(), sandbox.imports());
        assertEquals(400, sandbox.requests().get(0).status());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "text/csv",
                "multipart/form-data",
                "multipart/mixed; boundary=BOUNDARY",
                "multipart/form-data; boundary=BOUNDARY; charset=UTF-8",
                "multipart/form-data; charset=UTF-8; boundary=BOUNDARY",
            })
    void anotherContentTypeIsRefused(String type) throws Exception {
        HttpResponse<String> answer = client.send(client.request(uploadTarget(CSV))
                .header("Content-Type", type)
                .POST(HttpRequest.BodyPublishers.ofString(body(FILE_HEADERS, CSV))));
        assertRefused(answer, "Content-Type must be multipart/form-data");
    }

    @Test
    void aQuotedBoundaryIsUnderstood() throws Exception {
        String body = body(FILE_HEADERS, CSV).replace("BOUNDARY", "a b:c");
        HttpResponse<String> answer = client.send(client.request(uploadTarget(CSV))
                .header("Content-Type", "multipart/form-data; boundary=\"a b:c\"")
                .POST(HttpRequest.BodyPublishers.ofString(body)));
        assertEquals(202, answer.statusCode(), answer.body());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Content-Type: text/csv",
                "Content-Disposition: form-data; name=\"file\"; filename=\"a.csv\"",
                "Content-Disposition: form-data; name=\"file\"\r\nContent-Type: text/csv",
                "Content-Disposition: form-data; name=\"data\"; filename=\"a.csv\"\r\nContent-Type: text/csv",
                "Content-Disposition: form-data; name=\"file\"; filename=\"\"\r\nContent-Type: text/csv",
                "Content-Disposition: form-data; name=\"file\"; filename=a.csv\r\nContent-Type: text/csv",
                "Content-Disposition: form-data; name=\"file\"; filename=\"a/b.csv\"\r\nContent-Type: text/csv",
                "Content-Disposition: form-data; name=\"file\"; filename=\"a\\b.csv\"\r\nContent-Type: text/csv",
                "Content-Disposition: form-data; name=\"file\"; filename=\"a\tb.csv\"\r\nContent-Type: text/csv",
                "Content-Disposition: form-data; name=\"file\"; filename=\"a\"; filename*=UTF-8''a\r\nContent-Type: text/csv",
                "Content-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\nContent-Type: text/csv; charset=UTF-8",
                "Content-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\nContent-Type: application/octet-stream",
                "Content-Disposition: form-data; name=\"file\"; filename=\"a\"\r\nContent-Type: text/csv\r\nContent-Length: 35",
            })
    void otherPartHeadersAreRefused(String partHeaders) throws Exception {
        assertRefused(client.post(uploadTarget(CSV), body(partHeaders, CSV)), "the file's headers must be");
    }

    @ParameterizedTest
    @CsvSource({"Übersicht 1.csv,Übersicht 1.csv", "a%22b%0D%0Ac.csv,'a\"b\r\nc.csv'", "100%25.csv,100%25.csv"})
    void theFileNameIsUtf8AndUnescaped(String sent, String meant) throws Exception {
        client.post(uploadTarget(CSV), body(FILE_HEADERS.replace("people.csv", sent), CSV));
        assertEquals(meant, sandbox.imports().get(0).fileName());
        assertEquals(meant, sandbox.requests().get(0).fileName());
    }

    @Test
    void aFileNameThatIsNotUtf8IsRefused() throws Exception {
        byte[] body = body(FILE_HEADERS.replace("people", "ö"), CSV).getBytes(ISO_8859_1);
        HttpResponse<String> answer = client.send(client.request(uploadTarget(CSV))
                .header("Content-Type", "multipart/form-data; boundary=BOUNDARY")
                .POST(HttpRequest.BodyPublishers.ofByteArray(body)));
        assertRefused(answer, "is not UTF-8");
    }

    @Test
    void bodiesThatBreakTheMultipartFormatAreRefused() throws Exception {
        String good = body(FILE_HEADERS, CSV);
        refused("preamble\r\n" + good, "the body must start with");
        refused("\r\n" + good, "the body must start with");
        refused("--BOUNDARY--\r\n", "the body must start with");
        refused("", "ends before its first boundary");
        refused("--BOUND", "ends before its first boundary");
        refused(good.replace("\r\n", "\n"), "the body must start with");
        refused(good.replace("csv\r\n\r\n", "csv\n\n"), "line breaks must be CRLF");
        refused(good.replace("\r\n--BOUNDARY--", "\n--BOUNDARY--"), "the boundary occurs within the content");
        refused(body(FILE_HEADERS, "a\r\n--BOUNDARYx\r\n"), "followed by neither CRLF nor --");
        refused(body(FILE_HEADERS, "a,BOUNDARY"), "the boundary occurs within the content");
        refused(good.substring(0, good.length() - 4), "without the closing boundary");
        refused(good.substring(0, good.length() - 9), "without the closing boundary");
        refused(good.substring(0, good.length() - 1), "half a line break");
        refused(good + "\r\n", "bytes after the closing boundary");
        refused(good.substring(0, good.length() - 2) + "x", "bytes after the closing boundary");
        refused(good.replace("--BOUNDARY--", "--BOUNDARY\r\nX: y\r\n\r\nz\r\n--BOUNDARY--"), "more parts than the 1");
        assertEquals(List.of(), sandbox.imports());
    }

    private void refused(String body, String error) throws Exception {
        assertRefused(client.post(uploadTarget(CSV), body), error);
    }

    @Test
    void theLastLineBreakMayBeLeftOut() throws Exception {
        String body = body(FILE_HEADERS, CSV);
        assertEquals(
                202,
                client.post(uploadTarget(CSV), body.substring(0, body.length() - 2))
                        .statusCode());
    }

    @Test
    void everySplitOfTheBodyIsReadAlike() throws Exception {
        String csv = "a\r\n-\r\n--\r\n--B\r\n--BOUNDAR\r\r\n--\n";
        byte[] body = body(FILE_HEADERS, csv).getBytes(UTF_8);
        for (int size = 1; size < body.length; size++) {
            SandboxMultipart multipart = new SandboxMultipart("multipart/form-data; boundary=BOUNDARY", 1);
            for (int i = 0; i < body.length; i += size) {
                multipart.read(
                        io.vertx.core.buffer.Buffer.buffer().appendBytes(body, i, Math.min(size, body.length - i)));
            }
            multipart.end();
            SandboxRequest.Part part = multipart.parts().get(0);
            assertEquals(csv.length(), part.size());
            assertEquals(sha256(csv), part.sha256());
            assertArrayEquals(csv.getBytes(UTF_8), part.content(body));
        }
    }

    @Test
    void anEmptyFileIsRead() throws Exception {
        assertEquals(202, client.upload("").statusCode());
        assertEquals(0, sandbox.imports().get(0).size());
    }

    @Test
    void aConnectionClosedBeforeTheEndOfTheBodyImportsNothing() throws Exception {
        String body = body(FILE_HEADERS, CSV);
        Socket socket = client.open(head(uploadTarget(CSV), body.length() + 1, "") + body);
        await().until(() ->
                sandbox.requests().size() == 1 && sandbox.requests().get(0).bodySize() == body.length());
        socket.close();
        assertEquals(202, client.upload(CSV).statusCode());
        assertEquals(1, sandbox.imports().size());
        assertEquals(0, sandbox.requests().get(0).status());
    }

    @Test
    void bytesOfAFileAreKeptUpToOneMebibyte() throws Exception {
        String kept = "x".repeat(SandboxRequest.KEPT_FILE);
        client.upload(kept);
        client.upload(kept + "x");
        assertEquals(kept, new String(sandbox.requests().get(0).file(), UTF_8));
        assertNull(sandbox.requests().get(1).file());
        assertEquals(sha256(kept + "x"), sandbox.requests().get(1).sha256());
    }

    @Test
    void continueIsSentForAGoodHeadAndTheRefusalForABadOne() throws Exception {
        String body = body(FILE_HEADERS, CSV);
        try (Socket socket = client.open(head(uploadTarget(CSV), body.length(), "Expect: 100-continue\r\n"))) {
            readUntil(socket, "100 Continue\r\n\r\n");
            socket.getOutputStream().write(body.getBytes(UTF_8));
            readUntil(socket, "202 Accepted");
        }
        String bad = head(ROOT + "/csv-import?template=Other&fileSize=1", 9, "Expect: 100-continue\r\n");
        try (Socket socket = client.open(bad)) {
            assertTrue(readUntil(socket, "\"}").startsWith("HTTP/1.1 400 "));
            assertEquals(-1, socket.getInputStream().read());
        }
    }

    private void assertRefused(HttpResponse<String> answer, String error) {
        assertEquals(400, answer.statusCode(), answer.body());
        String told = new JsonObject(answer.body()).getString("error");
        assertTrue(told.contains(error), told);
        assertEquals(List.of(), sandbox.imports());
    }

    private static String sha256(String text) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(UTF_8)));
    }
}
