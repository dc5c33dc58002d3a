package io.csvimport;

import java.io.IOException;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lists the {@code *.camel.yaml} files of folders, sub-folders included. Names that begin with a dot are passed over; an
 * entry that cannot be read is reported once, by name.
 */
final class RoutesListing {

    private static final Logger LOG = LoggerFactory.getLogger(RoutesFolder.class);

    /** What tells that a file was changed, or that another one has its name now: of what a link leads to. */
    record Version(int folder, long size, FileTime modified, Object key) {}

    private final List<Path> folders;
    private Map<Path, String> unreadable = Map.of();

    RoutesListing(List<Path> folders) {
        this.folders = folders;
    }

    /**
     * Looks at each file once: this is done twice a second, for ever.
     *
     * @param last what was found the last time; it stands for what cannot be read now
     */
    Map<Path, Version> list(Map<Path, Version> last) {
        Map<Path, Version> found = new TreeMap<>();
        Map<Path, String> failed = new TreeMap<>();
        for (int i = 0; i < folders.size(); i++) {
            try {
                Files.walkFileTree(
                        folders.get(i),
                        Set.of(FileVisitOption.FOLLOW_LINKS),
                        Integer.MAX_VALUE,
                        new Visitor(i, found, failed));
            } catch (IOException e) {
                failed.put(folders.get(i), e.toString());
            }
        }
        failed.forEach((entry, why) -> {
            if (!why.equals(unreadable.get(entry))) {
                LOG.warn("{} cannot be read, what was read from it before goes on running: {}", entry, why);
            }
            last.forEach((file, version) -> {
                if (file.startsWith(entry)) {
                    found.putIfAbsent(file, version);
                }
            });
        });
        unreadable = failed;
        return found;
    }

    private final class Visitor extends SimpleFileVisitor<Path> {

        private final int folder;
        private final Map<Path, Version> found;
        private final Map<Path, String> failed;

        Visitor(int folder, Map<Path, Version> found, Map<Path, String> failed) {
            this.folder = folder;
            this.found = found;
            this.failed = failed;
        }

        @Override
        public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes) {
            boolean root = directory.equals(folders.get(folder));
            return !root && isHidden(directory) || folders.subList(0, folder).contains(directory)
                    ? FileVisitResult.SKIP_SUBTREE
                    : FileVisitResult.CONTINUE;
        }

        @Override
        public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            if (!isHidden(file) && file.toString().endsWith(RouteFile.SUFFIX)) {
                if (attributes.isRegularFile()) {
                    found.putIfAbsent(
                            file,
                            new Version(
                                    folder, attributes.size(), attributes.lastModifiedTime(), attributes.fileKey()));
                } else {
                    failed.put(file, attributes.isSymbolicLink() ? "the link leads nowhere" : "it is no file");
                }
            }
            return FileVisitResult.CONTINUE;
        }

        @Override
        public FileVisitResult visitFileFailed(Path entry, IOException e) {
            if (!isHidden(entry) || folders.contains(entry)) {
                failed.put(entry, e.toString());
            }
            return FileVisitResult.CONTINUE;
        }

        @Override
        public FileVisitResult postVisitDirectory(Path directory, IOException e) {
            return e == null ? FileVisitResult.CONTINUE : visitFileFailed(directory, e);
        }

        private static boolean isHidden(Path entry) {
            return entry.getFileName() != null && entry.getFileName().toString().startsWith(".");
        }
    }
}
