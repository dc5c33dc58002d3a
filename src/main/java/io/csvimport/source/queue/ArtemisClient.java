package io.csvimport.source.queue;

import jakarta.jms.BytesMessage;
import jakarta.jms.Connection;
import jakarta.jms.ConnectionFactory;
import jakarta.jms.JMSException;
import jakarta.jms.Message;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.activemq.artemis.api.core.client.FailoverEventType;
import org.apache.activemq.artemis.jms.client.ActiveMQBytesMessage;
import org.apache.activemq.artemis.jms.client.ActiveMQConnection;
import org.apache.activemq.artemis.jms.client.ActiveMQConnectionFactory;
import org.apache.activemq.artemis.jms.client.ActiveMQMessage;

/** Artemis core, by Artemis' own client. */
final class ArtemisClient implements BrokerClient {

    /** In bytes: what is larger, Artemis streams. */
    private static final long STREAMED = 100 * 1024L;

    private final ActiveMQConnectionFactory factory;

    ArtemisClient(String url, String username, String password) {
        factory = new ActiveMQConnectionFactory(url);
        if (!username.isEmpty()) {
            factory.setUser(username);
            factory.setPassword(password);
        }
        factory.setConsumerWindowSize(0);
    }

    @Override
    public ConnectionFactory factory() {
        return factory;
    }

    @Override
    public void follow(Connection connection, Runnable lost, Runnable restored) throws JMSException {
        ((ActiveMQConnection) connection).setFailoverListener(event -> {
            if (event == FailoverEventType.FAILURE_DETECTED) {
                lost.run();
            } else if (event == FailoverEventType.FAILOVER_COMPLETED) {
                restored.run();
            }
        });
    }

    /**
     * Artemis makes a new JMSMessageID each time it delivers a message of an AMQP sender over its core protocol: only its
     * own number stays.
     */
    @Override
    public String id(Message message) {
        return String.valueOf(((ActiveMQMessage) message).getCoreMessage().getMessageID());
    }

    @Override
    public void copy(BytesMessage message, OutputStream out) throws JMSException, IOException {
        if (((ActiveMQBytesMessage) message).getCoreMessage().isLargeMessage()) {
            message.setObjectProperty("JMS_AMQ_SaveStream", out);
        } else {
            BrokerClient.super.copy(message, out);
        }
    }

    @Override
    public void fill(BytesMessage message, Path file) throws JMSException, IOException {
        if (Files.size(file) > STREAMED) {
            message.setObjectProperty("JMS_AMQ_InputStream", Files.newInputStream(file));
        } else {
            BrokerClient.super.fill(message, file);
        }
    }

    @Override
    public void close() {
        factory.close();
    }
}
