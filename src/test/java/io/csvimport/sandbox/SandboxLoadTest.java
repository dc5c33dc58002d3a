package io.csvimport.sandbox;

import static io.csvimport.sandbox.SandboxTestClient.FILE_HEADERS;
import static io.csvimport.sandbox.SandboxTestClient.ROOT;
import static io.csvimport.sandbox.SandboxTestClient.body;
import static io.csvimport.sandbox.SandboxTestClient.head;
import static io.csvimport.sandbox.SandboxTestClient.readUntil;
import static io.csvimport.sandbox.SandboxTestClient.uploadTarget;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.OutputStream;
import java.net.Socket;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

class SandboxLoadTest {
    private static final String CSV = "name\nAnna\n";

    @Test
    void manyRequestsOnKeptConnectionsAreAllAnswered() throws Exception {
        int connections = 8;
        int uploads = 500;
        ExecutorService threads = Executors.newFixedThreadPool(connections);
        try (Sandbox sandbox = Sandbox.start(0, "5664", "key", "sécret", Set.of())) {
            SandboxTestClient client = new SandboxTestClient(sandbox);
            String body = body(FILE_HEADERS, CSV);
            String upload = head(uploadTarget(CSV), body.length(), "") + body;
            List<Future<?>> all = new ArrayList<>();
            for (int c = 0; c < connections; c++) {
                all.add(threads.submit(() -> {
                    try (Socket socket = client.open("")) {
                        for (int i = 0; i < uploads; i++) {
                            socket.getOutputStream().write(upload.getBytes(UTF_8));
                            readUntil(socket, "\"}");
                        }
                        return null;
                    }
                }));
            }
            for (Future<?> one : all) {
                one.get();
            }
            assertEquals(connections * uploads, sandbox.imports().size());
            assertEquals(
                    connections * uploads,
                    sandbox.requests().stream().filter(r -> r.status() == 202).count());
            Set<String> ids = new HashSet<>();
            sandbox.imports().forEach(i -> ids.add(i.id()));
            assertEquals(connections * uploads, ids.size());
        } finally {
            threads.shutdownNow();
        }
    }

    /** The property sandbox.test.mib makes it larger: 4096 passes in a heap of 64 MB. */
    @Test
    void aLargeFileIsReadInBoundedMemory() throws Exception {
        long mebibytes = Long.getLong("sandbox.test.mib", 256);
        byte[] piece = "0123456789,abcdefghijklmno\r\n-----"
                .repeat(1 << 15)
                .substring(0, 1 << 20)
                .getBytes(UTF_8);
        String start = "--BOUNDARY\r\n" + FILE_HEADERS + "\r\n\r\n";
        String end = "\r\n--BOUNDARY--\r\n";
        long size = mebibytes << 20;
        try (Sandbox sandbox = Sandbox.start(0, "5664", "key", "sécret", Set.of());
                Socket socket = new SandboxTestClient(sandbox)
                        .open(head(
                                        ROOT + "/csv-import?template=People&fileSize=" + size,
                                        start.length() + size + end.length(),
                                        "")
                                + start)) {
            OutputStream out = socket.getOutputStream();
            for (long i = 0; i < mebibytes; i++) {
                out.write(piece);
            }
            out.write(end.getBytes(UTF_8));
            readUntil(socket, "202 Accepted");
            assertEquals(size, sandbox.imports().get(0).size());
            assertEquals(SandboxRequest.KEPT, sandbox.requests().get(0).body().length);
        }
    }
}
