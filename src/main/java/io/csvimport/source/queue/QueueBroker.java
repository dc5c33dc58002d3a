package io.csvimport.source.queue;

import io.csvimport.api.ApiHealth;
import io.csvimport.settings.Secret;
import io.csvimport.settings.Settings;
import io.csvimport.source.Availability;
import io.csvimport.text.Visible;
import jakarta.jms.Connection;
import jakarta.jms.ExceptionListener;
import jakarta.jms.JMSException;
import jakarta.jms.Session;
import java.net.UnknownHostException;
import org.apache.camel.CamelContext;
import org.apache.camel.CamelContextAware;
import org.apache.camel.ServiceStatus;
import org.springframework.jms.connection.DelegatingConnectionFactory;

/**
 * The broker of a queue: a client by its URL's scheme, which fetches no message before one is asked for. The password
 * is no part of a URI, whatever characters it has. If the feed names no broker, it is that of the settings, whose
 * login goes to no other broker.
 */
public final class QueueBroker extends DelegatingConnectionFactory
        implements ExceptionListener, AutoCloseable, CamelContextAware {

    private CamelContext camelContext;
    private ApiHealth health;
    private String feed;
    private String queue;
    private Settings settings;
    private String url;
    private String username;
    private String password;
    private Availability availability;
    private BrokerClient client;
    private Runnable lost = () -> {};

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

    /** Called where the client has lost the connection and makes a new one by itself. */
    void setLost(Runnable lost) {
        this.lost = lost;
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
        client = BrokerClient.of(url, username, password);
        setTargetConnectionFactory(client.factory());
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

    /** Spring calls it before the properties are set: {@link #start} follows. */
    @Override
    public void afterPropertiesSet() {}

    /** The consumer's connection: it counts as one once messages can be taken from the queue. */
    @Override
    public Connection createConnection() throws JMSException {
        Connection connection = super.createConnection();
        try (Session session = connection.createSession()) {
            if (isEnding()) {
                throw new JMSException("The route " + feed + " was stopped meanwhile");
            }
            session.createConsumer(session.createQueue(queue)).close();
            // a client that reconnects, or fails over to another broker, by itself says so
            client.follow(connection, this::lost, availability::works);
        } catch (JMSException e) {
            connection.close();
            throw e;
        }
        availability.works();
        return connection;
    }

    /** Connecting, or receiving, has failed; it is tried again. */
    @Override
    public void onException(JMSException e) {
        failed(reason(e));
    }

    private void lost() {
        lost.run();
        failed("the connection is lost");
    }

    private void failed(String why) {
        if (!isEnding()) {
            availability.failed("The broker " + bare(url) + " is unavailable or refuses: " + why);
        }
    }

    /** Whether the feed's route stops, or has stopped. */
    boolean isEnding() {
        ServiceStatus status = camelContext.getRouteController().getRouteStatus(feed);
        return camelContext.isStopping()
                || camelContext.isStopped()
                || status != null && (status.isStopping() || status.isStopped());
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

    BrokerClient client() {
        return client;
    }

    @Override
    public void close() {
        availability.end();
        if (client != null) {
            client.close();
        }
    }
}
