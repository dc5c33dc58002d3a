package io.csvimport;

import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteConnection;
import org.sqlite.SQLiteDataSource;
import org.sqlite.jdbc4.JDBC4Connection;
import org.sqlite.jdbc4.JDBC4PreparedStatement;

/**
 * The SQLite file, durable at every commit unless the connection is told otherwise. A connection compiles each statement
 * once: that takes SQLite longer than to run it.
 */
final class LedgerFile extends SQLiteDataSource {

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

    LedgerFile(String url) {
        super(config());
        setUrl(url);
    }

    private static SQLiteConfig config() {
        SQLiteConfig config = new SQLiteConfig();
        config.setJournalMode(SQLiteConfig.JournalMode.WAL);
        config.setSynchronous(SQLiteConfig.SynchronousMode.FULL);
        config.enforceForeignKeys(true);
        return config;
    }

    @Override
    public SQLiteConnection getConnection(String username, String password) throws SQLException {
        return new Keeper(
                getUrl(),
                getUrl().substring("jdbc:sqlite:".length()),
                getConfig().toProperties());
    }
}
