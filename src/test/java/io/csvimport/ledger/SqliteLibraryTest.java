package io.csvimport.ledger;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.csvimport.Distribution;
import io.csvimport.Installation;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** SQLite's native library in an application, which has no cache beside the jar. */
class SqliteLibraryTest {

    @TempDir
    private Path home;

    @Test
    @Tag("long")
    void noTemporaryFolderIsNeededAndProcessesThatAreKilledLeaveOneLibrary() throws Exception {
        String library = "data/native/" + System.mapLibraryName("sqlitejdbc");
        Path jar = Distribution.routes().resolveSibling("csv-import-routes.jar");
        try (Installation host = new Installation(home)) {
            host.write(library, "of another version");
            Path unpacked = host.path("data/sqlite-3.50.0.0-uuid-" + System.mapLibraryName("sqlitejdbc"));
            Path lock = Path.of(unpacked + ".lck");
            Files.createFile(unpacked);
            Files.createFile(lock);
            for (String name : List.of("one.csv", "two.csv")) {
                Distribution process = host.startHost(List.of(
                        "-XX:TieredStopAtLevel=1",
                        "-Djava.io.tmpdir=" + home.resolve("none"),
                        "-cp",
                        jar.toString(),
                        "org.apache.camel.main.Main"));
                host.drop("inbox/People/" + name);
                host.awaitFile("inbox/People/.imported/" + name);
                process.kill();
            }
            assertFalse(Files.exists(unpacked) || Files.exists(lock));
            try (Stream<Path> files = Files.list(host.path("data/native"))) {
                assertEquals(List.of(host.path(library)), files.toList());
            }
        }
    }
}
