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
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

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

    private static final String SQLITE = "jdbc:sqlite:";
    /** Changes nothing, and is written nevertheless. */
    private static final String TRIAL = "UPDATE csv_import_schema SET applied_at = applied_at WHERE version = 1";

    private final List<FileChannel> locks = new ArrayList<>();
    private final boolean shared;
    /** SQLite's one connection, or null. */
    private LedgerFile file;
    /** PostgreSQL's connections, or null. */
    private HikariDataSource pool;

    private final LedgerAvailability availability;

    /** The ledger of a data dir that has one, or is new. */
    Database(Settings settings) throws IOException {
        this(settings, false);
    }

    /**
     * @param isNew whether there may be no ledger where there was one: what was imported before is forgotten then
     * @throws IOException where the data dir cannot be written, another process has it, or the ledger cannot be opened;
     *     the message says what to do
     */
    Database(Settings settings, boolean isNew) throws IOException {
        Path dataDir = settings.path("data-dir");
        try {
            Files.createDirectories(dataDir);
        } catch (IOException e) {
            throw new IOException("The data dir " + dataDir + " cannot be made: " + e
                    + " (csv-import.data-dir, CSV_IMPORT_DATA_DIR)");
        }
        String url = settings.find("ledger.url").orElse(SQLITE + dataDir.resolve("csv-import-ledger.db"));
        String bare = url.replaceAll("[?].*", "").replaceAll("//[^/]*@", "//…@");
        shared = url.startsWith("jdbc:postgresql:");
        String username = shared ? settings.get("ledger.username") : null;
        String password = shared ? settings.get("ledger.password") : null;
        Path disk = shared ? dataDir : LedgerFile.path(url).getParent();
        availability = new LedgerAvailability(bare, disk.toFile());
        try {
            lock(
                    dataDir.resolve("csv-import-ledger.lock"),
                    "data dir " + dataDir,
                    "csv-import.data-dir, CSV_IMPORT_DATA_DIR");
            if (!shared && settings.find("ledger.url").isPresent()) {
                Path ledger = LedgerFile.path(url);
                lock(
                        ledger.resolveSibling(ledger.getFileName() + ".lock"),
                        "ledger " + ledger,
                        "csv-import.ledger.url, CSV_IMPORT_LEDGER_URL");
            }
        } catch (IOException e) {
            close();
            throw e;
        }
        try {
            Optional<Path> trace = isNew ? Optional.empty() : trace(dataDir);
            // to open what is missing would make it, and delete a write-ahead log that is left of it
            boolean isRefused = trace.isPresent() && !shared && LedgerFile.isMissing(url);
            if (!isRefused) {
                try (Connection connection = DriverManager.getConnection(url, username, password)) {
                    isRefused = !Migrations.run(connection, shared, trace.isPresent());
                }
            }
            if (isRefused) {
                throw new IOException("there is none, though " + trace.get() + " tells of earlier imports. Put the"
                        + " ledger back where it was. Or start once with --new-ledger: what was imported before is"
                        + " then forgotten, and a file that is still in the inbox is imported again");
            }
            file = shared ? null : new LedgerFile(url);
            pool = shared ? pool(url, username, password, settings.number("parallel") + 4) : null;
            trial();
        } catch (SQLException | IOException | HikariPool.PoolInitializationException e) {
            close();
            throw new IOException("The ledger " + bare + " cannot be opened: "
                    + LedgerErrors.explain(e).replace(url, bare));
        }
    }

    /** Something that only a process with a ledger can have left in the data dir. */
    private static Optional<Path> trace(Path dataDir) throws IOException {
        for (String folder : List.of("audit", "spool")) {
            if (Files.isDirectory(dataDir.resolve(folder))) {
                try (Stream<Path> files = Files.walk(dataDir.resolve(folder))) {
                    Optional<Path> found = files.filter(Files::isRegularFile).findFirst();
                    if (found.isPresent()) {
                        return found;
                    }
                }
            }
        }
        return Optional.empty();
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

    private void lock(Path file, String what, String setting) throws IOException {
        FileChannel channel;
        try {
            channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        } catch (IOException e) {
            throw new IOException("The " + what + " cannot be written by this user: " + e + " (" + setting + ")");
        }
        locks.add(channel);
        try {
            if (channel.tryLock() != null) {
                return;
            }
        } catch (OverlappingFileLockException e) {
            // this very process has it: the same answer
        }
        throw new IOException(
                "Another process works on the " + what + ": stop it, or give this one another (" + setting + ")");
    }

    /**
     * A durable transaction: what it has done is on the disk when it returns.
     *
     * @throws CsvImportUnsettledException where the database is away or refuses: nothing of the work is kept
     */
    <T> T inTransaction(Work<T> work) throws CsvImportUnsettledException {
        return connected(connection -> transact(connection, true, work));
    }

    /**
     * A relaxed transaction: what it has done survives this process, and may be lost in a power failure. For what is
     * found out again where it is missing.
     *
     * @throws CsvImportUnsettledException as {@link #inTransaction}
     */
    <T> T relaxed(Work<T> work) throws CsvImportUnsettledException {
        return connected(connection -> transact(connection, false, work));
    }

    private <T> T transact(Connection connection, boolean durable, Work<T> work) throws SQLException {
        try {
            begin(connection, durable);
            T done = work.run(connection);
            commit(connection);
            return done;
        } catch (SQLException | RuntimeException | Error e) {
            undo(connection, e);
            throw e;
        }
    }

    private <T> T connected(Work<T> work) throws CsvImportUnsettledException {
        try {
            T result = run(work);
            if (availability.isTrialDue()) {
                trial();
                availability.worksAgain();
            }
            return result;
        } catch (SQLException e) {
            throw unsettled(e);
        }
    }

    private CsvImportUnsettledException unsettled(SQLException e) {
        return LedgerErrors.isRefusal(e)
                ? new LedgerRefusedException(e)
                : new CsvImportUnsettledException(
                        availability.failed(e), Instant.now().plusSeconds(2), e);
    }

    private <T> T run(Work<T> work) throws SQLException {
        return shared ? pooled(work) : file.use(work);
    }

    /** Writes, durably, what changes nothing. */
    private void trial() throws SQLException {
        run(connection -> transact(connection, true, c -> update(c, TRIAL)));
    }

    /** Reads, and says why the ledger cannot be read or written, a sentence without its full stop; null where it can. */
    String problem() {
        try {
            read(c -> query(c, row -> 1, "SELECT 1"));
            return availability.problem();
        } catch (CsvImportUnsettledException e) {
            return e.getMessage();
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
        try {
            return file.look(work);
        } catch (SQLException e) {
            throw unsettled(e);
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
            statement.setObject(i + 1, parameters[i] instanceof String text ? Visible.storable(text) : parameters[i]);
        }
        return statement;
    }

    @Override
    public void close() {
        if (file != null) {
            file.close();
        }
        if (pool != null) {
            pool.close();
        }
        for (FileChannel lock : locks) {
            try {
                lock.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
