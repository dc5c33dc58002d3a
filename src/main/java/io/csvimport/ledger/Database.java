package io.csvimport.ledger;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import com.zaxxer.hikari.pool.HikariPool;
import io.csvimport.CsvImportUnsettledException;
import io.csvimport.settings.Settings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.HandleCallback;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.JdbiException;

/**
 * The ledger's database: one SQLite file in the data dir, or a PostgreSQL that several processes share. Migrated when it
 * is opened. One process at a time uses a data dir, with SQLite and with PostgreSQL.
 */
public final class Database implements AutoCloseable {

    /** A piece of work with a connection to the ledger. */
    interface Work<T> extends HandleCallback<T, RuntimeException> {}

    static final String SQLITE = "jdbc:sqlite:";
    /** The data dir's lock file. */
    static final String LOCK = "csv-import-ledger.lock";
    /** Changes nothing, and is written nevertheless. */
    private static final String TRIAL = "UPDATE csv_import_schema SET applied_at = applied_at WHERE version = 1";

    private final boolean shared;
    private final LedgerLocks locks = new LedgerLocks();
    private final LedgerAvailability availability;
    /** The embedded ledger; null where it is shared. */
    private LedgerFile file;

    /** The shared ledger; null where it is embedded. */
    private HikariDataSource pool;

    /** Of a shared ledger, for all; of an embedded one, for what only reads: its one connection is kept for work. */
    private Jdbi jdbi;

    /** The ledger of a data dir that has one, or is new. */
    public Database(Settings settings) throws IOException {
        this(settings, false);
    }

    /**
     * @param isNew whether there may be no ledger where there was one: what was imported before is forgotten then
     * @throws IOException where the data dir cannot be written, another process has it, or the ledger cannot be opened;
     *     the message says what to do
     */
    public Database(Settings settings, boolean isNew) throws IOException {
        Path dataDir = settings.path("data-dir");
        try {
            Files.createDirectories(dataDir);
        } catch (IOException e) {
            throw new IOException("The data dir " + dataDir + " cannot be made: " + e
                    + " (csv-import.data-dir, CSV_IMPORT_DATA_DIR)");
        }
        String url = url(settings);
        String bare = bare(url);
        shared = isShared(url);
        String username = shared ? settings.get("ledger.username") : null;
        String password = shared ? settings.get("ledger.password") : null;
        Path disk = shared ? dataDir : LedgerFile.path(url).getParent();
        availability = new LedgerAvailability(bare, disk.toFile());
        try {
            locks.lock(dataDir.resolve(LOCK), "data dir " + dataDir, "csv-import.data-dir, CSV_IMPORT_DATA_DIR");
            Path ledger = shared ? null : LedgerFile.lock(url);
            // that of the ledger in the data dir is the same
            if (ledger != null && !(Files.exists(ledger) && Files.isSameFile(ledger, dataDir.resolve(LOCK)))) {
                locks.lock(ledger, "ledger " + LedgerFile.path(url), "csv-import.ledger.url, CSV_IMPORT_LEDGER_URL");
            }
        } catch (IOException e) {
            close();
            throw e;
        }
        try {
            if (!shared) {
                SqliteLibrary.useDataDir(dataDir);
            }
            migrate(url, username, password, isNew ? Optional.empty() : trace(dataDir));
            connect(url, username, password, settings.number("parallel") + 4);
            transact(true, handle -> handle.execute(TRIAL));
        } catch (JdbiException | IOException | HikariPool.PoolInitializationException e) {
            close();
            throw new IOException("The ledger " + bare + " cannot be opened: "
                    + LedgerErrors.explain(e).replace(url, bare));
        }
    }

    static String url(Settings settings) {
        return settings.find("ledger.url")
                .orElse(SQLITE + settings.path("data-dir").resolve("csv-import-ledger.db"));
    }

    /** Without options and users: there may be passwords among them. */
    static String bare(String url) {
        return url.replaceAll("[?].*", "").replaceAll("//[^/]*@", "//…@");
    }

    static boolean isShared(String url) {
        return url.startsWith("jdbc:postgresql:");
    }

    /** Something that only a process with a ledger can have left in the data dir. */
    static Optional<Path> trace(Path dataDir) throws IOException {
        for (String folder : List.of("audit", "spool")) {
            if (Files.isDirectory(dataDir.resolve(folder))) {
                try (Stream<Path> files = Files.walk(dataDir.resolve(folder))) {
                    Optional<Path> found = files.filter(Files::isRegularFile).findFirst();
                    if (found.isPresent()) {
                        return found;
                    }
                }
            }
        }
        return Optional.empty();
    }

    private void migrate(String url, String username, String password, Optional<Path> trace) throws IOException {
        // to open what is missing would make it, and delete a write-ahead log that is left of it
        boolean isRefused = trace.isPresent() && !shared && LedgerFile.isMissing(url);
        if (!isRefused) {
            try (Handle handle = Jdbi.create(() -> DriverManager.getConnection(url, username, password))
                    .installPlugin(new LedgerValues())
                    .open()) {
                isRefused = !new Migrations(handle, shared).run(trace.isPresent());
            }
        }
        if (isRefused) {
            throw new IOException(missing(trace.get()));
        }
    }

    /** There is no ledger, though this was left by a process that had one. */
    static String missing(Path trace) {
        return "there is none, though " + trace + " tells of earlier imports. Put the"
                + " ledger back where it was. Or start once with --new-ledger: what was imported before is"
                + " then forgotten, and a file that is still in the inbox is imported again";
    }

    private void connect(String url, String username, String password, int size) throws IOException {
        if (shared) {
            HikariConfig config = new HikariConfig();
            config.setPoolName("csv-import-ledger");
            config.setConnectionTimeout(5_000);
            config.setJdbcUrl(url);
            config.setUsername(username);
            config.setPassword(password);
            config.setMaximumPoolSize(size);
            // a connection that has gone silent, or a process frozen within a transaction, holds up nobody
            config.addDataSourceProperty("socketTimeout", "10");
            config.addDataSourceProperty("tcpKeepAlive", "true");
            config.setConnectionInitSql("SET idle_in_transaction_session_timeout = '10s'");
            pool = new HikariDataSource(config);
            jdbi = Jdbi.create(pool).installPlugin(new LedgerValues());
        } else {
            file = new LedgerFile(url);
            jdbi = file.readOnly();
        }
    }

    /** Whether all that was committed to the embedded ledger is on the disk. */
    boolean isForced() {
        return file.isForced();
    }

    /** Whether other processes may work on the same ledger. */
    boolean isShared() {
        return shared;
    }

    /** SQL: the database's own clock, and some time more, as text. */
    String clock(Duration more) {
        return shared
                ? "to_char((clock_timestamp() + interval '" + more.toSeconds()
                        + " seconds') AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
                : "strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '" + more.toSeconds() + " seconds')";
    }

    /**
     * A durable transaction: what it has done is on the disk when it returns.
     *
     * @throws CsvImportUnsettledException where the database is unavailable or refuses: nothing of the work is kept
     */
    <T> T durable(Work<T> work) throws CsvImportUnsettledException {
        return available(() -> transact(true, work));
    }

    /**
     * A relaxed transaction: what it has done survives this process, and may be lost in a power failure. For what is
     * found out again where it is missing.
     *
     * @throws CsvImportUnsettledException as {@link #durable}
     */
    <T> T relaxed(Work<T> work) throws CsvImportUnsettledException {
        return available(() -> transact(false, work));
    }

    /**
     * Reads as the pipeline sees it.
     *
     * @throws CsvImportUnsettledException where the database is unavailable
     */
    <T> T read(Work<T> work) throws CsvImportUnsettledException {
        return available(() -> use(false, work));
    }

    /**
     * Only reads, for people and for metrics: the embedded ledger's one connection is the pipeline's, and is not kept from
     * its work.
     *
     * @throws CsvImportUnsettledException where the database is unavailable
     */
    <T> T look(Work<T> work) throws CsvImportUnsettledException {
        try {
            return jdbi.withHandle(work);
        } catch (JdbiException e) {
            throw unsettled(e);
        }
    }

    /** Reads, and says why the ledger cannot be read or written, a sentence without its full stop; null where it can. */
    public String problem() {
        try {
            read(handle -> handle.select("SELECT 1").mapTo(Integer.class).one());
            return availability.problem();
        } catch (CsvImportUnsettledException e) {
            return e.getMessage();
        }
    }

    private <T> T transact(boolean durable, Work<T> work) {
        return use(
                durable,
                handle -> handle.inTransaction(inside -> {
                    if (shared && !durable) {
                        inside.execute("SET LOCAL synchronous_commit = off");
                    }
                    return work.withHandle(inside);
                }));
    }

    private <T> T use(boolean durable, Work<T> work) {
        return shared ? jdbi.withHandle(work) : file.use(durable, work);
    }

    private interface Use<T> {
        T run();
    }

    private <T> T available(Use<T> use) throws CsvImportUnsettledException {
        try {
            T result = use.run();
            if (availability.isTrialDue()) {
                transact(true, handle -> handle.execute(TRIAL));
                availability.worksAgain();
            }
            return result;
        } catch (JdbiException e) {
            throw unsettled(e);
        }
    }

    /** @throws JdbiException what is no error of the database's */
    private CsvImportUnsettledException unsettled(JdbiException e) {
        SQLException cause = LedgerErrors.cause(e);
        if (cause == null) {
            throw e;
        }
        return LedgerErrors.isRefusal(cause)
                ? new LedgerRefusedException(cause)
                : new CsvImportUnsettledException(
                        availability.failed(cause), Instant.now().plusSeconds(2), cause);
    }

    @Override
    public void close() {
        try {
            if (pool != null) {
                pool.close();
            }
            if (file != null) {
                file.close();
            }
            locks.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
