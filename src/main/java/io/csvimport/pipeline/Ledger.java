package io.csvimport.pipeline;

import io.csvimport.CsvImportUnsettledException;
import io.csvimport.api.ApiClock;
import io.csvimport.api.CsvUpload;
import io.csvimport.api.HttpDate;
import io.csvimport.file.FileMark;
import io.csvimport.job.Delivery;
import io.csvimport.job.Job;
import io.csvimport.job.Outcome;
import io.csvimport.job.Pauses;
import io.csvimport.job.State;
import io.csvimport.ledger.Claims;
import io.csvimport.ledger.Deliveries;
import io.csvimport.ledger.LedgerRefusedException;
import io.csvimport.ledger.Outcomes;
import io.csvimport.settings.Settings;
import io.csvimport.text.Visible;
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
    /** For so long, a database may still do what it was asked for on a connection that is gone. */
    private static final Duration LONGEST_COMMIT = Duration.ofMinutes(10);

    /**
     * What only the living process knows of an unknown outcome, in nanoseconds of its own clock: when sending began and
     * when the connection ended, and whether the last byte of the body may have left.
     */
    public record Doubt(int attempt, long began, long ended, boolean complete, boolean ofEarlierProcess) {

        static Doubt of(Job job, long began, boolean complete) {
            return new Doubt(job.attempt().number(), began, System.nanoTime(), complete, false);
        }

        /** Of an upload that an earlier process began: the connection ended, at the latest, when this one came. */
        static Doubt ofEarlierProcess(Job job) {
            long age = Duration.between(job.attempt().began(), Instant.now()).toNanos();
            return new Doubt(
                    job.attempt().number(), System.nanoTime() - Math.max(age, 0), System.nanoTime(), true, true);
        }
    }

    /** An attempt whose begin may be committed, though this process did not hear of it; nanoTime as of its begin. */
    private record Begun(String sourceKey, Instant began, long nanoTime) {}

    private interface Begin<T> {
        T commit(Job.Attempt attempt) throws CsvImportUnsettledException;
    }

    private final Settings settings;
    private final Deliveries deliveries;
    private final Claims claims;
    private final Outcomes outcomes;
    private final ApiClock clock;
    private final boolean atOnce;
    private final Map<Long, Doubt> doubts = new ConcurrentHashMap<>();
    /** The jobs with what has become of them and could not be written yet. */
    private final Map<Long, Job> unwritten = new ConcurrentHashMap<>();

    private final Set<Begun> perhapsBegun = ConcurrentHashMap.newKeySet();

    /** @param atOnce whether an upload follows its claim at once: neither a preview nor a turn is waited for */
    public Ledger(
            Settings settings,
            Deliveries deliveries,
            Claims claims,
            Outcomes outcomes,
            ApiClock clock,
            boolean atOnce) {
        this.settings = settings;
        this.deliveries = deliveries;
        this.claims = claims;
        this.outcomes = outcomes;
        this.clock = clock;
        this.atOnce = atOnce;
    }

    /** Begins a delivery, and recalls what the ledger knows of it before a byte is read. */
    public void recall(Exchange exchange) throws CsvImportUnsettledException {
        Delivery delivery = Delivery.begin(exchange);
        if (delivery.origin().sourceKey() != null) {
            recall(exchange, delivery);
        }
    }

    private void recall(Exchange exchange, Delivery delivery) throws CsvImportUnsettledException {
        String key = delivery.origin().sourceKey();
        Optional<Job> found = deliveries.find(key);
        Job before = found.map(row -> unwritten.get(row.id())).orElse(null);
        if (before != null) {
            write(before, true);
            found = deliveries.find(key);
        }
        if (found.isEmpty()) {
            return;
        }
        Job job = found.get();
        delivery.recalled(job);
        Names.keep(exchange, job.names());
        name(exchange, job);
        if (deliveries.isForeign(job)) {
            throw new CsvImportUnsettledException(
                    job.names().fileName() + ": another process has it",
                    Instant.now().plusSeconds(5),
                    null);
        }
        if (job.state().isSettled()) {
            exchange.setProperty(Delivery.RECALLED, true);
            exchange.setProperty(Delivery.OUTCOME, job.state().outcome());
        } else if (!job.state().isUnsent()) {
            // looked for in the import list, by csv-import-reconcile
            throw new CsvImportUnsettledException(job.summary(), Instant.now().plusSeconds(1), null);
        } else if (!isDue(job)) {
            throw new CsvImportUnsettledException(job.summary(), job.outcome().nextAttempt(), null);
        }
    }

    /** What is logged from here on has the job and the import id in its context. */
    private static void name(Exchange exchange, Job job) {
        exchange.setProperty(Delivery.JOB, job.id());
        exchange.setProperty(Delivery.IMPORT_ID, job.outcome().importId());
    }

    /** A clock that was set back, behind the latest attempt or further than any pause, does not stretch a pause. */
    private static boolean isDue(Job job) {
        Instant now = Instant.now();
        Instant next = job.outcome().nextAttempt();
        return next == null
                || !now.isBefore(next)
                || now.isBefore(Objects.requireNonNullElse(job.attempt().began(), job.createdAt()))
                || Duration.between(now, next).compareTo(HttpDate.LONGEST_PAUSE) > 0;
    }

    /** Writes the delivery's row, or finds it; the same bytes again end here as a duplicate. */
    public void claim(Exchange exchange) throws CsvImportUnsettledException {
        Delivery delivery = Delivery.of(exchange);
        boolean rejected = exchange.getProperty(Delivery.OUTCOME) != null;
        if (delivery.origin().sourceKey() == null) {
            delivery.keyByContent();
            recall(exchange, delivery);
            if (exchange.getProperty(Delivery.RECALLED) != null) {
                return;
            }
            Job.Naming names = delivery.names();
            delivery.named(names.withDuplicates(
                    exchange.getMessage().getHeader(Delivery.DUPLICATES, names.duplicates(), String.class)));
        }
        Job known = delivery.job();
        if (known != null && !isSame(delivery, known)) {
            // named otherwise since, or other bytes: what was claimed first will not be sent
            Outcome renamed =
                    known.outcome().because("renamed", known.outcome().detail()).to(State.WITHDRAWN);
            outcomes.released(outcomes.write(known, renamed), null);
            delivery.became(null);
        }
        boolean single = !rejected && !delivery.names().duplicates().equals("import");
        Claims.Claim claim;
        try {
            claim = claim(delivery, single, atOnce && !rejected);
        } catch (LedgerRefusedException e) {
            reject(exchange, delivery, e.getMessage());
            claim = claim(delivery, false, false);
            rejected = true;
        }
        Job job = claim.job();
        if (job == null) {
            isBusy(exchange, Visible.of(delivery.names().fileName()) + ": another process has it");
            return;
        }
        name(exchange, job);
        delivery.claimed(job, claim.mayGoOn() && !rejected);
        if (claim.mayGoOn()) {
            exchange.setProperty(Delivery.CLAIM, "new");
            if (atOnce && !rejected) {
                begun(exchange, delivery);
            }
        } else if (job.state() == State.DUPLICATE) {
            exchange.setProperty(Delivery.CLAIM, "duplicate");
        } else {
            boolean isLogged = known != null
                    && Objects.equals(known.outcome().detail(), job.outcome().detail());
            if (!isLogged) {
                job.log(LOG, Level.WARN, "");
            }
            isBusy(exchange, job.summary());
        }
    }

    /** It is not its turn yet. */
    private static void isBusy(Exchange exchange, String why) {
        exchange.setProperty(Delivery.CLAIM, "busy");
        exchange.setProperty(Delivery.DETAIL, why);
    }

    /** Whether it is still what was claimed: the same bytes under the same names. */
    private static boolean isSame(Delivery delivery, Job known) {
        return isStoredAs(delivery.names().template(), known.names().template())
                && isStoredAs(delivery.names().addressList(), known.names().addressList())
                && isStoredAs(delivery.names().fileName(), known.names().fileName())
                && Objects.equals(delivery.content().sha256(), known.content().sha256());
    }

    private static boolean isStoredAs(String text, String stored) {
        return text == null ? stored == null : Visible.storable(text).equals(stored);
    }

    private Claims.Claim claim(Delivery delivery, boolean single, boolean begins) throws CsvImportUnsettledException {
        Job job = delivery.job() != null ? delivery.job() : delivery.unclaimed();
        return begins
                ? begin(delivery, job, attempt -> claims.claim(job, delivery.source(), single, attempt))
                : claims.claim(job, delivery.source(), single, null);
    }

    /** What the ledger cannot store is bad input: it is rejected, and stored as far as it can be. */
    public static void reject(Exchange exchange, Delivery delivery, String why) {
        exchange.setProperty(Delivery.OUTCOME, "rejected");
        exchange.setProperty(Delivery.REASON, "unstorable");
        exchange.setProperty(Delivery.DETAIL, why);
        delivery.shorten();
    }

    /** Commits that the next byte may leave, where the claim has not done so. */
    public void sending(Exchange exchange) throws CsvImportUnsettledException {
        Delivery delivery = Delivery.of(exchange);
        Job job = delivery.job();
        if (job.state() != State.SENDING) {
            delivery.became(
                    begin(delivery, job, attempt -> claims.begin(job, attempt)).orElse(job));
            begun(exchange, delivery);
        }
    }

    private <T> T begin(Delivery delivery, Job job, Begin<T> begin) throws CsvImportUnsettledException {
        Job.Attempt attempt = new Job.Attempt(job.attempt().number() + 1, Instant.now(), clock.now());
        delivery.begins(System.nanoTime());
        try {
            return begin.commit(attempt);
        } catch (LedgerRefusedException e) {
            throw e;
        } catch (CsvImportUnsettledException e) {
            // it may be committed, and only the answer lost
            perhapsBegun.add(new Begun(job.origin().sourceKey(), attempt.began(), delivery.beganNanos()));
            throw e;
        }
    }

    private void begun(Exchange exchange, Delivery delivery) {
        if (delivery.job().state() != State.SENDING) {
            String name = delivery.names().fileName();
            isBusy(exchange, name + ": another file of this name and template is being uploaded");
            return;
        }
        doubts.remove(delivery.job().id());
        exchange.getExchangeExtension().addOnCompletion(new SynchronizationAdapter() {
            @Override
            public void onDone(Exchange done) {
                if (delivery.job().state() == State.SENDING) {
                    noOutcome(done, delivery);
                }
            }
        });
    }

    /** It ended without a word: nothing is known of what was sent. */
    private void noOutcome(Exchange done, Delivery delivery) {
        Job job = delivery.job();
        CsvUpload upload = done.getProperty(Delivery.UPLOAD, CsvUpload.class);
        boolean isSent = upload != null && upload.isStarted();
        if (isSent) {
            doubts.put(job.id(), Doubt.of(job, delivery.beganNanos(), true));
        }
        Outcome outcome = isSent
                ? job.outcome().to(State.UNKNOWN, Instant.now())
                : job.outcome().to(State.WAITING, Instant.now().plusSeconds(1));
        // the ledger may be away just now
        unwritten.put(job.id(), job.with(outcome));
    }

    /** @param ended with what has become of it: kept in mind until the ledger has it */
    private Job write(Job ended, boolean durable) throws CsvImportUnsettledException {
        unwritten.put(ended.id(), ended);
        Job now = outcomes.writeSeen(ended, ended.outcome(), durable);
        unwritten.remove(ended.id(), ended);
        return now;
    }

    /** Tells the ledger what it could not be told when it was away. */
    public void flush() throws CsvImportUnsettledException {
        for (Begun begun : perhapsBegun) {
            boolean old = System.nanoTime() - begun.nanoTime > LONGEST_COMMIT.toNanos();
            if (claims.takeBack(begun.sourceKey, begun.began) || old) {
                perhapsBegun.remove(begun);
            }
        }
        for (Job ended : unwritten.values()) {
            write(ended, true);
        }
    }

    /** Counts a failure that concerns this file alone; the last that is allowed makes it held. */
    public void countFailure(Exchange exchange) {
        Delivery delivery = Delivery.of(exchange);
        Job job = delivery.job();
        Outcome failed = failedAgain(job, outcome(exchange, job));
        delivery.became(job.with(job.outcome().failed(failed.failures())));
        exchange.setProperty(Delivery.OUTCOME, failed.state().toString());
        exchange.setProperty(Delivery.DETAIL, failed.detail());
    }

    /** From a second to a minute, longer with each attempt; what the API asks for with Retry-After, up to ten minutes. */
    public static void pause(Exchange exchange) {
        Duration asked = exchange.getProperty(Delivery.RETRY_AFTER, Duration.class);
        int doublings = Delivery.of(exchange).job().attempt().number() - 1;
        exchange.setProperty(Delivery.PAUSE, Pauses.askedOrGrowing(asked, doublings));
    }

    /**
     * It waits for others, and the ledger has nothing to write.
     *
     * @throws CsvImportUnsettledException always; later files need not wait for it
     */
    public static void postpone(Exchange exchange) throws CsvImportUnsettledException {
        throw CsvImportUnsettledException.ofItemAlone(
                exchange.getProperty(Delivery.DETAIL, String.class),
                exchange.getProperty(Delivery.PAUSE, Duration.class));
    }

    /** What the steps before have found out. */
    private static Outcome outcome(Exchange exchange, Job job) {
        Outcome.Why why = new Outcome.Why(
                exchange.getProperty(Delivery.REASON, String.class),
                exchange.getProperty(Delivery.DETAIL, String.class),
                exchange.getProperty(Delivery.HTTP_STATUS, Integer.class));
        return job.outcome()
                .answered(exchange.getProperty(Delivery.IMPORT_ID, String.class), why)
                .to(State.of(exchange.getProperty(Delivery.OUTCOME, String.class)));
    }

    /**
     * Writes what became of the delivery; a settled one with its audit event.
     *
     * @throws CsvImportUnsettledException where it waits or its outcome is unknown, for the pause of the exchange
     */
    public void settle(Exchange exchange) throws CsvImportUnsettledException {
        Delivery delivery = Delivery.of(exchange);
        Job job = delivery.job();
        if (job.state().isSettled()) {
            exchange.setProperty(Delivery.SUMMARY, job.summary());
            return;
        }
        Outcome outcome = outcome(exchange, job);
        // a file that was moved had its answer; of anything else the source may have the only bytes
        boolean durable =
                outcome.state().isSettled() && !(exchange.getProperty(Delivery.SOURCE_FILE) instanceof FileMark);
        String next = "it is looked for in the import list";
        if (!outcome.state().isSettled()) {
            Duration pause = exchange.getProperty(Delivery.PAUSE, Duration.class);
            outcome = outcome.to(outcome.state(), Instant.now().plus(pause));
            if (outcome.state() == State.UNKNOWN) {
                CsvUpload upload = exchange.getProperty(Delivery.UPLOAD, CsvUpload.class);
                doubts.put(job.id(), Doubt.of(job, delivery.beganNanos(), upload.isComplete()));
            } else {
                next = "next attempt in " + pause.toSeconds() + " s";
            }
        }
        // whatever the ledger says to it
        delivery.became(job.with(outcome));
        delivery.became(write(delivery.job(), durable));
        Job now = delivery.job();
        if (now.state().isSettled()) {
            // the row may have moved on
            exchange.setProperty(Delivery.OUTCOME, now.state().outcome());
            exchange.setProperty(Delivery.SUMMARY, now.summary());
            return;
        }
        LOG.warn("{}; {}", now.summary(), next);
        throw new CsvImportUnsettledException(
                now.summary(),
                now.outcome().nextAttempt(),
                exchange.getProperty(Exchange.EXCEPTION_CAUGHT, Throwable.class));
    }

    /** Counts a failure that concerns this file alone; where it was the last that is allowed, a person decides. */
    public Outcome failedAgain(Job job, Outcome outcome) {
        Outcome failed = outcome.failed(outcome.failures() + 1);
        if (failed.failures() < settings.number("max-attempts")) {
            return failed;
        }
        String detail = (failed.detail() == null ? "" : failed.detail() + "; ") + "it has failed " + failed.failures()
                + " times for reasons of its own (csv-import.max-attempts): a person decides, POST /csv-imports/"
                + job.id() + "/retry tries again";
        return failed.because(failed.reason(), detail).to(State.HELD);
    }

    /** Tells the caller of {@code direct:csv-import}; where that is no packaged source, its end is the release. */
    public void tell(Exchange exchange) throws CsvImportUnsettledException {
        Job job = Delivery.of(exchange).job();
        exchange.removeProperty(Delivery.UPLOAD);
        if (!job.state().isSettled()) {
            throw new CsvImportUnsettledException(job.summary(), Instant.now().plusSeconds(1), null);
        }
        exchange.getMessage().setHeader(Delivery.OUTCOME, exchange.getProperty(Delivery.OUTCOME));
        exchange.getMessage().setHeader(Delivery.IMPORT_ID, job.outcome().importId());
        exchange.getMessage().setHeader(Delivery.REASON, job.outcome().reason());
        if (exchange.getProperty(Delivery.FEED) == null) {
            exchange.getExchangeExtension().addOnCompletion(new SynchronizationAdapter() {
                @Override
                public void onComplete(Exchange done) {
                    try {
                        outcomes.released(job, null);
                    } catch (CsvImportUnsettledException e) {
                        LOG.warn("{}: {}", job.summary(), e.getMessage());
                    }
                }
            });
        }
    }

    /** What is known of this attempt of an upload whose outcome is unknown. */
    public Doubt doubt(Job job) {
        return doubts.compute(
                job.id(),
                (id, doubt) ->
                        doubt != null && doubt.attempt == job.attempt().number() ? doubt : Doubt.ofEarlierProcess(job));
    }

    /** Keeps the doubts of these deliveries only, and of what is still to be written. */
    public void forgetDoubts(List<Job> unknown) {
        doubts.keySet()
                .removeIf(id -> !unwritten.containsKey(id) && unknown.stream().noneMatch(job -> job.id() == id));
    }
}
