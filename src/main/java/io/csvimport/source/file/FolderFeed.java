package io.csvimport.source.file;

import io.csvimport.file.FileMark;
import io.csvimport.file.SourceFile;
import io.csvimport.source.FileFeed;
import io.csvimport.text.Visible;
import java.io.File;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.function.Consumer;
import org.apache.camel.Endpoint;
import org.apache.camel.component.file.GenericFile;

/**
 * A feed of the files in a folder of this machine. It walks through the folder and keeps no more than the earliest
 * files, by their times and names, however many there are.
 */
public final class FolderFeed extends FileFeed<File> {

    /** Files that are kept of one walk. */
    private static final int EARLIEST = 10_000;

    /** Files of one order key that are handed over at a time; the others go on meanwhile. */
    private static final int MOST_OF_KEY = 500;

    /** Files that are handed over at a time; above it, one for each order key. */
    private static final int MOST = 2000;

    /** So many times as long as a walk has taken, files are taken from what it has kept. */
    private static final int PAUSE = 4;

    private static final Comparator<FileMark> OLDEST_FIRST =
            Comparator.comparingLong(FileMark::modified).thenComparing(FileMark::path);

    private Path directory;
    private List<FileMark> earliest = List.of();
    private Left leftOfWalk = new Left();
    private long nextWalk = System.nanoTime();

    public void setDirectory(String directory) {
        this.directory = Path.of(directory).toAbsolutePath().normalize();
    }

    Path directory() {
        return directory;
    }

    /** Hands out the files that are to be taken now, in their order. */
    void list(Consumer<File> taken) {
        if (!Files.isDirectory(directory)) {
            missing(
                    Files.exists(directory, LinkOption.NOFOLLOW_LINKS)
                            ? directory + " is no folder: no file is taken; put a folder in its place"
                            : directory + " is gone: no file is taken; make the folder, or mount it again");
            return;
        }
        boolean walks = hasReturned() || System.nanoTime() - nextWalk >= 0;
        if (walks) {
            walk();
        } else {
            left(leftOfWalk);
        }
        Map<String, Integer> taking = new HashMap<>();
        int all = handedOver();
        List<FileMark> rest = new ArrayList<>();
        for (FileMark file : earliest) {
            String key = orderKey(file);
            int ofKey = queued(key) + taking.getOrDefault(key, 0);
            boolean hasRoom = isOpen(key) && ofKey < MOST_OF_KEY && (all < MOST || ofKey == 0);
            FileMark now = walks || !hasRoom ? file : lookAgain(file);
            boolean isWhole = now != null && (!walks && !hasRoom || isWhole(now));
            if (isWhole && hasRoom) {
                taking.merge(key, 1, Integer::sum);
                all++;
                taken.accept(now.path().toFile());
            } else if (now != null) {
                rest.add(now);
                if (isWhole) {
                    awaitEarlier(now);
                }
            }
        }
        earliest = rest;
    }

    private void walk() {
        long began = System.nanoTime();
        PriorityQueue<FileMark> queue = new PriorityQueue<>(OLDEST_FIRST.reversed());
        walk(directory, queue);
        earliest = new ArrayList<>(queue);
        earliest.sort(OLDEST_FIRST);
        leftOfWalk = left();
        long now = System.nanoTime();
        nextWalk = now + (now - began) * PAUSE;
    }

    private static FileMark lookAgain(FileMark file) {
        try {
            return FileMark.of(file.path());
        } catch (IOException e) {
            return null;
        }
    }

    private void walk(Path folder, PriorityQueue<FileMark> queue) {
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
            for (Path entry : entries) {
                if (!entry.getFileName().toString().startsWith(".")) {
                    see(entry, queue);
                }
            }
        } catch (NoSuchFileException e) {
            // it was taken away meanwhile
        } catch (IOException | DirectoryIteratorException e) {
            cannotBeRead(folder, e);
        }
    }

    private void see(Path entry, PriorityQueue<FileMark> queue) {
        boolean csv = isCsv(entry.getFileName().toString());
        try {
            BasicFileAttributes found =
                    Files.readAttributes(entry, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
            if (found.isDirectory()) {
                if (hasReadableName(entry)) {
                    walk(entry, queue);
                }
            } else if (found.isSymbolicLink()) {
                if (csv || Files.isDirectory(entry)) {
                    leave(entry.toString(), "is a symbolic link: it is left alone; put the file itself into the inbox");
                }
            } else if (csv && found.isRegularFile() && hasReadableName(entry)) {
                FileMark file = FileMark.of(entry, found);
                if (isCandidate(file, orderKey(file))) {
                    queue.add(file);
                    if (queue.size() > EARLIEST) {
                        awaitEarlier(queue.remove());
                    }
                }
            }
        } catch (NoSuchFileException e) {
            // it was taken away meanwhile
        } catch (IOException e) {
            if (csv) {
                cannotBeRead(entry, e);
            }
        }
    }

    private void cannotBeRead(Path path, Exception e) {
        leave(
                path.toString(),
                e instanceof AccessDeniedException
                        ? "may not be read: it is left alone; give the user of this process the permission"
                        : "cannot be read now: " + Visible.reason(e));
    }

    private boolean hasReadableName(Path entry) {
        String name = entry.getFileName().toString();
        try {
            if (name.indexOf('\uFFFD') < 0 || entry.equals(entry.resolveSibling(name))) {
                return true;
            }
        } catch (InvalidPathException e) {
            // no more can a path be made of it
        }
        leave(
                entry.toString(),
                "UTF-8".equalsIgnoreCase(System.getProperty("sun.jnu.encoding"))
                        ? "has a name that is not UTF-8: it is left alone; rename it"
                        : "has a name that is not plain ASCII, which cannot be read without a UTF-8 locale: it is left"
                                + " alone; start with LC_ALL=C.UTF-8");
        return false;
    }

    private String orderKey(FileMark file) {
        return orderKey(relative(file.path()));
    }

    private String relative(Path path) {
        return path.subpath(directory.getNameCount(), path.getNameCount()).toString();
    }

    @Override
    public SourceFile look(GenericFile<File> candidate) {
        try {
            return FileMark.of(candidate.getFile().toPath());
        } catch (IOException e) {
            return null;
        }
    }

    @Override
    public String relativePath(GenericFile<File> candidate) {
        return relative(candidate.getFile().toPath());
    }

    @Override
    public String mark(GenericFile<File> consumed) {
        return consumed.getFile().getAbsolutePath();
    }

    @Override
    public boolean rollback(org.apache.camel.Consumer consumer, Endpoint endpoint, int retryCounter, Exception e) {
        LOG.warn("{} cannot be read now, it is tried again: {}", directory, e.toString());
        return false;
    }
}
