package io.csvimport;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
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
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The ledger's database: one SQLite file in the data dir, durable at every commit, and of one process at a time.
 * Migrated when it is opened.
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

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");

    private final FileChannel lock;
    private final HikariDataSource pool;

    /**
     * @throws IOException where the data dir cannot be written, another process has it, or the ledger cannot be opened;
     *     the message says what to do
     */
    Database(Path dataDir) throws IOException {
        try {
            Files.createDirectories(dataDir);
        } catch (IOException e) {
            throw new IOException("The data dir " + dataDir + " cannot be made: " + e
                    + " (csv-import.data-dir, CSV_IMPORT_DATA_DIR)");
        }
        Path ledger = dataDir.resolve("csv-import-ledger.db");
        lock = lock(dataDir.resolve("csv-import-ledger.lock"), dataDir);
        HikariConfig config = new HikariConfig();
        config.setPoolName("csv-import-ledger");
        config.setJdbcUrl("jdbc:sqlite:" + ledger);
        config.setMaximumPoolSize(1);
        config.addDataSourceProperty("journal_mode", "WAL");
        config.addDataSourceProperty("synchronous", "FULL");
        config.addDataSourceProperty("foreign_keys", "true");
        try (Connection probe = DriverManager.getConnection(config.getJdbcUrl());
                Statement statement = probe.createStatement()) {
            // Flyway would try for long
            statement.execute("PRAGMA schema_version");
        } catch (SQLException e) {
            lock.close();
            throw refusal(ledger, e);
        }
        try {
            Flyway.configure(Database.class.getClassLoader())
                    .dataSource(config.getJdbcUrl(), null, null)
                    .locations("classpath:csv-import/db/sqlite")
                    .table("csv_import_schema")
                    .load()
                    .migrate();
            pool = new HikariDataSource(config);
        } catch (FlywayException | com.zaxxer.hikari.pool.HikariPool.PoolInitializationException e) {
            lock.close();
            throw refusal(ledger, e);
        }
    }

    private static IOException refusal(Path ledger, Exception e) {
        Throwable root = e;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        String cause = String.valueOf(root.getMessage()).strip();
        boolean corrupt = cause.contains("SQLITE_NOTADB") || cause.contains("SQLITE_CORRUPT");
        return new IOException("The ledger " + ledger + " cannot be opened: " + cause
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

    /** @throws CsvImportUnsettledException where the database is away or refuses: nothing of the work is kept */
    <T> T inTransaction(Work<T> work) throws CsvImportUnsettledException {
        try (Connection connection = pool.getConnection()) {
            connection.setAutoCommit(false);
            try {
                T result = work.run(connection);
                connection.commit();
                return result;
            } catch (SQLException | RuntimeException | Error e) {
                connection.rollback();
                throw e;
            }
        } catch (SQLException e) {
            LOG.warn("The ledger cannot be read or written, what is under way waits for it: {}", e.getMessage());
            throw new CsvImportUnsettledException(
                    "The ledger cannot be read or written", Instant.now().plusSeconds(2), e);
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
        pool.close();
        try {
            lock.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
