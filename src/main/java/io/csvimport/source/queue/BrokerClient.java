package io.csvimport.source.queue;

import jakarta.jms.BytesMessage;
import jakarta.jms.Connection;
import jakarta.jms.ConnectionFactory;
import jakarta.jms.JMSException;
import jakarta.jms.Message;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What the client library of a broker does in its own way. A class for each, since an application may have one of the
 * libraries only.
 */
interface BrokerClient extends AutoCloseable {

    int BUFFER = 1 << 16;

    /** By the scheme of the broker's URL; without a username there is no login. */
    static BrokerClient of(String url, String username, String password) {
        return url.matches("\\(?tcp:.*")
                ? new ArtemisClient(url, username, password)
                : new QpidClient(url, username, password);
    }

    /** Makes its connections; no message is fetched before one is asked for. */
    ConnectionFactory factory();

    /** Reports that the client has lost the connection, and that it has it again by itself. */
    void follow(Connection connection, Runnable lost, Runnable restored) throws JMSException;

    /** What the broker, or else the sender, calls the message, or null. */
    default String id(Message message) throws JMSException {
        return message.getJMSMessageID();
    }

    /** Copies the body, never whole in memory where the client can stream: Artemis, not Qpid. */
    default void copy(BytesMessage message, OutputStream out) throws JMSException, IOException {
        message.reset();
        byte[] buffer = new byte[BUFFER];
        for (int n = message.readBytes(buffer); n > 0; n = message.readBytes(buffer)) {
            out.write(buffer, 0, n);
        }
    }

    /** Gives the message its body, never whole in memory where the client can stream. */
    default void fill(BytesMessage message, Path file) throws JMSException, IOException {
        byte[] buffer = new byte[BUFFER];
        try (InputStream in = Files.newInputStream(file)) {
            for (int n = in.read(buffer); n > 0; n = in.read(buffer)) {
                message.writeBytes(buffer, 0, n);
            }
        }
    }

    @Override
    default void close() {}
}
