package io.csvimport.source.queue;

import io.csvimport.api.ApiHealth;
import io.csvimport.text.Visible;
import jakarta.jms.Connection;
import jakarta.jms.JMSException;
import jakarta.jms.MessageConsumer;
import jakarta.jms.MessageProducer;
import jakarta.jms.Session;
import java.net.URI;
import java.net.UnknownHostException;
import java.time.Duration;
import org.apache.activemq.artemis.api.core.client.FailoverEventType;
import org.apache.activemq.artemis.jms.client.ActiveMQConnection;
import org.apache.camel.CamelContext;
import org.apache.camel.ServiceStatus;
import org.apache.qpid.jms.JmsConnection;
import org.apache.qpid.jms.JmsConnectionListener;
import org.apache.qpid.jms.message.JmsInboundMessageDispatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether the broker of a queue can be reached: logged, and part of the readiness. A client that reconnects, or fails
 * over to another broker, by itself is listened to.
 */
final class QueueHealth implements JmsConnectionListener {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");
    private static final long LOGGED_NANOS = Duration.ofMinutes(1).toNanos();
    /** A broker that comes and goes is not logged each time. */
    private static final long CALM_NANOS = Duration.ofSeconds(10).toNanos();

    private final CamelContext context;
    private final ApiHealth health;
    private final String feed;
    private final String url;
    private boolean isLogged;
    private long logged = System.nanoTime() - LOGGED_NANOS;

    QueueHealth(CamelContext context, ApiHealth health, String feed, String url) {
        this.context = context;
        this.health = health;
        this.feed = feed;
        this.url = url;
    }

    void listen(Connection connection) throws JMSException {
        if (connection instanceof JmsConnection qpid) {
            qpid.addConnectionListener(this);
        } else if (connection instanceof ActiveMQConnection artemis) {
            artemis.setFailoverListener(event -> {
                if (event == FailoverEventType.FAILURE_DETECTED) {
                    onConnectionInterrupted(null);
                } else if (event == FailoverEventType.FAILOVER_COMPLETED) {
                    works();
                }
            });
        }
    }

    /** Messages can be taken. */
    synchronized void works() {
        if (isLogged) {
            LOG.info("The broker {} is back", bare(url));
        }
        isLogged = false;
        health.sourceWorks(feed);
    }

    /** It is tried again for ever; logged at once, then once a minute. */
    synchronized void failed(String why) {
        if (isEnding()) {
            return;
        }
        health.sourceFailed(feed, "The broker " + bare(url) + " is unavailable or refuses: " + why);
        if (System.nanoTime() - logged >= (isLogged ? LOGGED_NANOS : CALM_NANOS)) {
            logged = System.nanoTime();
            isLogged = true;
            LOG.warn(
                    "The broker {} is unavailable or refuses; its messages wait, it is tried again: {}",
                    bare(url),
                    why);
        }
    }

    /** Whether the feed's route stops, or has stopped. */
    boolean isEnding() {
        ServiceStatus status = context.getRouteController().getRouteStatus(feed);
        return context.isStopping() || status != null && (status.isStopping() || status.isStopped());
    }

    /** What a failure says, without secrets. */
    String reason(Exception e) {
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

    @Override
    public void onConnectionInterrupted(URI remote) {
        failed("the connection is lost");
    }

    @Override
    public void onConnectionRestored(URI remote) {
        works();
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
}
