package io.csvimport;

import jakarta.jms.JMSException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.camel.AsyncCallback;
import org.apache.camel.Exchange;
import org.apache.camel.component.jms.JmsEndpoint;
import org.apache.camel.component.jms.MessageListenerContainerFactory;
import org.apache.camel.support.AsyncProcessorSupport;
import org.apache.camel.support.DefaultMessage;
import org.apache.camel.support.SynchronizationAdapter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;
import org.springframework.jms.listener.AbstractMessageListenerContainer;

/**
 * What a queue feed adds to Camel's JMS consumer: a container that holds a message until its fate is settled, and, for
 * each attempt, an exchange with the message's copy and names, and nothing else of it.
 */
public final class QueueFeed extends AsyncProcessorSupport implements MessageListenerContainerFactory {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");
    private Lanes lanes;
    private Spool spool;
    private Deliveries deliveries;
    private Failure failure;
    private String feed;
    private String template;
    private final ThreadLocal<QueueMessage> inHand = new ThreadLocal<>();
    private final Map<String, QueueMessage> inHands = new ConcurrentHashMap<>();

    public void setLanes(Lanes lanes) {
        this.lanes = lanes;
    }

    public void setSpool(Spool spool) {
        this.spool = spool;
    }

    public void setDeliveries(Deliveries deliveries) {
        this.deliveries = deliveries;
    }

    public void setFailure(Failure failure) {
        this.failure = failure;
    }

    public void setFeed(String feed) {
        this.feed = feed;
    }

    /** Used where a message names none. */
    public void setTemplate(String template) {
        this.template = template;
    }

    /** The id of the feed's route. */
    String name() {
        return feed;
    }

    /** How often a person has ended all pauses. */
    int pausesEnded() {
        return lanes.opened();
    }

    Spool spool() {
        return spool;
    }

    Deliveries deliveries() {
        return deliveries;
    }

    Failure failure() {
        return failure;
    }

    @Override
    public AbstractMessageListenerContainer createMessageListenerContainer(JmsEndpoint endpoint) {
        QueueBroker broker = (QueueBroker) endpoint.getConfiguration().getConnectionFactory();
        // a URL that is none stops the start of the route, not its first connection
        broker.getTargetConnectionFactory();
        return new QueueContainer(endpoint, this, broker.health());
    }

    /** The thread's message from now on; null for none. */
    void hold(QueueMessage message) {
        if (message == null) {
            inHand.remove();
        } else {
            inHand.set(message);
        }
    }

    QueueMessage inHand() {
        return inHand.get();
    }

    /**
     * Finds the key under which the ledger has the message, or is to have it. Where the sender gives no id, bytes and
     * names tell: a delivery of the same that is not released comes again, unless another consumer has it in hands.
     */
    void identify(QueueMessage taken) throws CsvImportUnsettledException {
        String key = taken.identity;
        if (!taken.hasId) {
            key += "|" + UUID.randomUUID();
            for (Delivery row : deliveries.startingWith(sourceKey(taken.identity) + "|")) {
                String known = row.sourceKey.substring(sourceKey("").length());
                if (!deliveries.isForeign(row) && inHands.putIfAbsent(known, taken) == null) {
                    key = known;
                    break;
                }
            }
        }
        inHands.put(key, taken);
        deliveries.inHands.add(sourceKey(key));
        taken.key = key;
    }

    /** Whether a message that comes again was done with: the broker missed its acknowledgement. */
    boolean isDone(QueueMessage taken) throws CsvImportUnsettledException, JMSException {
        if (!taken.hasId || !taken.message.getJMSRedelivered()) {
            return false;
        }
        Optional<Delivery> done = deliveries.done(sourceKey(taken.key));
        done.ifPresent(
                delivery -> delivery.log(LOG, Level.INFO, "; the broker gave it out again, it is acknowledged again"));
        return done.isPresent();
    }

    /** The ledger's key for what the feed calls so. */
    private String sourceKey(String key) {
        return Delivery.from(feed) + "|" + key;
    }

    void putDown(QueueMessage taken) {
        if (taken.key != null && inHands.remove(taken.key, taken)) {
            deliveries.inHands.remove(sourceKey(taken.key));
        }
    }

    /** There is a new connection: what was in hands comes again, whoever still works on it. */
    void connected() {
        inHands.clear();
    }

    @Override
    public boolean process(Exchange exchange, AsyncCallback callback) {
        QueueMessage taken = inHand.get();
        DefaultMessage csv = new DefaultMessage(exchange.getContext());
        csv.setBody(taken.copy.toFile());
        csv.setHeaders(new HashMap<>(taken.names));
        csv.setHeader("csvImportSourceKey", taken.key);
        exchange.setMessage(csv);
        exchange.setProperty(Delivery.FEED, feed);
        exchange.setProperty(Names.FOLDER_TEMPLATE, template);
        exchange.setProperty(Inspection.REFUSAL, taken.refusal);
        exchange.getExchangeExtension().addOnCompletion(new SynchronizationAdapter() {
            @Override
            public void onComplete(Exchange done) {
                Delivery delivery = Delivery.of(done);
                // a feed's own steps may have kept it from the pipeline, or hidden that it waits
                if (delivery != null && delivery.settledAt != null) {
                    taken.settled = delivery;
                }
            }
        });
        // the consumer waits; the work is bounded with that of all other sources
        lanes.add(new Lanes.Turn() {
            @Override
            public void begin() {
                callback.done(false);
            }

            @Override
            public void giveBack() {
                exchange.setRouteStop(true);
                callback.done(false);
            }
        });
        return false;
    }
}
