package io.csvimport;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** What is done with the files of a source, on this machine or on a server. Paths are as {@link SourceFile#location}. */
interface SourceFolders {

    /** Whether files stay where they are, and the ledger alone remembers what became of them. */
    boolean isReadOnly();

    /** The file at a path as it is now. @throws java.nio.file.NoSuchFileException where there is no plain file */
    SourceFile find(String path) throws IOException;

    /** Whether anything has this path. */
    boolean exists(String path) throws IOException;

    /** In bytes: what is longer is no text of ours, and is read no further. */
    int LONGEST_TEXT = 1 << 20;

    /** The text of a small file, UTF-8, or the beginning of a longer one. */
    String read(String path) throws IOException;

    /** Writes a small file, UTF-8, so that it is there whole or not at all; one that is there is replaced. */
    void write(String path, String text) throws IOException;

    /** Copies a file of this machine, so that it is there durably and whole or not at all; nothing is overwritten. */
    void copy(Path file, String to) throws IOException;

    /** Renames a file. @throws java.nio.file.NoSuchFileException where it is gone */
    void move(String from, String to) throws IOException;

    /** Deletes a file, where it is there. */
    void delete(String path) throws IOException;

    /** Makes the folder where it is missing. */
    void makeFolder(String path) throws IOException;

    static String parent(String path) {
        return path.substring(0, path.lastIndexOf('/'));
    }

    static String name(String path) {
        return path.substring(path.lastIndexOf('/') + 1);
    }

    /** Where a file is written before it has its name. */
    static String hidden(String path) {
        return parent(path) + "/." + name(path) + ".tmp";
    }

    /** The folders of this machine. */
    SourceFolders LOCAL = new SourceFolders() {

        @Override
        public boolean isReadOnly() {
            return false;
        }

        @Override
        public SourceFile find(String path) throws IOException {
            return FileMark.of(Path.of(path));
        }

        @Override
        public boolean exists(String path) {
            return Files.exists(Path.of(path), LinkOption.NOFOLLOW_LINKS);
        }

        @Override
        public String read(String path) throws IOException {
            try (InputStream in = Files.newInputStream(Path.of(path))) {
                return new String(in.readNBytes(LONGEST_TEXT), StandardCharsets.UTF_8);
            }
        }

        @Override
        public void write(String path, String text) throws IOException {
            Path hidden = Path.of(hidden(path));
            Files.writeString(hidden, text);
            Files.move(hidden, Path.of(path), StandardCopyOption.REPLACE_EXISTING);
        }

        @Override
        public void copy(Path file, String to) throws IOException {
            Path hidden = Path.of(hidden(to));
            Files.copy(file, hidden, StandardCopyOption.REPLACE_EXISTING);
            Spool.force(hidden);
            Files.move(hidden, Path.of(to));
            Spool.force(hidden.getParent());
        }

        @Override
        public void move(String from, String to) throws IOException {
            Files.move(Path.of(from), Path.of(to));
        }

        @Override
        public void delete(String path) throws IOException {
            Files.deleteIfExists(Path.of(path));
        }

        @Override
        public void makeFolder(String path) throws IOException {
            if (!Files.isDirectory(Path.of(path))) {
                Files.createDirectories(Path.of(path));
            }
        }
    };
}
