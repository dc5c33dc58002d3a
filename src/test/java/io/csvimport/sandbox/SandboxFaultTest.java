package io.csvimport.sandbox;

import static io.csvimport.sandbox.SandboxTestClient.FILE_HEADERS;
import static io.csvimport.sandbox.SandboxTestClient.ROOT;
import static io.csvimport.sandbox.SandboxTestClient.body;
import static io.csvimport.sandbox.SandboxTestClient.head;
import static io.csvimport.sandbox.SandboxTestClient.readUntil;
import static io.csvimport.sandbox.SandboxTestClient.uploadTarget;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.net.Socket;
import java.net.SocketException;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SandboxFaultTest {
    private static final String CSV = "name\nAnna\n";
    private static final String BODY = body(FILE_HEADERS, CSV);

    private final Sandbox sandbox = Sandbox.start(0, "5664", "key", "sécret", Set.of());
    private final SandboxTestClient client = new SandboxTestClient(sandbox);

    @AfterEach
    void close() {
        sandbox.close();
    }

    @Test
    void faultsStrikeOneUploadEachAndInOrder() throws Exception {
        sandbox.failNext(SandboxFault.status(503), SandboxFault.none(), SandboxFault.status(500));
        assertEquals(200, client.get(ROOT + "/csv-import").statusCode());
        for (int status : List.of(503, 202, 500, 202)) {
            assertEquals(status, client.upload(CSV).statusCode());
        }
        assertEquals(2, sandbox.imports().size());
    }

    @Test
    void aStandingFaultStrikesUntilItIsLifted() throws Exception {
        sandbox.failAll(SandboxFault.status(429, false, Map.of("Retry-After", "7")));
        for (int i = 0; i < 2; i++) {
            HttpResponse<String> answer = client.upload(CSV);
            assertEquals(429, answer.statusCode());
            assertEquals("7", answer.headers().firstValue("Retry-After").orElseThrow());
        }
        sandbox.failAll(null);
        assertEquals(202, client.upload(CSV).statusCode());
        assertEquals(1, sandbox.imports().size());
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 100})
    void aResetBeforeOrWithinTheBodyIsATcpResetAndImportsNothing(long bytes) throws Exception {
        sandbox.failNext(SandboxFault.resetAfter(bytes));
        // The body is never finished: the reset cannot come from its end.
        try (Socket socket = client.open(head(uploadTarget(CSV), BODY.length(), "") + BODY.substring(0, 120))) {
            SocketException reset = assertThrows(
                    SocketException.class, () -> socket.getInputStream().read());
            assertTrue(reset.getMessage().contains("reset"), reset.getMessage());
        }
        SandboxRequest request = sandbox.requests().get(0);
        assertEquals(0, request.status());
        assertTrue(bytes == 0 ? request.bodySize() == 0 : request.bodySize() >= bytes);
        assertEquals(List.of(), sandbox.imports());
        assertEquals(202, client.upload(CSV).statusCode());
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aResetAfterTheBodyAcceptsTheImportOrNot(boolean accepted) throws Exception {
        sandbox.failNext(SandboxFault.resetAtEnd(accepted));
        try (Socket socket = client.open(head(uploadTarget(CSV), BODY.length(), "") + BODY)) {
            assertThrows(SocketException.class, () -> socket.getInputStream().read());
        }
        assertEquals(accepted ? 1 : 0, sandbox.imports().size());
        assertEquals(CSV, new String(sandbox.requests().get(0).file(), UTF_8));
        assertEquals(0, sandbox.requests().get(0).status());
    }

    @Test
    void anEarlyStatusComesBeforeTheBodyAndClosesTheConnection() throws Exception {
        sandbox.failNext(SandboxFault.earlyStatus(401, Map.of("X-Why", "early")));
        try (Socket socket = client.open(head(uploadTarget(CSV), BODY.length(), ""))) {
            String answer = readUntil(socket, "}");
            assertTrue(answer.startsWith("HTTP/1.1 401 "), answer);
            assertTrue(answer.contains("X-Why: early"), answer);
            assertEquals(-1, socket.getInputStream().read());
        }
        assertEquals(401, sandbox.requests().get(0).status());
        assertEquals(List.of(), sandbox.imports());
    }

    @Test
    void anEarlyStatusAnswersAnExpectation() throws Exception {
        sandbox.failNext(SandboxFault.earlyStatus(503, Map.of("Retry-After", "1")));
        try (Socket socket = client.open(head(uploadTarget(CSV), BODY.length(), "Expect: 100-continue\r\n"))) {
            assertTrue(readUntil(socket, "}").startsWith("HTTP/1.1 503 "));
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aStatusAfterTheBodyAcceptsTheImportOrNot(boolean accepted) throws Exception {
        sandbox.failNext(SandboxFault.status(502, accepted, Map.of()));
        assertEquals(502, client.upload(CSV).statusCode());
        assertEquals(accepted ? 1 : 0, sandbox.imports().size());
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aHangLastsUntilTheSandboxCloses(boolean accepted) throws Exception {
        sandbox.failNext(SandboxFault.hang(accepted));
        CompletableFuture<HttpResponse<String>> answer = async();
        await().until(() -> sandbox.requests().stream().anyMatch(r -> r.size() == CSV.length()));
        assertEquals(accepted ? 1 : 0, sandbox.imports().size());
        assertEquals(202, client.upload(CSV).statusCode());
        assertFalse(answer.isDone());
        sandbox.close();
        await().until(answer::isCompletedExceptionally);
    }

    @Test
    void aHangWithinTheBodyReadsNoFurther() throws Exception {
        sandbox.failNext(SandboxFault.hangAfter(10));
        try (Socket socket = client.open(head(uploadTarget(CSV), BODY.length(), "") + BODY.substring(0, 10))) {
            await().until(() ->
                    !sandbox.requests().isEmpty() && sandbox.requests().get(0).bodySize() == 10);
            socket.getOutputStream().write(BODY.substring(10).getBytes(UTF_8));
            assertEquals(202, client.upload(CSV).statusCode());
            assertEquals(10, sandbox.requests().get(0).bodySize());
            assertEquals(1, sandbox.imports().size());
        }
    }

    @Test
    void aDelayedAnswerIsAcceptedAtOnce() throws Exception {
        sandbox.failNext(SandboxFault.delay(Duration.ofMillis(500)));
        long start = System.nanoTime();
        CompletableFuture<HttpResponse<String>> answer = async();
        await().pollInterval(Duration.ofMillis(10))
                .until(() -> sandbox.imports().size() == 1);
        assertEquals(0, sandbox.requests().get(0).status());
        assertEquals(202, answer.get().statusCode());
        assertTrue(System.nanoTime() - start >= 500_000_000L);
        assertEquals(202, sandbox.requests().get(0).status());
    }

    @Test
    void anAcceptedUploadMayBeAnsweredWithoutAnId() throws Exception {
        sandbox.failNext(SandboxFault.noId());
        HttpResponse<String> answer = client.upload(CSV);
        assertEquals(202, answer.statusCode());
        assertEquals("{}", answer.body());
        assertEquals(1, sandbox.imports().size());
    }

    @Test
    void aRedirectNamesItsLocationAndAcceptsNothing() throws Exception {
        sandbox.failNext(SandboxFault.redirect("http://127.0.0.1:1/elsewhere"));
        HttpResponse<String> answer = client.upload(CSV);
        assertEquals(307, answer.statusCode());
        assertEquals(
                "http://127.0.0.1:1/elsewhere",
                answer.headers().firstValue("Location").orElseThrow());
        assertEquals(List.of(), sandbox.imports());
    }

    @Test
    void slowReadingPausesAfterEachPiece() throws Exception {
        sandbox.failNext(SandboxFault.slowReading(Duration.ofMillis(50)));
        String csv = "x".repeat(1 << 20);
        long start = System.nanoTime();
        assertEquals(202, client.upload(csv).statusCode());
        assertTrue(System.nanoTime() - start >= 16 * 50_000_000L);
    }

    @Test
    void aRefusedUploadIsRefusedWhateverTheFaultAtItsEnd() throws Exception {
        sandbox.failAll(SandboxFault.status(503, true, Map.of()));
        assertEquals(400, client.post(uploadTarget(CSV) + "0", BODY).statusCode());
        assertEquals(List.of(), sandbox.imports());
    }

    @Test
    void otherCallsFailOnDemandToo() throws Exception {
        client.upload(CSV);
        String id = sandbox.imports().get(0).id();
        sandbox.failList(SandboxFault.status(500));
        assertEquals(500, client.get(ROOT + "/csv-import").statusCode());
        sandbox.failList(SandboxFault.resetAfter(0));
        assertThrows(IOException.class, () -> client.get(ROOT + "/csv-import"));
        sandbox.failList(null);
        assertEquals(1, new JsonObject(client.get(ROOT + "/csv-import").body()).getInteger("count"));
        sandbox.failPreview(SandboxFault.status(503));
        String second =
                "--BOUNDARY\r\nContent-Disposition: form-data; name=\"filesize\"\r\n\r\n" + CSV.length() + "\r\n";
        String preview = BODY.replace("--BOUNDARY--", second + "--BOUNDARY--");
        assertEquals(
                503,
                client.post(ROOT + "/statement-import/preview?template=People", preview)
                        .statusCode());
        sandbox.failVoid(SandboxFault.status(500, true, Map.of()));
        assertEquals(500, client.delete(ROOT + "/csv-import/" + id).statusCode());
        sandbox.failVoid(null);
        assertEquals(404, client.delete(ROOT + "/csv-import/" + id).statusCode());
    }

    private CompletableFuture<HttpResponse<String>> async() {
        return CompletableFuture.supplyAsync(() -> {
            try {
                return client.upload(CSV);
            } catch (IOException | InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
    }
}
