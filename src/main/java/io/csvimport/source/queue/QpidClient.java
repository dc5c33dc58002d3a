package io.csvimport.source.queue;

import jakarta.jms.Connection;
import jakarta.jms.ConnectionFactory;
import jakarta.jms.MessageConsumer;
import jakarta.jms.MessageProducer;
import jakarta.jms.Session;
import java.net.URI;
import java.time.Duration;
import org.apache.qpid.jms.JmsConnection;
import org.apache.qpid.jms.JmsConnectionFactory;
import org.apache.qpid.jms.JmsConnectionListener;
import org.apache.qpid.jms.message.JmsInboundMessageDispatch;
import org.apache.qpid.jms.policy.JmsDefaultPrefetchPolicy;

/** AMQP 1.0, by Qpid's client. */
final class QpidClient implements BrokerClient {

    private static final Duration TIMEOUT = Duration.ofSeconds(30);
    /** Of a first connection, with growing pauses: a failover client that never gave up would never say so. */
    private static final String TRIES = "failover.startupMaxReconnectAttempts";

    private final JmsConnectionFactory factory;

    QpidClient(String url, String username, String password) {
        boolean endless = url.startsWith("failover:(") && !url.contains(TRIES);
        String tries = endless ? (url.contains(")?") ? "&" : "?") + TRIES + "=5" : "";
        factory = new JmsConnectionFactory(url + tries);
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
    }

    @Override
    public ConnectionFactory factory() {
        return factory;
    }

    @Override
    public void follow(Connection connection, Runnable lost, Runnable restored) {
        ((JmsConnection) connection).addConnectionListener(new Listener(lost, restored));
    }

    private record Listener(Runnable lost, Runnable restored) implements JmsConnectionListener {

        @Override
        public void onConnectionInterrupted(URI remote) {
            lost.run();
        }

        @Override
        public void onConnectionRestored(URI remote) {
            restored.run();
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
}
