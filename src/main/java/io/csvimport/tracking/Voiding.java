package io.csvimport.tracking;

import io.csvimport.CsvImportRefusedException;
import io.csvimport.CsvImportUnsettledException;
import io.csvimport.api.ApiAnswer;
import io.csvimport.api.ApiHealth;
import io.csvimport.api.CsvUpload;
import io.csvimport.api.HttpDate;
import io.csvimport.api.ImportId;
import io.csvimport.api.ImportList;
import io.csvimport.file.SpoolFolder;
import io.csvimport.job.CsvImportConstants;
import io.csvimport.job.FatalErrors;
import io.csvimport.job.Job;
import io.csvimport.job.Outcome;
import io.csvimport.job.Pauses;
import io.csvimport.job.State;
import io.csvimport.ledger.Imports;
import io.csvimport.ledger.Outcomes;
import io.csvimport.ledger.Voids;
import io.csvimport.pipeline.Failure;
import io.csvimport.settings.Settings;
import io.csvimport.text.Visible;
import java.io.IOException;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.support.SynchronizationAdapter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Voids imports. That one is to be voided is committed before it is asked for; from then on it goes on, after a failure
 * and after a crash, until the API has answered: asking twice does no harm. Its public methods are the steps of
 * {@code csv-import-void}.
 */
public final class Voiding {

    /** Exchange property: begun where the API is to be asked; then what it has said, voided or refused. */
    static final String VOID = "csvImportVoid";
    /** Exchange property: the {@link Job} that is voided. */
    private static final String VOIDED_JOB = "csvImportVoidedJob";

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");

    /** States of what a person may withdraw. */
    private static final Set<State> UNSENT = EnumSet.of(State.CLAIMED, State.WAITING, State.HELD);

    private final Voids voids;
    private final Outcomes outcomes;
    private final Imports imports;
    private final ApiHealth health;
    private final SpoolFolder spool;
    private final boolean isDocumentedPath;
    private final Set<Long> underway = ConcurrentHashMap.newKeySet();
    private final Map<Long, Integer> failures = new ConcurrentHashMap<>();

    public Voiding(Settings settings, Voids voids, Outcomes outcomes, Imports imports, ApiHealth health) {
        this.voids = voids;
        this.outcomes = outcomes;
        this.imports = imports;
        this.health = health;
        spool = SpoolFolder.in(settings.path("data-dir"));
        isDocumentedPath = settings.get("void.path").equals("csv-import");
    }

    public List<Long> due() throws CsvImportUnsettledException {
        return voids.due(HttpDate.LONGEST_PAUSE).stream()
                .filter(job -> !underway.contains(job))
                .toList();
    }

    /**
     * Commits that the import is to be voided.
     *
     * @throws CsvImportRefusedException where the ledger does not know it, or it is no import
     */
    public void begin(Exchange exchange) throws CsvImportRefusedException, CsvImportUnsettledException {
        Job job;
        try {
            job = find(exchange);
        } catch (CsvImportRefusedException e) {
            LOG.warn("Nothing is voided: {}", e.getMessage());
            throw e;
        }
        exchange.setProperty(VOIDED_JOB, begin(exchange, job));
    }

    private Job begin(Exchange exchange, Job job) throws CsvImportRefusedException, CsvImportUnsettledException {
        if (job.state() == State.VOIDED) {
            return job;
        }
        if (UNSENT.contains(job.state())) {
            return withdraw(job);
        }
        if (!underway.add(job.id())) {
            return job.with(job.outcome().to(State.VOIDING));
        }
        exchange.getExchangeExtension().addOnCompletion(new SynchronizationAdapter() {
            @Override
            public void onDone(Exchange done) {
                underway.remove(job.id());
            }
        });
        Optional<Job> voiding = voids.begin(job);
        if (voiding.isEmpty()) {
            return voids.ofJob(job.id()).orElse(job);
        }
        exchange.setProperty(VOID, "begun");
        return voiding.get();
    }

    /** A job that was not sent has no import: it is withdrawn, without asking the API. */
    private Job withdraw(Job job) throws CsvImportRefusedException, CsvImportUnsettledException {
        String what = "job " + job.id();
        String path = job.origin().path();
        if (path != null && !spool.holds(path)) {
            throw notVoidable(
                    what + " is " + job.state() + ", there is no import to void. Take the file away, and the job"
                            + " is withdrawn: " + Visible.of(path));
        }
        Job now = outcomes.withdraw(job, Outcome.BY_HAND, "A person has withdrawn it");
        if (now.state() != State.WITHDRAWN) {
            throw notVoidable(what + " is " + now.state() + " by now");
        }
        now.log(LOG, Level.INFO, "");
        return now;
    }

    private static CsvImportRefusedException notVoidable(String why) {
        return new CsvImportRefusedException(409, "not-voidable", why);
    }

    private Job find(Exchange exchange) throws CsvImportRefusedException, CsvImportUnsettledException {
        Message message = exchange.getMessage();
        String id = ImportId.of(message.getHeader(CsvImportConstants.IMPORT_ID, String.class));
        Long number = id == null ? message.getHeader(CsvImportConstants.JOB, Long.class) : null;
        if (id == null && number == null) {
            throw new CsvImportRefusedException(400, "no-id", "No import is named: set the header csvImportId");
        }
        String what = number == null ? "import " + Visible.of(id) : "job " + number;
        Optional<Job> found = number == null ? voids.ofImport(id) : voids.ofJob(number);
        if (found.isEmpty() && number == null && message.getHeader("csvImportForce", false, Boolean.class)) {
            LOG.warn("Import {} is voided on demand, though the ledger does not know it", Visible.of(id));
            return voids.insert(Objects.requireNonNullElse(exchange.getFromRouteId(), "csv-import-void"), id);
        }
        Job job = found.orElseThrow(() -> new CsvImportRefusedException(
                404,
                "unknown-import",
                "The ledger knows no " + what + (number == null ? "; csvImportForce voids it nevertheless" : "")));
        String importId = job.outcome().importId();
        boolean isUnsent = UNSENT.contains(job.state()) && number != null;
        boolean isImport = job.state().isImported() && importId != null;
        if (!isUnsent && !isImport) {
            throw notVoidable(what + " is " + job.state() + ", there is no import of its own to void"
                    + (job.state() == State.DUPLICATE ? "; the first one is " + importId : ""));
        }
        return job;
    }

    private static Job job(Exchange exchange) {
        return exchange.getProperty(VOIDED_JOB, Job.class);
    }

    /** Sets path and query of the request, as the API's document has them, or as its sample. */
    public void prepare(Exchange exchange) {
        Message message = exchange.getMessage();
        message.setBody(null);
        message.setHeader(
                Exchange.HTTP_PATH, CsvUpload.encode(job(exchange).outcome().importId()));
        message.setHeader(Exchange.HTTP_QUERY, isDocumentedPath ? null : "deleteLrsStatements=true");
    }

    /** The API has answered: its text is the body, null where it could not be read to its end. */
    public void answered(Exchange exchange) {
        ApiAnswer answer = ApiAnswer.read(exchange.getMessage());
        exchange.getMessage().setBody(answer.broken() == null ? answer.body().strip() : null);
        answer.explain(exchange, "");
        if (answer.status() != 404) {
            health.answered(answer.status());
        }
    }

    /**
     * Judges by the import list in the message body: voided is what a whole list does not show, where it shows another
     * import that was listed before, if there is any.
     *
     * @throws IOException where the list cannot be read to its end: nothing is proven
     */
    public void judge(Exchange exchange) throws IOException, CsvImportUnsettledException {
        String importId = job(exchange).outcome().importId();
        ImportList list = ImportList.read(exchange.getMessage(), id -> true, null);
        boolean isListed = list.entries().stream()
                .anyMatch(entry -> entry.id() == null || entry.id().equals(importId));
        boolean isProof = list.isWhole() && (!imports.known(list.ids()).isEmpty() || !imports.areExpected());
        if (isProof && !isListed) {
            exchange.setProperty(VOID, "voided");
        } else {
            addDetail(exchange, "the import list does not prove that it is voided");
        }
    }

    /** There was no answer, or no list where that decides: it may be voided, or not. */
    public void unanswered(Exchange exchange) {
        if (exchange.getProperty(CsvImportConstants.HTTP_STATUS) != null) {
            addDetail(exchange, "the import list cannot be had now");
            return;
        }
        Throwable caught = exchange.getProperty(Exchange.EXCEPTION_CAUGHT, Throwable.class);
        FatalErrors.endIfOutOfMemory(caught);
        exchange.setProperty(CsvImportConstants.REASON, "unreachable");
        exchange.setProperty(CsvImportConstants.DETAIL, "The API did not answer: " + Failure.reason(caught));
        health.failed("The API cannot be reached");
    }

    private static void addDetail(Exchange exchange, String more) {
        exchange.setProperty(CsvImportConstants.DETAIL, exchange.getProperty(CsvImportConstants.DETAIL) + "; " + more);
    }

    public void voided(Exchange exchange) throws CsvImportUnsettledException {
        Job job = job(exchange);
        Optional<Job> voided = voids.voided(job);
        failures.remove(job.id());
        voided.ifPresent(now -> now.log(LOG, Level.INFO, ""));
        exchange.setProperty(VOIDED_JOB, voided.orElse(job.with(job.outcome().to(State.VOIDED))));
    }

    /** @throws CsvImportRefusedException always: the API refuses for good, and the import is what it was before */
    public void refused(Exchange exchange) throws CsvImportRefusedException, CsvImportUnsettledException {
        Job job = job(exchange);
        String detail = exchange.getProperty(CsvImportConstants.DETAIL, String.class);
        voids.refused(job);
        failures.remove(job.id());
        LOG.warn("Import {} is not voided: {}", Visible.of(job.outcome().importId()), Visible.of(detail));
        throw new CsvImportRefusedException(502, exchange.getProperty(CsvImportConstants.REASON, String.class), detail);
    }

    public void waits(Exchange exchange) throws CsvImportUnsettledException {
        Job job = job(exchange);
        int doublings = failures.merge(job.id(), 1, Integer::sum) - 1;
        Duration pause =
                Pauses.askedOrGrowing(exchange.getProperty(CsvImportConstants.RETRY_AFTER, Duration.class), doublings);
        Job waits = voids.waits(
                job,
                exchange.getProperty(CsvImportConstants.REASON, String.class),
                exchange.getProperty(CsvImportConstants.DETAIL, String.class),
                pause);
        waits.log(LOG, Level.WARN, "; next attempt in " + pause.toSeconds() + " s");
        exchange.setProperty(VOIDED_JOB, waits);
    }

    /** Sets the headers of the answer: how far it came. */
    public void answer(Exchange exchange) {
        Job job = job(exchange);
        boolean open = job.state() == State.VOIDING;
        Message message = exchange.getMessage();
        message.setHeader(CsvImportConstants.OUTCOME, job.state().toString());
        message.setHeader(CsvImportConstants.IMPORT_ID, job.outcome().importId());
        message.setHeader(CsvImportConstants.JOB, job.id());
        message.setHeader(CsvImportConstants.REASON, open ? exchange.getProperty(CsvImportConstants.REASON) : null);
        message.setHeader(CsvImportConstants.DETAIL, open ? exchange.getProperty(CsvImportConstants.DETAIL) : null);
    }
}
