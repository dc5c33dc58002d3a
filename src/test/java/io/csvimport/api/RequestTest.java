package io.csvimport.api;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_16LE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.csvimport.CsvImportTestSupport;
import io.csvimport.sandbox.Sandbox;
import io.csvimport.sandbox.SandboxAnswer;
import io.csvimport.sandbox.SandboxFault;
import io.csvimport.sandbox.SandboxRequest;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.apache.camel.Exchange;
import org.junit.jupiter.api.Test;

/** What is sent is the documented request, and nothing else. */
class RequestTest extends CsvImportTestSupport {

    private static final String PATH = "/api/organizations/5664/csv-import";
    private static final Set<String> HEADERS =
            Set.of("Host", "Authorization", "Content-Length", "Content-Type", "Connection", "User-Agent");

    @Test
    @With("notify=a+b@x.com, c@y.com")
    void theRequestIsTheDocumentedOneByteForByte() {
        drop("My Template & Co +ü/people.csv", CSV);
        SandboxRequest request = awaitUpload("people.csv");

        assertEquals(
                PATH + "?template=My%20Template%20%26%20Co%20%2B%C3%BC&fileSize=27&notify=a%2Bb%40x.com%2Cc%40y.com",
                request.target());
        assertEquals(HEADERS, headerNames(request));
        String type = request.header("Content-Type");
        assertTrue(type.matches("multipart/form-data; boundary=[A-Za-z0-9_-]{1,70}"), type);
        String boundary = type.substring(type.indexOf('=') + 1);
        assertEquals(
                "--" + boundary + "\r\n"
                        + "Content-Disposition: form-data; name=\"file\"; filename=\"people.csv\"\r\n"
                        + "Content-Type: text/csv\r\n"
                        + "\r\n"
                        + CSV + "\r\n"
                        + "--" + boundary + "--\r\n",
                new String(request.body(), UTF_8));
    }

    @Test
    void credentialsGoWithTheFirstRequestAndNotifyIsLeftOutWhereThereIsNone() {
        drop("People/people.csv", CSV);
        SandboxRequest request = awaitUpload("people.csv");

        assertEquals(List.of(request.target()), targets(sandbox));
        assertEquals(
                "Basic " + Base64.getEncoder().encodeToString("key:s%25écret+&".getBytes(UTF_8)),
                new String(request.header("Authorization").getBytes(ISO_8859_1), UTF_8));
        assertEquals(PATH + "?template=People&fileSize=27", request.target());
    }

    @Test
    void aFileNameIsSentAsItIsAndOnlyQuotesAreEscaped() {
        List<String> names = List.of(
                "two words.csv",
                "say \"hi\".csv",
                "a;b='c'.csv",
                "Müller ß.CSV",
                "名前.csv",
                "100%.csv",
                "100%25.csv",
                "a+b&c#d?e.csv",
                "${body}.csv",
                "{{csv-import.api.secret}}.csv",
                "-rf.csv",
                "x".repeat(196) + ".csv");
        names.forEach(name -> drop("People/" + name, CSV + name));
        for (String name : names) {
            String raw = awaitUpload(name).parts().get(0).headers().get(0);
            assertEquals(
                    "Content-Disposition: form-data; name=\"file\"; filename=\"" + name.replace("\"", "%22") + "\"",
                    raw);
        }
        assertEquals(names.size(), uploads().size());
    }

    @Test
    void theBytesAreSentAsTheyAre() {
        Map<String, byte[]> files = new LinkedHashMap<>();
        files.put("crlf.csv", "a,b\r\n1,2\r\n\r\n".getBytes(UTF_8));
        files.put("cr.csv", "a,b\r1,2".getBytes(UTF_8));
        files.put("bom.csv", "\uFEFFa,b\n1,ü\n".getBytes(UTF_8));
        files.put("latin1.csv", "Größe,naïve\n".getBytes(ISO_8859_1));
        files.put("utf16.csv", "\uFEFFname\nJürgen 名前\n".getBytes(UTF_16LE));
        files.put("boundary.csv", "a\r\n--\r\n--httpclient_boundary\r\n--httpclient_boundary--\r\nz".getBytes(UTF_8));
        files.put("placeholders.csv", "{{csv-import.api.key}},${header.template},%41%00+\n".getBytes(UTF_8));
        files.put("large.csv", "0123456789abcde\n".repeat(65535).getBytes(UTF_8));
        files.forEach((name, bytes) -> drop("People/" + name, bytes));
        files.forEach((name, bytes) -> {
            SandboxRequest request = awaitUpload(name);
            assertArrayEquals(bytes, request.file(), name);
            assertEquals(PATH + "?template=People&fileSize=" + bytes.length, request.target());
        });
    }

    @Test
    void noHeaderOfAMessageReachesTheWireOrSteersTheRequest() {
        try (Sandbox elsewhere = Sandbox.start(0, "5664", "key", "s%25écret+&", Set.of())) {
            Exchange done = template.send("direct:csv-import", exchange -> {
                exchange.getMessage().setBody(CSV);
                exchange.getMessage().setHeaders(new LinkedHashMap<>(hostileHeaders(elsewhere)));
                exchange.getMessage().setHeader("template", "People");
                exchange.getMessage().setHeader("fileName", "people.csv");
            });
            assertEquals("accepted", done.getMessage().getHeader("csvImportOutcome"));
            SandboxRequest request = awaitUpload("people.csv");
            assertEquals(List.of(PATH + "?template=People&fileSize=27"), targets(sandbox));
            assertEquals(HEADERS, headerNames(request));
            assertEquals(sandbox.url(), "http://" + request.header("Host"));
            assertTrue(request.header("Content-Type").startsWith("multipart/form-data; boundary="));
            assertEquals(List.of(), elsewhere.requests());
        }
    }

    @Test
    void noHeaderOfAMessageSteersTheListOfImports() {
        try (Sandbox elsewhere = Sandbox.start(0, "5664", "key", "s%25écret+&", Set.of())) {
            Map<String, Object> headers = new LinkedHashMap<>(hostileHeaders(elsewhere));
            headers.put("template", "A & B");
            String list = template.requestBodyAndHeaders("direct:csv-import-list", "a body", headers, String.class);
            assertTrue(list.contains("\"results\""), list);
            SandboxRequest request = lists().get(0);
            assertEquals(List.of(PATH + "?template=A%20%26%20B"), targets(sandbox));
            assertEquals(Set.of("Host", "Authorization", "Connection", "User-Agent"), headerNames(request));
            assertEquals(0, request.bodySize());
            assertEquals(List.of(), elsewhere.requests());
        }
    }

    private static Map<String, Object> hostileHeaders(Sandbox elsewhere) {
        Map<String, Object> headers = new LinkedHashMap<>();
        Stream.of("CamelHttpUri", "CamelRestHttpUri", "camelhttpuri", "CAMELHTTPURI", "CamelHttpUrl")
                .forEach(name -> headers.put(name, elsewhere.url()));
        headers.put("CamelHttpQuery", "template=Wrong");
        headers.put("CamelHttpRawQuery", "template=Wrong");
        headers.put("CamelHttpMethod", "PUT");
        headers.put("CamelHttpPath", "/elsewhere");
        headers.put("CamelHttpRawPath", "/elsewhere");
        headers.put("CamelHttpResponseCode", 500);
        headers.put("Host", "elsewhere.example");
        headers.put("Authorization", "Bearer wrong");
        headers.put("Content-Type", "application/json");
        headers.put("Content-Length", "1");
        headers.put("Content-Encoding", "gzip");
        headers.put("Transfer-Encoding", "chunked");
        headers.put("Expect", "100-continue");
        headers.put("Cookie", "a=b");
        headers.put("X-Whatever", "whatever");
        headers.put("whatever", "whatever");
        return headers;
    }

    @Test
    void noRedirectIsFollowed() {
        try (Sandbox elsewhere = Sandbox.start(0, "5664", "key", "s%25écret+&", Set.of())) {
            sandbox.failNext(SandboxFault.redirect(elsewhere.url() + PATH + "?template=People&fileSize=27"));
            Path file = drop("People/people.csv", CSV);
            awaitIn(".imported", file);
            assertEquals(List.of(307, 202), statuses());
            assertEquals(List.of(), elsewhere.requests());
        }
    }

    @Test
    void nothingIsSentAgainByTheHttpClientItself() throws Exception {
        Map<String, String> soon = Map.of("Retry-After", "1");
        sandbox.failNext(SandboxFault.status(503, false, soon), SandboxFault.status(429, false, soon));
        Path file = drop("People/people.csv", CSV);
        awaitIn(".imported", file);
        assertEquals(List.of(503, 429, 202), statuses());
        // each request was an attempt of the pipeline's own
        assertEquals("3", job("people.csv").get("attempts"));
    }

    @Test
    void theIdIsReadFromAnObjectAStringANumberOrPlainText() throws Exception {
        for (Sandbox.IdForm form : Sandbox.IdForm.values()) {
            sandbox.answerIdAs(form);
            String name = form + ".csv";
            awaitIn(".imported", drop("People/" + name, CSV + form));
            String id = sandbox.imports().get(sandbox.imports().size() - 1).id();
            assertEquals(id, job(name).get("import_id"), name);
        }
        assertEquals(List.of(202, 202, 202, 202), statuses());
    }

    @Test
    void anAnswerIsReadPackedOrNotAndInWhateverCharset() throws Exception {
        Map<String, UnaryOperator<SandboxAnswer>> answers = Map.of(
                "packed.csv", answer -> packed(answer).withHeader("Content-Encoding", "gzip"),
                "packed-silently.csv", RequestTest::packed,
                "said-packed.csv", answer -> answer.withHeader("Content-Encoding", "gzip"),
                "odd-charset.csv", answer -> answer.withHeader("Content-Type", "application/json; charset=none-such"));
        for (String name : answers.keySet()) {
            sandbox.answerUploadsWith(answers.get(name));
            awaitIn(".imported", drop("People/" + name, CSV + name));
            assertEquals(importOf(name).id(), job(name).get("import_id"), name);
        }
        sandbox.answerUploadsWith(answer -> packed(answer.withStatus(422).withBody("no way"))
                .withHeader("Content-Type", "text/html; charset=none-such"));
        awaitIn(".rejected", drop("People/refused.csv", CSV + "refused"));
        assertEquals("The API answered 422: no way", job("refused.csv").get("detail"));
        assertEquals(List.of(), lists(), "no outcome was unknown");
    }

    private static SandboxAnswer packed(SandboxAnswer answer) {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(packed)) {
            out.write(answer.body());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return answer.withBody(packed.toByteArray());
    }

    private List<Integer> statuses() {
        return uploads().stream().map(SandboxRequest::status).toList();
    }

    private static List<String> targets(Sandbox sandbox) {
        return sandbox.requests().stream().map(SandboxRequest::target).toList();
    }

    private static Set<String> headerNames(SandboxRequest request) {
        return request.headers().stream().map(Map.Entry::getKey).collect(Collectors.toSet());
    }
}
