package io.csvimport;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/** The jobs of the ledger as a person sees them, and what a person may decide about one. */
final class Jobs {

    static final List<String> STATES =
            Stream.of(State.values()).map(State::toString).toList();

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");
    private static final Set<State> OPEN = EnumSet.of(State.WAITING, State.UNKNOWN, State.HELD);

    /** What is shown of a row, by its column; the rest is for the product alone. */
    private static final Map<String, String> SHOWN = new LinkedHashMap<>();

    static {
        for (String column : List.of(
                "job",
                "import_id",
                "state",
                "template",
                "notify",
                "file_name",
                "file_size",
                "sha256",
                "source",
                "attempts",
                "reconciled",
                "reason",
                "detail",
                "http_status",
                "failed_rows",
                "failed_rows_file",
                "created_at",
                "sending_at",
                "next_attempt_at",
                "settled_at",
                "released_at",
                "file_path",
                "released_to")) {
            SHOWN.put(column, column.equals("source") ? "from" : camelCase(column));
        }
    }

    private final Database database;
    private final Deliveries deliveries;
    private final Outcomes outcomes;
    private final Lanes lanes;

    Jobs(Database database, Deliveries deliveries, Outcomes outcomes, Lanes lanes) {
        this.database = database;
        this.deliveries = deliveries;
        this.outcomes = outcomes;
        this.lanes = lanes;
    }

    private static String camelCase(String column) {
        String[] words = column.split("_");
        for (int i = 1; i < words.length; i++) {
            words[i] = Character.toUpperCase(words[i].charAt(0)) + words[i].substring(1);
        }
        return String.join("", words);
    }

    /** @param filters by the names of the answer; a page counts from 1 */
    Map<String, Object> list(Map<String, String> filters, int page, int size) throws CsvImportUnsettledException {
        StringBuilder where = new StringBuilder(" FROM csv_import_delivery WHERE 1 = 1");
        List<Object> values = new ArrayList<>();
        SHOWN.forEach((column, name) -> {
            if (filters.containsKey(name)) {
                where.append(" AND ").append(column).append(" = ?");
                values.add(filters.get(name));
            }
        });
        return database.look(c -> {
            Map<String, Object> answer = new LinkedHashMap<>();
            answer.put(
                    "count",
                    Database.query(c, row -> row.getLong(1), "SELECT COUNT(*)" + where, values.toArray())
                            .get(0));
            values.add(size);
            values.add((page - 1L) * size);
            answer.put(
                    "results",
                    Database.query(
                            c,
                            Jobs::json,
                            "SELECT *" + where + " ORDER BY job DESC LIMIT ? OFFSET ?",
                            values.toArray()));
            return answer;
        });
    }

    /**
     * The job that an id names.
     *
     * @param by what the id is: {@code job}, {@code import}, or null for either
     * @throws Problem 404 where there is none, 409 where the id is one row's job and another one's import id
     */
    long find(String id, String by) throws Problem, CsvImportUnsettledException {
        boolean job = !"import".equals(by) && id.matches("\\d{1,18}");
        boolean importId = !"job".equals(by);
        Set<Long> found = new LinkedHashSet<>(database.look(c -> {
            List<Long> jobs = new ArrayList<>();
            if (job) {
                jobs.addAll(Database.query(
                        c,
                        row -> row.getLong(1),
                        "SELECT job FROM csv_import_delivery WHERE job = ?",
                        Long.parseLong(id)));
            }
            if (importId) {
                // of an import and its duplicates, the import
                jobs.addAll(Database.query(
                        c,
                        row -> row.getLong(1),
                        "SELECT job FROM csv_import_delivery WHERE import_id = ?"
                                + " ORDER BY CASE state WHEN 'duplicate' THEN 1 ELSE 0 END, job DESC LIMIT 1",
                        id));
            }
            return jobs;
        }));
        if (found.isEmpty()) {
            throw new Problem(
                    404,
                    "The ledger knows no " + (importId ? job ? "job and no import" : "import" : "job") + " '"
                            + Visible.of(id) + "'");
        }
        if (found.size() > 1) {
            List<Map<String, Object>> results = new ArrayList<>();
            for (long one : found) {
                results.add(json(one));
            }
            throw new Problem(
                    409,
                    id + " is a job, and the import id of job " + results.get(1).get("job")
                            + ": say which one, with by=job or by=import",
                    Map.of("results", results));
        }
        return found.iterator().next();
    }

    Map<String, Object> json(long job) throws CsvImportUnsettledException {
        return database.look(c -> Database.query(c, Jobs::json, "SELECT * FROM csv_import_delivery WHERE job = ?", job))
                .get(0);
    }

    private static Map<String, Object> json(ResultSet row) throws SQLException {
        Map<String, Object> json = new LinkedHashMap<>();
        for (Map.Entry<String, String> shown : SHOWN.entrySet()) {
            Object value = row.getObject(shown.getKey());
            if (value != null) {
                json.put(shown.getValue(), value);
            }
        }
        json.put("notify", NotifyAddresses.of(row.getString("notify")));
        json.put("reconciled", row.getInt("reconciled") == 1);
        return json;
    }

    /** Lets a held or waiting job go on now. */
    long retry(long job) throws Problem, CsvImportUnsettledException {
        int updated = database.durable(c -> Database.update(
                c,
                "UPDATE csv_import_delivery SET state = CASE state WHEN 'claimed' THEN 'claimed' ELSE 'waiting' END,"
                        + " settled_at = NULL, failures = 0, next_attempt_at = ? WHERE job = ? AND released_at IS NULL"
                        + " AND state IN ('claimed', 'waiting', 'held')",
                Deliveries.text(Instant.now()),
                job));
        if (updated == 0) {
            throw refused(job, "retried");
        }
        LOG.info("Job {} goes on now, as asked for", job);
        lanes.open();
        return job;
    }

    /** Settles a job by the import id that a person has found. */
    long settle(long id, String importId) throws Problem, CsvImportUnsettledException {
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
        lanes.open();
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
