package io.csvimport;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.sqlite.SQLiteJDBCLoader;
import org.sqlite.util.LibraryLoaderUtil;
import org.sqlite.util.OSInfo;

/**
 * What is kept from one start for the next. Of Java a class data archive, and from Java 25 on an AOT cache, which has
 * profiles, too: it is of one Java and one place; another Java ignores it. It comes from a rehearsal: a start with the
 * packaged routes and no settings, which imports files into the sandbox. Of SQLite its native library, which each start
 * would unpack into the temporary folder.
 */
final class StartCache {

    /** The argument of a start that is a rehearsal: it reads no application.properties, and its routes from the working directory. */
    static final String REHEARSAL = "--rehearsal";

    private static final String JAR = "csv-import-routes.jar";

    /** So many that Java knows what of it is worth compiling: an AOT cache keeps that. */
    private static final int AOT_FILES = 500;

    private static final String LIBRARY_PATH = "org.sqlite.lib.path";

    private StartCache() {}

    /** Lets SQLite load the library that was kept, unless it is told otherwise. */
    static void use(Path home) {
        Path library = library(home);
        if (System.getProperty(LIBRARY_PATH) == null && Files.exists(library)) {
            System.setProperty(LIBRARY_PATH, library.getParent().toString());
        }
    }

    private static Path library(Path home) {
        return home.resolve("cache/sqlite-" + SQLiteJDBCLoader.getVersion())
                .resolve(OSInfo.getNativeLibFolderPathForCurrentOS())
                .resolve(LibraryLoaderUtil.getNativeLibName());
    }

    /**
     * Writes {@code cache/<java.version>.jsa}, or {@code .aot}, beside the jar, where {@code bin/csv-import-routes} looks,
     * and SQLite's library, where {@link #use} does.
     *
     * @return the exit status
     */
    static int write(Path home) throws IOException, InterruptedException {
        boolean aot = Runtime.version().feature() >= 25;
        Path cache = Files.createDirectories(home.resolve("cache"))
                .resolve(System.getProperty("java.version") + (aot ? ".aot" : ".jsa"));
        Files.deleteIfExists(cache);
        keepLibrary(library(home));
        Path work = Files.createTempDirectory("csv-import-routes");
        try {
            String option = (aot ? "-XX:AOTCacheOutput=" : "-XX:ArchiveClassesAtExit=") + cache;
            rehearse(home, work, option, aot ? AOT_FILES : 1);
            if (!Files.exists(cache)) {
                System.err.println("No cache was written, every start takes its full time:\n"
                        + Files.readString(work.resolve("output.txt")));
                return 1;
            }
        } finally {
            delete(work);
        }
        return 0;
    }

    private static void keepLibrary(Path library) throws IOException {
        try (InputStream packaged = StartCache.class.getResourceAsStream(
                LibraryLoaderUtil.getNativeLibResourcePath() + "/" + LibraryLoaderUtil.getNativeLibName())) {
            if (packaged != null) {
                Path part = Files.createDirectories(library.getParent()).resolve(library.getFileName() + ".part");
                Files.copy(packaged, part, StandardCopyOption.REPLACE_EXISTING);
                Files.move(part, library, StandardCopyOption.ATOMIC_MOVE);
            }
        }
    }

    private static void rehearse(Path home, Path work, String option, int files)
            throws IOException, InterruptedException {
        copyRoutes(home, Files.createDirectories(work.resolve("routes")));
        Path inbox = Files.createDirectories(work.resolve("inbox/Sample Template"));
        String last = "";
        for (int i = 0; i < files; i++) {
            last = "sample-" + (1_000_000 + i) + ".csv";
            Files.writeString(inbox.resolve(last), "name,score\nAnna," + i + "\n");
        }
        ProcessBuilder rehearsal = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        option,
                        "-Dcamel.main.profile=sandbox",
                        "-Dcsv-import.management.port=0",
                        "-Dcsv-import.api.requests-per-minute=0",
                        "-Dcsv-import.file.quiet=PT0S",
                        "-jar",
                        home.resolve(JAR).toString(),
                        REHEARSAL)
                .directory(work.toFile())
                .redirectErrorStream(true)
                .redirectOutput(work.resolve("output.txt").toFile());
        // none of the settings of whoever starts this
        rehearsal.environment().keySet().removeIf(name -> !name.matches("PATH|HOME|LANG|LC_.*|TMPDIR|SYSTEMROOT"));
        Process process = rehearsal.start();
        Path imported = inbox.resolve(".imported").resolve(last);
        for (int i = 0; i < 600 && process.isAlive() && !Files.exists(imported); i++) {
            process.waitFor(100, TimeUnit.MILLISECONDS);
        }
        process.destroy();
        process.waitFor();
    }

    /** Those of the jar, which nobody has edited; it has no REST services, which do nothing by themselves. */
    private static void copyRoutes(Path home, Path to) throws IOException {
        List<Path> routes = new ArrayList<>();
        try (FileSystem jar = FileSystems.newFileSystem(home.resolve(JAR));
                Stream<Path> packaged = Files.list(jar.getPath("camel"))) {
            packaged.forEach(routes::add);
            routes.add(home.resolve("routes/operations/csv-import-rest.camel.yaml"));
            for (Path route : routes) {
                if (Files.exists(route)) {
                    Files.copy(route, to.resolve(route.getFileName().toString()));
                }
            }
        }
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
