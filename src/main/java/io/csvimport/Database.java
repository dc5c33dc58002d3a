package io.csvimport;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import com.zaxxer.hikari.pool.HikariPool;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The ledger's database: one SQLite file in the data dir, durable at every commit, or a PostgreSQL that several
 * processes share. Migrated when it is opened. A data dir is of one process at a time, whichever it is.
 */
final class Database implements AutoCloseable {

    /** A piece of work in one transaction. */
    interface Work<T> {
        T run(Connection connection) throws SQLException;
    }

    /** Reads the current row. */
    interface Row<T> {
        T read(ResultSet row) throws SQLException;
    }

    /** Work that is done with the next transaction, and what waits for it to be on the disk, or null. */
    private record Rider(Work<?> work, Runnable afterwards) {}

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");

    private final FileChannel lock;
    private final boolean shared;
    private final AtomicBoolean away = new AtomicBoolean();
    /** SQLite's one connection, or null. */
    private final LedgerFile file;
    /** PostgreSQL's connections, or null. */
    private final HikariDataSource pool;

    private final String url;
    private final Queue<Rider> riders = new ConcurrentLinkedQueue<>();

    /**
     * @throws IOException where the data dir cannot be written, another process has it, or the ledger cannot be opened;
     *     the message says what to do
     */
    Database(Settings settings) throws IOException {
        Path dataDir = settings.path("data-dir");
        try {
            Files.createDirectories(dataDir);
        } catch (IOException e) {
            throw new IOException("The data dir " + dataDir + " cannot be made: " + e
                    + " (csv-import.data-dir, CSV_IMPORT_DATA_DIR)");
        }
        lock = lock(dataDir.resolve("csv-import-ledger.lock"), dataDir);
        url = settings.find("ledger.url").orElse("jdbc:sqlite:" + dataDir.resolve("csv-import-ledger.db"));
        shared = url.startsWith("jdbc:postgresql:");
        String username = shared ? settings.get("ledger.username") : null;
        String password = shared ? settings.get("ledger.password") : null;
        try (Connection probe = DriverManager.getConnection(url, username, password);
                Statement statement = probe.createStatement()) {
            // Flyway would try for long
            statement.execute("SELECT 1");
            migrate(username, password);
            file = shared ? null : new LedgerFile(url);
            pool = shared ? pool(url, username, password, settings.number("parallel") + 4) : null;
        } catch (SQLException | FlywayException | HikariPool.PoolInitializationException e) {
            lock.close();
            throw refusal(url, e);
        }
    }

    private static HikariDataSource pool(String url, String username, String password, int size) {
        HikariConfig config = new HikariConfig();
        config.setPoolName("csv-import-ledger");
        config.setJdbcUrl(url);
        config.setUsername(username);
        config.setPassword(password);
        config.setConnectionTimeout(5_000);
        config.setMaximumPoolSize(size);
        // a connection that has gone silent, or a process frozen within a transaction, holds up nobody
        config.addDataSourceProperty("socketTimeout", "10");
        config.addDataSourceProperty("tcpKeepAlive", "true");
        config.setConnectionInitSql("SET idle_in_transaction_session_timeout = '10s'");
        return new HikariDataSource(config);
    }

    private void migrate(String username, String password) {
        Flyway.configure(Database.class.getClassLoader())
                .dataSource(url, username, password)
                .locations("classpath:csv-import/db")
                .placeholders(Map.of(
                        "identity",
                        shared
                                ? "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
                                : "INTEGER PRIMARY KEY AUTOINCREMENT"))
                .table("csv_import_schema")
                .baselineOnMigrate(true)
                .baselineVersion("0")
                .load()
                .migrate();
    }

    /** Whether other processes may work on the same ledger. */
    boolean isShared() {
        return shared;
    }

    /** SQL: the database's own clock, and some time more, as text. */
    String clock(Duration more) {
        return shared
                ? "to_char((clock_timestamp() + interval '" + more.toSeconds()
                        + " seconds') AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
                : "strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '" + more.toSeconds() + " seconds')";
    }

    private static IOException refusal(String url, Exception e) {
        Throwable root = e;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        String cause = String.valueOf(root.getMessage()).strip();
        boolean corrupt = cause.contains("SQLITE_NOTADB") || cause.contains("SQLITE_CORRUPT");
        String bare = url.replaceAll("[?].*", "").replaceAll("//[^/]*@", "//…@");
        return new IOException("The ledger " + bare + " cannot be opened: " + cause.replace(url, bare)
                + (corrupt
                        ? " Restore it from a backup. Or move it aside, with its -wal and -shm files: what was imported"
                                + " before is then forgotten, and a file that is still in the inbox is imported again."
                        : ""));
    }

    private static FileChannel lock(Path file, Path dataDir) throws IOException {
        FileChannel channel;
        try {
            channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        } catch (IOException e) {
            throw new IOException("The data dir " + dataDir + " cannot be written by this user: " + e
                    + " (csv-import.data-dir, CSV_IMPORT_DATA_DIR)");
        }
        try {
            if (channel.tryLock() != null) {
                return channel;
            }
        } catch (OverlappingFileLockException e) {
            // this very process has it: the same answer
        }
        channel.close();
        throw new IOException("Another process works on the data dir " + dataDir
                + ": stop it, or give this one a data dir of its own (csv-import.data-dir, CSV_IMPORT_DATA_DIR)");
    }

    /**
     * What it has done is on the disk when it returns.
     *
     * @throws CsvImportUnsettledException where the database is away or refuses: nothing of the work is kept
     */
    <T> T inTransaction(Work<T> work) throws CsvImportUnsettledException {
        return inTransaction(work, true);
    }

    /**
     * What it has done survives this process at once, and a power failure with the next transaction that is on the
     * disk: for what is found out again where it is missing.
     */
    <T> T lazily(Work<T> work) throws CsvImportUnsettledException {
        return inTransaction(work, false);
    }

    private <T> T inTransaction(Work<T> work, boolean durable) throws CsvImportUnsettledException {
        List<Rider> riding = new ArrayList<>();
        T result = connected(connection -> {
            for (Rider rider = riders.poll(); rider != null; rider = riders.poll()) {
                riding.add(rider);
            }
            try {
                begin(connection, durable || areAwaited(riding));
                for (Rider rider : riding) {
                    rider.work.run(connection);
                }
                T done = work.run(connection);
                commit(connection);
                return done;
            } catch (SQLException | RuntimeException | Error e) {
                riders.addAll(riding);
                undo(connection, e);
                throw e;
            }
        });
        for (Rider rider : riding) {
            if (rider.afterwards != null) {
                rider.afterwards.run();
            }
        }
        return result;
    }

    private <T> T connected(Work<T> work) throws CsvImportUnsettledException {
        try {
            T result = shared ? pooled(work) : file.use(work);
            if (away.compareAndSet(true, false)) {
                LOG.info("The ledger is back");
            }
            return result;
        } catch (SQLException e) {
            if (away.compareAndSet(false, true)) {
                LOG.warn("The ledger cannot be read or written, what is under way waits for it: {}", e.getMessage());
            }
            throw new CsvImportUnsettledException(
                    "The ledger cannot be read or written", Instant.now().plusSeconds(2), e);
        }
    }

    private <T> T pooled(Work<T> work) throws SQLException {
        try (Connection connection = pool.getConnection()) {
            return work.run(connection);
        }
    }

    private void begin(Connection connection, boolean durable) throws SQLException {
        if (shared) {
            connection.setAutoCommit(false);
            if (!durable) {
                execute(connection, "SET LOCAL synchronous_commit = off");
            }
            return;
        }
        file.setDurable(durable);
        // JDBC's own way compiles four statements for each transaction, and makes two of it
        update(connection, "BEGIN IMMEDIATE");
    }

    private void commit(Connection connection) throws SQLException {
        if (shared) {
            connection.commit();
        } else {
            update(connection, "COMMIT");
        }
    }

    /**
     * Done with the next transaction, whose ever it is, or soon: for what nobody waits for, and is found out again where
     * it is missing. In a shared ledger it is done at once, where others look for it.
     */
    void soon(Work<?> work) throws CsvImportUnsettledException {
        if (shared) {
            lazily(work);
        } else {
            riders.add(new Rider(work, null));
        }
    }

    /**
     * The same for what is waited for.
     *
     * @param afterwards done once it is on the disk, by the thread whose transaction it was; throws nothing
     */
    void soon(Work<?> work, Runnable afterwards) throws CsvImportUnsettledException {
        if (shared) {
            inTransaction(work);
            afterwards.run();
        } else {
            riders.add(new Rider(work, afterwards));
        }
    }

    /** Does what was to be done soon. */
    void soon() throws CsvImportUnsettledException {
        if (!riders.isEmpty()) {
            lazily(c -> null);
        }
    }

    /** Does what was to be done soon, where something waits for it. */
    void now() throws CsvImportUnsettledException {
        if (areAwaited(riders)) {
            inTransaction(c -> null);
        }
    }

    private static boolean areAwaited(Collection<Rider> riders) {
        for (Rider rider : riders) {
            if (rider.afterwards != null) {
                return true;
            }
        }
        return false;
    }

    /**
     * Reads as the pipeline sees it.
     *
     * @throws CsvImportUnsettledException where the database is away
     */
    <T> T read(Work<T> work) throws CsvImportUnsettledException {
        return connected(work);
    }

    /**
     * Only reads, for people and for metrics: the embedded ledger's one connection is the pipeline's, and is not kept from
     * its work.
     *
     * @throws CsvImportUnsettledException where the database is away
     */
    <T> T look(Work<T> work) throws CsvImportUnsettledException {
        if (shared) {
            return read(work);
        }
        try (Connection connection = DriverManager.getConnection(url)) {
            return work.run(connection);
        } catch (SQLException e) {
            throw new CsvImportUnsettledException(
                    "The ledger cannot be read", Instant.now().plusSeconds(2), e);
        }
    }

    private void undo(Connection connection, Throwable cause) {
        try {
            if (shared) {
                connection.rollback();
            } else {
                update(connection, "ROLLBACK");
            }
        } catch (SQLException e) {
            // SQLite rolls back by itself when the disk is full; nothing is sure of this connection any more
            cause.addSuppressed(e);
            if (shared) {
                pool.evictConnection(connection);
            } else {
                file.evict();
            }
        }
    }

    static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    static int update(Connection connection, String sql, Object... parameters) throws SQLException {
        try (PreparedStatement statement = prepare(connection, sql, parameters)) {
            return statement.executeUpdate();
        }
    }

    static <T> List<T> query(Connection connection, Row<T> row, String sql, Object... parameters) throws SQLException {
        try (PreparedStatement statement = prepare(connection, sql, parameters);
                ResultSet result = statement.executeQuery()) {
            List<T> rows = new ArrayList<>();
            while (result.next()) {
                rows.add(row.read(result));
            }
            return rows;
        }
    }

    private static PreparedStatement prepare(Connection connection, String sql, Object... parameters)
            throws SQLException {
        PreparedStatement statement = connection.prepareStatement(sql);
        for (int i = 0; i < parameters.length; i++) {
            statement.setObject(i + 1, parameters[i]);
        }
        return statement;
    }

    @Override
    public void close() {
        try {
            soon();
            // what has waited for it has more to tell
            soon();
        } catch (CsvImportUnsettledException e) {
            // it is found out again
        }
        if (shared) {
            pool.close();
        } else {
            file.close();
        }
        try {
            lock.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
