package io.csvimport.sandbox;

import static io.csvimport.sandbox.SandboxTestClient.FILE_HEADERS;
import static io.csvimport.sandbox.SandboxTestClient.ROOT;
import static io.csvimport.sandbox.SandboxTestClient.body;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SandboxCallsTest {
    private static final String CSV = "name\nAnna\ninvalid \"B\", x\nCaro\n";

    private final Sandbox sandbox = Sandbox.start(0, "5664", "key", "sécret", Set.of());
    private final SandboxTestClient client = new SandboxTestClient(sandbox);

    @AfterEach
    void close() {
        sandbox.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "Bearer x", "Basic a2V5Ondyb25n"})
    void everythingNeedsTheKeyAndTheSecret(String authorization) throws Exception {
        for (String path : List.of("/csv-import", "/csv-import/1", "/nowhere")) {
            HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(sandbox.url() + ROOT + path));
            if (!authorization.isEmpty()) {
                request.header("Authorization", authorization);
            }
            HttpResponse<String> answer = client.send(request);
            assertEquals(401, answer.statusCode());
            assertTrue(answer.body().contains(authorization.isEmpty() ? "missing" : "not the key"), answer.body());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "GET,/api/organizations/1/csv-import,404,unknown organization 1",
        "GET,/api/organizations/5664,404,unknown path",
        "GET,/api/organizations/5664/csv-import/,404,unknown path",
        "GET,/api/organizations/5664/statement-import,404,unknown path",
        "PUT,/api/organizations/5664/csv-import,405,'PUT is none of [GET, POST]'",
        "GET,/api/organizations/5664/csv-import/1,405,GET is none of [DELETE]",
        "GET,/api/organizations/5664/statement-import/preview,405,GET is none of [POST]",
        "DELETE,/api/organizations/5664/csv-import/1,404,no import 1 to void",
        "DELETE,/api/organizations/5664/csv-import/1?deleteLrsStatements=true,400,unknown query parameter",
        "DELETE,/api/organizations/5664/statement-import/1?deleteLrsStatements=true,404,no import 1 to void",
        "DELETE,/api/organizations/5664/statement-import/1,400,deleteLrsStatements must be true",
        "GET,/api/organizations/5664/csv-import?name=x,400,unknown query parameter 'name'",
    })
    void whatIsNotDocumentedIsRefused(String method, String target, int status, String error) throws Exception {
        HttpResponse<String> answer =
                client.send(client.request(target).method(method, HttpRequest.BodyPublishers.noBody()));
        assertEquals(status, answer.statusCode());
        String told = new JsonObject(answer.body()).getString("error");
        assertTrue(told.contains(error), told);
    }

    @Test
    void anImportIsListedWithTheDocumentedProperties() throws Exception {
        client.upload(CSV);
        JsonObject list = list("");
        assertEquals(1, list.getInteger("count"));
        JsonObject listed = list.getJsonArray("results").getJsonObject(0);
        assertEquals(
                Set.of(
                        "id",
                        "created",
                        "version",
                        "size",
                        "originalFilename",
                        "file",
                        "mediaType",
                        "hashFileName",
                        "userName",
                        "statemenIds",
                        "alllStatementIds",
                        "failedRows",
                        "template"),
                listed.fieldNames());
        assertEquals(sandbox.imports().get(0).id(), listed.getString("id"));
        assertTrue(Duration.between(Instant.parse(listed.getString("created")), Instant.now())
                        .toSeconds()
                < 20);
        assertEquals(CSV.length(), listed.getInteger("size"));
        assertEquals("people.csv", listed.getString("originalFilename"));
        assertEquals("People", listed.getString("template"));
        assertEquals(2, listed.getJsonArray("alllStatementIds").size());
        assertEquals(
                listed.getString("statemenIds"),
                String.join(",", sandbox.imports().get(0).statementIds()));
        assertEquals(Set.of("3"), listed.getJsonObject("failedRows").fieldNames());
        assertTrue(listed.getJsonObject("failedRows").getString("3").endsWith("is: invalid \"B\", x"));
    }

    @Test
    void statementsAreListedUpToAHundred() throws Exception {
        client.upload("name\n" + "Anna\n".repeat(150));
        assertEquals(100, sandbox.imports().get(0).statementIds().size());
    }

    @Test
    void theListIsFilteredByIdAndByTemplateNameAndIsNewestFirst() throws Exception {
        sandbox.nameTemplate("17", "By id");
        for (String template : List.of("A%20B", "17", "A%20B")) {
            client.post(ROOT + "/csv-import?template=" + template + "&fileSize=1", body(FILE_HEADERS, "x"));
        }
        List<String> ids = sandbox.imports().stream().map(SandboxImport::id).toList();
        assertEquals(List.of(ids.get(2), ids.get(1), ids.get(0)), ids(list("")));
        assertEquals(List.of(ids.get(2), ids.get(0)), ids(list("?template=A%20B")));
        assertEquals(List.of(), ids(list("?template=17")));
        assertEquals(List.of(ids.get(1)), ids(list("?template=By%20id")));
        assertEquals(List.of(ids.get(1)), ids(list("?id=" + ids.get(1))));
        assertEquals(List.of(), ids(list("?template=A%20B&id=" + ids.get(1))));
    }

    @Test
    void aKnownTemplateMayBeGivenByItsId() throws Exception {
        try (Sandbox strict = Sandbox.start(0, "5664", "key", "sécret", Set.of("People"))) {
            SandboxTestClient other = new SandboxTestClient(strict);
            String target = ROOT + "/csv-import?template=17&fileSize=1";
            assertEquals(400, other.post(target, body(FILE_HEADERS, "x")).statusCode());
            strict.nameTemplate("17", "People");
            assertEquals(202, other.post(target, body(FILE_HEADERS, "x")).statusCode());
            assertEquals("People", strict.imports().get(0).template());
        }
    }

    @Test
    void aLongTemplateNameIsRead() throws Exception {
        String target = ROOT + "/csv-import?fileSize=1&template=" + "%C3%B6".repeat(8000);
        assertEquals(202, client.post(target, body(FILE_HEADERS, "x")).statusCode());
        assertEquals("ö".repeat(8000), sandbox.imports().get(0).template());
    }

    @Test
    void theListCanBeCutShortOrPaged() throws Exception {
        for (int i = 0; i < 3; i++) {
            client.upload(CSV);
        }
        sandbox.listCutShort(2);
        assertEquals(3, list("").getInteger("count"));
        assertEquals(2, ids(list("")).size());
        sandbox.listPage(2);
        assertEquals(2, list("").getInteger("count"));
        assertEquals(2, ids(list("")).size());
        sandbox.listPage(Integer.MAX_VALUE);
        assertEquals(3, ids(list("")).size());
    }

    @Test
    void anImportIsListedOnlyAfterTheLag() throws Exception {
        sandbox.listLag(Duration.ofMillis(700));
        client.upload(CSV);
        assertEquals(List.of(), ids(list("")));
        await().until(() -> ids(list("")).size() == 1);
        assertTrue(Instant.now().isAfter(sandbox.imports().get(0).created().plusMillis(700)));
    }

    @Test
    void aVoidedImportIsNotListedAndCannotBeVoidedAgain() throws Exception {
        client.upload(CSV);
        client.upload(CSV);
        List<String> ids = sandbox.imports().stream().map(SandboxImport::id).toList();
        HttpResponse<String> answer = client.delete(ROOT + "/csv-import/" + ids.get(0));
        assertEquals(200, answer.statusCode());
        assertEquals("", answer.body());
        assertEquals(404, client.delete(ROOT + "/csv-import/" + ids.get(0)).statusCode());
        assertEquals(List.of(ids.get(1)), ids(list("")));
        String other = ROOT + "/statement-import/" + ids.get(1) + "?deleteLrsStatements=true";
        assertEquals(200, client.delete(other).statusCode());
        assertEquals(0, list("").getInteger("count"));
        assertTrue(sandbox.imports().stream().allMatch(SandboxImport::voided));
    }

    @Test
    void thePreviewTellsFailedRowsAndStatementsAndImportsNothing() throws Exception {
        HttpResponse<String> answer = preview(previewBody(CSV, String.valueOf(CSV.length())));
        assertEquals(200, answer.statusCode(), answer.body());
        JsonObject result = new JsonObject(answer.body());
        assertEquals(Set.of("3"), result.getJsonObject("failedRows").fieldNames());
        assertEquals(Set.of("2", "4"), result.getJsonObject("statements").fieldNames());
        assertEquals(1, result.getJsonObject("statements").getJsonArray("2").size());
        assertEquals(List.of(), sandbox.imports());
        assertEquals(2, sandbox.requests().get(0).parts().size());
    }

    @Test
    void aPreviewWithoutTheExactFilesizePartIsRefused() throws Exception {
        assertEquals(400, preview(body(FILE_HEADERS, CSV)).statusCode());
        assertEquals(400, preview(previewBody(CSV, "1")).statusCode());
        assertEquals(
                400,
                preview(previewBody(CSV, "31").replace("filesize", "fileSize")).statusCode());
        String large = "x".repeat(3 << 20);
        assertEquals(400, preview(previewBody(large, "1")).statusCode());
        assertEquals(200, preview(previewBody(large, String.valueOf(3 << 20))).statusCode());
    }

    @Test
    void thePortIsFreeAtOnceAndTakenWhileItRuns() throws Exception {
        int port = sandbox.port();
        assertThrows(UncheckedIOException.class, () -> Sandbox.start(port, "5664", "key", "sécret", Set.of()));
        client.upload(CSV);
        sandbox.close();
        for (int i = 0; i < 3; i++) {
            try (Sandbox next = Sandbox.start(port, "5664", "key", "sécret", Set.of())) {
                assertEquals(202, new SandboxTestClient(next).upload(CSV).statusCode());
            }
        }
    }

    @Test
    void whatWasSeenOutlivesADisconnection() throws Exception {
        client.upload(CSV);
        sandbox.disconnect();
        assertThrows(java.io.IOException.class, () -> client.upload(CSV));
        sandbox.reconnect();
        client.upload(CSV);
        assertEquals(2, sandbox.imports().size());
        assertEquals(2, list("").getInteger("count"));
    }

    @Test
    void theClockCanBeAheadOfTheMachines() throws Exception {
        sandbox.skewClock(Duration.ofDays(400));
        HttpResponse<String> answer = client.upload(CSV);
        Instant nextYear = Instant.now().plus(Duration.ofDays(399));
        assertTrue(sandbox.imports().get(0).created().isAfter(nextYear));
        assertTrue(java.time.ZonedDateTime.parse(
                        answer.headers().firstValue("Date").orElseThrow(),
                        java.time.format.DateTimeFormatter.RFC_1123_DATE_TIME)
                .toInstant()
                .isAfter(nextYear));
    }

    private HttpResponse<String> preview(String body) throws Exception {
        return client.post(ROOT + "/statement-import/preview?template=People", body);
    }

    private static String previewBody(String csv, String size) {
        String second = "Content-Disposition: form-data; name=\"filesize\"\r\n\r\n" + size + "\r\n--BOUNDARY--";
        return body(FILE_HEADERS, csv).replace("--BOUNDARY--", "--BOUNDARY\r\n" + second);
    }

    private JsonObject list(String query) throws Exception {
        HttpResponse<String> answer = client.get(ROOT + "/csv-import" + query);
        assertEquals(200, answer.statusCode(), answer.body());
        return new JsonObject(answer.body());
    }

    private static List<String> ids(JsonObject list) {
        JsonArray results = list.getJsonArray("results");
        List<String> ids = new ArrayList<>();
        for (int i = 0; i < results.size(); i++) {
            ids.add(results.getJsonObject(i).getString("id"));
        }
        return ids;
    }
}
