package io.csvimport.platform;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemLoopException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lists the files of the routes folders, or of the expectations folders, also in sub-folders and behind links, and
 * notices changes. Skips names that begin
 * with a dot; logs an entry that cannot be read, once.
 */
final class RoutesListing {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");

    /** Tells whether a file was changed or replaced. Of a link: whether its target was. */
    record Version(int folder, long size, FileTime modified, Object key) {}

    private final List<Path> folders;
    private final Set<Path> packaged;
    private final Predicate<String> isListed;
    private final boolean mayBeMissing;
    private final Map<Path, Version> found = new TreeMap<>();
    private final Map<Path, String> failed = new TreeMap<>();
    /** The folders that lead to the one that is listed: a link may lead back to one of them. */
    private final Deque<Path> parents = new ArrayDeque<>();

    /** Null before the first one. */
    private Map<Path, Version> lastScan;

    private Map<Path, Version> files = Map.of();
    private Set<Path> changed = Set.of();

    /** @param packaged files that never change, of a last folder */
    RoutesListing(List<Path> folders, Set<Path> packaged) {
        this(folders, packaged, name -> name.endsWith(RouteFile.SUFFIX), false);
    }

    /**
     * @param isListed whether a file of this path is one of those that are listed
     * @param mayBeMissing whether a folder that is not there is an empty one
     */
    RoutesListing(List<Path> folders, Set<Path> packaged, Predicate<String> isListed, boolean mayBeMissing) {
        this.folders = folders;
        this.packaged = packaged;
        this.isListed = isListed;
        this.mayBeMissing = mayBeMissing;
    }

    /** Takes up what two scans have found alike, the first one all: a file may be half saved. Answers whether it is a change. */
    boolean scan() {
        Map<Path, Version> last = lastScan == null ? Map.of() : lastScan;
        Map<Path, Version> now = list(last);
        Map<Path, Version> before = files;
        files = new TreeMap<>(before);
        files.keySet().removeIf(file -> !now.containsKey(file) && !last.containsKey(file));
        now.forEach((file, version) -> {
            if (lastScan == null || version.equals(last.get(file))) {
                files.put(file, version);
            }
        });
        lastScan = now;
        changed = new TreeSet<>(files.keySet());
        changed.removeIf(file -> files.get(file).equals(before.get(file)));
        return !files.equals(before);
    }

    /** The files that were taken up. */
    Map<Path, Version> files() {
        return files;
    }

    /** Those of them that are new or have changed by the last scan. */
    Set<Path> changed() {
        return changed;
    }

    /** The next scan takes it up again. */
    void forget(Path file) {
        files.put(file, new Version(files.get(file).folder(), -1, null, null));
    }

    /** Reads the attributes of each file once; the previous result stands for what cannot be read now. */
    private Map<Path, Version> list(Map<Path, Version> last) {
        Map<Path, String> known = Map.copyOf(failed);
        found.clear();
        failed.clear();
        for (int i = 0; i < folders.size(); i++) {
            if (!mayBeMissing || !Files.notExists(folders.get(i))) {
                visit(folders.get(i), i);
            }
        }
        packaged.forEach(file -> found.put(file, new Version(folders.size(), 0, null, null)));
        failed.forEach((entry, why) -> {
            if (!why.equals(known.get(entry))) {
                LOG.warn("{} cannot be read, what was read from it stays as it is: {}", entry, why);
            }
            last.forEach((file, version) -> {
                if (file.startsWith(entry)) {
                    found.putIfAbsent(file, version);
                }
            });
        });
        return new TreeMap<>(found);
    }

    /** The entries that the last listing could not read, and why. */
    Map<Path, String> failed() {
        return failed;
    }

    private void visit(Path entry, int folder) {
        boolean isFile = isListed.test(entry.toString());
        try {
            BasicFileAttributes attributes = Files.readAttributes(entry, BasicFileAttributes.class);
            if (attributes.isDirectory()) {
                visitEntries(entry, folder);
            } else if (isFile && attributes.isRegularFile()) {
                found.putIfAbsent(
                        entry,
                        new Version(folder, attributes.size(), attributes.lastModifiedTime(), attributes.fileKey()));
            } else if (isFile) {
                failed.put(entry, "it is no file");
            }
        } catch (IOException e) {
            // any other link may lead anywhere
            if (isFile || !Files.isSymbolicLink(entry) || e instanceof FileSystemLoopException) {
                failed.put(entry, e.toString());
            }
        }
    }

    private void visitEntries(Path folder, int number) throws IOException {
        Path real = folder.toRealPath();
        if (parents.contains(real)) {
            throw new FileSystemLoopException(folder.toString());
        }
        parents.push(real);
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
            for (Path entry : entries) {
                // a folder may lie within a later one, and is listed once
                if (!entry.getFileName().toString().startsWith(".")
                        && !folders.subList(0, number).contains(entry)) {
                    visit(entry, number);
                }
            }
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        } finally {
            parents.pop();
        }
    }
}
