package io.csvimport;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteConnection;
import org.sqlite.SQLiteOpenMode;
import org.sqlite.jdbc4.JDBC4Connection;
import org.sqlite.jdbc4.JDBC4PreparedStatement;

/**
 * The SQLite file by its one connection, one use at a time: durable at every commit unless the connection is told
 * otherwise. The connection compiles each statement once: that takes SQLite longer than to run it.
 */
final class LedgerFile implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(LedgerFile.class);

    private static final String PREFIX = "jdbc:sqlite:";
    private static final String PUT_BACK =
            " Put back the file that was there, and the work goes on. Or stop the process,"
                    + " restore a backup or start it with --new-ledger";

    /** A statement that outlives its use. */
    private static final class Kept extends JDBC4PreparedStatement {

        Kept(SQLiteConnection connection, String sql) throws SQLException {
            super(connection, sql);
        }

        @Override
        public void close() throws SQLException {
            if (!pointer.isClosed()) {
                rs.close();
                clearParameters();
            }
        }
    }

    private static final class Keeper extends JDBC4Connection {

        private final Map<String, Kept> statements = new HashMap<>();
        private boolean durable = true;

        Keeper(String url, String file, Properties properties) throws SQLException {
            super(url, file, properties);
        }

        @Override
        public PreparedStatement prepareStatement(String sql, int type, int concurrency, int holdability)
                throws SQLException {
            checkOpen();
            checkCursor(type, concurrency, holdability);
            Kept statement = statements.get(sql);
            // an error of the disk closes a statement for good
            if (statement == null || statement.pointer.isClosed()) {
                statement = new Kept(this, sql);
                statements.put(sql, statement);
            }
            return statement;
        }
    }

    private final String url;
    private final Path path;
    /** The file system's own key of the file that was opened: another one in its place is another ledger. */
    private final Object key;

    private final ReentrantLock turn = new ReentrantLock();
    private Keeper connection;
    private boolean closed;

    /** @throws IOException where the file is not there: a ledger is made by its migrations */
    LedgerFile(String url) throws IOException {
        this.url = url;
        path = path(url);
        key = Files.readAttributes(path, BasicFileAttributes.class).fileKey();
    }

    /** The file that a JDBC URL names. */
    static Path path(String url) {
        return Path.of(url.substring(PREFIX.length()).replaceFirst("^file:", "").replaceFirst("[?].*", ""))
                .toAbsolutePath();
    }

    /** Whether there is no such file, or nothing in it. */
    static boolean isMissing(String url) throws IOException {
        Path file = path(url);
        return !Files.exists(file) || Files.size(file) == 0;
    }

    /** Runs a piece of work with the connection, which is made where there is none. */
    <T> T use(Database.Work<T> work) throws SQLException {
        turn.lock();
        try {
            if (closed) {
                throw new SQLException("It is closed");
            }
            checkPlace();
            if (connection == null) {
                connection = new Keeper(url, url.substring(PREFIX.length()), config().toProperties());
            }
            return work.run(connection);
        } finally {
            turn.unlock();
        }
    }

    /** Runs a piece of work that only reads, with a connection of its own: no other work waits for it. */
    <T> T look(Database.Work<T> work) throws SQLException {
        checkPlace();
        SQLiteConfig config = config();
        config.setReadOnly(true);
        try (Connection reader = config.createConnection(url)) {
            return work.run(reader);
        }
    }

    /** What is written into a file that has no name any more is lost with the process. */
    private void checkPlace() throws SQLException {
        Object found;
        try {
            found = Files.readAttributes(path, BasicFileAttributes.class).fileKey();
        } catch (IOException e) {
            throw new SQLException("It was taken away while this process works with it." + PUT_BACK);
        }
        if (!Objects.equals(found, key)) {
            throw new SQLException("Another file was put in its place while this process works with it." + PUT_BACK);
        }
    }

    /** Within a use, and outside a transaction: whether the commits to come are on the disk when they return. */
    void setDurable(boolean durable) throws SQLException {
        if (durable != connection.durable) {
            Database.execute(connection, "PRAGMA synchronous = " + (durable ? "FULL" : "NORMAL"));
            connection.durable = durable;
        }
    }

    /** Closes the connection for good: another process may have the file from now on. */
    @Override
    public void close() {
        turn.lock();
        try {
            closed = true;
            evict();
        } finally {
            turn.unlock();
        }
    }

    /** Closes the connection; the next use makes another one. */
    void evict() {
        turn.lock();
        try {
            if (connection != null) {
                connection.close();
            }
        } catch (SQLException e) {
            LOG.debug("The ledger's connection cannot be closed", e);
        } finally {
            connection = null;
            turn.unlock();
        }
    }

    private static SQLiteConfig config() {
        SQLiteConfig config = new SQLiteConfig();
        config.resetOpenMode(SQLiteOpenMode.CREATE);
        config.setJournalMode(SQLiteConfig.JournalMode.WAL);
        config.setSynchronous(SQLiteConfig.SynchronousMode.FULL);
        config.enforceForeignKeys(true);
        // an INSERT says by RETURNING what is asked of it
        config.setGetGeneratedKeys(false);
        return config;
    }
}
