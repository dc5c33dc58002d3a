package io.csvimport;

import static io.csvimport.Database.update;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.BiConsumer;

/**
 * The audit events, CloudEvents 1.0 as JSON. An event is made once, in the transaction that changes the state, and
 * stored as it will be sent: re-sent, it is the same.
 */
final class AuditEvents {

    private static final ObjectMapper JSON = new ObjectMapper();

    private final String organization;
    private final BiConsumer<Delivery, String> counter;

    /** @param counter takes each new event: its delivery, and its type without the prefix {@code csv-import.} */
    AuditEvents(String organization, BiConsumer<Delivery, String> counter) {
        this.organization = organization;
        this.counter = counter;
    }

    /** Writes the event {@code csv-import.<state>} of the delivery. */
    void insert(Connection c, Delivery delivery) throws SQLException {
        insert(c, delivery, delivery.state);
    }

    /** Writes the event {@code csv-import.<what>} of the delivery. */
    void insert(Connection c, Delivery delivery, String what) throws SQLException {
        String type = "csv-import." + what;
        String prefix = delivery.job + "/" + type + "/";
        String time = Deliveries.text(Instant.now());
        String id;
        int n = 0;
        do {
            n++;
            id = prefix + n;
        } while (update(
                        c,
                        "INSERT INTO csv_import_event (id, job, payload, created_at) VALUES (?, ?, ?, ?)"
                                + " ON CONFLICT DO NOTHING",
                        id,
                        delivery.job,
                        payload(delivery, id, type, time),
                        time)
                == 0);
        // in a transaction that fails, and is repeated, it is the same event
        if (!id.equals(delivery.counted)) {
            delivery.counted = id;
            counter.accept(delivery, what);
        }
    }

    private String payload(Delivery delivery, String id, String type, String time) {
        Map<String, Object> data = new LinkedHashMap<>();
        data.put("importId", delivery.importId);
        data.put("organization", organization);
        data.put("template", delivery.template);
        data.put("notify", delivery.notifyAddresses);
        data.put("fileName", delivery.fileName);
        data.put("fileSize", delivery.fileName == null ? null : delivery.size);
        data.put("sha256", delivery.sha256);
        data.put("from", delivery.from);
        data.put("job", delivery.job);
        data.put("attempts", delivery.attempts);
        data.put("reconciled", delivery.reconciled);
        data.put("reason", delivery.reason);
        data.put("failedRows", delivery.failedRows);
        data.values().removeIf(Objects::isNull);

        Map<String, Object> event = new LinkedHashMap<>();
        event.put("specversion", "1.0");
        event.put("id", id);
        event.put("source", "/csv-import/" + organization);
        event.put("type", type);
        if (delivery.importId != null) {
            event.put("subject", delivery.importId);
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
