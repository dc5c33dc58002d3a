package io.csvimport.source.queue;

import io.csvimport.CsvImportUnsettledException;
import io.csvimport.ledger.Deliveries;
import jakarta.jms.JMSException;
import jakarta.jms.Session;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The messages without an id whose acknowledgement is not confirmed, by their item keys: a beginning that equal messages
 * share, and a random end. Equal messages may be two; a message that the broker gives out again is one. A broker that
 * stops may forget that it has given out a message: until its queue was seen empty, an equal message is the one that a
 * broken session or an earlier process has left.
 */
final class Unconfirmed {

    private final Deliveries deliveries;
    /** What the item keys of the queue's messages without an id begin with. */
    private final String all;

    private final Map<Session, String> inHand = new HashMap<>();
    /** Confirmed, while the ledger could not be told. */
    private final Set<String> confirmed = new HashSet<>();
    /** Null until the ledger was asked what an earlier process has left. */
    private Set<String> left;

    Unconfirmed(Deliveries deliveries, String all) {
        this.deliveries = deliveries;
        this.all = all;
    }

    /**
     * The item key that the session's message was given before: it goes on with it.
     *
     * @param equal what the item keys of equal messages begin with
     * @param marked whether the broker says that it has given out the message before
     * @throws CsvImportUnsettledException where the ledger is unavailable
     */
    synchronized Optional<String> takeUp(Session session, String equal, boolean marked)
            throws CsvImportUnsettledException {
        forgetConfirmed();
        if (left == null) {
            left = new HashSet<>(deliveries.itemKeysOfThisDataDir(all));
        }
        Set.copyOf(inHand.keySet()).stream().filter(Unconfirmed::hasEnded).forEach(this::givenBack);
        Optional<String> known =
                left.stream().filter(key -> key.startsWith(equal)).findFirst();
        if (known.isEmpty() && marked) {
            List<String> kept = deliveries.itemKeys(equal);
            known = kept.stream().filter(key -> !inHand.containsValue(key)).findFirst();
            // in the hands of a client that reconnects by itself: the message is not its any more
            known = known.isPresent() ? known : kept.stream().findFirst();
        }
        known.ifPresent(key -> take(session, key));
        return known;
    }

    /** The session's message is a new one, with this item key. */
    synchronized void take(Session session, String itemKey) {
        left.remove(itemKey);
        inHand.put(session, itemKey);
    }

    /** The broker has confirmed what the session has acknowledged, if the session has not ended. */
    synchronized void committed(Session session) {
        if (hasEnded(session)) {
            givenBack(session);
            return;
        }
        String itemKey = inHand.remove(session);
        if (itemKey != null) {
            confirmed.add(itemKey);
        }
        try {
            forgetConfirmed();
        } catch (CsvImportUnsettledException e) {
            // before the next message is taken
        }
    }

    /** The session's message comes again. */
    synchronized void givenBack(Session session) {
        String itemKey = inHand.remove(session);
        if (itemKey != null) {
            left.add(itemKey);
        }
    }

    /** Nothing is left in the queue: whatever an earlier session has left was confirmed, or is marked when it comes. */
    synchronized void emptied() {
        left = new HashSet<>();
    }

    private void forgetConfirmed() throws CsvImportUnsettledException {
        for (String itemKey : Set.copyOf(confirmed)) {
            deliveries.forgetItemKey(itemKey);
            confirmed.remove(itemKey);
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
