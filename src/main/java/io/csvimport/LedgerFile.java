package io.csvimport;

import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteConnection;
import org.sqlite.jdbc4.JDBC4Connection;
import org.sqlite.jdbc4.JDBC4PreparedStatement;

/**
 * The SQLite file by its one connection, one use at a time: durable at every commit unless the connection is told
 * otherwise. The connection compiles each statement once: that takes SQLite longer than to run it.
 */
final class LedgerFile implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(LedgerFile.class);

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
    private final ReentrantLock turn = new ReentrantLock();
    private Keeper connection;
    private boolean closed;

    LedgerFile(String url) {
        this.url = url;
    }

    /** Runs a piece of work with the connection, which is made where there is none. */
    <T> T use(Database.Work<T> work) throws SQLException {
        turn.lock();
        try {
            if (closed) {
                throw new SQLException("The ledger is closed");
            }
            if (connection == null) {
                connection = new Keeper(url, url.substring("jdbc:sqlite:".length()), config().toProperties());
            }
            return work.run(connection);
        } finally {
            turn.unlock();
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
        config.setJournalMode(SQLiteConfig.JournalMode.WAL);
        config.setSynchronous(SQLiteConfig.SynchronousMode.FULL);
        config.enforceForeignKeys(true);
        // an INSERT says by RETURNING what is asked of it
        config.setGetGeneratedKeys(false);
        return config;
    }
}
