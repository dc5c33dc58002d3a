package io.csvimport.ledger;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;
import org.jdbi.v3.core.ConnectionException;
import org.jdbi.v3.core.ConnectionFactory;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteDataSource;
import org.sqlite.SQLiteOpenMode;

/**
 * The SQLite file by its one connection, one use at a time: durable at every commit unless the connection is told
 * otherwise.
 */
final class LedgerFile implements ConnectionFactory, Closeable {

    private static final String PREFIX = "jdbc:sqlite:";
    private static final String PUT_BACK =
            " Put back the file that was there, and the work goes on. Or stop the process,"
                    + " restore a backup or start it with --new-ledger";

    private final String url;
    private final Path path;
    /** The file system's own key of the file that was opened: another one in its place is another ledger. */
    private final Object key;

    /** Waits longer than the pool would, and is not interrupted. */
    private final ReentrantLock turn = new ReentrantLock();

    private final HikariDataSource pool;

    /** @throws IOException where the file is not there: a ledger is made by its migrations */
    LedgerFile(String url, HikariConfig config) throws IOException {
        this.url = url;
        path = path(url);
        key = Files.readAttributes(path, BasicFileAttributes.class).fileKey();
        config.setMaximumPoolSize(1);
        // whoever waits for a new connection holds up all others
        config.setConnectionTimeout(1_000);
        config.setMaxLifetime(0);
        config.setKeepaliveTime(0);
        config.setDataSource(new SQLiteDataSource() {
            @Override
            public LedgerConnection getConnection(String username, String password) throws SQLException {
                LedgerConnection connection =
                        new LedgerConnection(url, url.substring(PREFIX.length()), config().toProperties());
                try {
                    checkPlace();
                } catch (SQLException e) {
                    connection.close();
                    throw e;
                }
                return connection;
            }
        });
        pool = new HikariDataSource(config);
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

    @Override
    public Connection openConnection() throws SQLException {
        turn.lock();
        try {
            checkPlace();
            return pool.getConnection();
        } catch (SQLException | RuntimeException e) {
            turn.unlock();
            throw e;
        }
    }

    @Override
    public void closeConnection(Connection connection) throws SQLException {
        try (connection) {
            if (connection.unwrap(LedgerConnection.class).isBroken()) {
                pool.evictConnection(connection);
            }
        } finally {
            turn.unlock();
        }
    }

    /** A connection of its own: no other work waits for it. */
    Connection openReadOnly() throws SQLException {
        checkPlace();
        SQLiteConfig config = config();
        config.setReadOnly(true);
        return config.createConnection(url);
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

    /** Outside a transaction of a connection that is open here: whether its commits are on the disk when they return. */
    static void setDurable(Connection connection, boolean durable) {
        try {
            connection.unwrap(LedgerConnection.class).setDurable(durable);
        } catch (SQLException e) {
            throw new ConnectionException(e);
        }
    }

    /** Closes the connection for good: another process may have the file from now on. */
    @Override
    public void close() {
        turn.lock();
        try {
            pool.close();
        } finally {
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
