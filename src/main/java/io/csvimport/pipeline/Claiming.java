package io.csvimport.pipeline;

import io.csvimport.CsvImportUnsettledException;
import io.csvimport.api.HttpDate;
import io.csvimport.job.CsvImportConstants;
import io.csvimport.job.Delivery;
import io.csvimport.job.Job;
import io.csvimport.job.Outcome;
import io.csvimport.job.State;
import io.csvimport.ledger.Claims;
import io.csvimport.ledger.Deliveries;
import io.csvimport.ledger.LedgerRefusedException;
import io.csvimport.ledger.Outcomes;
import io.csvimport.text.Visible;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import org.apache.camel.Exchange;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * The steps until a file may be sent: recall, claim, begin. Each is committed before the next, so that what is found
 * after a crash says what to do.
 */
public final class Claiming {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");
    /** While another file of the name is sent, and while the outcome of another is unknown. */
    private static final Duration SHORT_PAUSE = Duration.ofSeconds(1);

    private static final Duration LONG_PAUSE = Duration.ofSeconds(10);

    private final Deliveries deliveries;
    private final Claims claims;
    private final Outcomes outcomes;
    private final Attempts attempts;

    public Claiming(Deliveries deliveries, Claims claims, Outcomes outcomes, Attempts attempts) {
        this.deliveries = deliveries;
        this.claims = claims;
        this.outcomes = outcomes;
        this.attempts = attempts;
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
        Optional<Job> unwritten = found.flatMap(row -> attempts.unwritten(row.id()));
        if (unwritten.isPresent()) {
            attempts.write(unwritten.get(), true);
            found = deliveries.find(key);
        }
        if (found.isEmpty()) {
            delivery.firstSeen();
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
            exchange.setProperty(CsvImportConstants.RECALLED, true);
            exchange.setProperty(CsvImportConstants.OUTCOME, job.state().outcome());
        } else if (!job.state().isUnsent()) {
            // looked for in the import list, by csv-import-reconcile
            throw new CsvImportUnsettledException(job.summary(), Instant.now().plusSeconds(1), null);
        } else if (!isDue(job)) {
            throw new CsvImportUnsettledException(job.summary(), job.outcome().nextAttempt(), null);
        } else {
            // found out again, and before it is read and takes a turn among the requests of the API
            Optional<State> inFlight = deliveries.nameInFlight(job);
            if (inFlight.isPresent()) {
                Duration pause = inFlight.get() == State.UNKNOWN ? LONG_PAUSE : SHORT_PAUSE;
                throw CsvImportUnsettledException.ofItemAlone(nameInFlight(job.names()), pause);
            }
        }
    }

    private static String nameInFlight(Job.Naming names) {
        return Visible.of(names.fileName()) + ": another file of this name and template is being uploaded";
    }

    /** What is logged from here on has the job and the import id in its context. */
    private static void name(Exchange exchange, Job job) {
        exchange.setProperty(CsvImportConstants.JOB, job.id());
        exchange.setProperty(CsvImportConstants.IMPORT_ID, job.outcome().importId());
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
        boolean rejected = exchange.getProperty(CsvImportConstants.OUTCOME) != null;
        if (delivery.origin().sourceKey() == null) {
            delivery.keyByContent();
            recall(exchange, delivery);
            if (exchange.getProperty(CsvImportConstants.RECALLED) != null) {
                return;
            }
            Job.Naming names = delivery.names();
            delivery.named(names.withDuplicates(
                    exchange.getMessage().getHeader(CsvImportConstants.DUPLICATES, names.duplicates(), String.class)));
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
            claim = claim(delivery, single);
        } catch (LedgerRefusedException e) {
            if (e.isConcurrent()) {
                isBusy(
                        exchange,
                        Visible.of(delivery.names().fileName())
                                + ": another process has claimed the same bytes or the same name at the same moment");
                return;
            }
            reject(exchange, delivery, e.getMessage());
            claim = claim(delivery, false);
            rejected = true;
        }
        Job job = claim.job();
        if (job == null && delivery.content().sha256() == null) {
            exchange.setProperty(CsvImportConstants.PAUSE, SHORT_PAUSE);
            isBusy(
                    exchange,
                    Visible.of(delivery.names().fileName())
                            + ": another file of its template and size has come at the same moment; it is read first");
            return;
        }
        if (job == null) {
            isBusy(exchange, Visible.of(delivery.names().fileName()) + ": another process has it");
            return;
        }
        name(exchange, job);
        delivery.claimed(job, claim.mayGoOn() && !rejected);
        if (claim.mayGoOn()) {
            exchange.setProperty(CsvImportConstants.CLAIM, "new");
        } else if (job.state() == State.DUPLICATE) {
            exchange.setProperty(CsvImportConstants.CLAIM, "duplicate");
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
        exchange.setProperty(CsvImportConstants.CLAIM, "busy");
        exchange.setProperty(CsvImportConstants.DETAIL, why);
    }

    /** Whether it is still what was claimed: the same bytes under the same names. */
    private static boolean isSame(Delivery delivery, Job known) {
        return isStoredAs(delivery.names().template(), known.names().template())
                && isStoredAs(delivery.names().addressList(), known.names().addressList())
                && isStoredAs(delivery.names().fileName(), known.names().fileName())
                && (known.content().sha256() == null
                        || known.content().sha256().equals(delivery.content().sha256()));
    }

    private static boolean isStoredAs(String text, String stored) {
        return text == null ? stored == null : Visible.storable(text).equals(stored);
    }

    private Claims.Claim claim(Delivery delivery, boolean single) throws CsvImportUnsettledException {
        // what was known may have no digest yet
        Job job = delivery.job() != null ? delivery.job().with(delivery.content()) : delivery.unclaimed();
        return claims.claim(job, delivery.source(), single);
    }

    /** What the ledger cannot store is bad input: it is rejected, and stored as far as it can be. */
    public static void reject(Exchange exchange, Delivery delivery, String why) {
        Failure.decide(exchange, "rejected", "unstorable", why);
        delivery.shorten();
    }

    /** Commits that the next byte may leave. */
    public void sending(Exchange exchange) throws CsvImportUnsettledException {
        Delivery delivery = Delivery.of(exchange);
        if (!attempts.begin(exchange, delivery)) {
            isBusy(exchange, nameInFlight(delivery.names()));
        }
    }
}
