package io.csvimport;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.UUID;

/** The folder in the data dir where the bytes of what is not a local file wait for their fate. */
final class Spool {

    private final Path folder;

    Spool(Settings settings) {
        folder = settings.path("data-dir").resolve("spool");
    }

    Path folder() {
        return folder;
    }

    /** A new name in the spool: hidden from the spool's own feed. */
    Path newFile() throws IOException {
        Files.createDirectories(folder);
        return folder.resolve("." + UUID.randomUUID() + ".csv");
    }

    /** Makes a file or a folder's entries durable (fsync). */
    static void force(Path path) throws IOException {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }
}
