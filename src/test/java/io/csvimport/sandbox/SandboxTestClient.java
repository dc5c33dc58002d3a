package io.csvimport.sandbox;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Base64;

/** Speaks to the sandbox: by the JDK's client, or byte by byte through a socket. */
final class SandboxTestClient {
    static final String BASIC = "Basic " + Base64.getEncoder().encodeToString("key:sécret".getBytes(UTF_8));
    static final String ROOT = "/api/organizations/5664";
    static final String FILE_HEADERS =
            "Content-Disposition: form-data; name=\"file\"; filename=\"people.csv\"\r\nContent-Type: text/csv";

    private final HttpClient client = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(10))
            .build();
    private final Sandbox sandbox;

    SandboxTestClient(Sandbox sandbox) {
        this.sandbox = sandbox;
    }

    static String body(String partHeaders, String content) {
        return "--BOUNDARY\r\n" + partHeaders + "\r\n\r\n" + content + "\r\n--BOUNDARY--\r\n";
    }

    static String uploadTarget(String content) {
        return ROOT + "/csv-import?template=People&fileSize=" + content.getBytes(UTF_8).length;
    }

    HttpRequest.Builder request(String target) {
        return HttpRequest.newBuilder(URI.create(sandbox.url() + target))
                .timeout(Duration.ofSeconds(20))
                .header("Authorization", BASIC);
    }

    HttpResponse<String> send(HttpRequest.Builder request) throws IOException, InterruptedException {
        return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    HttpResponse<String> get(String target) throws IOException, InterruptedException {
        return send(request(target));
    }

    HttpResponse<String> delete(String target) throws IOException, InterruptedException {
        return send(request(target).DELETE());
    }

    HttpResponse<String> post(String target, String body) throws IOException, InterruptedException {
        return send(request(target)
                .header("Content-Type", "multipart/form-data; boundary=BOUNDARY")
                .POST(HttpRequest.BodyPublishers.ofString(body)));
    }

    HttpResponse<String> upload(String content) throws IOException, InterruptedException {
        return post(uploadTarget(content), body(FILE_HEADERS, content));
    }

    /** Opens a connection and sends this as it is. */
    Socket open(String bytes) throws IOException {
        Socket socket = new Socket("127.0.0.1", sandbox.port());
        socket.setSoTimeout(20_000);
        socket.getOutputStream().write(bytes.getBytes(UTF_8));
        return socket;
    }

    /** The head of an upload, with a Content-Length of its own and further header lines, each with its CRLF. */
    static String head(String target, long contentLength, String more) {
        return "POST " + target + " HTTP/1.1\r\nHost: sandbox\r\nAuthorization: " + BASIC
                + "\r\nContent-Type: multipart/form-data; boundary=BOUNDARY\r\nContent-Length: " + contentLength
                + "\r\n" + more + "\r\n";
    }

    /** Reads up to this text; an end or a reset before it fails. */
    static String readUntil(Socket socket, String end) throws IOException {
        InputStream in = socket.getInputStream();
        StringBuilder text = new StringBuilder();
        while (text.indexOf(end) < 0) {
            int next = in.read();
            if (next < 0) {
                throw new IOException("ended after " + text);
            }
            text.append((char) next);
        }
        return text.toString();
    }
}
