package io.csvimport.ledger;

import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import org.sqlite.SQLiteConnection;
import org.sqlite.jdbc4.JDBC4Connection;
import org.sqlite.jdbc4.JDBC4PreparedStatement;

/**
 * A connection to SQLite that compiles each statement once, BEGIN and COMMIT too: to compile one takes SQLite longer than to
 * run it. The driver alone would compile four more for each transaction, and split it in two.
 */
final class LedgerConnection extends JDBC4Connection {

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

    private final Map<String, Kept> statements = new HashMap<>();
    /** Null while each commit is forced to the disk by SQLite itself. */
    private WriteAheadLog log;

    private long latest;
    private long changes;
    private boolean inTransaction;
    private boolean broken;

    LedgerConnection(String url, String file, Properties properties) throws SQLException {
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

    /** The commits to come are forced to the disk by their log, and by SQLite no more. */
    void setLog(WriteAheadLog log) throws SQLException {
        // runs when it is compiled
        getDatabase().exec("PRAGMA synchronous = NORMAL", true);
        this.log = log;
    }

    /** The number of the latest commit that has changed something. */
    long latest() {
        return latest;
    }

    /** Begins a transaction that writes, or commits the one that was begun. */
    @Override
    public void setAutoCommit(boolean autoCommit) throws SQLException {
        if (autoCommit == getAutoCommit()) {
            return;
        }
        if (autoCommit) {
            commit();
        } else {
            run("BEGIN IMMEDIATE");
            inTransaction = true;
        }
        getConnectionConfig().setAutoCommit(autoCommit);
    }

    @Override
    public void commit() throws SQLException {
        if (inTransaction) {
            run("COMMIT");
            inTransaction = false;
            long now = getDatabase().total_changes();
            if (log != null && now != changes) {
                latest = log.committed();
            }
            changes = now;
        }
    }

    @Override
    public void rollback() throws SQLException {
        if (inTransaction) {
            inTransaction = false;
            // SQLite rolls back by itself when the disk is full; nothing is sure of this connection any more
            broken = true;
            run("ROLLBACK");
            broken = false;
        }
    }

    /** Whether it is not to be used any more. */
    boolean isBroken() {
        return broken;
    }

    private void run(String sql) throws SQLException {
        try (PreparedStatement statement = prepareStatement(sql)) {
            statement.executeUpdate();
        }
    }
}
