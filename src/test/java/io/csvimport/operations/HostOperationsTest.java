package io.csvimport.operations;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.csvimport.CsvImportTestSupport;
import io.csvimport.Installation;
import io.csvimport.operations.Operator.Answer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import org.apache.camel.main.MainConfigurationProperties;
import org.junit.jupiter.api.Test;

/** The operations on the HTTP server of a Camel Main application, which has routes, REST settings and a path of its own. */
class HostOperationsTest extends CsvImportTestSupport {

    private final int port;
    private final Operator operator;

    HostOperationsTest() throws IOException {
        port = Installation.freePort();
        operator = new Operator(port);
    }

    @Override
    public void configure(MainConfigurationProperties configuration) {
        super.configure(configuration);
        configuration.httpServer().withEnabled(true).withPort(port).withHost("127.0.0.1");
        configuration.rest().withBindingMode("json");
    }

    @Override
    public void addRoutes() throws IOException {
        set("management.routes=true");
        addRoute(
                "own",
                """
                - route:
                    id: own
                    from:
                      uri: platform-http:/own
                      steps:
                        - setBody: { expression: { constant: { expression: own } } }
                """);
    }

    @Test
    void aPostedCsvIsImportedByteForByteAndAnswered() throws Exception {
        byte[] csv = "Näme;a=b&c=%41\r\nÄnna;\r\n".getBytes(StandardCharsets.ISO_8859_1);
        Answer taken = operator.call(
                "POST",
                "/csv-imports?template=Posted&notify=hr%40example.com&fileName=posted.csv",
                csv,
                "Content-Type",
                "text/csv");
        assertEquals(202, taken.status(), taken.http().body());
        String job = taken.text("job");
        awaitThat(() -> operator.get("/csv-imports/" + job).text("state").equals("accepted"));
        assertAll(
                () -> assertArrayEquals(csv, uploads("posted.csv").get(0).file()),
                () -> assertEquals("http", operator.get("/csv-imports/" + job).text("from")),
                () -> assertEquals(
                        1,
                        operator.get("/csv-imports?state=accepted")
                                .json()
                                .path("count")
                                .asInt()),
                () -> assertEquals(
                        409, operator.post("/csv-imports/" + job + "/retry").status()),
                () -> assertEquals(404, operator.get("/csv-imports/1").status()),
                () -> assertEquals(200, operator.get("/openapi.json").status()),
                () -> assertEquals("own", operator.get("/own").http().body()));
        assertEquals(
                200, operator.call("DELETE", "/csv-imports/" + job, new byte[0]).status());
    }

    @Test
    void aPreviewIsAnsweredAndNothingIsImported() throws Exception {
        Answer preview = operator.call("POST", "/csv-imports/preview?template=Posted", "a\nb\n".getBytes());
        assertEquals(200, preview.status(), preview.http().body());
        assertTrue(preview.json().has("failedRows"));
    }

    @Test
    void aCsvOfMoreThanTenMegabytesIsSentToTheInboxWhetherItsSizeIsSaidOrNot() throws Exception {
        byte[] large = new byte[(10 << 20) + 1];
        for (HttpRequest.BodyPublisher body : new HttpRequest.BodyPublisher[] {
            HttpRequest.BodyPublishers.ofByteArray(large),
            HttpRequest.BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(large))
        }) {
            HttpResponse<String> answer = HttpClient.newHttpClient()
                    .send(
                            HttpRequest.newBuilder(
                                            URI.create("http://127.0.0.1:" + port + "/csv-imports?template=Large"))
                                    .POST(body)
                                    .build(),
                            HttpResponse.BodyHandlers.ofString());
            assertEquals(413, answer.statusCode(), answer.body());
            assertTrue(answer.body().contains("inbox"));
        }
        assertEquals(0, operator.get("/csv-imports").json().path("count").asInt());
    }

    @Test
    void aWebPageOfAnotherOriginIsRefused() throws Exception {
        assertEquals(
                403,
                operator.post("/csv-imports/1/retry", "Origin", "https://evil.example")
                        .status());
        assertEquals(
                403,
                operator.post("/csv-imports/1/retry", "Sec-Fetch-Site", "cross-site")
                        .status());
        assertEquals(
                404,
                operator.post("/csv-imports/1/retry", "Origin", "http://127.0.0.1:" + port)
                        .status());
        // behind a proxy that changes the host
        assertEquals(
                404,
                operator.post("/csv-imports/1/retry", "Origin", "https://csv.example", "Sec-Fetch-Site", "same-origin")
                        .status());
    }
}
