package io.csvimport.ledger;

import io.csvimport.job.State;
import io.csvimport.text.Visible;
import java.lang.reflect.Type;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Instant;
import java.util.Optional;
import java.util.Set;
import org.jdbi.v3.core.Handles;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.argument.ArgumentFactory;
import org.jdbi.v3.core.config.ConfigRegistry;
import org.jdbi.v3.core.generic.GenericTypes;
import org.jdbi.v3.core.mapper.ColumnMapper;
import org.jdbi.v3.core.mapper.RowMapper;
import org.jdbi.v3.core.mapper.reflect.ConstructorMapper;
import org.jdbi.v3.core.spi.JdbiPlugin;
import org.jdbi.v3.core.statement.SqlStatements;
import org.jdbi.v3.core.statement.TemplateEngine;

/**
 * How JDBI binds and reads the ledger's values: a string as every database can store it, an {@link Instant} as text, a
 * public record by the names of its components.
 */
public final class LedgerValues implements JdbiPlugin {

    /** A second since 1970, and its text up to the point. */
    private record Second(long epoch, String text) {

        static Second of(long epoch) {
            return new Second(epoch, Instant.ofEpochSecond(epoch).toString().replace('Z', '.'));
        }
    }

    /** The types that are not stored as JDBI would. */
    private static final Set<Class<?>> STORED = Set.of(String.class, Instant.class, State.class, Boolean.class);

    /** The latest that was written: a formatter takes Java long to run, and to compile. */
    private static volatile Second latest = Second.of(0);

    @Override
    public void customizeJdbi(Jdbi jdbi) throws SQLException {
        jdbi.getConfig(SqlStatements.class).setTemplateEngine(TemplateEngine.NOP);
        // a transaction ends by itself; a connection that broke in one has none to end
        jdbi.getConfig(Handles.class).setForceEndTransactions(false);
        jdbi.registerArgument((ArgumentFactory.Preparable) (type, config) -> STORED.contains(type)
                ? Optional.of(value -> (position, statement, context) -> set(statement, position, value))
                : Optional.empty());
        jdbi.registerColumnMapper(
                Instant.class, (ColumnMapper<Instant>) (row, column, context) -> instant(row.getString(column)));
        jdbi.registerRowMapper(LedgerValues::mapperOfRecord);
    }

    private static Optional<RowMapper<?>> mapperOfRecord(Type type, ConfigRegistry config) {
        Class<?> erased = GenericTypes.getErasedType(type);
        return erased.isRecord() ? Optional.of(ConstructorMapper.of(erased)) : Optional.empty();
    }

    /** Sets a parameter of a statement. */
    static void set(PreparedStatement statement, int position, Object value) throws SQLException {
        if (value instanceof String string) {
            statement.setString(position, Visible.storable(string));
        } else if (value instanceof Instant time) {
            statement.setString(position, text(time));
        } else if (value instanceof State state) {
            statement.setString(position, state.toString());
        } else if (value instanceof Boolean is) {
            statement.setInt(position, is ? 1 : 0);
        } else if (value == null) {
            statement.setNull(position, Types.NULL);
        } else {
            statement.setObject(position, value);
        }
    }

    /** Null for NULL. */
    static Long number(ResultSet row, String column) throws SQLException {
        long number = row.getLong(column);
        return row.wasNull() ? null : number;
    }

    static Instant instant(String text) {
        return text == null ? null : Instant.parse(text);
    }

    /** Always with three digits of milliseconds, so that times sort as text; null for null. */
    public static String text(Instant time) {
        if (time == null) {
            return null;
        }
        Second second = latest;
        if (second.epoch != time.getEpochSecond()) {
            second = Second.of(time.getEpochSecond());
            latest = second;
        }
        return second.text + String.valueOf(1000 + time.getNano() / 1_000_000).substring(1) + "Z";
    }
}
