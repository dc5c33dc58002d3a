package io.csvimport.ledger;

import io.csvimport.CsvImportUnsettledException;
import io.csvimport.text.NotifyAddresses;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The jobs of the ledger as people see them: each a map, of what is shown, by the names of the job list. */
public final class JobList {

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

    /** @param oldest when the oldest of them was made; null where there is none */
    public record Count(String state, long count, Instant oldest) {}

    private final Database database;

    public JobList(Database database) {
        this.database = database;
    }

    private static String camelCase(String column) {
        String[] words = column.split("_");
        for (int i = 1; i < words.length; i++) {
            words[i] = Character.toUpperCase(words[i].charAt(0)) + words[i].substring(1);
        }
        return String.join("", words);
    }

    /** The newest first, and how many there are; a page counts from 1. */
    public Map<String, Object> page(Map<String, String> filters, int page, int size)
            throws CsvImportUnsettledException {
        StringBuilder where = new StringBuilder(" FROM csv_import_delivery WHERE 1 = 1");
        List<Object> values = new ArrayList<>();
        SHOWN.forEach((column, name) -> {
            if (filters.containsKey(name)) {
                where.append(" AND ").append(column).append(" = ?");
                values.add(filters.get(name));
            }
        });
        return database.look(handle -> {
            Map<String, Object> answer = new LinkedHashMap<>();
            answer.put(
                    "count",
                    handle.select("SELECT COUNT(*)" + where, values.toArray())
                            .mapTo(Long.class)
                            .one());
            values.add(size);
            values.add((page - 1L) * size);
            answer.put(
                    "results",
                    handle.select("SELECT *" + where + " ORDER BY job DESC LIMIT ? OFFSET ?", values.toArray())
                            .map((row, context) -> shown(row))
                            .list());
            return answer;
        });
    }

    /** The job of a number, if there is one. */
    public List<Map<String, Object>> numbered(long job) throws CsvImportUnsettledException {
        return shown("job = ?", job);
    }

    /** The job of an import id, if there is one: of an import and its duplicates, the import. */
    public List<Map<String, Object>> ofImport(String id) throws CsvImportUnsettledException {
        return shown("import_id = ? ORDER BY CASE state WHEN 'duplicate' THEN 1 ELSE 0 END, job DESC LIMIT 1", id);
    }

    private List<Map<String, Object>> shown(String where, Object value) throws CsvImportUnsettledException {
        return database.look(handle -> handle.select("SELECT * FROM csv_import_delivery WHERE " + where, value)
                .map((row, context) -> shown(row))
                .list());
    }

    private static Map<String, Object> shown(ResultSet row) throws SQLException {
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

    /** The jobs that are not released, by state, and those that are being voided. */
    public List<Count> open() throws CsvImportUnsettledException {
        return counts("SELECT state, COUNT(*) AS count, MIN(created_at) AS oldest FROM csv_import_delivery"
                + " WHERE released_at IS NULL AND state IN ('claimed', 'sending', 'waiting', 'unknown', 'held')"
                + " GROUP BY state UNION ALL SELECT 'voiding', COUNT(*), MIN(created_at) FROM csv_import_delivery"
                + " WHERE state = 'voiding'");
    }

    /** The audit events that are not sent. */
    public Count unsentEvents() throws CsvImportUnsettledException {
        return counts("SELECT 'events' AS state, COUNT(*) AS count, MIN(created_at) AS oldest FROM csv_import_event"
                        + " WHERE sent_at IS NULL")
                .get(0);
    }

    private List<Count> counts(String sql) throws CsvImportUnsettledException {
        return database.look(handle -> handle.select(sql).mapTo(Count.class).list());
    }

    /** Lets a held or waiting job go on now; false where it is not. */
    public boolean retry(long job) throws CsvImportUnsettledException {
        return database.durable(handle -> handle.execute(
                        "UPDATE csv_import_delivery SET state = CASE state WHEN 'claimed' THEN 'claimed' ELSE 'waiting' END,"
                                + " settled_at = NULL, failures = 0, next_attempt_at = ? WHERE job = ? AND released_at IS NULL"
                                + " AND state IN ('claimed', 'waiting', 'held')",
                        Instant.now(),
                        job)
                == 1);
    }
}
