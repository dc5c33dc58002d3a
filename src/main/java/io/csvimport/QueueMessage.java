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
import java.util.Map;

/**
 * A message in the hands of a consumer: the copy of its body, by which it can be sent twice, its names, what tells it
 * from other messages, and, in the end, what became of it.
 */
final class QueueMessage {

    /** The only properties of a message that are looked at, and the reason of a rejection for each. */
    private static final Map<String, String> NAMES = new LinkedHashMap<>();

    static {
        NAMES.put("template", "template");
        NAMES.put("notify", "notify");
        NAMES.put("fileName", "file-name");
    }

    final Message message;
    final Path copy;
    /** The number of the connection that it came by. */
    final int connection;

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

    QueueMessage(Message message, Path copy, int connection) {
        this.message = message;
        this.copy = copy;
        this.connection = connection;
    }

    /**
     * Copies the body, a piece at a time.
     *
     * @throws IOException where the copy cannot be written
     * @throws JMSException where the message cannot be read
     */
    void read(String queue) throws JMSException, IOException {
        MessageDigest sha256 = Inspection.sha256();
        refusal = null;
        for (Map.Entry<String, String> name : NAMES.entrySet()) {
            Object value = message.getObjectProperty(name.getKey());
            if (value instanceof String text) {
                names.put(name.getKey(), text);
                sha256.update((name.getKey() + "=" + text + "\n").getBytes(StandardCharsets.UTF_8));
            } else if (value != null) {
                // what is meant is not guessed, and not left out: it would be imported as something else
                refusal = new CsvRejectedException(
                        name.getValue(), "The property " + name.getKey() + " of a message is a string: this is none");
            }
        }
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
        if (hasId && !id.matches("[ -~]{1,200}")) {
            // a ledger does not take whatever a sender may call it
            sha256.update(id.getBytes(StandardCharsets.UTF_8));
            id = "";
        }
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
