package io.csvimport;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.csvimport.platform.HostRig;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Base64;
import java.util.List;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.awaitility.Awaitility;

/** A real S3 server, S3Proxy, in a process of its own on the loopback interface. Its objects are files in a folder. */
public final class S3Rig implements AutoCloseable {

    public static final String ACCESS_KEY = "access";
    public static final String SECRET_KEY = "se/cr+et";

    private final Path folder;
    private final int port = Installation.freePort();
    private Process process;

    public S3Rig(Path folder) throws IOException {
        this.folder = Files.createDirectories(folder);
        Files.createDirectories(folder.resolve("buckets"));
        Files.writeString(
                folder.resolve("s3proxy.conf"),
                """
                s3proxy.endpoint=%s
                s3proxy.authorization=aws-v2-or-v4
                s3proxy.identity=%s
                s3proxy.credential=%s
                s3proxy.ignore-unknown-headers=true
                jclouds.provider=filesystem-nio2
                jclouds.identity=none
                jclouds.credential=none
                jclouds.filesystem.basedir=%s/buckets
                """
                        .formatted(url(), ACCESS_KEY, SECRET_KEY, folder));
    }

    public String url() {
        return "http://127.0.0.1:" + port;
    }

    /** Starts it, and waits until it answers. */
    public S3Rig start() throws Exception {
        ProcessBuilder java = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx256m",
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        HostRig.jars("s3proxy", List.of("org.gaul:s3proxy:2.6.0")),
                        "org.gaul.s3proxy.Main",
                        "--properties",
                        folder.resolve("s3proxy.conf").toString())
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("output.txt").toFile());
        java.environment().put("LC_ALL", "C.UTF-8");
        process = java.start();
        Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> {
            try {
                return call("GET", "/", "") == 200;
            } catch (ConnectException e) {
                return false;
            }
        });
        return this;
    }

    /** A bucket, {@code /bucket}, or an object, {@code /bucket/key}. */
    public void put(String path, String content) throws Exception {
        int status = call("PUT", path, content);
        if (status != 200) {
            throw new IllegalStateException(path + ": " + status);
        }
    }

    private int call(String method, String path, String body) throws Exception {
        URI uri = new URI("http", null, "127.0.0.1", port, path, null, null);
        String date = DateTimeFormatter.RFC_1123_DATE_TIME.format(ZonedDateTime.now(ZoneOffset.UTC));
        HttpRequest request = HttpRequest.newBuilder(URI.create(uri.toASCIIString()))
                .method(method, HttpRequest.BodyPublishers.ofString(body))
                .header("x-amz-date", date)
                .header(
                        "Authorization",
                        "AWS " + ACCESS_KEY + ":"
                                + sign(method + "\n\n\n\nx-amz-date:" + date + "\n"
                                        + URI.create(uri.toASCIIString()).getRawPath()))
                .build();
        return HttpClient.newHttpClient()
                .send(request, HttpResponse.BodyHandlers.ofString())
                .statusCode();
    }

    /** Version 2 of Amazon's signatures. */
    private static String sign(String text) throws GeneralSecurityException {
        Mac mac = Mac.getInstance("HmacSHA1");
        mac.init(new SecretKeySpec(SECRET_KEY.getBytes(UTF_8), "HmacSHA1"));
        return Base64.getEncoder().encodeToString(mac.doFinal(text.getBytes(UTF_8)));
    }

    public boolean has(String path) {
        return Files.exists(folder.resolve("buckets" + path));
    }

    public void kill() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }

    @Override
    public void close() {
        if (process != null) {
            process.destroyForcibly().onExit().join();
        }
    }
}
