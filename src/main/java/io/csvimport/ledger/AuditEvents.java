package io.csvimport.ledger;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.csvimport.job.Job;
import io.csvimport.job.Outcome;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.BiConsumer;
import org.jdbi.v3.core.Handle;

/**
 * The audit events, CloudEvents 1.0 as JSON. An event is made once, in the transaction that changes the state, and
 * stored as it will be sent: re-sent, it is the same.
 */
public final class AuditEvents {

    private static final ObjectMapper JSON = new ObjectMapper();

    private final String organization;
    private final BiConsumer<Job, String> counter;

    /** @param counter takes each new event: its job, and its type without the prefix {@code csv-import.} */
    public AuditEvents(String organization, BiConsumer<Job, String> counter) {
        this.organization = organization;
        this.counter = counter;
    }

    /** Writes the event {@code csv-import.<state>} of the job. */
    void insert(Handle handle, Job job) {
        insert(handle, job, job.state().toString());
    }

    /** Writes the event {@code csv-import.<what>} of the job. */
    void insert(Handle handle, Job job, String what) {
        String type = "csv-import." + what;
        String prefix = job.id() + "/" + type + "/";
        String time = LedgerValues.text(Instant.now());
        String id;
        int n = 0;
        do {
            n++;
            id = prefix + n;
        } while (handle.execute(
                        "INSERT INTO csv_import_event (id, job, payload, created_at) VALUES (?, ?, ?, ?)"
                                + " ON CONFLICT DO NOTHING",
                        id,
                        job.id(),
                        payload(job, id, type, time),
                        time)
                == 0);
        handle.afterCommit(() -> counter.accept(job, what));
    }

    private String payload(Job job, String id, String type, String time) {
        Map<String, Object> data = new LinkedHashMap<>();
        Outcome outcome = job.outcome();
        data.put("importId", outcome.importId());
        data.put("organization", organization);
        data.put("template", job.names().template());
        data.put("notify", job.names().addresses());
        data.put("fileName", job.names().fileName());
        data.put(
                "fileSize",
                job.names().fileName() == null ? null : job.content().size());
        data.put("sha256", job.content().sha256());
        data.put("from", job.origin().from());
        data.put("job", job.id());
        data.put("attempts", job.attempt().number());
        data.put("reconciled", outcome.reconciled());
        data.put("reason", outcome.reason());
        data.put("failedRows", outcome.rows().failed());
        data.values().removeIf(Objects::isNull);

        Map<String, Object> event = new LinkedHashMap<>();
        event.put("specversion", "1.0");
        event.put("id", id);
        event.put("source", "/csv-import/" + organization);
        event.put("type", type);
        if (outcome.importId() != null) {
            event.put("subject", outcome.importId());
        }
        event.put("time", time);
        event.put("datacontenttype", "application/json");
        event.put("data", data);
        try {
            return JSON.writeValueAsString(event);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("An event is plain text and numbers", e);
        }
    }
}
