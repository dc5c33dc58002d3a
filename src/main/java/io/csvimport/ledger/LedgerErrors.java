package io.csvimport.ledger;

import java.sql.SQLException;
import java.util.Set;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/** What an error of the ledger's database means. */
final class LedgerErrors {

    /** SQLState classes of values that the database refuses: cardinality, data, integrity, and limits of the program. */
    private static final Set<String> REFUSALS = Set.of("21", "22", "23", "54");

    private static final Set<SQLiteErrorCode> SQLITE_REFUSALS = Set.of(
            SQLiteErrorCode.SQLITE_CONSTRAINT,
            SQLiteErrorCode.SQLITE_TOOBIG,
            SQLiteErrorCode.SQLITE_MISMATCH,
            SQLiteErrorCode.SQLITE_RANGE);

    private LedgerErrors() {}

    /** The database's own error among the causes; null where there is none. */
    static SQLException cause(Throwable e) {
        Throwable cause = e;
        while (cause != null && !(cause instanceof SQLException)) {
            cause = cause.getCause();
        }
        return (SQLException) cause;
    }

    /** Whether it refuses these very values, and works otherwise; all other errors mean that it is away. */
    static boolean isRefusal(SQLException e) {
        if (e instanceof SQLiteException) {
            return SQLITE_REFUSALS.contains(primary(e));
        }
        String state = e.getSQLState();
        return state != null && state.length() == 5 && REFUSALS.contains(state.substring(0, 2));
    }

    static boolean isDiskFull(SQLException e) {
        return primary(e) == SQLiteErrorCode.SQLITE_FULL;
    }

    /** The error in words, and what to do where that is known; one line. */
    static String explain(Throwable e) {
        Throwable root = e;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        String text = String.valueOf(root.getMessage()).strip().replaceAll("\\s*\\R\\s*", " ");
        return text + hint(root);
    }

    private static String hint(Throwable root) {
        SQLiteErrorCode code = primary(root);
        if (code == null) {
            return "";
        }
        return switch (code) {
            case SQLITE_FULL -> ". Make room on its disk";
            case SQLITE_READONLY, SQLITE_CANTOPEN, SQLITE_PERM ->
                ". Make the file and its folder writable for the user" + " of this process, and its file system, too";
            case SQLITE_BUSY, SQLITE_LOCKED -> ". Another program has it open: end that";
            case SQLITE_NOTADB, SQLITE_CORRUPT ->
                ". Restore it from a backup. Or move it aside, with its -wal and -shm"
                        + " files, and start with --new-ledger: what was imported before is then forgotten, and a file that"
                        + " is still in the inbox is imported again";
            default -> "";
        };
    }

    /** The kind of an error of SQLite's, without its details; null for any other error. */
    private static SQLiteErrorCode primary(Throwable e) {
        return e instanceof SQLiteException sqlite
                ? SQLiteErrorCode.getErrorCode(sqlite.getResultCode().code & 0xff)
                : null;
    }
}
