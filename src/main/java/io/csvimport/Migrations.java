package io.csvimport;

import static io.csvimport.Database.query;
import static io.csvimport.Database.update;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Brings a ledger up to date: the SQL files of {@code csv-import/db} that it does not have yet, in their order, each in
 * a transaction of its own together with its row in {@code csv_import_schema}. Several processes may start at once: one
 * works, the others wait for it.
 */
final class Migrations {

    /** By version. A file that was published is never changed. */
    static final List<String> FILES = List.of(
            "V1__deliveries_and_events.sql",
            "V2__follow_up_and_void.sql",
            "V3__items_of_the_spool.sql",
            "V4__messages_that_come_again.sql",
            "V5__large_ledgers.sql",
            "V6__imports_that_were_listed.sql",
            "V7__failures_of_a_file.sql",
            "V8__messages_in_the_spool.sql");

    /** PostgreSQL's lock for it: any number that others do not use. */
    private static final long LOCK = 0x6373_7669_6d70L;

    private final Connection connection;
    private final boolean shared;

    private Migrations(Connection connection, boolean shared) {
        this.connection = connection;
        this.shared = shared;
    }

    /**
     * Brings the ledger up to date.
     *
     * @param isNewRefused whether a database that has no ledger yet is refused
     * @return false where it has none, and is refused: nothing was changed
     * @throws IOException where the ledger is of a newer version of the product; the message says so
     */
    static boolean run(Connection connection, boolean shared, boolean isNewRefused) throws SQLException, IOException {
        Migrations migrations = new Migrations(connection, shared);
        boolean goesOn = true;
        while (goesOn) {
            migrations.begin();
            try {
                Set<Integer> applied = migrations.applied();
                if (applied.isEmpty() && isNewRefused) {
                    migrations.end("ROLLBACK");
                    return false;
                }
                goesOn = migrations.applyNext(applied);
                migrations.end("COMMIT");
            } catch (SQLException | IOException | RuntimeException e) {
                migrations.end("ROLLBACK");
                throw e;
            }
        }
        return true;
    }

    static int version(String file) {
        return Integer.parseInt(file.substring(1, file.indexOf("__")));
    }

    private void begin() throws SQLException {
        Database.execute(connection, shared ? "BEGIN" : "BEGIN IMMEDIATE");
        if (shared) {
            Database.execute(connection, "SELECT pg_advisory_xact_lock(" + LOCK + ")");
        }
    }

    private void end(String how) throws SQLException {
        Database.execute(connection, how);
    }

    private Set<Integer> applied() throws SQLException {
        List<String> columns = query(
                connection,
                row -> row.getString(1),
                shared
                        ? "SELECT column_name FROM information_schema.columns"
                                + " WHERE table_schema = current_schema() AND table_name = 'csv_import_schema'"
                        : "SELECT name FROM pragma_table_info('csv_import_schema')");
        if (columns.isEmpty()) {
            return Set.of();
        }
        if (columns.contains("installed_rank")) {
            takeOver();
        }
        return new HashSet<>(query(connection, row -> row.getInt(1), "SELECT version FROM csv_import_schema"));
    }

    /** Of an earlier version of the product, which had its migrations done by Flyway. */
    private void takeOver() throws SQLException {
        List<Integer> versions = query(
                connection,
                row -> Integer.parseInt(row.getString(1)),
                "SELECT version FROM csv_import_schema WHERE version IS NOT NULL AND version <> '0'");
        Database.execute(connection, "DROP TABLE csv_import_schema");
        createTable();
        for (int version : versions) {
            note(version);
        }
    }

    private void createTable() throws SQLException {
        Database.execute(
                connection, "CREATE TABLE csv_import_schema (version INTEGER PRIMARY KEY, applied_at TEXT NOT NULL)");
    }

    private void note(int version) throws SQLException {
        update(
                connection,
                "INSERT INTO csv_import_schema (version, applied_at) VALUES (?, ?)",
                version,
                Deliveries.text(Instant.now()));
    }

    /** @return whether there may be more */
    private boolean applyNext(Set<Integer> applied) throws SQLException, IOException {
        int newest = version(FILES.get(FILES.size() - 1));
        int found = applied.stream().mapToInt(version -> version).max().orElse(0);
        if (found > newest) {
            throw new IOException("it has version " + found + ", and this program knows versions up to " + newest
                    + ": start the newer version of csv-import-routes that it was last used with");
        }
        for (String file : FILES) {
            int version = version(file);
            if (!applied.contains(version)) {
                boolean first = applied.isEmpty();
                if (first) {
                    createTable();
                }
                try (Statement statement = connection.createStatement()) {
                    statement.executeUpdate(sql(file, shared));
                }
                note(version);
                if (first) {
                    setFirstJob(System.currentTimeMillis());
                }
                return true;
            }
        }
        return false;
    }

    static String sql(String file, boolean shared) throws IOException {
        String identity =
                shared ? "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY" : "INTEGER PRIMARY KEY AUTOINCREMENT";
        try (InputStream in = Database.class.getResourceAsStream("/csv-import/db/" + file)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).replace("${identity}", identity);
        }
    }

    /**
     * The jobs of a ledger are counted from the millisecond in which it was made. So the jobs of another ledger, and with
     * them the ids of events and the names of tagged files, are others, unless one makes 1,000 jobs a second for ever.
     */
    private void setFirstJob(long job) throws SQLException {
        Database.execute(
                connection,
                shared
                        ? "ALTER TABLE csv_import_delivery ALTER COLUMN job RESTART WITH " + job
                        : "INSERT INTO sqlite_sequence (name, seq) VALUES ('csv_import_delivery', " + (job - 1) + ")");
    }
}
