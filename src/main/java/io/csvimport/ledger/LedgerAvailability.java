package io.csvimport.ledger;

import java.io.File;
import java.sql.SQLException;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether the ledger can be read and written: logs one line when that ends, and one when it begins again. A read that
 * succeeds proves nothing, because it also does while the disk is full: a trial write proves it.
 */
final class LedgerAvailability {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");
    /** Bytes. While less is left on a disk that was full, a small write may succeed, and the next one fails. */
    private static final long ROOM = 1 << 20;

    private record Trouble(String why, boolean diskFull) {}

    private final String ledger;
    private final File disk;
    private final AtomicReference<Trouble> trouble = new AtomicReference<>();

    /**
     * @param ledger what it is called in messages
     * @param disk a folder on its disk
     */
    LedgerAvailability(String ledger, File disk) {
        this.ledger = ledger;
        this.disk = disk;
    }

    /** A sentence without its full stop; null where the ledger can be read and written. */
    String problem() {
        Trouble now = trouble.get();
        return now == null ? null : "The ledger " + ledger + " cannot be read or written: " + now.why;
    }

    /** @return the sentence that says so */
    String failed(SQLException e) {
        Trouble before = trouble.getAndSet(new Trouble(LedgerErrors.explain(e), LedgerErrors.isDiskFull(e)));
        String problem = problem();
        if (before == null) {
            LOG.warn("{}. Nothing more is sent until it can", problem);
        }
        return problem;
    }

    /** Whether a trial write is to tell that the trouble is over. */
    boolean isTrialDue() {
        Trouble now = trouble.get();
        return now != null && (!now.diskFull || disk.getUsableSpace() >= ROOM);
    }

    /** The trial write has succeeded. */
    void worksAgain() {
        if (trouble.getAndSet(null) != null) {
            LOG.info("The ledger {} can be read and written again", ledger);
        }
    }
}
