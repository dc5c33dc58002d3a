package io.csvimport;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.apache.camel.Exchange;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The audit events of the ledger that the audit endpoint has not taken yet, in order for each job: a job whose event
 * was refused waits, with growing pauses, while others go on. Its public methods are the steps of
 * {@code csv-import-outbox}.
 */
public final class Outbox {

    /** One event; its payload is sent as it is. */
    public record Event(String id, long job, String payload) {}

    private record Pause(int failures, long until) {}

    private static final Pause NONE = new Pause(0, 0);

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");
    /** After so many failures in a row the endpoint is taken to be away: all events wait. */
    private static final int AWAY = 3;

    private final Database database;
    private final Owner owner;
    private final Map<Long, Pause> pauses = new HashMap<>();
    private final List<String> taken = new ArrayList<>();
    private int failuresInARow;
    private long closedUntil = System.nanoTime();

    Outbox(Database database, Owner owner) {
        this.database = database;
        this.owner = owner;
    }

    /** What is due, oldest first; it ends early when the audit endpoint turns out to be away. */
    public Iterator<Event> due() throws CsvImportUnsettledException {
        mark();
        if (!isOver(closedUntil) || !owner.leads()) {
            return List.<Event>of().iterator();
        }
        return database
                .read(
                        c -> Database.query(
                                c,
                                row -> new Event(row.getString("id"), row.getLong("job"), row.getString("payload")),
                                "SELECT id, job, payload FROM csv_import_event WHERE sent_at IS NULL ORDER BY sequence LIMIT 1000"))
                .stream()
                // those that were refused before do not keep the others from their turn
                .sorted(Comparator.comparingInt(event -> pauses.getOrDefault(event.job, NONE).failures))
                // asked when its turn comes: an event refused before holds back the later ones of its job
                .filter(event ->
                        isOver(closedUntil) && (!pauses.containsKey(event.job) || isOver(pauses.get(event.job).until)))
                .iterator();
    }

    private static boolean isOver(long nanos) {
        return System.nanoTime() - nanos >= 0;
    }

    /** The audit endpoint has taken the event. */
    public void sent(Exchange exchange) {
        Event event = exchange.getProperty("csvImportEvent", Event.class);
        taken.add(event.id);
        pauses.remove(event.job);
        failuresInARow = 0;
    }

    /** Marks what was taken, once it is on the disk; what a power failure loses of it is sent again. */
    public void mark() throws CsvImportUnsettledException {
        if (!taken.isEmpty()) {
            String now = Deliveries.text(Instant.now());
            database.lazily(c -> {
                for (String id : taken) {
                    Database.update(c, "UPDATE csv_import_event SET sent_at = ? WHERE id = ?", now, id);
                }
                return null;
            });
            taken.clear();
        }
        database.soon();
    }

    /** The audit endpoint has not taken the event: it comes again, the same. */
    public void failed(Exchange exchange) {
        Event event = exchange.getProperty("csvImportEvent", Event.class);
        int failures = pauses.containsKey(event.job) ? pauses.get(event.job).failures + 1 : 1;
        Duration pause = Pauses.growing(failures - 1);
        pauses.put(event.job, new Pause(failures, System.nanoTime() + pause.toNanos()));
        failuresInARow++;
        if (failuresInARow >= AWAY) {
            closedUntil =
                    System.nanoTime() + Pauses.growing(failuresInARow - AWAY).toNanos();
        }
        LOG.warn(
                "Audit event {} is not taken yet, next attempt in {} s: {}",
                event.id,
                pause.toSeconds(),
                String.valueOf(exchange.getProperty(Exchange.EXCEPTION_CAUGHT)));
    }
}
