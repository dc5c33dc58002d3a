package io.csvimport.ledger;

import io.csvimport.CsvImportUnsettledException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * This process among those that share a ledger: the data dir's id and a random one, because process ids and host names
 * repeat. On a shared ledger it lives as long as it renews its lease, by the database's clock; on an embedded one it is
 * alone, because it holds the data dir's lock.
 */
public final class Owner {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");
    private static final Duration LEASE = Duration.ofSeconds(30);
    /** What a renewal may take, and what a frozen process may still send, before others take over. */
    private static final Duration MARGIN = Duration.ofSeconds(10);

    private final Database database;
    private final String place;
    private final String id;
    /** SQL: whether an owner's lease has not ended. */
    private final String alive;

    private volatile long deadline = System.nanoTime();

    public Owner(Database database, Path dataDir, ScheduledExecutorService timer)
            throws IOException, CsvImportUnsettledException {
        this.database = database;
        alive = "lease_until > " + database.clock(Duration.ZERO);
        Path file = dataDir.resolve("csv-import-place");
        if (!Files.exists(file)) {
            Files.writeString(file, UUID.randomUUID().toString());
        }
        place = Files.readString(file).strip() + "/";
        id = place + UUID.randomUUID();
        // one process a data dir: whoever was here before is dead
        database.durable(handle -> handle.execute("DELETE FROM csv_import_owner WHERE owner LIKE ?", place + "%"));
        renew();
        if (database.isShared()) {
            long pause = LEASE.minus(MARGIN).dividedBy(4).toMillis();
            timer.scheduleWithFixedDelay(this::renewOrSay, pause, pause, TimeUnit.MILLISECONDS);
        }
    }

    String id() {
        return id;
    }

    boolean isHere(String id) {
        return id.startsWith(place);
    }

    /** A pattern of this and all earlier processes of the data dir. */
    String here() {
        return place + "%";
    }

    private void renewOrSay() {
        try {
            renew();
        } catch (CsvImportUnsettledException e) {
            LOG.warn("The lease on the ledger is not renewed; without it nothing more is sent");
        }
    }

    private void renew() throws CsvImportUnsettledException {
        long asked = System.nanoTime();
        database.durable(handle -> handle.execute(
                "INSERT INTO csv_import_owner (owner, lease_until) VALUES (?, " + database.clock(LEASE) + ")"
                        + " ON CONFLICT (owner) DO UPDATE SET lease_until = excluded.lease_until",
                id));
        deadline = asked + LEASE.minus(MARGIN).toNanos();
    }

    /** Others need not wait for the end of the lease. */
    public void leave() {
        try {
            database.durable(handle -> handle.execute("DELETE FROM csv_import_owner WHERE owner = ?", id));
        } catch (CsvImportUnsettledException e) {
            LOG.warn("The lease on the ledger ends by itself");
        }
    }

    /** Whether this process may send: asked before every chunk and before the closing boundary. */
    public boolean holdsLease() {
        return !database.isShared() || System.nanoTime() - deadline < 0;
    }

    /** Whether this process does what one of all is to do. */
    public boolean leads() throws CsvImportUnsettledException {
        return !database.isShared()
                || database.read(handle -> handle.select("SELECT MIN(owner) FROM csv_import_owner WHERE " + alive)
                        .mapTo(String.class)
                        .list()
                        .contains(id));
    }

    /** Whether another, living process has it. */
    boolean isForeign(String owner) throws CsvImportUnsettledException {
        return database.isShared()
                && !owner.equals(id)
                && database.read(
                        handle -> handle.select("SELECT 1 FROM csv_import_owner WHERE owner = ? AND " + alive, owner)
                                .mapTo(Integer.class)
                                .findFirst()
                                .isPresent());
    }

    /** Forgets the processes whose leases ended a day ago. */
    public void forgetDead() throws CsvImportUnsettledException {
        database.durable(handle -> handle.execute(
                "DELETE FROM csv_import_owner WHERE lease_until < " + database.clock(Duration.ofDays(-1))
                        + " AND owner <> ?",
                id));
    }

    /** SQL: the owners that may be sending. */
    String living() {
        return database.isShared() ? "(SELECT owner FROM csv_import_owner WHERE " + alive + ")" : "('" + id + "')";
    }
}
