package io.csvimport.operations;

import io.csvimport.CsvImportUnsettledException;
import io.csvimport.api.ApiClient;
import io.csvimport.api.ImportId;
import io.csvimport.api.Pace;
import io.csvimport.job.Job;
import io.csvimport.job.State;
import io.csvimport.ledger.Deliveries;
import io.csvimport.ledger.EarlierImports;
import io.csvimport.ledger.JobList;
import io.csvimport.ledger.Outcomes;
import io.csvimport.pipeline.KeyedExecutor;
import io.csvimport.text.Visible;
import java.util.EnumSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/** The jobs of the ledger as a person sees them, and what a person may decide about one. */
public final class Jobs {

    public static final List<String> STATES =
            Stream.of(State.values()).map(State::toString).toList();

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");
    private static final Set<State> OPEN = EnumSet.of(State.WAITING, State.UNKNOWN, State.HELD);

    private final JobList list;
    private final Deliveries deliveries;
    private final Outcomes outcomes;
    private final KeyedExecutor executor;
    private final ApiClient api;
    private final Pace pace;
    private final EarlierImports earlier;

    public Jobs(
            JobList list,
            Deliveries deliveries,
            Outcomes outcomes,
            KeyedExecutor executor,
            ApiClient api,
            Pace pace,
            EarlierImports earlier) {
        this.earlier = earlier;
        this.list = list;
        this.deliveries = deliveries;
        this.outcomes = outcomes;
        this.executor = executor;
        this.api = api;
        this.pace = pace;
    }

    /** @param filters by the names of the answer; a page counts from 1 */
    Map<String, Object> list(Map<String, String> filters, int page, int size) throws CsvImportUnsettledException {
        return list.page(filters, page, size);
    }

    /**
     * The job that an id names.
     *
     * @param by what the id is: {@code job}, {@code import}, or null for either
     * @throws Problem 404 where there is none, 409 where the id is one row's job and another one's import id
     */
    public long find(String id, String by) throws Problem, CsvImportUnsettledException {
        boolean job = !"import".equals(by) && id.matches("\\d{1,18}");
        boolean importId = !"job".equals(by);
        Set<Map<String, Object>> found = new LinkedHashSet<>();
        if (job) {
            found.addAll(list.numbered(Long.parseLong(id)));
        }
        if (importId) {
            found.addAll(list.ofImport(id));
        }
        if (found.isEmpty()) {
            throw new Problem(
                    404,
                    "The ledger knows no " + (importId ? job ? "job and no import" : "import" : "job") + " '"
                            + Visible.of(id) + "'. It may have been forgotten since (csv-import.ledger.keep)");
        }
        if (found.size() > 1) {
            List<Map<String, Object>> results = List.copyOf(found);
            throw new Problem(
                    409,
                    id + " is a job, and the import id of job " + results.get(1).get("job")
                            + ": say which one, with by=job or by=import",
                    Map.of("results", results));
        }
        return ((Number) found.iterator().next().get("job")).longValue();
    }

    public Map<String, Object> json(long job) throws CsvImportUnsettledException {
        return withProgress(list.numbered(job).get(0));
    }

    /** The job with the bytes that are sent, where it is being sent by this process. */
    public Map<String, Object> withProgress(Map<String, Object> shown) {
        api.bytesSent(((Number) shown.get("job")).longValue()).ifPresent(bytes -> shown.put("bytesSent", bytes));
        return shown;
    }

    /** Lets a held or waiting job go on now. */
    public long retry(long job) throws Problem, CsvImportUnsettledException {
        if (!list.retry(job)) {
            throw refused(job, "retried");
        }
        LOG.info("Job {} goes on now, as asked for", job);
        pace.resume();
        executor.resume();
        return job;
    }

    /** The header of a held job is that of its template from now on, and the job goes on. */
    public void acceptHeader(long job) throws Problem, CsvImportUnsettledException {
        if (!earlier.accept(job)) {
            throw new Problem(
                    409,
                    "The header of job " + job + " cannot be accepted: the job is not held for its header; nothing is"
                            + " changed",
                    Map.of("job", job));
        }
        LOG.info("The header of job {} is that of its template from now on, as asked for", job);
        retry(job);
    }

    /** Settles a job by the import id that a person has found; null where that is missing. */
    public long settle(long id, String found) throws Problem, CsvImportUnsettledException {
        String importId = ImportId.of(found);
        if (importId == null) {
            throw new Problem(
                    400,
                    "The parameter importId is missing, or no import id: it is the API's id of the import. Where there"
                            + " is no import, retry uploads the file again");
        }
        Job job = deliveries.get(id);
        if (!OPEN.contains(job.state())) {
            throw refused(id, "settled");
        }
        if (deliveries.isOfAnother(job, importId)) {
            throw new Problem(
                    409, "The import " + importId + " is that of job " + find(importId, "import") + " already");
        }
        Job settled = outcomes.write(job, job.outcome().reconciled(importId));
        if (!importId.equals(settled.outcome().importId())) {
            throw refused(id, "settled");
        }
        settled.log(LOG, Level.INFO, ", as a person has found");
        executor.resume();
        return id;
    }

    private Problem refused(long job, String what) throws CsvImportUnsettledException {
        Map<String, Object> now = json(job);
        String state = now.get("state").toString();
        String hint =
                switch (state) {
                    case "sending" -> ": wait for its outcome";
                    case "unknown" -> ": it is looked for in the import list; where you know its import id, settle it";
                    case "claimed" -> ": nothing of it was sent yet";
                    case "waiting", "held" -> ", and its source has let go of it: send the CSV again";
                    default -> "";
                };
        return new Problem(
                409,
                "Job " + job + " cannot be " + what + ": it is " + state + hint,
                Map.of("job", job, "state", state));
    }
}
