package io.csvimport.api;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.csvimport.CsvImportTestSupport;
import io.csvimport.operations.Readiness;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.apache.camel.Exchange;
import org.apache.camel.health.HealthCheck;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What an API or a proxy does on the wire that no well-behaved server would. */
class ApiClientTest extends CsvImportTestSupport {

    private static final String ACCEPTED = "HTTP/1.1 202 Accepted\r\nContent-Length: 10\r\n\r\n{\"id\": 17}";

    /** What the server does with a request; it closes the connection where that answers false. */
    private interface Behaviour {
        boolean answer(String method, int nth, OutputStream out) throws Exception;
    }

    private final List<Socket> connections = new CopyOnWriteArrayList<>();
    private ServerSocket server;
    private volatile Behaviour behaviour;

    @Override
    public void set(String... lines) {
        for (String line : lines) {
            super.set(line.replace("{port}", server == null ? "" : String.valueOf(server.getLocalPort())));
        }
    }

    @Override
    public void addRoutes() throws IOException {
        server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        set("api.url=http://127.0.0.1:{port}");
        addRoute(
                "read-list",
                """
                - route:
                    id: ask-and-read-list
                    from:
                      uri: direct:read-list
                      steps:
                        - to: direct:csv-import-list
                        - convertBodyTo: { type: String }
                """);
        daemon(() -> {
            while (true) {
                Socket connection = server.accept();
                connections.add(connection);
                daemon(() -> serve(connection));
            }
        });
    }

    @AfterEach
    void stop() throws IOException {
        server.close();
        for (Socket connection : connections) {
            connection.close();
        }
    }

    private interface Task {
        void run() throws Exception;
    }

    private static void daemon(Task task) {
        Thread thread = new Thread(() -> {
            try {
                task.run();
            } catch (Exception e) {
                // the other side, or the end of the test, has closed the connection
            }
        });
        thread.setDaemon(true);
        thread.start();
    }

    private void serve(Socket connection) throws Exception {
        try (connection) {
            InputStream in = new BufferedInputStream(connection.getInputStream());
            boolean goesOn = true;
            for (int nth = 1; goesOn; nth++) {
                StringBuilder head = new StringBuilder();
                while (head.indexOf("\r\n\r\n") < 0) {
                    int next = in.read();
                    if (next < 0) {
                        return;
                    }
                    head.append((char) next);
                }
                String length = head.toString().replaceAll("(?is).*\r\ncontent-length: *(\\d+).*|.*", "$1");
                in.readNBytes(length.isEmpty() ? 0 : Integer.parseInt(length));
                goesOn = behaviour.answer(head.substring(0, head.indexOf(" ")), nth, connection.getOutputStream());
            }
        }
    }

    private static boolean say(OutputStream out, String answer) throws IOException {
        out.write(answer.getBytes(ISO_8859_1));
        out.flush();
        return true;
    }

    private Map<String, String> send(String name) throws Exception {
        sendCsv(name, name, CSV + name, Map.of());
        return job(name);
    }

    @Test
    void aConnectionThatWasClosedWithoutAWordCarriesNoUpload() throws Exception {
        behaviour = (method, nth, out) -> !say(out, ACCEPTED);
        for (String name : List.of("a.csv", "b.csv", "c.csv")) {
            assertEquals("accepted", send(name).get("state"), name);
        }
    }

    @Test
    void whereAKeptConnectionHasFailedOnceNoneIsKeptAnyMore() throws Exception {
        behaviour = (method, nth, out) ->
                nth == 1 && say(out, method.equals("POST") ? ACCEPTED : "HTTP/1.1 503 No\r\n\r\n");
        assertEquals("accepted", send("a.csv").get("state"));
        send("fails.csv");
        assertEquals("accepted", send("c.csv").get("state"));
        assertEquals("accepted", send("d.csv").get("state"));
    }

    @Test
    void connectionsOfAWellBehavedApiAreKept() throws Exception {
        behaviour = (method, nth, out) -> say(out, ACCEPTED);
        for (String name : List.of("a.csv", "b.csv", "c.csv")) {
            assertEquals("accepted", send(name).get("state"), name);
        }
        assertEquals(1, connections.size());
    }

    @Test
    @With("api.timeout=PT1S")
    void theDeadlineHoldsToTheLastByteOfTheAnswer() throws Exception {
        behaviour = (method, nth, out) -> {
            say(out, "HTTP/1.1 " + (method.equals("POST") ? 202 : 200) + " OK\r\nContent-Length: 1000\r\n\r\n");
            while (true) {
                say(out, " ");
                TimeUnit.MILLISECONDS.sleep(50);
            }
        };
        Map<String, String> job = send("a.csv");
        assertEquals("unknown", job.get("state"));
        assertEquals(
                "The API answered 202, and not to the end: The exchange timed out after PT1S (csv-import.api.timeout)",
                job.get("detail"));
        assertListFails("The exchange timed out after PT1S (csv-import.api.timeout)");
    }

    @Test
    @With({"api.url=https://api.example.com", "api.proxy.host=127.0.0.1", "api.proxy.port={port}"})
    void whereAProxyRefusesTheTunnelNothingWasSent() throws Exception {
        for (String status :
                List.of("400 Bad Request", "403 No", "407 Who", "502 Bad Gateway", "503 No", "202 Later")) {
            behaviour = (method, nth, out) -> {
                assertEquals("CONNECT", method);
                return say(out, "HTTP/1.1 " + status + "\r\nContent-Length: 10\r\n\r\n{\"id\": 17}");
            };
            String why = "The proxy 127.0.0.1:" + server.getLocalPort() + " refuses the tunnel to the API: HTTP/1.1 "
                    + status;
            Map<String, String> job = send(status.substring(0, 3) + ".csv");
            assertEquals("waiting", job.get("state"), status);
            assertEquals("The API cannot be reached: " + why, job.get("detail"));
            assertListFails(why);
            if (status.startsWith("407")) {
                String readiness = health().getMessage().orElse("");
                assertTrue(readiness.contains("csv-import.api.proxy.username"), readiness);
            }
        }
    }

    private HealthCheck.Result health() {
        return context.getRegistry()
                .lookupByNameAndType("csvImportReadiness", Readiness.class)
                .call();
    }

    @Test
    void theStatusOfAnAnswerCountsWhereItsBodyBreaksOff() throws Exception {
        for (Map.Entry<String, String> outcome : Map.of(
                        "422 No", "rejected", "503 Later", "waiting", "202 OK", "unknown")
                .entrySet()) {
            behaviour = (method, nth, out) ->
                    !say(out, "HTTP/1.1 " + outcome.getKey() + "\r\nContent-Length: 1000\r\n\r\n{\"id\":");
            Map<String, String> job = send(outcome.getValue() + ".csv");
            assertEquals(outcome.getValue(), job.get("state"), outcome.getKey());
            String begin = "The API answered " + outcome.getKey().substring(0, 3) + ", and not to the end: ";
            assertTrue(job.get("detail").startsWith(begin), job.get("detail"));
        }
    }

    @Test
    void aListIsNotAskedForBeforeThePauseIsOverThatTheApiHasAskedFor() {
        List<String> asked = new CopyOnWriteArrayList<>();
        behaviour = (method, nth, out) -> {
            asked.add(method);
            return say(out, "HTTP/1.1 503 Later\r\nRetry-After: 300\r\nContent-Length: 0\r\n\r\n");
        };
        for (int i = 0; i < 3; i++) {
            Exchange list = template.send(
                    "direct:read-list", exchange -> exchange.getMessage().setBody(null));
            assertTrue(list.isFailed());
        }
        assertEquals(List.of("GET"), asked);
    }

    private void assertListFails(String why) {
        Exchange list = template.send(
                "direct:read-list", exchange -> exchange.getMessage().setBody(null));
        Throwable failure = list.getException();
        while (failure != null && !why.equals(failure.getMessage())) {
            failure = failure.getCause();
        }
        assertTrue(failure != null, () -> String.valueOf(list.getException()));
    }
}
