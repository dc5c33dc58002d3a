package io.csvimport.ledger;

import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.OptionalLong;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.UnableToExecuteStatementException;

/** The statements that run for each file, by JDBC alone: JDBI takes longer to make one than SQLite takes to run it. */
final class Sql {

    private interface Use<T> {
        T of(PreparedStatement statement) throws SQLException;
    }

    private Sql() {}

    /**
     * Answers how many rows were changed.
     *
     * @param values of the parameters, as {@link LedgerValues} stores them
     */
    static int update(Handle handle, String sql, Object... values) {
        return use(handle, sql, values, PreparedStatement::executeUpdate);
    }

    /** The first column of the first row; empty where there is no row. */
    static OptionalLong number(Handle handle, String sql, Object... values) {
        return use(handle, sql, values, statement -> {
            try (ResultSet rows = statement.executeQuery()) {
                return rows.next() ? OptionalLong.of(rows.getLong(1)) : OptionalLong.empty();
            }
        });
    }

    private static <T> T use(Handle handle, String sql, Object[] values, Use<T> use) {
        try (PreparedStatement statement = handle.getConnection().prepareStatement(sql)) {
            for (int i = 0; i < values.length; i++) {
                LedgerValues.set(statement, i + 1, values[i]);
            }
            return use.of(statement);
        } catch (SQLException e) {
            throw new UnableToExecuteStatementException(e, null);
        }
    }
}
