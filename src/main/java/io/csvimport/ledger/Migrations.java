package io.csvimport.ledger;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import org.jdbi.v3.core.Handle;

/**
 * Brings a ledger up to date: the SQL files of {@code csv-import/db} that it does not have yet, in their order, in one
 * transaction, with a row of {@code csv_import_schema} for each. Several processes may start at once: one works, the
 * others wait for it.
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
            "V8__messages_in_the_spool.sql",
            "V9__same_bytes.sql",
            "V10__traces.sql",
            "V11__attempts_and_days.sql",
            "V12__expectations.sql",
            "V13__due_times.sql",
            "V14__large_files.sql",
            "V15__imports_by_id.sql",
            "V16__without_unreleased.sql");

    /** PostgreSQL's lock for it: any number that others do not use. */
    private static final long LOCK = 0x6373_7669_6d70L;

    private final Handle handle;
    private final boolean shared;

    Migrations(Handle handle, boolean shared) {
        this.handle = handle;
        this.shared = shared;
    }

    static int version(String file) {
        return Integer.parseInt(file.substring(1, file.indexOf("__")));
    }

    static String sql(String file, boolean shared) throws IOException {
        String identity =
                shared ? "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY" : "INTEGER PRIMARY KEY AUTOINCREMENT";
        try (InputStream in = Migrations.class.getResourceAsStream("/csv-import/db/" + file)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .replace("${identity}", identity)
                    // a line of the other database is none
                    .replace("${sqlite}", shared ? "-- " : "")
                    .replace("${postgresql}", shared ? "" : "-- ");
        }
    }

    /**
     * Brings the ledger up to date.
     *
     * @param isNewRefused whether a database that has no ledger yet is refused
     * @return false where it has none, and is refused: nothing was changed
     * @throws IOException where the ledger is of a newer version of the product; the message says so
     */
    boolean run(boolean isNewRefused) throws IOException {
        return handle.inTransaction(inside -> {
            if (shared) {
                inside.select("SELECT pg_advisory_xact_lock(?)", LOCK)
                        .mapToMap()
                        .list();
            }
            Set<Integer> applied = applied();
            if (applied.isEmpty() && isNewRefused) {
                return false;
            }
            int found = applied.isEmpty() ? 0 : Collections.max(applied);
            if (found > newest()) {
                throw new IOException(tooNew(found));
            }
            if (applied.isEmpty()) {
                createTable();
            }
            for (String file : FILES) {
                if (!applied.contains(version(file))) {
                    inside.createScript(sql(file, shared)).execute();
                    note(version(file));
                }
            }
            if (applied.isEmpty()) {
                setFirstJob(System.currentTimeMillis());
            }
            return true;
        });
    }

    static int newest() {
        return version(FILES.get(FILES.size() - 1));
    }

    /** Why a ledger of this version is not opened. */
    static String tooNew(int found) {
        return "it has version " + found + ", and this program knows versions up to " + newest()
                + ": start the newer version of csv-import-routes that it was last used with";
    }

    /** The version of the ledger, 0 where the database has none; reads only. */
    int found() {
        return columns().isEmpty()
                ? 0
                : handle.select("SELECT MAX(CAST(version AS INTEGER)) FROM csv_import_schema")
                        .mapTo(Integer.class)
                        .one();
    }

    /** Whether this login may make tables. */
    boolean isPermitted() {
        return !shared
                || handle.select("SELECT COALESCE(has_schema_privilege(current_schema(), 'CREATE'), FALSE)")
                        .mapTo(Boolean.class)
                        .one();
    }

    private List<String> columns() {
        return handle.select(
                        shared
                                ? "SELECT column_name FROM information_schema.columns"
                                        + " WHERE table_schema = current_schema() AND table_name = 'csv_import_schema'"
                                : "SELECT name FROM pragma_table_info('csv_import_schema')")
                .mapTo(String.class)
                .list();
    }

    private Set<Integer> applied() {
        List<String> columns = columns();
        if (columns.isEmpty()) {
            return Set.of();
        }
        if (columns.contains("installed_rank")) {
            takeOver();
        }
        return handle.select("SELECT version FROM csv_import_schema")
                .mapTo(Integer.class)
                .set();
    }

    /** Of an earlier version of the product, which had its migrations done by Flyway. */
    private void takeOver() {
        List<String> versions = handle.select(
                        "SELECT version FROM csv_import_schema WHERE version IS NOT NULL AND version <> '0'")
                .mapTo(String.class)
                .list();
        handle.execute("DROP TABLE csv_import_schema");
        createTable();
        versions.forEach(version -> note(Integer.parseInt(version)));
    }

    private void createTable() {
        handle.execute("CREATE TABLE csv_import_schema (version INTEGER PRIMARY KEY, applied_at TEXT NOT NULL)");
    }

    private void note(int version) {
        handle.execute("INSERT INTO csv_import_schema (version, applied_at) VALUES (?, ?)", version, Instant.now());
    }

    /**
     * The jobs of a ledger are counted from the millisecond in which it was made. So the jobs of another ledger, and with
     * them the ids of events and the names of tagged files, are others, unless one makes 1,000 jobs a second for ever.
     */
    private void setFirstJob(long job) {
        handle.execute(
                shared
                        ? "ALTER TABLE csv_import_delivery ALTER COLUMN job RESTART WITH " + job
                        : "INSERT INTO sqlite_sequence (name, seq) VALUES ('csv_import_delivery', " + (job - 1) + ")");
    }
}
