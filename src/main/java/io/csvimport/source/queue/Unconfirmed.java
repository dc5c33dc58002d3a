package io.csvimport.source.queue;

import io.csvimport.CsvImportUnsettledException;
import io.csvimport.job.Delivery;
import io.csvimport.ledger.Deliveries;
import jakarta.jms.JMSException;
import jakarta.jms.Session;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The messages without an id whose acknowledgement is not confirmed, by their item keys: what equal messages share, and a
 * random end. A message that comes again takes up the key that it was given before. It cannot be told from an equal one:
 * a key that was left, by a session that broke or a process that ended, goes to the first equal message, whether the
 * broker marks that as redelivered or has forgotten it in a restart.
 */
final class Unconfirmed {

    /** A broker may keep a message that long for a connection that is dead: the queue looks empty meanwhile. */
    private static final Duration DEAD_CONNECTION = Duration.ofMinutes(2);

    private final Deliveries deliveries;
    private final QueueBroker broker;
    /** What the item keys of the feed begin with. */
    private final String feed;

    private final Map<Session, String> inHand = new HashMap<>();
    /** Since when, in nanoseconds of this process's own clock. */
    private final Map<String, Long> left = new HashMap<>();
    /** Their messages do not come again; the ledger still has them. */
    private final Set<String> confirmed = ConcurrentHashMap.newKeySet();

    private volatile boolean isLoaded;
    private volatile int connection;

    Unconfirmed(Deliveries deliveries, QueueBroker broker) {
        this.deliveries = deliveries;
        this.broker = broker;
        feed = Delivery.from(broker.feed()) + "|";
        broker.setLost(this::lost);
    }

    /** The route starts: what was left is asked of the ledger. */
    void start() {
        isLoaded = false;
    }

    /** The number of the connection, of a client that makes a new one below the same session. */
    int connection() {
        return connection;
    }

    /** The client makes a new connection: the broker gives out again what is in hand. */
    private synchronized void lost() {
        connection++;
        Set.copyOf(inHand.keySet()).forEach(this::givenBack);
    }

    /** @throws JMSException where the session has ended or its connection was lost: the message comes again */
    void check(QueueMessage message) throws JMSException {
        message.session.getTransacted();
        if (message.connection != connection) {
            throw new JMSException("The connection was lost meanwhile");
        }
    }

    /**
     * Gives the message its key: one that was left, or a new one.
     *
     * @throws JMSException as {@link #check}
     * @throws CsvImportUnsettledException where the ledger is unavailable
     */
    void key(QueueMessage message) throws JMSException, CsvImportUnsettledException {
        forgetConfirmed();
        load();
        String equal = feed + message.identity + "|";
        // of a process that lives and whose connection broke: the mark alone tells
        List<String> ofOthers = message.isOfferedAgain ? deliveries.itemKeysOfOtherDataDirs(equal) : List.of();
        synchronized (this) {
            check(message);
            Set.copyOf(inHand.keySet()).stream().filter(Unconfirmed::hasEnded).forEach(this::givenBack);
            Optional<String> known = left.keySet().stream()
                    .filter(key -> key.startsWith(equal))
                    .findFirst()
                    .or(() -> ofOthers.stream()
                            .filter(key -> !inHand.containsValue(key) && !confirmed.contains(key))
                            .findFirst());
            message.isOfferedAgain |= known.isPresent();
            String itemKey = known.orElseGet(() -> equal + UUID.randomUUID());
            left.remove(itemKey);
            inHand.put(message.session, itemKey);
            message.key = itemKey.substring(feed.length());
        }
    }

    /** The broker has confirmed what the session has acknowledged. */
    void committed(Session session) {
        String itemKey;
        synchronized (this) {
            itemKey = inHand.remove(session);
        }
        if (itemKey != null) {
            confirmed.add(itemKey);
            forgetOrLater();
        }
    }

    /** The session's message comes again. */
    synchronized void givenBack(Session session) {
        String itemKey = inHand.remove(session);
        if (itemKey != null) {
            left.put(itemKey, System.nanoTime());
        }
    }

    /** The queue is empty: what was left for long does not come again. */
    void emptied() {
        if (broker.isEnding()) {
            // the ledger may be closed already
            return;
        }
        synchronized (this) {
            long now = System.nanoTime();
            left.entrySet()
                    .removeIf(key -> now - key.getValue() > DEAD_CONNECTION.toNanos() && confirmed.add(key.getKey()));
        }
        forgetOrLater();
    }

    private void forgetOrLater() {
        try {
            forgetConfirmed();
            load();
        } catch (CsvImportUnsettledException e) {
            // it is tried again, at the latest before a message gets its key
        }
    }

    private void forgetConfirmed() throws CsvImportUnsettledException {
        for (String itemKey : confirmed) {
            deliveries.forgetItemKey(itemKey);
            confirmed.remove(itemKey);
        }
    }

    private void load() throws CsvImportUnsettledException {
        if (isLoaded) {
            return;
        }
        List<String> found = deliveries.itemKeysOfThisDataDir(feed + QueueMessage.withoutId(broker.queue()));
        synchronized (this) {
            found.stream()
                    .filter(key -> !inHand.containsValue(key) && !confirmed.contains(key))
                    .forEach(key -> left.putIfAbsent(key, System.nanoTime()));
            isLoaded = true;
        }
    }

    private static boolean hasEnded(Session session) {
        try {
            session.getTransacted();
            return false;
        } catch (JMSException e) {
            return true;
        }
    }
}
