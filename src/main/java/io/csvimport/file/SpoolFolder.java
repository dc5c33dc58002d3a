package io.csvimport.file;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The folder {@code spool} of the data dir, and the names in it. A file is hidden (a dot before its name) until the
 * ledger has its job.
 */
public record SpoolFolder(Path path) {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");
    /** The end of the name of a folder in which each file is for itself. */
    private static final String UNORDERED = ".unordered";

    public static SpoolFolder in(Path dataDir) {
        return new SpoolFolder(dataDir.resolve("spool"));
    }

    /** Whether a path of the ledger is one of its files. */
    public boolean holds(String file) {
        return file.startsWith(path + "/");
    }

    /** A new, hidden name; the file is the caller's to delete. */
    public Path newFile() {
        return path.resolve("." + UUID.randomUUID() + ".csv");
    }

    /** Where the bytes of a source's file are copied to: kept for its next attempt, until the process ends. */
    public Path copyOf(String sourceKey) {
        return path.resolve("." + UUID.nameUUIDFromBytes(sourceKey.getBytes(StandardCharsets.UTF_8)) + ".csv");
    }

    /** The folder for what a source hands over for a template. */
    public Path lane(String from, String template, boolean ordered) {
        UUID name = UUID.nameUUIDFromBytes((from + "/" + template).getBytes(StandardCharsets.UTF_8));
        return path.resolve(name + (ordered ? "" : UNORDERED));
    }

    /** Whether the files of a folder are sent one after another. */
    public static boolean isOrdered(String lane) {
        return lane == null || !lane.endsWith(UNORDERED);
    }

    /** The name of a hidden file once it is shown. */
    public static Path shown(Path hidden) {
        return hidden.resolveSibling(hidden.getFileName().toString().substring(1));
    }

    /** The name of a shown file before it was. */
    public static Path hidden(Path shown) {
        return shown.resolveSibling("." + shown.getFileName());
    }

    /** Deletes a copy that is needed no more, where it is there. */
    public static void delete(Path copy) {
        try {
            Files.deleteIfExists(copy);
        } catch (IOException e) {
            LOG.warn("{} is left over in the spool until the next start: {}", copy, e.toString());
        }
    }
}
