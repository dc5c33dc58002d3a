package io.csvimport.ledger;

import io.csvimport.CsvImportUnsettledException;
import java.sql.SQLException;
import java.time.Duration;

/** The ledger works, and refuses these values: a failure of this one job, and no reason for others to wait. */
public final class LedgerRefusedException extends CsvImportUnsettledException {

    private static final long serialVersionUID = 1L;
    private static final Duration PAUSE = Duration.ofMinutes(1);

    LedgerRefusedException(SQLException cause) {
        super("The ledger refuses what is to be written: " + LedgerErrors.explain(cause), PAUSE, cause);
    }
}
