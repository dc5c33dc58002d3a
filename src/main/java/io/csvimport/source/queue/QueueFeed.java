package io.csvimport.source.queue;

import io.csvimport.CsvImportUnsettledException;
import io.csvimport.file.SpoolFolder;
import io.csvimport.job.CsvImportConstants;
import io.csvimport.job.Delivery;
import io.csvimport.job.Job;
import io.csvimport.job.Outcome;
import io.csvimport.ledger.Deliveries;
import io.csvimport.pipeline.Failure;
import io.csvimport.source.FileFeed;
import io.csvimport.source.file.Spool;
import io.csvimport.text.Visible;
import jakarta.jms.BytesMessage;
import jakarta.jms.Connection;
import jakarta.jms.DeliveryMode;
import jakarta.jms.JMSException;
import jakarta.jms.Message;
import jakarta.jms.MessageProducer;
import jakarta.jms.Session;
import jakarta.jms.StreamMessage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.concurrent.locks.LockSupport;
import org.apache.camel.CamelContext;
import org.apache.camel.CamelContextAware;
import org.apache.camel.Exchange;
import org.apache.camel.Processor;
import org.apache.camel.RuntimeCamelException;
import org.apache.camel.component.jms.JmsEndpoint;
import org.apache.camel.component.jms.JmsMessage;
import org.apache.camel.component.jms.MessageListenerContainerFactory;
import org.apache.camel.spi.CamelEvent;
import org.apache.camel.spi.EventNotifier;
import org.apache.camel.support.DefaultMessage;
import org.apache.camel.support.SimpleEventNotifierSupport;
import org.apache.camel.support.SynchronizationAdapter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.jms.listener.AbstractMessageListenerContainer;
import org.springframework.util.ErrorHandler;

/**
 * The steps of the Kamelet {@code csv-import-queue-source} that YAML cannot say: a message becomes a file in the spool
 * with its names and nothing else of it, and a rejected one is sent to {@code <queue>.rejected}.
 */
public final class QueueFeed
        implements Processor, MessageListenerContainerFactory, Spool.Returns, ErrorHandler, CamelContextAware {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");
    private static final int CHUNK = 1 << 16;
    private static final Duration PAUSE = Duration.ofSeconds(2);

    /** Exchange property: the {@link QueueMessage}. */
    private static final String RECEIVED = "csvImportReceived";

    private final EventNotifier follow = new SimpleEventNotifierSupport() {
        @Override
        public void notify(CamelEvent event) throws Exception {
            if (event instanceof CamelEvent.RouteEvent route
                    && route.getRoute().getRouteId().equals(feed)
                    && !camelContext.isStopping()
                    && camelContext.getRoute(source) != null) {
                if (event.getType() == CamelEvent.Type.RouteStopped) {
                    camelContext.getRouteController().stopRoute(source);
                } else if (event.getType() == CamelEvent.Type.RouteStarted) {
                    camelContext.getRouteController().startRoute(source);
                }
            }
        }
    };

    private CamelContext camelContext;
    private String source;
    private Spool spool;
    private Deliveries deliveries;
    private QueueBroker broker;
    private Failure failure;
    private String feed;
    private String queue;
    private String template;
    private String order = CsvImportConstants.ORDERED;
    private Unconfirmed unconfirmed;

    @Override
    public CamelContext getCamelContext() {
        return camelContext;
    }

    @Override
    public void setCamelContext(CamelContext camelContext) {
        this.camelContext = camelContext;
    }

    public void setSpool(Spool spool) {
        this.spool = spool;
    }

    public void setDeliveries(Deliveries deliveries) {
        this.deliveries = deliveries;
    }

    public void setBroker(QueueBroker broker) {
        this.broker = broker;
        feed = broker.feed();
        queue = broker.queue();
    }

    public void setFailure(Failure failure) {
        this.failure = failure;
    }

    /** Used where a message names none. */
    public void setTemplate(String template) {
        this.template = template;
    }

    /** {@code template}: messages of one template are imported one after another; {@code none}: each for itself. */
    public void setOrder(String order) {
        this.order = FileFeed.checkedOrder(order);
    }

    /** The id of the Kamelet's own route. */
    public void setSource(String source) {
        this.source = source;
    }

    /** What the API rejects later comes back here; where the feed's route stops, so does the Kamelet's. */
    public void start() {
        unconfirmed = new Unconfirmed(deliveries, broker);
        spool.returnTo(Delivery.from(feed), this);
        camelContext.getManagementStrategy().addEventNotifier(follow);
    }

    public void stop() {
        camelContext.getManagementStrategy().removeEventNotifier(follow);
    }

    /** One for each start of the route. */
    @Override
    public AbstractMessageListenerContainer createMessageListenerContainer(JmsEndpoint endpoint) {
        unconfirmed.start();
        return new QueueContainer(endpoint, unconfirmed);
    }

    /**
     * Makes the message a file. Once more where the steps after it have failed: the copy is kept.
     *
     * @throws IOException where the copy cannot be written
     * @throws JMSException where the message cannot be read: it goes back to the broker
     */
    @Override
    public void process(Exchange exchange) throws JMSException, IOException, CsvImportUnsettledException {
        QueueMessage received = exchange.getProperty(RECEIVED, QueueMessage.class);
        if (received == null) {
            JmsMessage jms = exchange.getMessage(JmsMessage.class);
            received = new QueueMessage(
                    jms.getJmsMessage(),
                    jms.getJmsSession(),
                    unconfirmed.connection(),
                    broker.client(),
                    spool.newFile());
            exchange.setProperty(RECEIVED, received);
            deleteAfterwards(exchange, received.copy);
        }
        if (received.isRead()) {
            unconfirmed.check(received);
            if (broker.isEnding()) {
                throw new JMSException("The route stops");
            }
        } else {
            received.read(queue);
        }
        if (received.key == null) {
            unconfirmed.key(received);
        }
        DefaultMessage csv = new DefaultMessage(exchange.getContext());
        csv.setBody(received.copy.toFile());
        csv.setHeaders(new HashMap<>(received.names));
        csv.setHeader(CsvImportConstants.SOURCE_KEY, received.key);
        exchange.setMessage(csv);
        exchange.setProperty(CsvImportConstants.FEED, feed);
        exchange.setProperty(CsvImportConstants.FOLDER_TEMPLATE, template);
        exchange.setProperty(CsvImportConstants.ORDER, order);
        exchange.setProperty(CsvImportConstants.REFUSAL, received.refusal);
        exchange.setProperty(CsvImportConstants.ENVELOPE, received.envelope.json());
        exchange.setProperty(CsvImportConstants.OFFERED_AGAIN, received.isOfferedAgain);
    }

    private static void deleteAfterwards(Exchange exchange, Path copy) {
        exchange.getExchangeExtension().addOnCompletion(new SynchronizationAdapter() {
            @Override
            public void onDone(Exchange done) {
                SpoolFolder.delete(copy);
            }
        });
    }

    /**
     * Sends the message, refused at once, to the queue of rejected messages, in its own transaction.
     *
     * @throws IOException where the broker does not take it
     * @throws JMSException where the session has ended: the message comes again
     */
    public void reject(Exchange exchange) throws JMSException, IOException {
        QueueMessage received = exchange.getProperty(RECEIVED, QueueMessage.class);
        Message rejected = received.message;
        if (rejected instanceof BytesMessage) {
            // its body was read, perhaps from a stream
            rejected = make(received.session, received.envelope, received.copy);
        } else {
            rejected.clearProperties();
        }
        try {
            send(
                    received.session,
                    rejected,
                    received.envelope,
                    exchange.getProperty(CsvImportConstants.REASON, String.class),
                    exchange.getProperty(CsvImportConstants.DETAIL, String.class));
        } catch (JMSException e) {
            // fails where the session has ended; otherwise the queue of rejected messages is missing, full, or not ours
            received.session.getTransacted();
            throw notRejected(e);
        }
    }

    /** Sends what the API has rejected later. */
    @Override
    public void takeBack(Job job, Path file) throws IOException {
        QueueMessage.Envelope envelope =
                QueueMessage.Envelope.parse(job.origin().envelope());
        try (Connection connection = broker.getTargetConnectionFactory().createConnection();
                Session session = connection.createSession()) {
            Outcome rejected = job.outcome();
            send(session, make(session, envelope, file), envelope, rejected.reason(), rejected.detail());
        } catch (JMSException e) {
            throw notRejected(e);
        }
    }

    /** Says, once a minute, why a message is not taken yet. */
    public void waits(Exchange exchange) {
        Exception caught = exchange.getProperty(Exchange.EXCEPTION_CAUGHT, Exception.class);
        failure.handleException("A message of " + queue + " waits", exchange, caught);
    }

    /** A message has gone back to the broker: a pause, so that it does not come again at once. */
    @Override
    public void handleError(Throwable e) {
        Throwable cause = e instanceof RuntimeCamelException && e.getCause() != null ? e.getCause() : e;
        if (cause instanceof JMSException) {
            LOG.warn("A message of {} goes back to the broker: {}", queue, broker.reason((JMSException) cause));
        } else {
            failure.handleException("A message of " + queue + " goes back to the broker", cause);
        }
        LockSupport.parkNanos(PAUSE.toNanos());
    }

    private IOException notRejected(JMSException e) {
        return new IOException(
                "A message of " + queue + " cannot be sent to " + queue + ".rejected: " + broker.reason(e), e);
    }

    private Message make(Session session, QueueMessage.Envelope envelope, Path file) throws JMSException, IOException {
        Message message;
        if (envelope.kind().equals("text")) {
            message = session.createTextMessage(Files.readString(file));
        } else if (envelope.kind().equals("stream")) {
            StreamMessage stream = session.createStreamMessage();
            byte[] bytes = Files.readAllBytes(file);
            for (int i = 0; i < bytes.length; i += CHUNK) {
                stream.writeBytes(bytes, i, Math.min(CHUNK, bytes.length - i));
            }
            message = stream;
        } else {
            BytesMessage bytes = session.createBytesMessage();
            broker.client().fill(bytes, file);
            message = bytes;
        }
        message.setJMSCorrelationID(envelope.correlationId());
        message.setJMSType(envelope.type());
        return message;
    }

    private void send(Session session, Message message, QueueMessage.Envelope envelope, String reason, String detail)
            throws JMSException {
        envelope.properties().forEach((name, value) -> carry(message, name, value));
        message.setStringProperty(CsvImportConstants.REASON, reason);
        message.setStringProperty(CsvImportConstants.DETAIL, detail);
        try (MessageProducer producer = session.createProducer(session.createQueue(queue + ".rejected"))) {
            producer.setDeliveryMode(DeliveryMode.PERSISTENT);
            producer.send(message);
        }
    }

    /** A sender in another language has names and types of properties that JMS does not have. */
    private static void carry(Message message, String name, Object value) {
        try {
            message.setObjectProperty(name, value);
        } catch (JMSException | RuntimeException e) {
            LOG.warn("A rejected message has lost its property {}: {}", Visible.of(name), e.getMessage());
        }
    }
}
