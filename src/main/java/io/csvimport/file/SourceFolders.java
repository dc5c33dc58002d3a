package io.csvimport.file;

import io.csvimport.text.FileNames;
import io.csvimport.text.Visible;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.util.UUID;

/** What is done with the files of a source, on this machine or on a server. Paths are as {@link SourceFile#location}. */
public interface SourceFolders {

    /** The folders of this machine. */
    SourceFolders LOCAL = new LocalFolders();

    /** Whether files stay where they are, and the ledger alone remembers what became of them. */
    default boolean isReadOnly() {
        return false;
    }

    /** The file at a path as it is now. @throws java.nio.file.NoSuchFileException where there is no plain file */
    SourceFile find(String path) throws IOException;

    /** Whether anything has this path. */
    boolean exists(String path) throws IOException;

    /** Writes a file, so that it is there durably and whole or not at all; nothing is overwritten. */
    void put(InputStream bytes, String path) throws IOException;

    /**
     * Moves a file, and no other that has taken its place; nothing is overwritten.
     *
     * @param sha256 of the file's bytes, hex, or null where it is not known
     * @return false where another has taken its place: that stays
     * @throws java.nio.file.NoSuchFileException where it is gone
     */
    boolean move(SourceFile file, String sha256, String to) throws IOException;

    /** Deletes a file, where it is there. */
    void delete(String path) throws IOException;

    /** Makes the folder where it is missing. */
    void makeFolder(String path) throws IOException;

    /** A path and an ending; too long a name is cut before the ending. */
    static String beside(String path, String ending) {
        return parent(path) + "/" + FileNames.fit(name(path), ending, FileNames.LONGEST);
    }

    /** Whether a path may be taken. */
    interface Look {
        boolean isFree(String path) throws IOException;
    }

    /** The path itself, or the first with the job in its name that is free: {@code people~17.csv}, {@code people~17-2.csv}. */
    static String free(String path, long job, Look look) throws IOException {
        String extension = FileNames.extension(name(path));
        String stem = path.substring(0, path.length() - extension.length());
        String free = beside(stem, extension);
        for (int attempt = 1; !look.isFree(free); attempt++) {
            free = beside(stem, "~" + job + (attempt == 1 ? "" : "-" + attempt) + extension);
        }
        return free;
    }

    /** The failure to make a folder where something else is in its place. */
    static FileSystemException isNoFolder(String path) {
        return new FileSystemException(
                Visible.of(path), null, "it is no folder, and no file can be moved into it: take it away");
    }

    static String parent(String path) {
        return path.substring(0, path.lastIndexOf('/'));
    }

    static String name(String path) {
        return path.substring(path.lastIndexOf('/') + 1);
    }

    /** Where a file is written before it has its name. */
    static String hidden(String path) {
        return parent(path) + "/." + UUID.nameUUIDFromBytes(path.getBytes(StandardCharsets.UTF_8)) + ".tmp";
    }
}
