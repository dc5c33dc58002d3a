package io.csvimport.source.queue;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.csvimport.Installation;
import io.csvimport.sandbox.SandboxFault;
import jakarta.jms.BytesMessage;
import jakarta.jms.Connection;
import jakarta.jms.JMSException;
import jakarta.jms.Session;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A message of 300 MB, through a heap of 128 MB: what is held in memory does not fit. */
@Tag("long")
class QueueLargeTest {

    private static final long SIZE = 300_000_000;

    @TempDir
    private Path directory;

    private Installation product;
    private Broker broker;
    private Path csv;

    @BeforeEach
    void open() throws IOException, JMSException {
        broker = new Broker(directory.resolve("broker")).start();
        product = new Installation(directory.resolve("product"))
                .with("CSV_IMPORT_FILE_ENABLED", "false")
                .with("CSV_IMPORT_JMS_ENABLED", "true")
                .with("CSV_IMPORT_JMS_URL", broker.core())
                .with("CSV_IMPORT_JMS_USERNAME", Broker.USER)
                .with("CSV_IMPORT_JMS_PASSWORD", Broker.PASSWORD);
        csv = directory.resolve("large.csv");
        byte[] lines = "Anna,First aid,2026-01-31\n".repeat(100_000).getBytes(StandardCharsets.UTF_8);
        try (OutputStream out = Files.newOutputStream(csv)) {
            for (long size = 0; size < SIZE; size += lines.length) {
                out.write(lines);
            }
        }
        try (Connection connection = broker.connect(broker.core());
                Session session = connection.createSession();
                InputStream in = Files.newInputStream(csv)) {
            BytesMessage message = session.createBytesMessage();
            message.setObjectProperty("JMS_AMQ_InputStream", in);
            message.setStringProperty("template", "People");
            message.setStringProperty("fileName", "large.csv");
            session.createProducer(session.createQueue("csv-import")).send(message);
        }
    }

    @AfterEach
    void close() {
        product.close();
        broker.close();
    }

    @Test
    void itIsImportedAndAcknowledged() throws Exception {
        product.start("-Xmx128m");
        product.awaitImport("large.csv");
        assertEquals(
                sha256(Files.newInputStream(csv)),
                product.imports("large.csv").get(0).sha256());
        product.awaitUntil("acknowledged", () -> broker.count("csv-import") == 0);
    }

    @Test
    void itIsRejectedWithItsBody() throws Exception {
        product.sandbox().failAll(SandboxFault.status(422));
        product.start("-Xmx128m");
        product.awaitUntil(
                "rejected", () -> broker.count("csv-import.rejected") == 1 && broker.count("csv-import") == 0);
        try (Connection connection = broker.connect(broker.core());
                Session session = connection.createSession()) {
            BytesMessage rejected = (BytesMessage) session.createConsumer(session.createQueue("csv-import.rejected"))
                    .receive(10_000);
            assertEquals("http-422", rejected.getStringProperty("csvImportReason"));
            Path body = directory.resolve("rejected.csv");
            try (OutputStream out = Files.newOutputStream(body)) {
                rejected.setObjectProperty("JMS_AMQ_SaveStream", out);
            }
            assertEquals(sha256(Files.newInputStream(csv)), sha256(Files.newInputStream(body)));
        }
    }

    private static String sha256(InputStream in) throws Exception {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        byte[] buffer = new byte[1 << 16];
        try (in) {
            for (int n = in.read(buffer); n > 0; n = in.read(buffer)) {
                digest.update(buffer, 0, n);
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }
}
