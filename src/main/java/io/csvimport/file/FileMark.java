package io.csvimport.file;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.concurrent.TimeUnit;

/**
 * What tells one delivery of a local file from the next under the same name: size in bytes, time of last modification
 * in nanoseconds since 1970, and the file system's own key (the inode), which a rename keeps.
 */
public record FileMark(Path path, long size, long modified, String fileKey) implements SourceFile {

    /** @throws NoSuchFileException where there is no plain file at the path; a symbolic link is none */
    public static FileMark of(Path path) throws IOException {
        BasicFileAttributes found = Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
        if (!found.isRegularFile()) {
            throw new NoSuchFileException(path.toString(), null, "no plain file");
        }
        return of(path.toAbsolutePath().normalize(), found);
    }

    /** Whether a file with this key, if it was on this machine, was taken away or replaced. */
    public static boolean isGone(String path, String key) {
        Path file = Path.of(path);
        if (!file.isAbsolute() || !Files.isDirectory(file.getParent())) {
            return false;
        }
        // hidden: the spool is just about to show it
        if (Files.exists(file.resolveSibling("." + file.getFileName()))) {
            return false;
        }
        try {
            return !of(file).looksLike(key);
        } catch (IOException e) {
            return true;
        }
    }

    public static FileMark of(Path path, BasicFileAttributes found) {
        return new FileMark(
                path,
                found.size(),
                found.lastModifiedTime().to(TimeUnit.NANOSECONDS),
                fileKey(String.valueOf(found.fileKey())));
    }

    /** {@code (dev=fe01,ino=7)} without the device: its number may change at a reboot; the path names the file system. */
    private static String fileKey(String key) {
        return key.startsWith("(dev=") ? "(" + key.substring(key.indexOf(',') + 1) : key;
    }

    @Override
    public String location() {
        return path.toString();
    }

    @Override
    public boolean isOf(SourceFile other) {
        return other instanceof FileMark before && before.fileKey.equals(fileKey);
    }

    @Override
    public boolean isThere() {
        return isAt(path);
    }

    @Override
    public InputStream open() throws IOException {
        return Files.newInputStream(path, LinkOption.NOFOLLOW_LINKS);
    }

    @Override
    public SourceFolders folders() {
        return SourceFolders.LOCAL;
    }

    /** Whether a file of this size and time is at another path, or still at this one. */
    public boolean isAt(Path other) {
        try {
            return looksLike(of(other));
        } catch (IOException e) {
            return false;
        }
    }

    @Override
    public String key() {
        return keyWithoutIdentity() + fileKey;
    }

    private String keyWithoutIdentity() {
        return "file:" + path + "|" + size + "|" + modified + "|";
    }

    /** Whether a source key is that of a file at this path with this size and time. */
    public boolean looksLike(String sourceKey) {
        return sourceKey.startsWith(keyWithoutIdentity());
    }
}
