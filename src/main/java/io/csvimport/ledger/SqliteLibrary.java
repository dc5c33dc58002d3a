package io.csvimport.ledger;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.sqlite.SQLiteJDBCLoader;
import org.sqlite.util.LibraryLoaderUtil;
import org.sqlite.util.OSInfo;

/** SQLite's native library, kept beside the jar: each start would otherwise unpack it into the temporary folder. */
public final class SqliteLibrary {

    private static final String PATH = "org.sqlite.lib.path";

    private SqliteLibrary() {}

    /** Lets SQLite load the library that was kept, unless another one is set. */
    public static void use(Path home) {
        Path library = library(home);
        if (System.getProperty(PATH) == null && Files.exists(library)) {
            System.setProperty(PATH, library.getParent().toString());
        }
    }

    public static void keep(Path home) throws IOException {
        Path library = library(home);
        try (InputStream packaged = SqliteLibrary.class.getResourceAsStream(
                LibraryLoaderUtil.getNativeLibResourcePath() + "/" + LibraryLoaderUtil.getNativeLibName())) {
            if (packaged != null) {
                Files.createDirectories(library.getParent());
                Path part = library.resolveSibling(library.getFileName() + ".part");
                Files.copy(packaged, part, StandardCopyOption.REPLACE_EXISTING);
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
