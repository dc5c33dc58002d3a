package io.csvimport.audit;

import io.csvimport.CsvImportUnsettledException;
import io.csvimport.job.Pauses;
import io.csvimport.job.Trace;
import io.csvimport.ledger.AuditEvents;
import io.csvimport.ledger.Owner;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.camel.CamelExchangeException;
import org.apache.camel.Exchange;
import org.apache.camel.ProducerTemplate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The audit events of the ledger that the audit endpoint has not taken yet, in order for each job: a job whose event
 * was refused waits, with growing pauses, while others go on. Its public methods are the steps of
 * {@code csv-import-outbox}.
 */
public final class Outbox {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");
    /** After so many failures in a row the endpoint counts as unavailable: all events wait. */
    private static final int UNAVAILABLE = 3;
    /** Longer than any pause: what is to wait longer was written before the clock was set back. */
    private static final Duration LONGEST_PAUSE = Duration.ofMinutes(2);

    private final AuditEvents events;
    private final Owner owner;
    private final ProducerTemplate template;
    private final List<String> taken = new ArrayList<>();
    private int failuresInARow;
    private long closedUntil = System.nanoTime();

    public Outbox(AuditEvents events, Owner owner, ProducerTemplate template) {
        this.events = events;
        this.owner = owner;
        this.template = template;
    }

    /**
     * The first event of each job, where it is due: those that were never refused, then the others. It ends early when
     * the audit endpoint is unavailable. What an earlier round could not force to the disk is due again.
     */
    public Iterator<AuditEvents.Event> due() throws CsvImportUnsettledException {
        taken.clear();
        if (!isOpen() || !owner.leads()) {
            return List.<AuditEvents.Event>of().iterator();
        }
        return events.due(LONGEST_PAUSE).stream()
                // asked when its turn comes
                .filter(event -> isOpen())
                .iterator();
    }

    private boolean isOpen() {
        return System.nanoTime() - closedUntil >= 0;
    }

    /**
     * Sends the event in an exchange of its own: that is a part of the trace of the event's file, not of this round's.
     *
     * @throws Exception whatever the endpoint's route has failed with
     */
    public void deliver(Exchange exchange, String endpoint) throws Exception {
        Trace trace = event(exchange).trace();
        Exchange sent = template.send(endpoint, sending -> {
            sending.getMessage().setBody(exchange.getMessage().getBody());
            trace.continueIn(sending.getMessage());
        });
        if (sent.getException() != null) {
            throw sent.getException();
        }
        if (sent.isRollbackOnly()) {
            throw new CamelExchangeException("The audit route has rolled back", sent);
        }
    }

    public void sent(Exchange exchange) {
        taken.add(event(exchange).id());
        failuresInARow = 0;
    }

    /** Marks what was taken in this round, once it is on the disk; what a power failure loses of it is sent again. */
    public void mark() throws CsvImportUnsettledException {
        if (!taken.isEmpty()) {
            events.sent(taken);
            taken.clear();
        }
    }

    /** The audit endpoint has not taken the event: it comes again, the same. */
    public void failed(Exchange exchange) throws CsvImportUnsettledException {
        AuditEvents.Event event = event(exchange);
        failuresInARow++;
        if (failuresInARow >= UNAVAILABLE) {
            closedUntil = System.nanoTime()
                    + Pauses.growing(failuresInARow - UNAVAILABLE).toNanos();
        }
        Duration pause = Pauses.growing(event.failures());
        LOG.warn(
                "Audit event {} is not taken yet, next attempt in {} s: {}",
                event.id(),
                pause.toSeconds(),
                String.valueOf(exchange.getProperty(Exchange.EXCEPTION_CAUGHT)));
        events.refused(event, Instant.now().plus(pause));
    }

    private static AuditEvents.Event event(Exchange exchange) {
        return exchange.getProperty("csvImportEvent", AuditEvents.Event.class);
    }
}
