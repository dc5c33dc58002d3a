package io.csvimport;

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

    /** The exchange property of a void: the import, and how far it came. */
    public static final class Request {

        private Job job;
        private boolean underway;
        private boolean voided;
        private int status;
        private String reason;
        private String detail;
        private Duration pause;

        Request(Job job) {
            this.job = job;
        }

        /** Whether the API is to be asked, now and by this request. */
        public boolean isUnderway() {
            return underway;
        }

        /** Whether the import list decides: the API has answered with another 2xx than the documented ones. */
        public boolean isDecidedByList() {
            return status / 100 == 2 && !voided;
        }
    }

    static final String PROPERTY = "csvImportVoid";

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");
    private static final Set<Integer> LATER = Set.of(401, 403, 407, 408, 429);

    /** States of what a person may withdraw. */
    private static final Set<State> UNSENT = EnumSet.of(State.CLAIMED, State.WAITING, State.HELD);

    private final Voids voids;
    private final Outcomes outcomes;
    private final ListedImports imports;
    private final ApiHealth health;
    private final String spool;
    private final boolean documentsPath;
    private final Set<Long> underway = ConcurrentHashMap.newKeySet();
    private final Map<Long, Integer> failures = new ConcurrentHashMap<>();

    Voiding(Settings settings, Voids voids, Outcomes outcomes, ListedImports imports, ApiHealth health) {
        this.voids = voids;
        this.outcomes = outcomes;
        this.imports = imports;
        this.health = health;
        spool = settings.path("data-dir").resolve("spool") + "/";
        documentsPath = settings.get("void.path").equals("csv-import");
    }

    /** The jobs whose void is to go on. */
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
            job = find(exchange, exchange.getMessage());
        } catch (CsvImportRefusedException e) {
            LOG.warn("Nothing is voided: {}", e.getMessage());
            throw e;
        }
        Request request = new Request(job);
        exchange.setProperty(PROPERTY, request);
        if (job.state() == State.VOIDED) {
            return;
        }
        if (UNSENT.contains(job.state())) {
            request.job = withdraw(job);
            return;
        }
        if (!underway.add(job.id())) {
            request.job = job.with(job.outcome().to(State.VOIDING));
            return;
        }
        exchange.getExchangeExtension().addOnCompletion(new SynchronizationAdapter() {
            @Override
            public void onDone(Exchange done) {
                underway.remove(job.id());
            }
        });
        Optional<Job> voiding = voids.begin(job);
        request.underway = voiding.isPresent();
        request.job =
                voiding.isPresent() ? voiding.get() : voids.ofJob(job.id()).orElse(job);
    }

    /** What waits, and has no import, is withdrawn: nothing is to be asked of the API. */
    private Job withdraw(Job job) throws CsvImportRefusedException, CsvImportUnsettledException {
        String what = "job " + job.id();
        String path = job.origin().path();
        if (path != null && !path.startsWith(spool)) {
            throw new CsvImportRefusedException(
                    409,
                    "not-voidable",
                    what + " is " + job.state() + ", there is no import to void. Take the file away, and the job is"
                            + " withdrawn: " + Visible.of(path));
        }
        Job now = outcomes.withdraw(job, Outcome.BY_HAND, "A person has withdrawn it");
        if (now.state() != State.WITHDRAWN) {
            throw new CsvImportRefusedException(409, "not-voidable", what + " is " + now.state() + " by now");
        }
        now.log(LOG, Level.INFO, "");
        return now;
    }

    private Job find(Exchange exchange, Message message) throws CsvImportRefusedException, CsvImportUnsettledException {
        String id = ImportId.of(message.getHeader(Delivery.IMPORT_ID, String.class));
        Long number = id == null ? message.getHeader(Delivery.JOB, Long.class) : null;
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
            throw new CsvImportRefusedException(
                    409,
                    "not-voidable",
                    what + " is " + job.state()
                            + ", there is no import of its own to void"
                            + (job.state() == State.DUPLICATE ? "; the first one is " + importId : ""));
        }
        return job;
    }

    /** Names the import in the path, as the API's document does, or as its sample. */
    public void prepare(Exchange exchange) {
        Request request = exchange.getProperty(PROPERTY, Request.class);
        Message message = exchange.getMessage();
        message.setBody(null);
        message.setHeader(
                Exchange.HTTP_PATH, CsvUpload.encode(request.job.outcome().importId()));
        message.setHeader(Exchange.HTTP_QUERY, documentsPath ? null : "deleteLrsStatements=true");
    }

    /** The API has answered. */
    public void answered(Exchange exchange) {
        Request request = exchange.getProperty(PROPERTY, Request.class);
        ApiAnswer answer = ApiAnswer.read(exchange.getMessage());
        request.status = answer.status();
        request.voided = answer.status() == 204
                || answer.status() == 404
                || answer.status() == 200
                        && answer.broken() == null
                        && answer.body().isBlank();
        request.reason = "http-" + answer.status();
        request.pause = answer.retryAfter();
        request.detail = answer.detail();
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
        Request request = exchange.getProperty(PROPERTY, Request.class);
        ImportList list = ImportList.read(exchange.getMessage(), id -> true, null);
        boolean isListed = list.entries().stream()
                .anyMatch(entry -> entry.id() == null
                        || entry.id().equals(request.job.outcome().importId()));
        boolean isProof = list.isWhole() && (!imports.known(list.ids()).isEmpty() || !imports.areExpected());
        request.voided = isProof && !isListed;
        request.detail += request.voided ? "" : "; the import list does not prove that it is voided";
    }

    /** There was no answer, or no list where that decides: it may be voided, or not. */
    public void unanswered(Exchange exchange) {
        Request request = exchange.getProperty(PROPERTY, Request.class);
        if (request.status != 0) {
            request.detail += "; the import list cannot be had now";
            return;
        }
        Throwable caught = exchange.getProperty(Exchange.EXCEPTION_CAUGHT, Throwable.class);
        FatalErrors.endIfOutOfMemory(caught);
        request.reason = "unreachable";
        request.detail = "The API did not answer: " + Failure.reason(caught);
        health.failed("The API cannot be reached");
    }

    /**
     * Writes down what the API has answered, and tells the caller.
     *
     * @throws CsvImportRefusedException where it refuses for good: the import is what it was before
     */
    public void end(Exchange exchange) throws CsvImportRefusedException, CsvImportUnsettledException {
        Request request = exchange.getProperty(PROPERTY, Request.class);
        Job job = request.underway ? ended(request) : request.job;
        Message message = exchange.getMessage();
        message.setHeader(Delivery.OUTCOME, job.state().toString());
        message.setHeader(Delivery.IMPORT_ID, job.outcome().importId());
        message.setHeader(Delivery.JOB, job.id());
        boolean open = job.state() == State.VOIDING;
        message.setHeader(Delivery.REASON, open ? request.reason : null);
        message.setHeader(Delivery.DETAIL, open ? request.detail : null);
    }

    private Job ended(Request request) throws CsvImportRefusedException, CsvImportUnsettledException {
        Job job = request.job;
        if (request.voided) {
            Optional<Job> voided = voids.voided(job);
            failures.remove(job.id());
            voided.ifPresent(now -> now.log(LOG, Level.INFO, ""));
            return voided.orElse(job.with(job.outcome().to(State.VOIDED)));
        }
        if (request.status / 100 == 4 && !LATER.contains(request.status)) {
            voids.refused(job);
            failures.remove(job.id());
            LOG.warn("Import {} is not voided: {}", Visible.of(job.outcome().importId()), Visible.of(request.detail));
            throw new CsvImportRefusedException(502, request.reason, request.detail);
        }
        int doublings = failures.merge(job.id(), 1, Integer::sum) - 1;
        Duration pause = Pauses.askedOrGrowing(request.pause, doublings);
        Job waits = voids.waits(job, request.reason, request.detail, pause);
        waits.log(LOG, Level.WARN, "; next attempt in " + pause.toSeconds() + " s");
        return waits;
    }
}
