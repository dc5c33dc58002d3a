package io.csvimport.source.queue;

import io.csvimport.api.ApiHealth;
import io.csvimport.settings.Secret;
import io.csvimport.settings.Settings;
import io.csvimport.source.Availability;
import io.csvimport.text.Visible;
import jakarta.jms.BytesMessage;
import jakarta.jms.Connection;
import jakarta.jms.ConnectionFactory;
import jakarta.jms.ExceptionListener;
import jakarta.jms.JMSException;
import jakarta.jms.Message;
import jakarta.jms.MessageConsumer;
import jakarta.jms.MessageProducer;
import jakarta.jms.Session;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.apache.activemq.artemis.api.core.client.FailoverEventType;
import org.apache.activemq.artemis.jms.client.ActiveMQBytesMessage;
import org.apache.activemq.artemis.jms.client.ActiveMQConnection;
import org.apache.activemq.artemis.jms.client.ActiveMQConnectionFactory;
import org.apache.activemq.artemis.jms.client.ActiveMQMessage;
import org.apache.camel.CamelContext;
import org.apache.camel.CamelContextAware;
import org.apache.camel.ServiceStatus;
import org.apache.qpid.jms.JmsConnection;
import org.apache.qpid.jms.JmsConnectionFactory;
import org.apache.qpid.jms.JmsConnectionListener;
import org.apache.qpid.jms.message.JmsInboundMessageDispatch;
import org.apache.qpid.jms.policy.JmsDefaultPrefetchPolicy;
import org.springframework.jms.connection.DelegatingConnectionFactory;

/**
 * The broker of a queue: a client by its URL's scheme, which fetches no message before one is asked for. The password
 * is no part of a URI, whatever characters it has. Where the feed names no broker, it is that of the settings with its
 * login, which is shown to no other one.
 */
public final class QueueBroker extends DelegatingConnectionFactory
        implements ExceptionListener, JmsConnectionListener, AutoCloseable, CamelContextAware {

    private static final Duration TIMEOUT = Duration.ofSeconds(30);
    private static final int BUFFER = 1 << 16;
    /** In bytes: what is larger, Artemis streams. */
    private static final long STREAMED = 100 * 1024L;
    /** Of a first connection, with growing pauses: a failover client that never gave up would never say so. */
    private static final String TRIES = "failover.startupMaxReconnectAttempts";

    private CamelContext camelContext;
    private ApiHealth health;
    private String feed;
    private String queue;
    private Settings settings;
    private String url;
    private String username;
    private String password;
    private Availability availability;

    @Override
    public CamelContext getCamelContext() {
        return camelContext;
    }

    @Override
    public void setCamelContext(CamelContext camelContext) {
        this.camelContext = camelContext;
    }

    public void setHealth(ApiHealth health) {
        this.health = health;
    }

    public void setFeed(String feed) {
        this.feed = feed;
    }

    public void setQueue(String queue) {
        this.queue = queue;
    }

    public void setSettings(Settings settings) {
        this.settings = settings;
    }

    /** Empty for the broker of the settings. */
    public void setUrl(String url) {
        this.url = Secret.of(camelContext, url);
    }

    public void setUsername(String username) {
        this.username = username;
    }

    public void setPassword(String password) {
        this.password = Secret.of(camelContext, password);
    }

    /** @throws IllegalArgumentException where the URL is none, which stops the start of the route */
    public void start() {
        if (url.isEmpty()) {
            takeSettings();
        }
        availability = new Availability(health, feed, "The broker " + bare(url));
        setTargetConnectionFactory(url.matches("\\(?tcp:.*") ? artemis() : qpid());
    }

    private void takeSettings() {
        if (!username.isEmpty() || !password.isEmpty()) {
            throw new IllegalArgumentException("A feed with a username or password of its own needs a url, too:"
                    + " \"#property:csv-import.jms.url\" is the broker of the settings");
        }
        url = settings.get("jms.url");
        username = settings.get("jms.username");
        password = settings.get("jms.password");
        if (url.isEmpty()) {
            throw new IllegalArgumentException(
                    "A queue needs a broker: set csv-import.jms.url (CSV_IMPORT_JMS_URL), or the feed's own url");
        }
    }

    /** The consumer's connection: it counts as one once messages can be taken from the queue. */
    @Override
    public Connection createConnection() throws JMSException {
        Connection connection = super.createConnection();
        try (Session session = connection.createSession()) {
            if (isEnding()) {
                throw new JMSException("The route " + feed + " was stopped meanwhile");
            }
            session.createConsumer(session.createQueue(queue)).close();
            listen(connection);
        } catch (JMSException e) {
            connection.close();
            throw e;
        }
        availability.works();
        return connection;
    }

    /** A client that reconnects, or fails over to another broker, by itself says so. */
    private void listen(Connection connection) throws JMSException {
        if (connection instanceof JmsConnection qpid) {
            qpid.addConnectionListener(this);
        } else if (connection instanceof ActiveMQConnection artemis) {
            artemis.setFailoverListener(event -> {
                if (event == FailoverEventType.FAILURE_DETECTED) {
                    onConnectionInterrupted(null);
                } else if (event == FailoverEventType.FAILOVER_COMPLETED) {
                    availability.works();
                }
            });
        }
    }

    @Override
    public void onConnectionInterrupted(URI remote) {
        failed("the connection is lost");
    }

    @Override
    public void onConnectionRestored(URI remote) {
        availability.works();
    }

    // of no interest

    @Override
    public void onConnectionEstablished(URI remote) {}

    @Override
    public void onConnectionFailure(Throwable error) {}

    @Override
    public void onInboundMessage(JmsInboundMessageDispatch envelope) {}

    @Override
    public void onSessionClosed(Session session, Throwable cause) {}

    @Override
    public void onConsumerClosed(MessageConsumer consumer, Throwable cause) {}

    @Override
    public void onProducerClosed(MessageProducer producer, Throwable cause) {}

    /** Connecting, or receiving, has failed; it is tried again. */
    @Override
    public void onException(JMSException e) {
        failed(reason(e));
    }

    private void failed(String why) {
        if (!isEnding()) {
            availability.failed("The broker " + bare(url) + " is unavailable or refuses: " + why);
        }
    }

    /** Whether the feed's route stops, or has stopped. */
    boolean isEnding() {
        ServiceStatus status = camelContext.getRouteController().getRouteStatus(feed);
        return camelContext.isStopping() || status != null && (status.isStopping() || status.isStopped());
    }

    /** What a failure says, without secrets. */
    String reason(JMSException e) {
        Throwable root = e;
        while (root.getCause() != null && root.getCause() != root) {
            root = root.getCause();
        }
        if (root instanceof UnknownHostException) {
            return "no such host: " + root.getMessage();
        }
        String message = String.valueOf(e.getMessage());
        if (!message.contains(String.valueOf(root.getMessage()))) {
            message += ", " + root.getMessage();
        }
        return bare(Visible.of(message.replace(url, bare(url))));
    }

    /** Without options and users: there may be passwords among them. */
    private static String bare(String url) {
        return url.replaceAll("[?][^,) ]*", "?…").replaceAll("//[^/,) ]*@", "//…@");
    }

    String feed() {
        return feed;
    }

    String queue() {
        return queue;
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
        boolean endless = url.startsWith("failover:(") && !url.contains(TRIES);
        String tries = endless ? (url.contains(")?") ? "&" : "?") + TRIES + "=5" : "";
        JmsConnectionFactory factory = new JmsConnectionFactory(url + tries);
        if (!username.isEmpty()) {
            factory.setUsername(username);
            factory.setPassword(password);
        }
        JmsDefaultPrefetchPolicy none = new JmsDefaultPrefetchPolicy();
        none.setAll(0);
        factory.setPrefetchPolicy(none);
        // a queue of rejected messages that is full is told, and tried again
        factory.setSendTimeout(TIMEOUT.toMillis());
        // a sender in another language has names that are none of JMS; what is rejected keeps them
        factory.setValidatePropertyNames(false);
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

    @Override
    public void close() {
        availability.end();
        if (getTargetConnectionFactory() instanceof ActiveMQConnectionFactory artemis) {
            artemis.close();
        }
    }
}
