package io.csvimport;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.camel.Exchange;
import org.apache.camel.support.SynchronizationAdapter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * The steps of the pipeline that write the ledger. Each is committed before the next begins, so that whatever dies,
 * what is found afterwards says what to do.
 */
public final class Ledger {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");
    private static final Duration ITEM_PAUSE = Duration.ofSeconds(10);
    /** For so long, a database may still do what it was asked for on a connection that is gone. */
    private static final Duration LONGEST_COMMIT = Duration.ofMinutes(10);

    /**
     * What only the living process knows of an unknown outcome, in nanoseconds of its own clock: when sending began and
     * when the connection ended, and whether the last byte of the body may have left.
     */
    record Doubt(int attempt, long began, long ended, boolean complete, boolean ofEarlierProcess) {

        static Doubt of(Delivery delivery, boolean complete) {
            return new Doubt(delivery.attempts, delivery.sendingNanos, System.nanoTime(), complete, false);
        }

        /** Of an upload that an earlier process began: the connection ended, at the latest, when this one came. */
        static Doubt ofEarlierProcess(Delivery delivery) {
            long age = Duration.between(delivery.sendingAt, Instant.now()).toNanos();
            return new Doubt(delivery.attempts, System.nanoTime() - Math.max(age, 0), System.nanoTime(), true, true);
        }
    }

    private static final Set<String> OWN_REASONS = Set.of(Failure.FAILED, Preview.UNREADABLE);

    private interface Begin {
        boolean commit() throws CsvImportUnsettledException;
    }

    private final Settings settings;
    private final Deliveries deliveries;
    private final ApiClock clock;
    private final boolean atOnce;
    private final Map<Long, Doubt> doubts = new ConcurrentHashMap<>();
    private final Map<Long, Delivery> unwritten = new ConcurrentHashMap<>();
    private final Set<Delivery> perhapsBegun = ConcurrentHashMap.newKeySet();

    /** @param atOnce whether an upload follows its claim at once: neither a preview nor a turn is waited for */
    Ledger(Settings settings, Deliveries deliveries, ApiClock clock, boolean atOnce) {
        this.settings = settings;
        this.deliveries = deliveries;
        this.clock = clock;
        this.atOnce = atOnce;
    }

    /** Begins a delivery, and recalls what the ledger knows of it before a byte is read. */
    public void recall(Exchange exchange) throws CsvImportUnsettledException {
        Delivery delivery = Delivery.begin(exchange);
        if (delivery.sourceKey != null) {
            recall(exchange, delivery);
        }
    }

    private void recall(Exchange exchange, Delivery delivery) throws CsvImportUnsettledException {
        Optional<Delivery> found = deliveries.find(delivery.sourceKey);
        Delivery before = found.map(row -> unwritten.get(row.job)).orElse(null);
        if (before != null) {
            write(before, before.state, before.nextAttempt, true);
            found = deliveries.find(delivery.sourceKey);
        }
        if (found.isEmpty()) {
            return;
        }
        delivery.recall(found.get());
        Names.keep(exchange, delivery);
        name(exchange, delivery);
        if (deliveries.isForeign(found.get())) {
            throw new CsvImportUnsettledException(
                    delivery.fileName + ": another process has it",
                    Instant.now().plusSeconds(5),
                    null);
        }
        if (!Deliveries.UNSETTLED.contains(delivery.state)) {
            exchange.setProperty(Delivery.RECALLED, true);
            exchange.setProperty(Delivery.OUTCOME, Deliveries.outcome(delivery.state));
        } else if (delivery.state.equals("unknown") || delivery.state.equals("sending")) {
            // looked for in the import list, by csv-import-reconcile
            throw new CsvImportUnsettledException(
                    delivery.getSummary(), Instant.now().plusSeconds(1), null);
        } else if (!isDue(found.get())) {
            throw new CsvImportUnsettledException(delivery.getSummary(), delivery.nextAttempt, null);
        }
    }

    /** What is logged from here on has the job and the import id in its context. */
    private static void name(Exchange exchange, Delivery delivery) {
        exchange.setProperty(Delivery.JOB, delivery.job);
        exchange.setProperty(Delivery.IMPORT_ID, delivery.importId);
    }

    /** A clock that was set back, behind the latest attempt or further than any pause, does not stretch a pause. */
    private static boolean isDue(Delivery row) {
        Instant now = Instant.now();
        return row.nextAttempt == null
                || !now.isBefore(row.nextAttempt)
                || now.isBefore(Objects.requireNonNullElse(row.sendingAt, row.createdAt))
                || Duration.between(now, row.nextAttempt).compareTo(HttpDate.LONGEST_PAUSE) > 0;
    }

    /** Writes the delivery's row, or finds it; the same bytes again end here as a duplicate. */
    public void claim(Exchange exchange) throws CsvImportUnsettledException {
        Delivery delivery = Delivery.of(exchange);
        boolean rejected = exchange.getProperty(Delivery.OUTCOME) != null;
        if (delivery.sourceKey == null) {
            delivery.sourceKey = String.join("|", delivery.from, delivery.template, delivery.fileName, delivery.sha256);
            recall(exchange, delivery);
            if (exchange.getProperty(Delivery.RECALLED) != null) {
                return;
            }
            delivery.duplicates =
                    exchange.getMessage().getHeader(Delivery.DUPLICATES, delivery.duplicates, String.class);
        }
        if (delivery.job != 0 && !delivery.isSameAsKnown()) {
            // named otherwise since, or other bytes: what was claimed first will not be sent
            Delivery before = delivery.known;
            before.reason = "renamed";
            deliveries.write(before, "withdrawn", null);
            deliveries.released(before, null);
            delivery.job = 0;
            delivery.attempts = 0;
            delivery.failures = 0;
        }
        boolean single = !rejected && !delivery.duplicates.equals("import");
        boolean begins = atOnce && !rejected;
        boolean mayGoOn;
        try {
            mayGoOn = begins
                    ? begin(delivery, () -> deliveries.claim(delivery, single, true))
                    : deliveries.claim(delivery, single, false);
        } catch (LedgerRefusedException e) {
            perhapsBegun.remove(delivery);
            reject(exchange, delivery, e.getMessage());
            deliveries.claim(delivery, false, false);
            name(exchange, delivery);
            return;
        }
        name(exchange, delivery);
        if (!mayGoOn) {
            if (!"duplicate".equals(delivery.state)) {
                throw CsvImportUnsettledException.ofItemAlone(whatItAwaits(delivery), ITEM_PAUSE);
            }
            exchange.setProperty(Delivery.OUTCOME, "duplicate");
        } else {
            delivery.claimed = true;
            if (begins) {
                begun(exchange, delivery);
            }
        }
    }

    /** What the ledger cannot store is bad input: it is rejected, and stored as far as it can be. */
    static void reject(Exchange exchange, Delivery delivery, String why) {
        exchange.setProperty(Delivery.OUTCOME, "rejected");
        exchange.setProperty(Delivery.REASON, "unstorable");
        exchange.setProperty(Delivery.DETAIL, why);
        delivery.shorten();
    }

    private static String whatItAwaits(Delivery delivery) {
        if (delivery.job == 0) {
            return Visible.of(delivery.fileName) + ": another process has it";
        }
        boolean isSaid = delivery.known != null && Objects.equals(delivery.known.detail, delivery.detail);
        if (!isSaid) {
            delivery.log(LOG, Level.WARN, "");
        }
        return delivery.getSummary();
    }

    /** Commits that the next byte may leave, where the claim has not done so. */
    public void sending(Exchange exchange) throws CsvImportUnsettledException {
        Delivery delivery = Delivery.of(exchange);
        if (!delivery.state.equals("sending")) {
            begin(delivery, () -> {
                deliveries.sending(delivery);
                return true;
            });
            begun(exchange, delivery);
        }
    }

    private boolean begin(Delivery delivery, Begin begin) throws CsvImportUnsettledException {
        delivery.sendingAt = Instant.now();
        delivery.sendingNanos = System.nanoTime();
        delivery.apiTime = clock.now();
        try {
            return begin.commit();
        } catch (CsvImportUnsettledException e) {
            // it may be committed, and only the answer lost
            perhapsBegun.add(delivery);
            throw e;
        }
    }

    private void begun(Exchange exchange, Delivery delivery) throws CsvImportUnsettledException {
        if (!delivery.state.equals("sending")) {
            throw CsvImportUnsettledException.ofItemAlone(
                    delivery.fileName + ": another file of this name and template is being uploaded", ITEM_PAUSE);
        }
        doubts.remove(delivery.job);
        delivery.attempts++;
        exchange.getExchangeExtension().addOnCompletion(new SynchronizationAdapter() {
            @Override
            public void onDone(Exchange done) {
                if (delivery.state.equals("sending")) {
                    noOutcome(done, delivery);
                }
            }
        });
    }

    /** It ended without a word: nothing is known of what was sent. */
    private void noOutcome(Exchange done, Delivery delivery) {
        CsvUpload upload = done.getProperty(Delivery.UPLOAD, CsvUpload.class);
        if (upload == null || !upload.isStarted()) {
            remember(delivery, "waiting", Instant.now().plusSeconds(1));
        } else {
            doubts.put(delivery.job, Doubt.of(delivery, true));
            remember(delivery, "unknown", Instant.now());
        }
    }

    /** Keeps in mind what the ledger is still to be told: it may be away just now. */
    private void remember(Delivery delivery, String state, Instant nextAttempt) {
        delivery.state = state;
        delivery.nextAttempt = nextAttempt;
        unwritten.put(delivery.job, delivery);
    }

    private void write(Delivery delivery, String state, Instant nextAttempt, boolean durable)
            throws CsvImportUnsettledException {
        remember(delivery, state, nextAttempt);
        deliveries.writeOutcome(delivery, state, nextAttempt, durable);
        unwritten.remove(delivery.job, delivery);
    }

    /** Tells the ledger what it could not be told when it was away. */
    void flush() throws CsvImportUnsettledException {
        for (Delivery delivery : perhapsBegun) {
            boolean old = System.nanoTime() - delivery.sendingNanos > LONGEST_COMMIT.toNanos();
            if (deliveries.takeBack(delivery) || old) {
                perhapsBegun.remove(delivery);
            }
        }
        for (Delivery delivery : unwritten.values()) {
            write(delivery, delivery.state, delivery.nextAttempt, true);
        }
    }

    /**
     * Writes what became of the delivery; a settled one with its audit event.
     *
     * @throws CsvImportUnsettledException where it waits or its outcome is unknown
     */
    public void settle(Exchange exchange) throws CsvImportUnsettledException {
        Delivery delivery = Delivery.of(exchange);
        String outcome = exchange.getProperty(Delivery.OUTCOME, String.class);
        if (!Deliveries.UNSETTLED.contains(delivery.state)) {
            exchange.setProperty(Delivery.SUMMARY, delivery.getSummary());
            return;
        }
        delivery.importId = exchange.getProperty(Delivery.IMPORT_ID, String.class);
        delivery.reason = exchange.getProperty(Delivery.REASON, String.class);
        delivery.detail = exchange.getProperty(Delivery.DETAIL, String.class);
        delivery.httpStatus = exchange.getProperty(Delivery.HTTP_STATUS, Integer.class);
        if (isOwnFailure(exchange, outcome) && isLastAttempt(delivery)) {
            outcome = "held";
            exchange.setProperty(Delivery.OUTCOME, outcome);
        }
        String next = "it is looked for in the import list";
        if (!Deliveries.UNSETTLED.contains(outcome)) {
            // a file that was moved had its answer; of anything else the source may have the only bytes
            write(delivery, outcome, null, !(exchange.getProperty(Delivery.SOURCE_FILE) instanceof FileMark));
        } else if (outcome.equals("unknown")) {
            CsvUpload upload = exchange.getProperty(Delivery.UPLOAD, CsvUpload.class);
            doubts.put(delivery.job, Doubt.of(delivery, upload.isComplete()));
            write(delivery, outcome, Instant.now().plusSeconds(1), false);
        } else {
            Duration pause = pause(exchange, delivery);
            write(delivery, outcome, Instant.now().plus(pause), false);
            next = "next attempt in " + pause.toSeconds() + " s";
        }
        if (!Deliveries.UNSETTLED.contains(delivery.state)) {
            // the row may have moved on
            exchange.setProperty(Delivery.OUTCOME, Deliveries.outcome(delivery.state));
            exchange.setProperty(Delivery.SUMMARY, delivery.getSummary());
            return;
        }
        LOG.warn("{}; {}", delivery.getSummary(), next);
        throw new CsvImportUnsettledException(
                delivery.getSummary(),
                delivery.nextAttempt,
                exchange.getProperty(Exchange.EXCEPTION_CAUGHT, Throwable.class));
    }

    /**
     * Whether it waits for a reason that concerns this file alone: a bug, a preview that cannot be read, or a refusal while
     * the API answers its list.
     */
    private static boolean isOwnFailure(Exchange exchange, String outcome) {
        return outcome.equals("waiting")
                && (OWN_REASONS.contains(exchange.getProperty(Delivery.REASON, "", String.class))
                        || exchange.getProperty(Delivery.LISTED) != null);
    }

    /** Counts a failure that concerns this file alone; where it was the last that is allowed, a person decides. */
    boolean isLastAttempt(Delivery delivery) {
        delivery.failures++;
        boolean last = delivery.failures >= settings.number("max-attempts");
        if (last) {
            delivery.detail = (delivery.detail == null ? "" : delivery.detail + "; ") + "it has failed "
                    + delivery.failures + " times for reasons of its own (csv-import.max-attempts): a person decides,"
                    + " POST /csv-imports/" + delivery.job + "/retry tries again";
        }
        return last;
    }

    /** Tells the caller of {@code direct:csv-import}; where that is no packaged source, its end is the release. */
    public void tell(Exchange exchange) throws CsvImportUnsettledException {
        Delivery delivery = Delivery.of(exchange);
        exchange.removeProperty(Delivery.UPLOAD);
        if (Deliveries.UNSETTLED.contains(delivery.state)) {
            throw new CsvImportUnsettledException(
                    delivery.getSummary(), Instant.now().plusSeconds(1), null);
        }
        exchange.getMessage().setHeader(Delivery.OUTCOME, exchange.getProperty(Delivery.OUTCOME));
        exchange.getMessage().setHeader(Delivery.IMPORT_ID, delivery.importId);
        exchange.getMessage().setHeader(Delivery.REASON, delivery.reason);
        if (exchange.getProperty(Delivery.FEED) == null) {
            exchange.getExchangeExtension().addOnCompletion(new SynchronizationAdapter() {
                @Override
                public void onComplete(Exchange done) {
                    try {
                        deliveries.released(delivery, null);
                    } catch (CsvImportUnsettledException e) {
                        LOG.warn("{}: {}", delivery.getSummary(), e.getMessage());
                    }
                }
            });
        }
    }

    /** What is known of this attempt of an upload whose outcome is unknown. */
    Doubt doubt(Delivery delivery) {
        return doubts.compute(
                delivery.job,
                (job, doubt) ->
                        doubt != null && doubt.attempt == delivery.attempts ? doubt : Doubt.ofEarlierProcess(delivery));
    }

    /** Keeps the doubts of these deliveries only, and of what is still to be written. */
    void forgetDoubts(List<Delivery> unknown) {
        doubts.keySet()
                .removeIf(job ->
                        !unwritten.containsKey(job) && unknown.stream().noneMatch(delivery -> delivery.job == job));
    }

    /** Growing from a second to a minute with each attempt; what the API asks for with Retry-After, up to ten. */
    private static Duration pause(Exchange exchange, Delivery delivery) {
        Duration asked = exchange.getProperty(Delivery.RETRY_AFTER, Duration.class);
        return Pauses.askedOrGrowing(asked, delivery.attempts - 1);
    }
}
