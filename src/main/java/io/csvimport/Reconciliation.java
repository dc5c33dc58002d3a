package io.csvimport;

import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Finds out what became of uploads whose outcome is unknown, from the API's import list. Found is found; not found is
 * proven only by a whole list, asked late enough. Its public methods are the steps of {@code csv-import-reconcile}.
 */
public final class Reconciliation {

    /** The exchange property of a round: the deliveries that are looked for, and are not found yet. */
    public static final class Round {

        private final List<Delivery> open;
        private final long asked = System.nanoTime();

        Round(List<Delivery> open) {
            this.open = open;
        }

        /** The templates for which the whole list gave no answer: the filtered list may. */
        public List<String> getTemplates() {
            return open.stream().map(delivery -> delivery.template).distinct().toList();
        }
    }

    static final String ROUND = "csvImportRound";

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");
    private static final Duration TOLERANCE = Duration.ofSeconds(5);
    private static final Duration UNSURE = Duration.ofHours(1);
    private static final Duration AT_MOST = Duration.ofHours(24);

    private final Settings settings;
    private final Ledger ledger;
    private final Deliveries deliveries;
    private final Owner owner;
    private final ApiClock clock;
    private final Map<Long, Integer> looks = new HashMap<>();
    private final Map<Long, Long> nextLooks = new HashMap<>();

    Reconciliation(Settings settings, Ledger ledger, Deliveries deliveries, Owner owner, ApiClock clock) {
        this.settings = settings;
        this.ledger = ledger;
        this.deliveries = deliveries;
        this.owner = owner;
        this.clock = clock;
    }

    /** Begins a round with what is due to be looked for, none where nothing is, or another process leads. */
    public void begin(Exchange exchange) throws CsvImportUnsettledException {
        exchange.setProperty(ROUND, null);
        ledger.flush();
        if (!owner.leads()) {
            return;
        }
        deliveries.doubtUnfinished();
        for (Delivery delivery : deliveries.heldWithImportId()) {
            accept(delivery, delivery.importId);
        }
        List<Delivery> due = new ArrayList<>();
        long now = System.nanoTime();
        List<Delivery> unknown = deliveries.in("unknown");
        looks.keySet().removeIf(job -> unknown.stream().noneMatch(delivery -> delivery.job == job));
        nextLooks.keySet().retainAll(looks.keySet());
        ledger.forgetDoubts(unknown);
        for (Delivery delivery : unknown) {
            if (now - nextLooks.getOrDefault(delivery.job, now) < 0) {
                continue;
            }
            if (now - ledger.doubt(delivery).ended() > AT_MOST.toNanos()) {
                hold(delivery, "no-proof", "The import list proved nothing for " + AT_MOST.toHours() + " hours");
                continue;
            }
            int look = looks.merge(delivery.job, 1, Integer::sum);
            if (look == 1 && ledger.doubt(delivery).ofEarlierProcess()) {
                delivery.log(LOG, Level.WARN, "; it is looked for in the import list");
            }
            nextLooks.put(delivery.job, now + Pauses.growing(look).toNanos());
            due.add(delivery);
        }
        exchange.setProperty(ROUND, due.isEmpty() ? null : new Round(due));
    }

    /**
     * Judges the round's deliveries by the list in the message body.
     *
     * @throws IOException where the list cannot be read to its end: nothing is proven
     */
    public void judge(Exchange exchange) throws IOException, CsvImportUnsettledException {
        Message answer = exchange.getMessage();
        Round round = exchange.getProperty(ROUND, Round.class);
        String filter = exchange.getProperty("csvImportFilter", String.class);
        clock.see(answer.getHeader("Date", String.class));
        ImportList list;
        try (InputStream body = answer.getBody(InputStream.class)) {
            list = ImportList.read(body);
        }
        boolean proof = list.isWhole() && (filter == null || hasOneOfOurs(list));
        for (Delivery delivery : List.copyOf(round.open)) {
            if (filter != null && !filter.equals(delivery.template)) {
                continue;
            }
            List<ImportList.Entry> candidates = candidates(list, delivery);
            Optional<ImportList.Entry> found = find(list, candidates, delivery);
            if (found.isPresent()) {
                accept(delivery, found.get().id());
                round.open.remove(delivery);
            } else if (proof && candidates.isEmpty()) {
                // a candidate that cannot be told for sure, without id, time or template, proves nothing either way
                round.open.remove(delivery);
                if (isLateEnough(delivery, round.asked)) {
                    conclude(delivery);
                }
            }
        }
    }

    /** The template filter is trusted once it lists an import of ours: a template may be given by its id. */
    private boolean hasOneOfOurs(ImportList list) throws CsvImportUnsettledException {
        for (ImportList.Entry entry : list.entries()) {
            if (entry.id() != null && deliveries.knows(entry.id())) {
                return true;
            }
        }
        return false;
    }

    /** The imports that may be the delivery's: of its name and size, not too old, and of no other job. */
    private List<ImportList.Entry> candidates(ImportList list, Delivery delivery) throws CsvImportUnsettledException {
        Instant earliest = earliest(delivery);
        String sentName =
                settings.flag("tag-file-name") ? CsvUpload.tagged(delivery.fileName, delivery.job) : delivery.fileName;
        List<ImportList.Entry> candidates = new ArrayList<>();
        for (ImportList.Entry entry : list.entries()) {
            boolean same = entry.names().contains(sentName)
                    && (entry.size() < 0 || entry.size() == delivery.size)
                    && (entry.created() == null || !entry.created().isBefore(earliest));
            if (same && (entry.id() == null || !deliveries.isOfAnother(delivery, entry.id()))) {
                candidates.add(entry);
            }
        }
        return candidates;
    }

    private Optional<ImportList.Entry> find(ImportList list, List<ImportList.Entry> candidates, Delivery delivery)
            throws CsvImportUnsettledException {
        List<ImportList.Entry> matches = candidates.stream()
                .filter(entry -> entry.id() != null && entry.created() != null)
                .toList();
        Optional<ImportList.Entry> exact = matches.stream()
                .filter(entry -> delivery.template.equals(entry.template()))
                .min(Comparator.comparing(ImportList.Entry::created));
        // the template may be given by its id, and listed by its name
        boolean only = matches.size() == 1
                && list.entries().stream().noneMatch(entry -> delivery.template.equals(entry.template()))
                && deliveries.isOnlyOne(delivery);
        return exact.isPresent() || !only ? exact : Optional.of(matches.get(0));
    }

    /** A break before the last byte left needs one list only; anything else is given time to be listed. */
    private boolean isLateEnough(Delivery delivery, long asked) {
        Ledger.Doubt doubt = ledger.doubt(delivery);
        return !doubt.complete()
                || asked - doubt.ended() >= settings.duration("reconcile.wait").toNanos();
    }

    private void accept(Delivery delivery, String importId) throws CsvImportUnsettledException {
        delivery.importId = importId;
        delivery.reconciled = true;
        delivery.reason = null;
        delivery.detail = null;
        delivery.httpStatus = null;
        deliveries.write(delivery, "accepted", null);
        delivery.log(LOG, Level.INFO, ", reconciled");
    }

    private void conclude(Delivery delivery) throws CsvImportUnsettledException {
        if (settings.get("reconcile.not-found").equals("hold")) {
            hold(delivery, "not-found", "The import list does not have it");
            return;
        }
        delivery.reason = "not-found";
        delivery.detail = "The import list does not have it: it is uploaded again";
        deliveries.write(delivery, "waiting", Instant.now());
        delivery.log(LOG, Level.INFO, "");
    }

    private void hold(Delivery delivery, String reason, String detail) throws CsvImportUnsettledException {
        delivery.reason = reason;
        delivery.detail = detail + ": a person decides";
        deliveries.write(delivery, "held", null);
        delivery.log(LOG, Level.WARN, "");
    }

    /** When the import can have been made at the earliest, by the API's clock. */
    private Instant earliest(Delivery delivery) {
        Ledger.Doubt doubt = ledger.doubt(delivery);
        if (doubt.ofEarlierProcess() && delivery.apiTime != null) {
            return delivery.apiTime.minus(TOLERANCE);
        }
        Instant now = Objects.requireNonNullElseGet(clock.now(), Instant::now);
        Instant began = now.minusNanos(System.nanoTime() - doubt.began()).minus(TOLERANCE);
        // the machine's clock may have been set since: the API's was not known then
        return doubt.ofEarlierProcess() ? began.minus(UNSURE) : began;
    }
}
