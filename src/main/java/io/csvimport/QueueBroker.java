package io.csvimport;

import jakarta.jms.BytesMessage;
import jakarta.jms.ConnectionFactory;
import jakarta.jms.JMSException;
import jakarta.jms.Message;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.apache.activemq.artemis.jms.client.ActiveMQBytesMessage;
import org.apache.activemq.artemis.jms.client.ActiveMQConnectionFactory;
import org.apache.activemq.artemis.jms.client.ActiveMQMessage;
import org.apache.qpid.jms.JmsConnectionFactory;
import org.apache.qpid.jms.policy.JmsDefaultPrefetchPolicy;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.jms.connection.DelegatingConnectionFactory;

/**
 * The broker of a queue: a client by its URL's scheme, which fetches no message before one is asked for, and whether
 * the broker is there. The password is no part of a URI, whatever characters it has.
 */
public final class QueueBroker extends DelegatingConnectionFactory implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");
    private static final long TOLD_NANOS = Duration.ofMinutes(1).toNanos();
    private static final int BUFFER = 1 << 16;
    /** In bytes: what is larger, Artemis streams. */
    private static final long STREAMED = 100 * 1024L;

    private String url;
    private String username;
    private String password;
    private boolean away;
    private long told = System.nanoTime() - TOLD_NANOS;

    public void setUrl(String url) {
        this.url = url;
    }

    public void setUsername(String username) {
        this.username = username;
    }

    public void setPassword(String password) {
        this.password = password;
    }

    @Override
    public synchronized ConnectionFactory getTargetConnectionFactory() {
        if (super.getTargetConnectionFactory() == null) {
            setTargetConnectionFactory(url.matches("\\(?tcp:.*") ? artemis() : qpid());
        }
        return super.getTargetConnectionFactory();
    }

    private ConnectionFactory artemis() {
        ActiveMQConnectionFactory factory = new ActiveMQConnectionFactory(url);
        if (!username.isEmpty()) {
            factory.setUser(username);
            factory.setPassword(password);
        }
        factory.setConsumerWindowSize(0);
        return factory;
    }

    private ConnectionFactory qpid() {
        JmsConnectionFactory factory = new JmsConnectionFactory(url);
        if (!username.isEmpty()) {
            factory.setUsername(username);
            factory.setPassword(password);
        }
        JmsDefaultPrefetchPolicy none = new JmsDefaultPrefetchPolicy();
        none.setAll(0);
        factory.setPrefetchPolicy(none);
        return factory;
    }

    /**
     * What the broker, or else the sender, calls the message, or null. Artemis makes a new JMSMessageID each time it
     * delivers a message of an AMQP sender over its core protocol: only its own number stays.
     */
    static String id(Message message) throws JMSException {
        return message instanceof ActiveMQMessage artemis
                ? String.valueOf(artemis.getCoreMessage().getMessageID())
                : message.getJMSMessageID();
    }

    /** Copies the body, never whole in memory where the client can stream: Artemis, not Qpid. */
    static void copy(BytesMessage message, OutputStream out) throws JMSException, IOException {
        if (message instanceof ActiveMQBytesMessage artemis
                && artemis.getCoreMessage().isLargeMessage()) {
            artemis.setObjectProperty("JMS_AMQ_SaveStream", out);
            return;
        }
        message.reset();
        byte[] buffer = new byte[BUFFER];
        for (int n = message.readBytes(buffer); n > 0; n = message.readBytes(buffer)) {
            out.write(buffer, 0, n);
        }
    }

    /** Gives the message its body, never whole in memory where the client can stream. */
    static void fill(BytesMessage message, Path file) throws JMSException, IOException {
        if (message instanceof ActiveMQBytesMessage && Files.size(file) > STREAMED) {
            message.setObjectProperty("JMS_AMQ_InputStream", Files.newInputStream(file));
            return;
        }
        byte[] buffer = new byte[BUFFER];
        try (InputStream in = Files.newInputStream(file)) {
            for (int n = in.read(buffer); n > 0; n = in.read(buffer)) {
                message.writeBytes(buffer, 0, n);
            }
        }
    }

    /** A consumer listens. */
    synchronized void isThere() {
        if (away) {
            LOG.info("The broker {} is back", bare(url));
        }
        away = false;
    }

    /** No connection, or no consumer: it is tried again for ever, and told once a minute. */
    synchronized void isAway(Exception e) {
        away = true;
        if (System.nanoTime() - told >= TOLD_NANOS) {
            told = System.nanoTime();
            LOG.warn(
                    "The broker {} is away or refuses; its messages wait, it is tried again: {}", bare(url), reason(e));
        }
    }

    private String reason(Exception e) {
        Throwable root = e;
        while (root.getCause() != null && root.getCause() != root) {
            root = root.getCause();
        }
        String message = e.getMessage() + (root == e ? "" : ", " + root.getMessage());
        return bare(Names.visible(message.replace(url, bare(url))));
    }

    /** Without options and users: there may be passwords among them. */
    private static String bare(String url) {
        return url.replaceAll("[?][^,) ]*", "?…").replaceAll("//[^/,) ]*@", "//…@");
    }

    @Override
    public void close() {
        if (super.getTargetConnectionFactory() instanceof ActiveMQConnectionFactory artemis) {
            artemis.close();
        }
    }
}
