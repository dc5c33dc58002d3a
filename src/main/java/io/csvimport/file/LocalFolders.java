package io.csvimport.file;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * The folders of this machine. Others may write into them, too: a file is made anew or not at all, and no symbolic link
 * in the place of a file is followed. A folder may be a link, to an archive on another file system, say.
 */
public final class LocalFolders implements SourceFolders {

    @Override
    public FileMark find(String path) throws IOException {
        return FileMark.of(Path.of(path));
    }

    @Override
    public boolean exists(String path) {
        return Files.exists(Path.of(path), LinkOption.NOFOLLOW_LINKS);
    }

    @Override
    public void put(InputStream bytes, String path) throws IOException {
        Path hidden = newHidden(path);
        try (OutputStream out = new NamedOutput(hidden, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            bytes.transferTo(out);
        }
        force(hidden);
        rename(hidden, Path.of(path));
        force(hidden.getParent());
    }

    /** What is there is left over from an attempt that failed, or was put there by others. */
    private static Path newHidden(String path) throws IOException {
        Path hidden = Path.of(SourceFolders.hidden(path));
        Files.deleteIfExists(hidden);
        return hidden;
    }

    @Override
    public boolean move(SourceFile file, String sha256, String to) throws IOException {
        FileMark uploaded = (FileMark) file;
        Path from = uploaded.path();
        Path target = Path.of(to);
        try {
            rename(from, target);
        } catch (AtomicMoveNotSupportedException e) {
            return moveToOtherFileSystem(uploaded, sha256, target);
        }
        boolean same = isUploaded(find(to), uploaded, sha256);
        if (!same && !exists(file.location())) {
            // it was replaced in the very moment before the move: the new one goes back
            rename(target, from);
        }
        return same;
    }

    /** The copy is on the disk, and has the bytes, before the original goes. */
    private boolean moveToOtherFileSystem(FileMark uploaded, String sha256, Path target) throws IOException {
        Path from = uploaded.path();
        Path hidden = newHidden(target.toString());
        Files.copy(from, hidden, StandardCopyOption.COPY_ATTRIBUTES, LinkOption.NOFOLLOW_LINKS);
        force(hidden);
        boolean same = Files.mismatch(from, hidden) < 0 && isUploaded(FileMark.of(from), uploaded, sha256);
        if (same) {
            rename(hidden, target);
            force(target.getParent());
            Files.delete(from);
            force(from.getParent());
        } else {
            Files.delete(hidden);
        }
        return same;
    }

    /** Where the identity alone differs, as on file systems that have no lasting one, the bytes decide. */
    private static boolean isUploaded(FileMark found, FileMark uploaded, String sha256) throws IOException {
        return found.looksLike(uploaded) && (found.isOf(uploaded) || sha256 != null && sha256.equals(Sha256.of(found)));
    }

    /** Never a copy. @throws AtomicMoveNotSupportedException where the target is on another file system */
    private static void rename(Path from, Path to) throws IOException {
        if (Files.exists(to, LinkOption.NOFOLLOW_LINKS)) {
            throw new FileAlreadyExistsException(to.toString());
        }
        Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
    }

    @Override
    public void delete(String path) throws IOException {
        Files.deleteIfExists(Path.of(path));
    }

    @Override
    public void makeFolder(String path) throws IOException {
        Path folder = Path.of(path);
        if (!Files.isDirectory(folder)) {
            try {
                Files.createDirectories(folder);
            } catch (FileAlreadyExistsException e) {
                throw SourceFolders.isNoFolder(path);
            }
        }
    }

    /** Waits until a file or folder is on the disk (fsync). */
    public static void force(Path path) throws IOException {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }
}
