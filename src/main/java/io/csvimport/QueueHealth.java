package io.csvimport;

import jakarta.jms.Connection;
import jakarta.jms.JMSException;
import jakarta.jms.MessageConsumer;
import jakarta.jms.MessageProducer;
import jakarta.jms.Session;
import java.net.URI;
import java.net.UnknownHostException;
import java.time.Duration;
import org.apache.activemq.artemis.api.core.client.FailoverEventListener;
import org.apache.activemq.artemis.api.core.client.FailoverEventType;
import org.apache.activemq.artemis.jms.client.ActiveMQConnection;
import org.apache.qpid.jms.JmsConnection;
import org.apache.qpid.jms.JmsConnectionListener;
import org.apache.qpid.jms.message.JmsInboundMessageDispatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether the broker of a queue is there: told to people, and to the readiness. A client that finds its way back, or to
 * another broker, by itself is listened to; of all others the container finds it out.
 */
final class QueueHealth implements JmsConnectionListener, FailoverEventListener {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");
    private static final long TOLD_NANOS = Duration.ofMinutes(1).toNanos();
    /** A broker that comes and goes is not told of each time. */
    private static final long CALM_NANOS = Duration.ofSeconds(10).toNanos();

    private final ApiHealth health;
    private final String feed;
    private final String url;
    private boolean isTold;
    private long told = System.nanoTime() - TOLD_NANOS;
    private volatile Runnable interrupted = () -> {};

    QueueHealth(ApiHealth health, String feed, String url) {
        this.health = health;
        this.feed = feed;
        this.url = url;
    }

    /** @param interrupted is run when the client has lost its connection, and looks for another one by itself */
    void watch(Connection connection, Runnable interrupted) throws JMSException {
        this.interrupted = interrupted;
        if (connection instanceof JmsConnection qpid) {
            qpid.addConnectionListener(this);
        } else if (connection instanceof ActiveMQConnection artemis) {
            artemis.setFailoverListener(this);
        }
    }

    /** A consumer listens. */
    synchronized void isThere() {
        if (isTold) {
            LOG.info("The broker {} is back", bare(url));
        }
        isForgotten();
    }

    /** Nobody asks it for messages any more. */
    synchronized void isForgotten() {
        isTold = false;
        health.sourceWorks(feed);
    }

    /** No connection, or no consumer. */
    void isAway(Exception e) {
        isAway(reason(e));
    }

    /** It is tried again for ever, and told at once, then once a minute. */
    private synchronized void isAway(String why) {
        health.sourceFailed(feed, "The broker " + bare(url) + " is away or refuses: " + why);
        if (System.nanoTime() - told >= (isTold ? TOLD_NANOS : CALM_NANOS)) {
            told = System.nanoTime();
            isTold = true;
            LOG.warn("The broker {} is away or refuses; its messages wait, it is tried again: {}", bare(url), why);
        }
    }

    private String reason(Exception e) {
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
        return bare(Names.visible(message.replace(url, bare(url))));
    }

    /** Without options and users: there may be passwords among them. */
    private static String bare(String url) {
        return url.replaceAll("[?][^,) ]*", "?…").replaceAll("//[^/,) ]*@", "//…@");
    }

    @Override
    public void failoverEvent(FailoverEventType event) {
        if (event == FailoverEventType.FAILURE_DETECTED) {
            onConnectionInterrupted(null);
        } else if (event == FailoverEventType.FAILOVER_COMPLETED) {
            isThere();
        }
    }

    @Override
    public void onConnectionInterrupted(URI remote) {
        interrupted.run();
        isAway("the connection is lost");
    }

    @Override
    public void onConnectionRestored(URI remote) {
        isThere();
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
