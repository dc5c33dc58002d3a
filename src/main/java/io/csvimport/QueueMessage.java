package io.csvimport;

import jakarta.jms.BytesMessage;
import jakarta.jms.JMSException;
import jakarta.jms.Message;
import jakarta.jms.MessageEOFException;
import jakarta.jms.StreamMessage;
import jakarta.jms.TextMessage;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A message in the hands of a consumer: the copy of its body, by which it can be sent twice, its names, what tells it
 * from other messages, and, in the end, what became of it.
 */
final class QueueMessage {

    /** The only properties of a message that are looked at. */
    private static final List<String> NAMES = List.of("template", "notify", "fileName");

    final Message message;
    final Path copy;
    final Map<String, Object> names = new LinkedHashMap<>();
    /** Why the body cannot be a CSV, or null. */
    CsvRejectedException refusal;
    /** Whether it has an id that comes again with it. */
    boolean hasId;
    /** The same for the same message, delivered again: its id, bytes and names. */
    String identity;
    /** The header {@code csvImportSourceKey}. */
    String key;
    /** Once its fate is settled. */
    volatile Delivery settled;

    QueueMessage(Message message, Path copy) {
        this.message = message;
        this.copy = copy;
    }

    /**
     * Copies the body, a piece at a time.
     *
     * @throws IOException where the copy cannot be written
     * @throws JMSException where the message cannot be read
     */
    void read(String queue) throws JMSException, IOException {
        MessageDigest sha256 = Inspection.sha256();
        for (String name : NAMES) {
            if (message.getObjectProperty(name) instanceof String value) {
                names.put(name, value);
                sha256.update((name + "=" + value + "\n").getBytes(StandardCharsets.UTF_8));
            }
        }
        refusal = null;
        if (message instanceof BytesMessage bytes
                && bytes.getBodyLength() > copy.getParent().toFile().getUsableSpace()) {
            throw new IOException(
                    "No room in " + copy.getParent() + " for a message of " + bytes.getBodyLength() + " bytes");
        }
        try (OutputStream out = new DigestOutputStream(Files.newOutputStream(copy), sha256)) {
            copyBody(out);
        } catch (CsvRejectedException e) {
            refusal = e;
        } catch (RuntimeException e) {
            throw (JMSException) new JMSException("The body cannot be read: " + e).initCause(e);
        }
        String id = QueueBroker.id(message);
        hasId = id != null;
        identity =
                "jms:" + queue + "|" + (hasId ? id : "") + "|" + HexFormat.of().formatHex(sha256.digest());
    }

    private void copyBody(OutputStream out) throws JMSException, IOException, CsvRejectedException {
        if (message instanceof BytesMessage bytes) {
            QueueBroker.copy(bytes, out);
        } else if (message instanceof TextMessage text) {
            try (Writer writer = new OutputStreamWriter(out, StandardCharsets.UTF_8)) {
                writer.write(text(text));
            }
        } else if (message instanceof StreamMessage stream) {
            copyItems(stream, out);
        } else {
            throw new CsvRejectedException("message-kind", "A CSV is a bytes, text or stream message");
        }
    }

    private static String text(TextMessage message) throws JMSException, CsvRejectedException {
        try {
            return message.getText() == null ? "" : message.getText();
        } catch (JMSException e) {
            if (e.getCause() instanceof CharacterCodingException) {
                throw new CsvRejectedException("no-text", "The content is no text of the encoding that it names");
            }
            throw e;
        }
    }

    private static void copyItems(StreamMessage stream, OutputStream out)
            throws JMSException, IOException, CsvRejectedException {
        stream.reset();
        try {
            while (true) {
                Object item = stream.readObject();
                if (item instanceof byte[] bytes) {
                    out.write(bytes);
                } else if (item instanceof String text) {
                    out.write(text.getBytes(StandardCharsets.UTF_8));
                } else if (item != null) {
                    throw new CsvRejectedException("message-kind", "A stream message of a CSV has bytes and text only");
                }
            }
        } catch (MessageEOFException e) {
            // that was all
        }
    }
}
