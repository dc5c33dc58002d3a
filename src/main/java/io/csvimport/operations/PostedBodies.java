package io.csvimport.operations;

import io.csvimport.file.SpoolFolder;
import io.csvimport.settings.Settings;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/**
 * The bodies of requests to operations, each in a file of the data dir until the operation reads it. A header of the
 * request has the name of the file, which is random.
 */
public final class PostedBodies {

    static final String HEADER = "csvImportPostedBody";

    private final Path folder;
    private final Set<String> names = ConcurrentHashMap.newKeySet();

    public PostedBodies(Settings settings) {
        folder = settings.path("data-dir").resolve("posted");
    }

    /** Deletes the files of an earlier process. */
    public void clear() throws IOException {
        if (Files.isDirectory(folder)) {
            try (Stream<Path> files = Files.list(folder)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
        }
    }

    /** A new name; the caller writes its file. */
    String begin() throws IOException {
        Files.createDirectories(folder);
        String name = UUID.randomUUID().toString();
        names.add(name);
        return name;
    }

    Path file(String name) {
        return folder.resolve(name);
    }

    /** Opens a body, once; empty if there is none of this name. Closing the stream deletes the file. */
    Optional<InputStream> take(String name) throws IOException {
        return name != null && names.remove(name)
                ? Optional.of(
                        Files.newInputStream(file(name), StandardOpenOption.READ, StandardOpenOption.DELETE_ON_CLOSE))
                : Optional.empty();
    }

    /** Deletes a body that was not taken. */
    void end(String name) {
        names.remove(name);
        SpoolFolder.delete(file(name));
    }
}
