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

/** The jobs of the ledger for people: each a map with the field names of the JSON job list. */
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
                "expected",
                "found",
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

    /** How many of the newest jobs are looked through for a part of a name. */
    public static final int SEARCHED = 100_000;

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
        List<Object> values = new ArrayList<>();
        String where = " FROM csv_import_delivery WHERE 1 = 1" + equal(filters, values);
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

    /**
     * The newest first, as a person looks for them.
     *
     * @param filters by the names of the answer
     * @param name a part of the file name in any case of ASCII letters, or null
     * @param from the beginning of a day, or null; without one, only the newest jobs are looked through for a name, or for
     *     more than one filter
     * @param before a job: older ones only
     */
    public List<Map<String, Object>> search(
            Map<String, String> filters, String name, Instant from, Instant to, long before, int size)
            throws CsvImportUnsettledException {
        StringBuilder where = new StringBuilder("job < ?");
        List<Object> values = new ArrayList<>(List.of(before));
        where.append(equal(filters, values));
        if (from != null) {
            where.append(" AND created_at >= ? AND created_at < ?");
            values.addAll(List.of(from, to));
        } else if (isBounded(filters, name)) {
            where.append(" AND job > (SELECT MAX(job) FROM csv_import_delivery) - ")
                    .append(SEARCHED);
        }
        if (name != null) {
            where.append(" AND lower(file_name) LIKE lower(?) ESCAPE '!'");
            values.add("%" + name.replaceAll("[!%_]", "!$0") + "%");
        }
        values.add(size);
        return shown(where + " ORDER BY job DESC LIMIT ?", values.toArray());
    }

    /** No index helps. */
    public static boolean isBounded(Map<String, String> filters, String name) {
        return name != null || filters.size() > 1;
    }

    private static String equal(Map<String, String> filters, List<Object> values) {
        StringBuilder where = new StringBuilder();
        SHOWN.forEach((column, name) -> {
            if (filters.containsKey(name)) {
                where.append(" AND ").append(column).append(" = ?");
                values.add(filters.get(name));
            }
        });
        return where.toString();
    }

    /** The job of a number, if there is one. */
    public List<Map<String, Object>> numbered(long job) throws CsvImportUnsettledException {
        return shown("job = ?", job);
    }

    /** The newest job of a feed, if there is one. */
    public List<Map<String, Object>> latest(String from) throws CsvImportUnsettledException {
        return shown("source = ? ORDER BY job DESC LIMIT 1", from);
    }

    /** The job of an import id, if there is one: of an import and its duplicates, the import. */
    public List<Map<String, Object>> ofImport(String id) throws CsvImportUnsettledException {
        return shown("import_id = ? ORDER BY CASE state WHEN 'duplicate' THEN 1 ELSE 0 END, job DESC LIMIT 1", id);
    }

    private List<Map<String, Object>> shown(String where, Object... values) throws CsvImportUnsettledException {
        return database.look(handle -> handle.select("SELECT * FROM csv_import_delivery WHERE " + where, values)
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

    /** Lets a held or waiting job go on now, one that is not as expected all the same; false where it is not. */
    public boolean retry(long job) throws CsvImportUnsettledException {
        return database.durable(handle -> handle.execute(
                        "UPDATE csv_import_delivery SET state = CASE state WHEN 'claimed' THEN 'claimed' ELSE 'waiting' END,"
                                + " waived = CASE WHEN state = 'held' AND reason = 'unexpected' THEN 1 ELSE waived END,"
                                + " settled_at = NULL, failures = 0, next_attempt_at = ? WHERE job = ? AND released_at IS NULL"
                                + " AND state IN ('claimed', 'waiting', 'held')",
                        Instant.now(),
                        job)
                == 1);
    }
}
