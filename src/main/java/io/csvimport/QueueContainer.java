package io.csvimport;

import jakarta.jms.BytesMessage;
import jakarta.jms.Connection;
import jakarta.jms.DeliveryMode;
import jakarta.jms.Destination;
import jakarta.jms.JMSException;
import jakarta.jms.Message;
import jakarta.jms.MessageConsumer;
import jakarta.jms.MessageProducer;
import jakarta.jms.Session;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Enumeration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.apache.camel.CamelContext;
import org.apache.camel.RuntimeCamelException;
import org.apache.camel.ServiceStatus;
import org.apache.camel.component.jms.DefaultJmsMessageListenerContainer;
import org.apache.camel.component.jms.JmsEndpoint;
import org.apache.camel.util.ObjectHelper;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Spring's listener container, which holds a message, and its transaction, until the fate of the CSV is settled: it
 * offers the message to the route again and again, each time as a new exchange, instead of rolling it back, because
 * brokers give up on a message after some deliveries. The ledger hears of the release after the broker has it.
 */
final class QueueContainer extends DefaultJmsMessageListenerContainer {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");
    private static final Duration LONGEST = Duration.ofMinutes(10);
    private static final Duration STOP = Duration.ofSeconds(2);
    private static final Duration LOOK = Duration.ofMillis(250);

    /** The message goes back to the broker. */
    private static final class GivenBackException extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    /** Something that is tried until it succeeds; false is not yet. */
    private interface Attempt {
        boolean succeeds() throws JMSException, IOException, CsvImportUnsettledException;
    }

    private final CamelContext context;
    private final QueueFeed feed;
    private final QueueHealth health;

    QueueContainer(JmsEndpoint endpoint, QueueFeed feed, QueueHealth health) {
        super(endpoint);
        this.context = endpoint.getCamelContext();
        this.feed = feed;
        this.health = health;
    }

    @Override
    protected void doExecuteListener(Session session, Message message) throws JMSException {
        QueueMessage taken = new QueueMessage(message, feed.spool().newFile(), feed.connection());
        feed.hold(taken);
        try {
            super.doExecuteListener(session, message);
            untilItSucceeds(() -> {
                if (taken.settled != null && !taken.settled.state.equals("held")) {
                    feed.deliveries().released(taken.settled, null);
                }
                return true;
            });
        } finally {
            feed.hold(null);
            feed.putDown(taken);
            Spool.delete(taken.copy);
        }
    }

    @Override
    protected void invokeListener(Session session, Message message) throws JMSException {
        QueueMessage taken = feed.inHand();
        try {
            untilItSucceeds(() -> {
                taken.read(getDestinationName());
                return true;
            });
            untilItSucceeds(() -> {
                feed.identify(taken);
                return true;
            });
            untilItSucceeds(() -> {
                Optional<Delivery> done = feed.done(taken);
                done.ifPresent(delivery ->
                        delivery.log(LOG, Level.INFO, "; the broker gave it out again, it is acknowledged again"));
                if (done.isPresent() || feed.spool().hasAdopted(taken.key)) {
                    return true;
                }
                super.invokeListener(session, message);
                return isSettled(taken);
            });
            untilItSucceeds(() -> {
                letGo(taken, session);
                return true;
            });
        } catch (JMSException | Error e) {
            // of the message alone: what concerns the connection, the next call of the container finds out
            LOG.warn("A message of {} goes back to the broker: {}", getDestinationName(), e.toString());
            pause(Duration.ofSeconds(5), feed.pausesEnded());
            throw new GivenBackException();
        }
    }

    /** A delivery that was withdrawn meanwhile begins anew. */
    private boolean isSettled(QueueMessage taken) throws IOException, CsvImportUnsettledException {
        if (taken.settled == null && !isEnding() && feed.mayBegin(taken)) {
            throw new IOException("The steps of " + feed.name() + " ended without an outcome of direct:csv-import");
        }
        if (taken.settled != null && taken.settled.state.equals("withdrawn")) {
            feed.deliveries().released(taken.settled, null);
            taken.settled = null;
        }
        return taken.settled != null;
    }

    /** What is to be done before the message is acknowledged, in the same transaction or before. */
    private void letGo(QueueMessage taken, Session session)
            throws JMSException, IOException, CsvImportUnsettledException {
        if (taken.settled == null) {
            return;
        }
        if (taken.settled.state.equals("held")) {
            feed.spool().adopt(taken.settled, taken.copy, taken.key);
        } else if (taken.settled.state.equals("rejected")) {
            reject(taken, session);
        }
    }

    private void reject(QueueMessage taken, Session session) throws JMSException, IOException {
        Message rejected = taken.message;
        Map<String, Object> properties = new LinkedHashMap<>();
        for (Enumeration<?> names = rejected.getPropertyNames(); names.hasMoreElements(); ) {
            String name = names.nextElement().toString();
            if (!name.matches("(JMSX|_AMQ|__).*")) {
                properties.put(name, rejected.getObjectProperty(name));
            }
        }
        properties.put(Delivery.REASON, taken.settled.reason);
        properties.put(Delivery.DETAIL, taken.settled.detail);
        if (rejected instanceof BytesMessage) {
            // its body was read, perhaps from a stream
            BytesMessage again = session.createBytesMessage();
            again.setJMSCorrelationID(rejected.getJMSCorrelationID());
            again.setJMSType(rejected.getJMSType());
            QueueBroker.fill(again, taken.copy);
            rejected = again;
        } else {
            rejected.clearProperties();
        }
        for (Map.Entry<String, Object> property : properties.entrySet()) {
            carry(rejected, property.getKey(), property.getValue());
        }
        try (MessageProducer producer =
                session.createProducer(session.createQueue(getDestinationName() + ".rejected"))) {
            producer.send(rejected, DeliveryMode.PERSISTENT, taken.message.getJMSPriority(), 0);
        } catch (JMSException e) {
            // fails where the session has ended; otherwise the queue of rejected messages is missing, full, or not ours
            session.getTransacted();
            throw new IOException("A message of " + getDestinationName() + " cannot be rejected: " + e.getMessage(), e);
        }
    }

    /** A sender in another language has names and types of properties that JMS does not have. */
    private static void carry(Message rejected, String name, Object value) {
        try {
            rejected.setObjectProperty(name, value);
        } catch (JMSException | RuntimeException e) {
            try {
                rejected.setStringProperty(name, String.valueOf(value));
            } catch (JMSException | RuntimeException no) {
                LOG.warn("A rejected message has lost its property {}: {}", Names.visible(name), no.getMessage());
            }
        }
    }

    /** @throws GivenBackException where the container stops */
    private void untilItSucceeds(Attempt attempt) throws JMSException {
        for (int n = 0; ; n++) {
            Duration pause = Pauses.growing(n);
            int opened = feed.pausesEnded();
            try {
                if (attempt.succeeds()) {
                    return;
                }
            } catch (CsvImportUnsettledException | IOException | RuntimeException e) {
                // Camel's listener throws it wrapped
                CsvImportUnsettledException unsettled = ObjectHelper.getException(CsvImportUnsettledException.class, e);
                if (unsettled == null) {
                    told(e instanceof RuntimeCamelException && e.getCause() != null ? e.getCause() : e);
                } else {
                    pause = Duration.between(Instant.now(), unsettled.getNextAttempt());
                }
            }
            pause(pause, opened);
            if (isEnding()) {
                throw new GivenBackException();
            }
        }
    }

    private void told(Throwable e) {
        feed.failure().handleException("A message of " + getDestinationName() + " waits", e);
    }

    /** Whether the container stops, or the feed's own route has stopped. */
    private boolean isEnding() {
        ServiceStatus status = context.getRouteController().getRouteStatus(feed.name());
        return !isRunning() || status == null || !status.isStarted();
    }

    @Override
    protected Message receiveMessage(MessageConsumer consumer) throws JMSException {
        if (isEnding()) {
            // whoever starts the route again finds the consumer here
            LockSupport.parkNanos(LOOK.toNanos());
            return null;
        }
        return super.receiveMessage(consumer);
    }

    /** Ends soon where the container stops, or where a person has ended all pauses, for one more time than this. */
    private void pause(Duration asked, int opened) {
        long nanos = asked.compareTo(LONGEST) > 0 ? LONGEST.toNanos() : asked.toNanos();
        lifecycleLock.lock();
        try {
            long end = System.nanoTime() + Math.max(nanos, TimeUnit.MILLISECONDS.toNanos(10));
            for (long rest = end - System.nanoTime();
                    rest > 0 && opened == feed.pausesEnded() && !isEnding();
                    rest = end - System.nanoTime()) {
                lifecycleCondition.awaitNanos(Math.min(rest, LOOK.toNanos()));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new GivenBackException();
        } finally {
            lifecycleLock.unlock();
        }
    }

    @Override
    protected void invokeErrorHandler(Throwable e) {
        if (!(e instanceof GivenBackException) && !(e instanceof JMSException)) {
            told(e);
        }
    }

    /** A client that tries to reach its broker for ever holds up no stop. */
    @Override
    public void stop() {
        Thread stop = new Thread(super::stop, "csv-import-queue-stop");
        stop.setDaemon(true);
        stop.start();
        try {
            stop.join(STOP.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        health.isForgotten();
    }

    // whether the broker is there

    @Override
    protected void prepareSharedConnection(Connection connection) throws JMSException {
        super.prepareSharedConnection(connection);
        feed.connectionChanges();
        health.watch(connection, feed::connectionChanges);
    }

    @Override
    protected MessageConsumer createConsumer(Session session, Destination destination) throws JMSException {
        MessageConsumer consumer = super.createConsumer(session, destination);
        health.isThere();
        return consumer;
    }

    @Override
    protected void invokeExceptionListener(JMSException e) {
        if (isEnding()) {
            health.isForgotten();
        } else {
            health.isAway(e);
        }
    }
}
