package io.csvimport.source.queue;

import jakarta.jms.JMSException;
import jakarta.jms.Message;
import jakarta.jms.Session;
import org.apache.camel.component.jms.DefaultJmsMessageListenerContainer;
import org.apache.camel.component.jms.JmsEndpoint;

/** Camel's container, which says what became of a message's transaction, and that its queue is empty. */
final class QueueContainer extends DefaultJmsMessageListenerContainer {

    private final Unconfirmed unconfirmed;

    QueueContainer(JmsEndpoint endpoint, Unconfirmed unconfirmed) {
        super(endpoint);
        this.unconfirmed = unconfirmed;
    }

    @Override
    protected void commitIfNecessary(Session session, Message message) throws JMSException {
        try {
            super.commitIfNecessary(session, message);
        } catch (JMSException | RuntimeException e) {
            unconfirmed.givenBack(session);
            throw e;
        }
        unconfirmed.committed(session);
    }

    @Override
    protected void rollbackOnExceptionIfNecessary(Session session, Throwable failure) throws JMSException {
        unconfirmed.givenBack(session);
        super.rollbackOnExceptionIfNecessary(session, failure);
    }

    @Override
    protected void noMessageReceived(Object invoker, Session session) {
        unconfirmed.emptied();
        super.noMessageReceived(invoker, session);
    }
}
