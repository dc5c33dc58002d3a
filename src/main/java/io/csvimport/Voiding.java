package io.csvimport;

import static io.csvimport.Database.query;
import static io.csvimport.Database.update;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
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

    private final Database database;
    private final Outcomes outcomes;
    private final String spool;
    private final ListedImports imports;
    private final Owner owner;
    private final AuditEvents events;
    private final ApiHealth health;
    private final String organization;
    private final boolean documentsPath;
    private final Set<Long> underway = ConcurrentHashMap.newKeySet();
    private final Map<Long, Integer> failures = new ConcurrentHashMap<>();

    Voiding(
            Settings settings,
            Database database,
            Outcomes outcomes,
            Owner owner,
            ApiHealth health,
            AuditEvents events) {
        this.database = database;
        this.outcomes = outcomes;
        spool = settings.path("data-dir").resolve("spool") + "/";
        this.owner = owner;
        this.health = health;
        organization = settings.get("api.organization");
        imports = new ListedImports(database, organization);
        this.events = events;
        documentsPath = settings.get("void.path").equals("csv-import");
    }

    /** The jobs whose void is to go on: of this process after a failure, of one that has ended at once. */
    public List<Long> due() throws CsvImportUnsettledException {
        Instant now = Instant.now();
        String ended = owner.leads() ? "owner NOT IN " + owner.living() + " OR " : "";
        List<Long> jobs = database.read(c -> query(
                c,
                row -> row.getLong("job"),
                "SELECT job FROM csv_import_delivery WHERE state = 'voiding' AND organization = ? AND (" + ended
                        + "owner = ? AND (next_attempt_at IS NULL OR next_attempt_at NOT BETWEEN ? AND ?))"
                        + " ORDER BY job LIMIT 100",
                organization,
                owner.id(),
                Deliveries.text(now),
                Deliveries.text(now.plus(HttpDate.LONGEST_PAUSE))));
        jobs.removeIf(underway::contains);
        return jobs;
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
        request.job = job.with(job.outcome().to(State.VOIDING));
        if (!underway.add(job.id())) {
            return;
        }
        exchange.getExchangeExtension().addOnCompletion(new SynchronizationAdapter() {
            @Override
            public void onDone(Exchange done) {
                underway.remove(job.id());
            }
        });
        request.underway = database.inTransaction(c -> update(
                        c,
                        "UPDATE csv_import_delivery SET state = 'voiding', owner = ?, next_attempt_at = NULL"
                                + " WHERE job = ? AND state IN ('accepted', 'completed', 'voiding')",
                        owner.id(),
                        job.id())
                == 1);
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
        List<Job> found = database.read(c -> JobRow.select(
                c,
                "organization = ? AND " + (number == null ? "import_id = ? AND state <> 'duplicate'" : "job = ?"),
                organization,
                number == null ? id : number));
        if (found.isEmpty() && number == null && message.getHeader("csvImportForce", false, Boolean.class)) {
            return insert(exchange.getFromRouteId(), id);
        }
        if (found.isEmpty()) {
            throw new CsvImportRefusedException(
                    404,
                    "unknown-import",
                    "The ledger knows no " + what + (number == null ? "; csvImportForce voids it nevertheless" : ""));
        }
        Job job = found.get(found.size() - 1);
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

    /** A row of its own for an import that the ledger does not know: it goes on after a crash, and has its event. */
    private Job insert(String source, String id) throws CsvImportUnsettledException {
        LOG.warn("Import {} is voided on demand, though the ledger does not know it", Visible.of(id));
        String now = Deliveries.text(Instant.now());
        return database.read(c -> query(
                        c,
                        JobRow::read,
                        "INSERT INTO csv_import_delivery (source_key, source, state, organization, import_id, duplicates,"
                                + " owner, created_at, settled_at, released_at)"
                                + " VALUES (?, ?, 'voiding', ?, ?, 'import', ?, ?, ?, ?) RETURNING *",
                        "void:" + UUID.randomUUID(),
                        source == null ? "csv-import-void" : source,
                        organization,
                        id,
                        owner.id(),
                        now,
                        now,
                        now))
                .get(0);
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
        if (request.underway) {
            int status = request.status;
            if (request.voided) {
                voided(request);
            } else if (status / 100 == 4 && !LATER.contains(status)) {
                giveUp(request);
            } else {
                tryAgain(request);
            }
        }
        Job job = request.job;
        Message message = exchange.getMessage();
        message.setHeader(Delivery.OUTCOME, job.state().toString());
        message.setHeader(Delivery.IMPORT_ID, job.outcome().importId());
        message.setHeader(Delivery.JOB, job.id());
        boolean open = job.state() == State.VOIDING;
        message.setHeader(Delivery.REASON, open ? request.reason : null);
        message.setHeader(Delivery.DETAIL, open ? request.detail : null);
    }

    private void voided(Request request) throws CsvImportUnsettledException {
        Job job = request.job.with(request.job.outcome().because(null, null).to(State.VOIDED));
        boolean written = database.inTransaction(c -> {
            boolean mine = update(
                            c,
                            "UPDATE csv_import_delivery SET state = 'voided', track_at = NULL, next_attempt_at = NULL,"
                                    + " reason = NULL, detail = NULL WHERE job = ? AND state = 'voiding'",
                            job.id())
                    == 1;
            if (mine) {
                events.insert(c, job);
            }
            return mine;
        });
        request.job = job;
        failures.remove(job.id());
        if (written) {
            job.log(LOG, Level.INFO, "");
        }
    }

    /** What the ledger did not know before, it forgets again. */
    private void giveUp(Request request) throws CsvImportRefusedException, CsvImportUnsettledException {
        Job job = request.job;
        database.inTransaction(c -> job.content().sha256() == null
                ? update(c, "DELETE FROM csv_import_delivery WHERE job = ? AND state = 'voiding'", job.id())
                : update(
                        c,
                        "UPDATE csv_import_delivery SET next_attempt_at = NULL, reason = NULL, detail = NULL,"
                                + " state = CASE WHEN failed_rows IS NULL THEN 'accepted' ELSE 'completed' END"
                                + " WHERE job = ? AND state = 'voiding'",
                        job.id()));
        failures.remove(job.id());
        LOG.warn("Import {} is not voided: {}", Visible.of(job.outcome().importId()), Visible.of(request.detail));
        throw new CsvImportRefusedException(502, request.reason, request.detail);
    }

    private void tryAgain(Request request) throws CsvImportUnsettledException {
        long id = request.job.id();
        int doublings = failures.merge(id, 1, Integer::sum) - 1;
        Duration pause = Pauses.askedOrGrowing(request.pause, doublings);
        request.job = request.job.with(request.job.outcome().because(request.reason, request.detail));
        request.job.log(LOG, Level.WARN, "; next attempt in " + pause.toSeconds() + " s");
        database.inTransaction(c -> update(
                c,
                "UPDATE csv_import_delivery SET next_attempt_at = ?, reason = ?, detail = ?"
                        + " WHERE job = ? AND state = 'voiding'",
                Deliveries.text(Instant.now().plus(pause)),
                request.reason,
                request.detail,
                id));
    }
}
