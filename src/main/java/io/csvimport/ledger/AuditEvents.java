package io.csvimport.ledger;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.csvimport.CsvImportUnsettledException;
import io.csvimport.job.Job;
import io.csvimport.job.Outcome;
import io.csvimport.job.Trace;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.BiConsumer;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.PreparedBatch;

/**
 * The audit events, CloudEvents 1.0 as JSON. An event is made once, in the transaction that changes the state, and
 * stored as it will be sent: re-sent, it is the same.
 */
public final class AuditEvents {

    /** An event that is not sent; its payload is sent as it is. */
    public record Event(String id, String payload, int failures) {

        /** The trace of its job, as the payload has it. */
        public Trace trace() throws JsonProcessingException {
            if (!payload.contains('"' + Trace.PARENT + '"')) {
                return Trace.NONE;
            }
            JsonNode event = JSON.readTree(payload);
            return new Trace(
                    event.path(Trace.PARENT).textValue(),
                    event.path(Trace.STATE).textValue());
        }
    }

    private static final ObjectMapper JSON = new ObjectMapper();

    private final Ledger ledger;
    private final Database database;
    private final BiConsumer<Job, String> counter;

    /** @param counter takes each new event: its job, and its type without the prefix {@code csv-import.} */
    public AuditEvents(Ledger ledger, BiConsumer<Job, String> counter) {
        this.ledger = ledger;
        this.counter = counter;
        database = ledger.database();
    }

    /** Writes the event {@code csv-import.<state>} of the job. */
    Job insert(Handle handle, Job job) {
        return insert(handle, job, job.state().toString());
    }

    /** Writes the event {@code csv-import.<what>} of the job. */
    Job insert(Handle handle, Job job, String what) {
        String type = "csv-import." + what;
        String time = LedgerValues.text(Instant.now());
        Map<String, Object> data = data(job);
        if (what.equals("suspicious")
                || Job.Look.UNEXPECTED.equals(job.outcome().reason())) {
            data.put("expected", job.look().expected());
            data.put("found", job.look().found());
        }
        int inserted = 0;
        for (int n = 1; inserted == 0; n++) {
            String id = job.id() + "/" + type + "/" + n;
            inserted = Sql.update(
                    handle,
                    "INSERT INTO csv_import_event (id, job, payload, created_at) VALUES (?, ?, ?, ?)"
                            + " ON CONFLICT DO NOTHING",
                    id,
                    job.id(),
                    payload(id, type, job.outcome().importId(), time, job.trace(), data),
                    time);
        }
        handle.afterCommit(() -> counter.accept(job, what));
        return job;
    }

    /**
     * Writes the event {@code csv-import.<what>} of a due time, for which an import came late or not.
     *
     * @param job the import that has come; null where none has
     * @param more what goes beside the job's own data, or instead of it
     */
    void insert(Handle handle, long expectation, Instant due, String what, Job job, Map<String, String> more) {
        String type = "csv-import." + what;
        String time = LedgerValues.text(Instant.now());
        String id = "expectation-" + expectation + "/" + type + "/" + due;
        Map<String, Object> data = job == null ? new LinkedHashMap<>() : data(job);
        data.put("organization", ledger.organization());
        data.putAll(more);
        data.put("due", due.toString());
        Trace trace = job == null ? Trace.NONE : job.trace();
        handle.execute(
                "INSERT INTO csv_import_event (id, job, payload, created_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                id,
                -expectation,
                payload(id, type, job == null ? null : job.outcome().importId(), time, trace, data),
                time);
    }

    private Map<String, Object> data(Job job) {
        Map<String, Object> data = new LinkedHashMap<>();
        Outcome outcome = job.outcome();
        Job.Naming names = job.names();
        data.put("importId", outcome.importId());
        data.put("organization", ledger.organization());
        data.put("template", names.template());
        data.put("notify", names.addresses());
        data.put("fileName", names.fileName());
        data.put("fileSize", names.fileName() == null ? null : job.content().size());
        data.put("sha256", job.content().sha256());
        data.put("from", job.origin().from());
        data.put("job", job.id());
        data.put("attempts", job.attempt().number());
        data.put("reconciled", outcome.reconciled());
        data.put("reason", outcome.reason());
        data.put("failedRows", outcome.rows().failed());
        return data;
    }

    private String payload(String id, String type, String subject, String time, Trace trace, Map<String, Object> data) {
        data.values().removeIf(Objects::isNull);
        Map<String, Object> event = new LinkedHashMap<>();
        event.put("specversion", "1.0");
        event.put("id", id);
        event.put("source", "/csv-import/" + ledger.organization());
        event.put("type", type);
        event.put("subject", subject);
        event.put("time", time);
        event.put("datacontenttype", "application/json");
        event.put(Trace.PARENT, trace.traceparent());
        event.put(Trace.STATE, trace.tracestate());
        event.put("data", data);
        event.values().removeIf(Objects::isNull);
        try {
            return JSON.writeValueAsString(event);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("An event is plain text and numbers", e);
        }
    }

    // what the audit endpoint has not taken yet

    /**
     * The first event of each job, where it is due: those that were never refused, then the others.
     *
     * @param longest pause; what is to wait longer was written before the clock was set back
     */
    public List<Event> due(Duration longest) throws CsvImportUnsettledException {
        Instant now = Instant.now();
        return database.read(handle -> handle.select(
                        "SELECT id, payload, failures FROM csv_import_event due WHERE sent_at IS NULL"
                                + " AND (retry_at <= ? OR retry_at > ?) AND NOT EXISTS (SELECT 1"
                                + " FROM csv_import_event earlier WHERE earlier.job = due.job"
                                + " AND earlier.sequence < due.sequence AND earlier.sent_at IS NULL)"
                                + " ORDER BY retry_at, sequence LIMIT 1000",
                        now,
                        now.plus(longest))
                .mapTo(Event.class)
                .list());
    }

    /** The audit endpoint has taken them; what a power failure loses of it is sent again. */
    public void sent(Collection<String> ids) throws CsvImportUnsettledException {
        Instant now = Instant.now();
        // JDBI takes longer to make a statement than SQLite takes to run it
        database.relaxed(handle -> {
            PreparedBatch batch = handle.prepareBatch("UPDATE csv_import_event SET sent_at = ? WHERE id = ?");
            ids.forEach(id -> batch.add(now, id));
            return batch.execute();
        });
    }

    /** The audit endpoint has refused the event: it is due again then. */
    public void refused(Event event, Instant again) throws CsvImportUnsettledException {
        database.relaxed(handle -> handle.execute(
                "UPDATE csv_import_event SET failures = ?, retry_at = ? WHERE id = ?",
                event.failures + 1,
                again,
                event.id));
    }
}
