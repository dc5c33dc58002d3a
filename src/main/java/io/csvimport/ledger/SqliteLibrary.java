package io.csvimport.ledger;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import org.sqlite.SQLiteJDBCLoader;
import org.sqlite.util.LibraryLoaderUtil;
import org.sqlite.util.OSInfo;

/**
 * SQLite's native library. Each start would unpack it into the temporary folder, which may be not executable, and a process
 * that is killed would leave it there: it is kept beside the jar, or in the data dir.
 */
public final class SqliteLibrary {

    private static final String PATH = "org.sqlite.lib.path";
    private static final String TEMPORARY = "org.sqlite.tmpdir";

    private SqliteLibrary() {}

    /** Lets SQLite load the library that was kept, unless another one is set. */
    public static void use(Path home) {
        useFile(library(home));
    }

    public static void keep(Path home) throws IOException {
        unpack(library(home));
    }

    /** Lets SQLite load the library from the data dir, which has one at most, unless the user has set where it is from. */
    static void useDataDir(Path dataDir) throws IOException {
        // processes that were killed have left them there, if the data dir was their temporary folder
        try (DirectoryStream<Path> unpacked = Files.newDirectoryStream(dataDir, "sqlite-*sqlitejdbc.*")) {
            unpacked.forEach(file -> file.toFile().delete());
        }
        if (System.getProperty(PATH) == null && System.getProperty(TEMPORARY) == null) {
            Path library = dataDir.resolve("native").resolve(LibraryLoaderUtil.getNativeLibName());
            unpack(library);
            useFile(library);
        }
    }

    private static void useFile(Path library) {
        if (System.getProperty(PATH) == null && Files.exists(library)) {
            System.setProperty(PATH, library.getParent().toString());
        }
    }

    private static void unpack(Path library) throws IOException {
        try (InputStream packaged = SqliteLibrary.class.getResourceAsStream(
                LibraryLoaderUtil.getNativeLibResourcePath() + "/" + LibraryLoaderUtil.getNativeLibName())) {
            if (packaged == null) {
                return;
            }
            byte[] bytes = packaged.readAllBytes();
            // of another version, or damaged by a power failure, it is replaced
            if (!Files.exists(library) || !Arrays.equals(bytes, Files.readAllBytes(library))) {
                Files.createDirectories(library.getParent());
                Path part = library.resolveSibling(library.getFileName() + ".part");
                Files.write(part, bytes);
                Files.move(part, library, StandardCopyOption.ATOMIC_MOVE);
            }
        }
    }

    private static Path library(Path home) {
        return home.resolve("cache/sqlite-" + SQLiteJDBCLoader.getVersion())
                .resolve(OSInfo.getNativeLibFolderPathForCurrentOS())
                .resolve(LibraryLoaderUtil.getNativeLibName());
    }
}
