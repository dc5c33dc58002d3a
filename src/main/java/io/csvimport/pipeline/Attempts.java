package io.csvimport.pipeline;

import io.csvimport.CsvImportUnsettledException;
import io.csvimport.api.ApiClock;
import io.csvimport.api.CsvUpload;
import io.csvimport.file.FileMark;
import io.csvimport.file.Sha256;
import io.csvimport.job.CsvImportConstants;
import io.csvimport.job.Delivery;
import io.csvimport.job.Job;
import io.csvimport.job.Outcome;
import io.csvimport.job.State;
import io.csvimport.ledger.Claims;
import io.csvimport.ledger.LedgerRefusedException;
import io.csvimport.ledger.Outcomes;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.camel.Exchange;
import org.apache.camel.support.LRUCacheFactory;
import org.apache.camel.support.SynchronizationAdapter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What only the living process knows of its attempts to send: outcomes that are not written yet because the ledger was
 * unavailable, starts whose commit was not confirmed, and how far an upload of unknown outcome came.
 */
public final class Attempts {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");

    /** Attempts of unknown outcome that are remembered. If one is forgotten, the import list alone decides. */
    private static final int MOST = 10_000;

    /**
     * An attempt whose outcome is unknown, in nanoseconds of this process's own clock.
     *
     * @param began when sending began
     * @param ended when the connection ended
     * @param complete whether the last byte of the body may have left
     */
    public record Unknown(int attempt, long began, long ended, boolean complete, boolean ofEarlierProcess) {

        /** Of an upload that an earlier process began: the connection ended, at the latest, when this one came. */
        static Unknown ofEarlierProcess(Job job) {
            long now = System.nanoTime();
            long age = Duration.between(job.attempt().began(), Instant.now()).toNanos();
            // its digest is committed before its last byte leaves
            boolean complete = job.content().sha256() != null;
            return new Unknown(job.attempt().number(), now - Math.max(age, 0), now, complete, true);
        }
    }

    /** A begin that may be committed, though this process did not hear of it. */
    private record Begun(Job job, Job.Attempt attempt) {}

    private final Claims claims;
    private final Outcomes outcomes;
    private final ApiClock clock;
    private final Map<Long, Unknown> unknown = LRUCacheFactory.newLRUCache(MOST);
    private final Map<Long, Job> unwritten = new ConcurrentHashMap<>();
    /** The jobs whose outcome is being written. */
    private final Set<Long> writing = ConcurrentHashMap.newKeySet();

    private final Set<Begun> perhapsBegun = ConcurrentHashMap.newKeySet();

    public Attempts(Claims claims, Outcomes outcomes, ApiClock clock) {
        this.claims = claims;
        this.outcomes = outcomes;
        this.clock = clock;
    }

    /**
     * Commits the next attempt, before the first byte may leave. Where its exchange ends without an outcome, nothing is
     * known of what was sent.
     *
     * @return false where it may not begin
     */
    boolean begin(Exchange exchange, Delivery delivery) throws CsvImportUnsettledException {
        Job job = delivery.job();
        Job.Attempt attempt = new Job.Attempt(job.attempt().number() + 1, Instant.now(), clock.now());
        delivery.begins(System.nanoTime());
        Optional<Job> begun;
        try {
            begun = claims.begin(job, attempt);
        } catch (LedgerRefusedException e) {
            throw e;
        } catch (CsvImportUnsettledException e) {
            // it may be committed, and only the answer lost
            perhapsBegun.add(new Begun(job, attempt));
            throw e;
        }
        if (begun.isEmpty()) {
            return false;
        }
        delivery.became(begun.get());
        exchange.getExchangeExtension().addOnCompletion(new SynchronizationAdapter() {
            @Override
            public void onDone(Exchange done) {
                Job job = delivery.job();
                if (job.state() != State.SENDING) {
                    return;
                }
                CsvUpload upload = done.getProperty(CsvImportConstants.UPLOAD, CsvUpload.class);
                Outcome outcome;
                if (upload == null || !upload.isStarted()) {
                    outcome = job.outcome().to(State.WAITING, Instant.now().plusSeconds(1));
                } else {
                    isUnknown(delivery, true);
                    outcome = job.outcome().to(State.UNKNOWN, Instant.now());
                }
                unwritten.put(job.id(), job.with(outcome));
            }
        });
        return true;
    }

    /**
     * Commits what the file is that is being sent, before its last byte may leave.
     *
     * @throws IOException where that may not leave
     */
    public void digested(Delivery delivery, String sha256) throws IOException {
        Job job = delivery.job();
        Job digested = job.with(new Job.Content(job.content().size(), sha256));
        try {
            if (!claims.digested(digested)) {
                throw new IOException("another job has the same bytes, or another process has the file");
            }
        } catch (CsvImportUnsettledException e) {
            // what it means for the upload is what counts: it is no cause
            throw new IOException("its digest could not be written into the ledger: " + e.getMessage());
        }
        delivery.became(digested);
    }

    /** The job of an upload that broke off, with the digest of its file where it has none and that is still there. */
    public Job digested(Job job) throws CsvImportUnsettledException {
        if (job.content().sha256() != null || job.origin().path() == null) {
            return job;
        }
        // a job without a digest was not sent to its end, which is remembered
        unknown(job);
        try {
            FileMark file = FileMark.of(Path.of(job.origin().path()));
            if (!file.looksLike(job.origin().sourceKey())) {
                return job;
            }
            Job digested = job.with(new Job.Content(file.size(), Sha256.of(file)));
            if (file.isThere()) {
                claims.digested(digested);
                return digested;
            }
        } catch (IOException | LedgerRefusedException e) {
            LOG.debug("{} has no digest yet", job.summary(), e);
        }
        return job;
    }

    /** @param complete whether the last byte of the body may have left */
    void isUnknown(Delivery delivery, boolean complete) {
        int attempt = delivery.job().attempt().number();
        unknown.put(
                delivery.job().id(), new Unknown(attempt, delivery.beganNanos(), System.nanoTime(), complete, false));
    }

    /** What is known of this attempt of a job whose outcome is unknown. */
    public Unknown unknown(Job job) {
        int attempt = job.attempt().number();
        return unknown.compute(
                job.id(),
                (id, known) -> known != null && known.attempt == attempt ? known : Unknown.ofEarlierProcess(job));
    }

    /** @param ended with its outcome, which is remembered until it is written */
    Job write(Job ended, boolean durable) throws CsvImportUnsettledException {
        writing.add(ended.id());
        try {
            unwritten.put(ended.id(), ended);
            Job now = outcomes.writeSeen(ended, ended.outcome(), durable);
            unwritten.remove(ended.id(), ended);
            return now;
        } finally {
            writing.remove(ended.id());
        }
    }

    /** The job with its outcome, where that is not written yet. */
    Optional<Job> unwritten(long id) {
        return Optional.ofNullable(unwritten.get(id));
    }

    /** Writes what could not be written while the ledger was unavailable. */
    public void flush() throws CsvImportUnsettledException {
        for (Begun begun : perhapsBegun) {
            claims.takeBack(begun.job, begun.attempt);
            perhapsBegun.remove(begun);
        }
        for (Job ended : unwritten.values()) {
            if (!writing.contains(ended.id()) && unwritten.get(ended.id()) == ended) {
                write(ended, true);
            }
        }
    }
}
