package io.csvimport.operations.desk;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.csvimport.Installation;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;

/** Debian's Chromium without a window, by the W3C's WebDriver protocol. */
final class Browser implements AutoCloseable {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String ELEMENT = "element-6066-11e4-a52e-4f735466cecf";

    private final HttpClient http = HttpClient.newHttpClient();
    private final Process driver;
    private final String session;
    private final String site;

    static boolean isInstalled() {
        return Files.isExecutable(Path.of("/usr/bin/chromedriver"));
    }

    /** @param arguments of Chromium beside the usual ones */
    Browser(Path home, String site, boolean script, String... arguments) throws IOException, InterruptedException {
        this.site = site;
        int port = Installation.freePort();
        driver = new ProcessBuilder("/usr/bin/chromedriver", "--port=" + port)
                .redirectErrorStream(true)
                .redirectOutput(home.resolve("chromedriver.txt").toFile())
                .start();
        String server = "http://127.0.0.1:" + port + "/session";
        List<String> all = new ArrayList<>(List.of(
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--user-data-dir=" + Files.createTempDirectory(home, "browser")));
        all.addAll(List.of(arguments));
        Map<String, Object> options = Map.of(
                "args", all, "prefs", Map.of("profile.managed_default_content_settings.javascript", script ? 1 : 2));
        Map<String, Object> wanted =
                Map.of("capabilities", Map.of("alwaysMatch", Map.of("goog:chromeOptions", options)));
        Awaitility.await()
                .ignoreExceptions()
                .until(() -> http.send(
                                        HttpRequest.newBuilder(URI.create(server.replace("/session", "/status")))
                                                .build(),
                                        HttpResponse.BodyHandlers.ofString())
                                .statusCode()
                        == 200);
        session = server + "/" + send("POST", server, wanted).get("sessionId").asText();
        // a click does not wait for the page that it asks for
        send("POST", session + "/timeouts", Map.of("implicit", 20_000));
    }

    private JsonNode send(String method, String url, Object body) throws IOException, InterruptedException {
        HttpRequest.BodyPublisher content = body == null
                ? HttpRequest.BodyPublishers.noBody()
                : HttpRequest.BodyPublishers.ofString(JSON.writeValueAsString(body));
        HttpResponse<String> answer = http.send(
                HttpRequest.newBuilder(URI.create(url)).method(method, content).build(),
                HttpResponse.BodyHandlers.ofString());
        JsonNode value = JSON.readTree(answer.body()).path("value");
        if (answer.statusCode() != 200) {
            throw new IOException(value.path("message").asText());
        }
        return value;
    }

    void open(String path) throws IOException, InterruptedException {
        send("POST", session + "/url", Map.of("url", site + path));
    }

    String path() throws IOException, InterruptedException {
        return send("GET", session + "/url", null).asText().substring(site.length());
    }

    private String element(String css) throws IOException, InterruptedException {
        JsonNode found = send("POST", session + "/element", Map.of("using", "css selector", "value", css));
        return session + "/element/" + found.get(ELEMENT).asText();
    }

    void click(String css) throws IOException, InterruptedException {
        send("POST", element(css) + "/click", Map.of());
    }

    void type(String css, String text) throws IOException, InterruptedException {
        send("POST", element(css) + "/value", Map.of("text", text));
    }

    String text(String css) throws IOException, InterruptedException {
        return send("GET", element(css) + "/text", null).asText();
    }

    /** The text of the page, once it has that part. */
    void await(String css, String part) {
        Awaitility.await(part).ignoreExceptions().until(() -> text(css).contains(part));
    }

    /** Presses keys, whatever has the focus; {@code \uE004} is the tabulator, {@code \uE007} enter. */
    void press(String keys) throws IOException, InterruptedException {
        List<Map<String, String>> strokes = new ArrayList<>();
        for (char key : keys.toCharArray()) {
            strokes.add(Map.of("type", "keyDown", "value", String.valueOf(key)));
            strokes.add(Map.of("type", "keyUp", "value", String.valueOf(key)));
        }
        send(
                "POST",
                session + "/actions",
                Map.of("actions", List.of(Map.of("type", "key", "id", "keyboard", "actions", strokes))));
    }

    /** The value of a script; a promise is waited for. */
    JsonNode run(String script, Object... arguments) throws IOException, InterruptedException {
        return send("POST", session + "/execute/sync", Map.of("script", script, "args", List.of(arguments)));
    }

    void resize(int width, int height) throws IOException, InterruptedException {
        send("POST", session + "/window/rect", Map.of("width", width, "height", height));
    }

    void screenshot(Path file) throws IOException, InterruptedException {
        Files.write(
                file,
                Base64.getDecoder()
                        .decode(send("GET", session + "/screenshot", null).asText()));
    }

    @Override
    public void close() throws IOException {
        try {
            send("DELETE", session, null);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        driver.destroy();
    }
}
