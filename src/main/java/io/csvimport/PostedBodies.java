package io.csvimport;

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
 * The bodies of requests to the management port on their way to an operation, each a file in the data dir. A request
 * names its own in a header, by a name that nobody else can know.
 */
final class PostedBodies {

    static final String HEADER = "csvImportPostedBody";

    private final Path folder;
    private final Set<String> names = ConcurrentHashMap.newKeySet();

    PostedBodies(Settings settings) {
        folder = settings.path("data-dir").resolve("posted");
    }

    /** Deletes what an earlier process left. */
    void clear() throws IOException {
        if (Files.isDirectory(folder)) {
            try (Stream<Path> files = Files.list(folder)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
        }
    }

    /** A new name; its file is the caller's to write. */
    String begin() throws IOException {
        Files.createDirectories(folder);
        String name = UUID.randomUUID().toString();
        names.add(name);
        return name;
    }

    Path file(String name) {
        return folder.resolve(name);
    }

    /** Opens a body, once; empty where there is none of this name. The file goes with the stream. */
    Optional<InputStream> take(String name) throws IOException {
        return name != null && names.remove(name)
                ? Optional.of(
                        Files.newInputStream(file(name), StandardOpenOption.READ, StandardOpenOption.DELETE_ON_CLOSE))
                : Optional.empty();
    }

    /** Deletes a body, where nobody has taken it. */
    void end(String name) {
        names.remove(name);
        SpoolFolder.delete(file(name));
    }
}
