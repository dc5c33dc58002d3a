package io.csvimport;

import jakarta.jms.JMSException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.camel.AsyncCallback;
import org.apache.camel.Exchange;
import org.apache.camel.component.jms.JmsEndpoint;
import org.apache.camel.component.jms.MessageListenerContainerFactory;
import org.apache.camel.support.AsyncProcessorSupport;
import org.apache.camel.support.DefaultMessage;
import org.apache.camel.support.SynchronizationAdapter;
import org.springframework.jms.listener.AbstractMessageListenerContainer;

/**
 * What a queue feed adds to Camel's JMS consumer: a container that holds a message until its fate is settled, and, for
 * each attempt, an exchange with the message's copy and names, and nothing else of it.
 */
public final class QueueFeed extends AsyncProcessorSupport implements MessageListenerContainerFactory {

    private Lanes lanes;
    private Spool spool;
    private Deliveries deliveries;
    private Failure failure;
    private String feed;
    private String template;
    private final ThreadLocal<QueueMessage> inHand = new ThreadLocal<>();
    private final Map<String, QueueMessage> inHands = new ConcurrentHashMap<>();
    private final AtomicInteger connection = new AtomicInteger();

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
     * names tell: a delivery of the same that is not released, or that was in hands when the connection was lost, comes
     * again, unless another consumer has it in hands.
     */
    void identify(QueueMessage taken) throws CsvImportUnsettledException, JMSException {
        taken.key = taken.hasId ? taken.identity : keyWithoutId(taken);
        take(taken.key, taken);
        deliveries.inHands.add(sourceKey(taken.key));
        if (!taken.hasId && isOfEarlierConnection(taken)) {
            // it may have come again before it was known here: nothing would tell one from the other
            throw new JMSException("Its connection was lost");
        }
    }

    private String keyWithoutId(QueueMessage taken) throws CsvImportUnsettledException {
        String prefix = taken.identity + "|";
        // in this order: what has left the hands in between has its row
        List<String> known = new ArrayList<>(inHands.keySet());
        known.removeIf(key -> !key.startsWith(prefix));
        for (Delivery row : deliveries.startingWith(sourceKey(prefix))) {
            if (!deliveries.isForeign(row)) {
                known.add(row.sourceKey.substring(sourceKey("").length()));
            }
        }
        return known.stream().filter(key -> take(key, taken)).findFirst().orElse(prefix + UUID.randomUUID());
    }

    /** False where another consumer has it by the same connection, or a later one. */
    private boolean take(String key, QueueMessage taken) {
        return inHands.compute(
                        key, (k, holder) -> holder == null || holder.connection < taken.connection ? taken : holder)
                == taken;
    }

    /**
     * The delivery of a message that was done with: the broker missed its acknowledgement, or another consumer has had the
     * message since the connection was lost.
     *
     * @throws JMSException where the message has come again, to another consumer, which is to deliver it
     */
    Optional<Delivery> done(QueueMessage taken) throws CsvImportUnsettledException, JMSException {
        QueueMessage holder = inHands.get(taken.key);
        boolean cameAgain = taken.hasId ? holder != null && holder.connection > taken.connection : holder != taken;
        if (cameAgain) {
            throw new JMSException("Its connection was lost, and it has come again by another one");
        }
        boolean again = taken.hasId && (taken.message.getJMSRedelivered() || isOfEarlierConnection(taken));
        return again ? deliveries.done(sourceKey(taken.key)) : Optional.empty();
    }

    private boolean isOfEarlierConnection(QueueMessage taken) {
        return taken.connection != connection();
    }

    /** Whether it is still for its consumer to deliver the message. */
    boolean mayBegin(QueueMessage taken) {
        try {
            return done(taken).isEmpty() && !spool.hasAdopted(taken.key);
        } catch (CsvImportUnsettledException | JMSException e) {
            return false;
        }
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

    /** What is in hands may come again, whoever still works on it. */
    void connectionChanges() {
        connection.incrementAndGet();
    }

    /** The number of the connection. */
    int connection() {
        return connection.get();
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
                exchange.setRouteStop(!mayBegin(taken));
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
