package io.csvimport.ledger;

import io.csvimport.settings.Finding;
import io.csvimport.settings.FolderCheck;
import io.csvimport.settings.Settings;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.JdbiException;

/** Whether the data dir and the ledger can be used. Nothing is made or migrated; a process that works there is not disturbed. */
public final class LedgerCheck {

    /** Bytes: with less, readiness is DOWN. */
    private final long leastRoom;

    private final Settings settings;
    private final Path dataDir;
    private final String url;
    private final boolean shared;

    public LedgerCheck(Settings settings, long leastRoom) {
        this.settings = settings;
        this.leastRoom = leastRoom;
        dataDir = settings.path("data-dir");
        url = Database.url(settings);
        shared = Database.isShared(url);
    }

    /** Whether a process works with this data dir. */
    public boolean isInUse() {
        Path file = dataDir.resolve(Database.LOCK);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE);
                FileLock lock = channel.tryLock()) {
            return lock == null;
        } catch (IOException e) {
            return false;
        }
    }

    public Finding dataDir() {
        Finding folder = FolderCheck.check(dataDir);
        if (folder.level() != Finding.Level.OK) {
            return folder;
        }
        Path disk = FolderCheck.nearest(shared ? dataDir : LedgerFile.path(url).getParent());
        long free = FolderCheck.nearest(dataDir).toFile().getUsableSpace();
        if (free < leastRoom) {
            return Finding.failed(dataDir + ": its disk is nearly full, " + (free >> 20) + " MB are left; make room");
        }
        String type = type(disk);
        return !shared && type.matches("(?i)(nfs|cifs|smb|9p|fuse\\.).*")
                ? Finding.warning(disk + " is on a file system of the type " + type + ": a ledger in SQLite is not safe"
                        + " there; use a local disk, or a ledger in PostgreSQL (csv-import.ledger.url)")
                : Finding.ok(folder.text() + ", " + (free >> 20) + " MB free"
                        + (isInUse() ? ", in use by a running process" : ""));
    }

    private static String type(Path folder) {
        try {
            return Files.getFileStore(folder).type();
        } catch (IOException e) {
            return "";
        }
    }

    /** @param isNew whether there may be no ledger where there was one */
    public Finding ledger(boolean isNew) {
        String bare = Database.bare(url);
        try {
            if (!shared && LedgerFile.isMissing(url)) {
                // in memory: SQLite works on this machine
                DriverManager.getConnection(Database.SQLITE + ":memory:").close();
                return missing(bare, isNew);
            }
            if (!shared && !Files.isWritable(LedgerFile.path(url))) {
                return Finding.failed(bare + " cannot be written: give the user of this process the permission");
            }
            try (Handle handle = Jdbi.create(this::connect).open()) {
                return migrated(new Migrations(handle, shared), bare, isNew);
            }
        } catch (IOException | SQLException | JdbiException e) {
            return Finding.failed(
                    bare + " cannot be opened: " + LedgerErrors.explain(e).replace(url, bare));
        }
    }

    private Connection connect() throws SQLException {
        return shared
                ? DriverManager.getConnection(url, settings.get("ledger.username"), settings.get("ledger.password"))
                : LedgerFile.look(url);
    }

    private Finding migrated(Migrations migrations, String bare, boolean isNew) throws IOException {
        int version = migrations.found();
        int newest = Migrations.newest();
        if (version > newest) {
            return Finding.failed(bare + " cannot be opened: " + Migrations.tooNew(version));
        }
        if (version < newest && !migrations.isPermitted()) {
            return Finding.failed(bare + ": " + settings.get("ledger.username")
                    + " may not make tables in its schema: grant it CREATE there");
        }
        if (version == 0) {
            return missing(bare, isNew);
        }
        return Finding.ok(bare + (version == newest ? " can be opened" : " will be migrated to version " + newest));
    }

    private Finding missing(String bare, boolean isNew) throws IOException {
        Optional<Path> trace = isNew ? Optional.empty() : Database.trace(dataDir);
        return trace.isPresent()
                ? Finding.failed(bare + " cannot be opened: " + Database.missing(trace.get()))
                : Finding.ok(bare + " has no ledger yet, it will be made");
    }
}
