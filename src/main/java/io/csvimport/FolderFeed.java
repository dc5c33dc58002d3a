package io.csvimport;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import org.apache.camel.Consumer;
import org.apache.camel.Endpoint;
import org.apache.camel.component.file.GenericFile;

/** A feed of the files in a folder of this machine. */
public final class FolderFeed extends FileFeed<File> {

    private Path directory;

    public void setDirectory(String directory) {
        this.directory = Path.of(directory).toAbsolutePath().normalize();
    }

    @Override
    boolean isLeftAlone(GenericFile<File> candidate) {
        try {
            Path path = path(candidate);
            if (Files.isSymbolicLink(path)) {
                report(Names.visible(path.toString())
                        + " is a symbolic link: it is left alone; put the file itself into the inbox");
                return true;
            }
            return false;
        } catch (InvalidPathException e) {
            report(directory + ": file names that are not plain ASCII cannot be read without a UTF-8 locale, and are"
                    + " left alone; start with LC_ALL=C.UTF-8");
            return true;
        }
    }

    @Override
    SourceFile look(GenericFile<File> candidate) {
        try {
            return FileMark.of(path(candidate));
        } catch (IOException e) {
            return null;
        }
    }

    @Override
    String relativePath(GenericFile<File> candidate) {
        Path path = path(candidate);
        return path.subpath(directory.getNameCount(), path.getNameCount()).toString();
    }

    @Override
    String mark(GenericFile<File> consumed) {
        return consumed.getFile().getAbsolutePath();
    }

    private static Path path(GenericFile<File> candidate) {
        return candidate.getFile().toPath().toAbsolutePath().normalize();
    }

    @Override
    public boolean rollback(Consumer consumer, Endpoint endpoint, int retryCounter, Exception e) {
        LOG.warn("{} cannot be read now, it is tried again: {}", directory, e.toString());
        return false;
    }
}
