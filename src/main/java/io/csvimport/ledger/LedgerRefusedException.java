package io.csvimport.ledger;

import io.csvimport.CsvImportUnsettledException;
import java.sql.SQLException;
import java.time.Duration;

/** The ledger works, and refuses these values: a failure of this one job, and no reason for others to wait. */
public final class LedgerRefusedException extends CsvImportUnsettledException {

    private static final long serialVersionUID = 1L;
    /** PostgreSQL's; an embedded ledger has one writer. */
    private static final String UNIQUE_VIOLATION = "23505";

    private static final Duration PAUSE = Duration.ofMinutes(1);

    private final boolean isConcurrent;

    LedgerRefusedException(SQLException cause) {
        super("The ledger refuses what is to be written: " + LedgerErrors.explain(cause), PAUSE, cause);
        isConcurrent = UNIQUE_VIOLATION.equals(cause.getSQLState());
    }

    /** Whether another process has written the same at the same moment: the next attempt finds that. */
    public boolean isConcurrent() {
        return isConcurrent;
    }
}
