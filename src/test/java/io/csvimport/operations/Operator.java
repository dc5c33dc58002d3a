package io.csvimport.operations;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;

/** Calls the management port as a person with curl does. */
public final class Operator {

    /** An answer: its status, and its body as JSON, missing where it is none. */
    public record Answer(HttpResponse<String> http, JsonNode json) {

        public int status() {
            return http.statusCode();
        }

        public String text(String name) {
            return json.path(name).asText();
        }

        public String header(String name) {
            return http.headers().firstValue(name).orElse("");
        }
    }

    private static final ObjectMapper JSON = new ObjectMapper();

    private final HttpClient client = HttpClient.newHttpClient();
    private final String url;
    private final String authorization;

    public Operator(int port) {
        this("http://127.0.0.1:" + port, null);
    }

    private Operator(String url, String authorization) {
        this.url = url;
        this.authorization = authorization;
    }

    public Operator as(String username, String password) {
        byte[] credential = (username + ":" + password).getBytes(StandardCharsets.UTF_8);
        return new Operator(url, "Basic " + Base64.getEncoder().encodeToString(credential));
    }

    public Answer get(String path, String... headers) throws IOException, InterruptedException {
        return call("GET", path, new byte[0], headers);
    }

    public Answer post(String path, String... headers) throws IOException, InterruptedException {
        return call("POST", path, new byte[0], headers);
    }

    public Answer call(String method, String path, byte[] body, String... headers)
            throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url + path))
                .timeout(Duration.ofSeconds(30))
                .method(
                        method,
                        body.length == 0
                                ? HttpRequest.BodyPublishers.noBody()
                                : HttpRequest.BodyPublishers.ofByteArray(body));
        if (headers.length > 0) {
            request.headers(headers);
        }
        if (authorization != null) {
            request.header("Authorization", authorization);
        }
        HttpResponse<String> answer = client.send(request.build(), HttpResponse.BodyHandlers.ofString());
        return new Answer(answer, json(answer.body()));
    }

    private static JsonNode json(String body) {
        try {
            return JSON.readTree(body);
        } catch (IOException e) {
            return JSON.missingNode();
        }
    }
}
