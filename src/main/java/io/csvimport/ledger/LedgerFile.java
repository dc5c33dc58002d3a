package io.csvimport.ledger;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;
import org.jdbi.v3.core.ConnectionException;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.HandleCallback;
import org.jdbi.v3.core.Jdbi;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteOpenMode;

/**
 * The SQLite file by its one connection, which one thread uses at a time. Threads whose commits wait for the disk share one
 * fsync. The handle is kept: JDBI takes longer to make one than SQLite takes to run a statement.
 */
final class LedgerFile implements Closeable {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");
    private static final String PREFIX = "jdbc:sqlite:";
    private static final String PUT_BACK =
            " Put back the file that was there, and the work goes on. Or stop the process,"
                    + " restore a backup or start it with --new-ledger";

    /** The write-ahead log is copied into the file once it has so many pages (16 MB): a page that was written often is copied once. */
    private static final int CHECKPOINT = 4000;

    private final String url;
    private final Path path;
    /** The file system's own key of the file that was opened: another one in its place is another ledger. */
    private final Object key;

    private final Jdbi jdbi;

    private final Jdbi readOnly;
    /** Is not interrupted, as a wait for a pool would be. */
    private final ReentrantLock turn = new ReentrantLock();

    private volatile boolean isClosed;
    private LedgerConnection connection;
    private Handle handle;
    /** Null where SQLite has none in this file system, and forces each commit to the disk itself. */
    private WriteAheadLog log;

    /** @throws IOException where the file is not there: a ledger is made by its migrations */
    LedgerFile(String url) throws IOException {
        this.url = url;
        path = path(url);
        key = Files.readAttributes(path, BasicFileAttributes.class).fileKey();
        jdbi = Jdbi.create(() -> connection).installPlugin(new LedgerValues());
        readOnly = Jdbi.create(this::openReadOnly).installPlugin(new LedgerValues());
    }

    /** The file that a JDBC URL names. */
    static Path path(String url) {
        return Path.of(url.substring(PREFIX.length()).replaceFirst("^file:", "").replaceFirst("[?].*", ""))
                .toAbsolutePath();
    }

    /** The file that one process at a time locks, whatever way leads to the ledger. */
    static Path lock(String url) throws IOException {
        Path file = Files.exists(path(url)) ? path(url).toRealPath() : path(url);
        return file.resolveSibling(file.getFileName().toString().replaceFirst("\\.db$", "") + ".lock");
    }

    /** Whether there is no such file, or nothing in it. */
    static boolean isMissing(String url) throws IOException {
        Path file = path(url);
        return !Files.exists(file) || Files.size(file) == 0;
    }

    /** A connection that leaves no trace: a write-ahead log is read where a process has left one, or works with one. */
    static Connection look(String url) throws SQLException {
        Path file = path(url);
        SQLiteConfig config = new SQLiteConfig();
        config.setReadOnly(true);
        boolean hasLog = Files.exists(file.resolveSibling(file.getFileName() + "-wal"));
        return config.createConnection(PREFIX + "file:" + file.toUri().getRawPath() + (hasLog ? "" : "?immutable=1"));
    }

    /** @param durable whether what the work commits is on the disk when that returns */
    <T> T use(boolean durable, HandleCallback<T, RuntimeException> work) {
        T result;
        WriteAheadLog written;
        long commit;
        turn.lock();
        try {
            checkPlace();
            if (handle == null) {
                open();
            }
            result = work.withHandle(handle);
            written = log;
            commit = connection.latest();
        } catch (SQLException | IOException e) {
            throw new ConnectionException(e);
        } finally {
            try {
                if (connection != null && connection.isBroken()) {
                    disconnect();
                }
            } finally {
                turn.unlock();
            }
        }
        // what it has read and relies on, too
        if (durable && written != null) {
            force(written, commit);
        }
        return result;
    }

    private void open() throws SQLException, IOException {
        connection = new LedgerConnection(url, url.substring(PREFIX.length()), config().toProperties());
        handle = jdbi.open();
        // with the first look at the file there is the log
        handle.select("SELECT COUNT(*) FROM sqlite_schema").mapTo(Long.class).one();
        handle.execute("PRAGMA wal_autocheckpoint = " + CHECKPOINT);
        // what an earlier connection could not force to the disk
        handle.select("PRAGMA wal_checkpoint(TRUNCATE)").mapToMap().list();
        Path file = path.resolveSibling(path.getFileName() + "-wal");
        if (Files.exists(file)) {
            log = new WriteAheadLog(file);
            connection.setLog(log);
        }
    }

    private void force(WriteAheadLog written, long commit) {
        try {
            written.force(commit);
        } catch (IOException e) {
            // nothing is sure of what is in memory
            turn.lock();
            try {
                if (log == written) {
                    disconnect();
                }
            } finally {
                turn.unlock();
            }
            throw new ConnectionException(
                    new SQLException("Its write-ahead log cannot be forced to the disk: " + e.getMessage(), e));
        }
    }

    /** Whether all that was committed is on the disk. */
    boolean isForced() {
        return log == null || log.isForced();
    }

    /** By a connection of its own: no other work waits for it. */
    Jdbi readOnly() {
        return readOnly;
    }

    private Connection openReadOnly() throws SQLException {
        checkPlace();
        SQLiteConfig config = config();
        config.setReadOnly(true);
        return config.createConnection(url);
    }

    /** What is written into a file that has no name any more is lost with the process. */
    private void checkPlace() throws SQLException {
        if (isClosed) {
            throw new SQLException("This process has closed it");
        }
        Object found;
        try {
            found = Files.readAttributes(path, BasicFileAttributes.class).fileKey();
        } catch (IOException e) {
            throw new SQLException("It was taken away while this process works with it." + PUT_BACK);
        }
        if (!Objects.equals(found, key)) {
            throw new SQLException("Another file was put in its place while this process works with it." + PUT_BACK);
        }
    }

    /** Closes the connection for good: another process may have the file from now on. */
    @Override
    public void close() {
        turn.lock();
        try {
            isClosed = true;
            disconnect();
        } finally {
            turn.unlock();
        }
    }

    private void disconnect() {
        try {
            if (handle != null) {
                handle.close();
            }
            if (log != null) {
                log.close();
            }
        } catch (IOException e) {
            LOG.warn("The ledger's write-ahead log cannot be closed: {}", e.toString());
        } finally {
            handle = null;
            connection = null;
            log = null;
        }
    }

    private static SQLiteConfig config() {
        SQLiteConfig config = new SQLiteConfig();
        config.resetOpenMode(SQLiteOpenMode.CREATE);
        config.setJournalMode(SQLiteConfig.JournalMode.WAL);
        config.setSynchronous(SQLiteConfig.SynchronousMode.FULL);
        config.enforceForeignKeys(true);
        // an INSERT says by RETURNING what is asked of it
        config.setGetGeneratedKeys(false);
        return config;
    }
}
