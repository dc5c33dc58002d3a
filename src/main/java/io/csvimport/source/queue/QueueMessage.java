package io.csvimport.source.queue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.csvimport.CsvRejectedException;
import io.csvimport.file.NamedOutput;
import io.csvimport.file.Sha256;
import jakarta.jms.BytesMessage;
import jakarta.jms.JMSException;
import jakarta.jms.Message;
import jakarta.jms.MessageEOFException;
import jakarta.jms.Session;
import jakarta.jms.StreamMessage;
import jakarta.jms.TextMessage;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.util.Enumeration;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/** A message that was received: its body is copied to a file, piece by piece, and its names are read. */
final class QueueMessage {

    /** The properties that name the CSV, and the reason of a rejection for each. */
    private static final Map<String, String> NAMES = new LinkedHashMap<>();

    static {
        NAMES.put("template", "template");
        NAMES.put("notify", "notify");
        NAMES.put("fileName", "file-name");
    }

    /**
     * What makes a rejected message again, long after it was acknowledged: the ledger keeps it as JSON.
     *
     * @param kind {@code bytes}, {@code text} or {@code stream}
     * @param properties by their names; strings, numbers and booleans
     */
    record Envelope(String kind, String correlationId, String type, Map<String, Object> properties) {

        /** ASCII only: a ledger does not take every character that a sender may use. */
        private static final ObjectMapper JSON =
                JsonMapper.builder().enable(JsonWriteFeature.ESCAPE_NON_ASCII).build();

        static Envelope parse(String json) throws IOException {
            return JSON.readValue(json, Envelope.class);
        }

        String json() {
            try {
                return JSON.writeValueAsString(this);
            } catch (JsonProcessingException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    final Message message;
    final Session session;
    final int connection;
    private final BrokerClient client;
    final Path copy;
    final Map<String, Object> names = new LinkedHashMap<>();

    /** Why the message cannot be a CSV, or null. */
    CsvRejectedException refusal;

    Envelope envelope;
    /** The same for the same message, delivered again: queue, id, and the digest of what the sender wrote. */
    String identity;
    /** The header {@code csvImportSourceKey}: of a message with an id, its identity. */
    String key;
    /** Whether it was delivered before, or may have been. */
    boolean isOfferedAgain;

    /**
     * @param connection the number of its session's connection
     * @param copy where its body is copied to
     */
    QueueMessage(Message message, Session session, int connection, BrokerClient client, Path copy) {
        this.message = message;
        this.session = session;
        this.connection = connection;
        this.client = client;
        this.copy = copy;
    }

    boolean isRead() {
        return identity != null;
    }

    /**
     * @throws IOException where the copy cannot be written
     * @throws JMSException where the message cannot be read
     */
    void read(String queue) throws JMSException, IOException {
        MessageDigest sha256 = Sha256.digest();
        refusal = null;
        for (Map.Entry<String, String> name : NAMES.entrySet()) {
            Object value = message.getObjectProperty(name.getKey());
            if (value instanceof String text) {
                names.put(name.getKey(), text);
                sha256.update((name.getKey() + "=" + text + "\n").getBytes(StandardCharsets.UTF_8));
            } else if (value != null) {
                refusal = new CsvRejectedException(
                        name.getValue(),
                        "The property " + name.getKey() + " of a message must be a string: it is of the type "
                                + value.getClass().getSimpleName());
            }
        }
        if (message instanceof BytesMessage bytes
                && bytes.getBodyLength() > copy.getParent().toFile().getUsableSpace()) {
            throw new IOException(
                    "No room in " + copy.getParent() + " for a message of " + bytes.getBodyLength() + " bytes");
        }
        String kind = "other";
        try (OutputStream out = new DigestOutputStream(new NamedOutput(copy), sha256)) {
            kind = copyBody(out);
        } catch (CsvRejectedException e) {
            refusal = e;
        } catch (RuntimeException e) {
            throw (JMSException) new JMSException("The body cannot be read: " + e).initCause(e);
        }
        envelope = new Envelope(kind, message.getJMSCorrelationID(), message.getJMSType(), properties());
        isOfferedAgain = message.getJMSRedelivered();
        String id = client.id(message);
        if (id == null) {
            // whatever else its sender gave it tells it from an equal one
            sha256.update((message.getJMSTimestamp() + envelope.json()).getBytes(StandardCharsets.UTF_8));
            identity = withoutId(queue) + HexFormat.of().formatHex(sha256.digest());
            return;
        }
        if (!id.matches("[ -~]{1,200}")) {
            // a ledger does not take whatever a sender may call it
            sha256.update(id.getBytes(StandardCharsets.UTF_8));
            id = "";
        }
        identity = "jms:" + queue + "|" + id + "|" + HexFormat.of().formatHex(sha256.digest());
        key = identity;
    }

    /** What the identities of a queue's messages without an id begin with. */
    static String withoutId(String queue) {
        return "jms:" + queue + "||";
    }

    /** Without the broker's own. */
    private Map<String, Object> properties() throws JMSException {
        Map<String, Object> properties = new TreeMap<>();
        for (Enumeration<?> all = message.getPropertyNames(); all.hasMoreElements(); ) {
            String name = all.nextElement().toString();
            if (!name.matches("(JMSX|_AMQ|__).*")) {
                Object value = message.getObjectProperty(name);
                boolean plain = value == null
                        || value instanceof Boolean
                        || value instanceof Number
                                && value.getClass().getPackageName().equals("java.lang");
                properties.put(name, plain ? value : value.toString());
            }
        }
        return properties;
    }

    private String copyBody(OutputStream out) throws JMSException, IOException, CsvRejectedException {
        if (message instanceof BytesMessage bytes) {
            client.copy(bytes, out);
            return "bytes";
        } else if (message instanceof TextMessage text) {
            try (Writer writer = new OutputStreamWriter(out, StandardCharsets.UTF_8)) {
                writer.write(text(text));
            }
            return "text";
        } else if (message instanceof StreamMessage stream) {
            copyItems(stream, out);
            return "stream";
        }
        throw new CsvRejectedException("message-kind", "A CSV is a bytes, text or stream message");
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
