package io.csvimport.source.file;

import io.csvimport.file.FileMark;
import io.csvimport.file.SourceFile;
import io.csvimport.settings.Settings;
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
import org.apache.camel.component.file.FileConsumer;
import org.apache.camel.component.file.GenericFile;

/** A feed of the files in a folder of this machine. */
public final class FolderFeed extends FileFeed {

    private Settings settings;
    private Path directory;
    private FolderWatch watch;

    public FolderFeed() {
        super(4);
    }

    public void setSettings(Settings settings) {
        this.settings = settings;
    }

    public void setDirectory(String directory) {
        this.directory = Path.of(directory).toAbsolutePath().normalize();
    }

    /** @throws IllegalArgumentException where the product's own files are in the folder */
    @Override
    protected void doStart() {
        if (!isOfSpool() && settings.hasOwnFiles(directory)) {
            throw new IllegalArgumentException("directory is '" + directory + "' and the data dir is '"
                    + settings.path("data-dir") + "': a feed can neither hold the data dir nor be one of its folders");
        }
        try {
            // a link to a folder is one
            if (!Files.exists(directory)) {
                Files.createDirectories(directory);
            }
        } catch (IOException e) {
            LOG.warn("{} cannot be made: {}", directory, Visible.reason(e));
        }
        try {
            watch = new FolderWatch(this::wake);
        } catch (IOException e) {
            LOG.debug("{} is polled only: {}", directory, e.toString());
        }
    }

    /** Between two walks a poll would find nothing new, and go through all files that wait. */
    private void wake() {
        if (listing.isWalkDue()) {
            pollNow();
        }
    }

    @Override
    protected void doStop() throws Exception {
        if (watch != null) {
            watch.close();
        }
        super.doStop();
    }

    @Override
    protected boolean isDue() {
        if (Files.isDirectory(directory)) {
            return super.isDue();
        }
        missing(
                Files.exists(directory, LinkOption.NOFOLLOW_LINKS)
                        ? directory + " is no folder: no file is taken; put a folder in its place"
                        : directory + " is gone: no file is taken; make the folder, or mount it again");
        return false;
    }

    @Override
    protected void walk() {
        walk(directory);
    }

    private void walk(Path folder) {
        if (watch != null) {
            watch.add(folder);
        }
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
            for (Path entry : entries) {
                if (!entry.getFileName().toString().startsWith(".")) {
                    see(entry);
                }
            }
        } catch (NoSuchFileException e) {
            // it was taken away meanwhile
        } catch (IOException | DirectoryIteratorException e) {
            cannotBeRead(folder, e);
        }
    }

    private void see(Path entry) {
        boolean csv = isCsv(entry.getFileName().toString());
        try {
            BasicFileAttributes found =
                    Files.readAttributes(entry, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
            if (found.isDirectory()) {
                if (hasReadableName(entry)) {
                    walk(entry);
                }
            } else if (found.isSymbolicLink()) {
                if (csv || Files.isDirectory(entry)) {
                    listing.leave(
                            entry.toString(),
                            "is a symbolic link: it is left alone; put the file itself into the inbox");
                }
            } else if (csv && found.isRegularFile() && hasReadableName(entry)) {
                listing.found(FileMark.of(entry, found));
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
        listing.leave(
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
        listing.leave(
                entry.toString(),
                "UTF-8".equalsIgnoreCase(System.getProperty("sun.jnu.encoding"))
                        ? "has a name that is not UTF-8: it is left alone; rename it"
                        : "has a name that is not plain ASCII, which cannot be read without a UTF-8 locale: it is left"
                                + " alone; start with LC_ALL=C.UTF-8");
        return false;
    }

    @Override
    protected String relative(SourceFile file) {
        return file.location().substring(directory.toString().length() + 1);
    }

    @Override
    protected GenericFile<?> camelFile(SourceFile file) {
        return FileConsumer.asGenericFile(directory.toString(), new File(file.location()), null, false);
    }
}
