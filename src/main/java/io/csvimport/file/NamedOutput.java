package io.csvimport.file;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;

/** Writes a file; the message of a failure names it. The system's own, as in "No space left on device", does not. */
public final class NamedOutput extends FilterOutputStream {

    private final Path file;

    /** Opens the file as {@link Files#newOutputStream} does. */
    public NamedOutput(Path file, OpenOption... options) throws IOException {
        super(Files.newOutputStream(file, options));
        this.file = file;
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
        try {
            out.write(bytes, offset, length);
        } catch (IOException e) {
            throw named(file, e);
        }
    }

    /** The failure with the file's name in its message. */
    public static IOException named(Path file, IOException e) {
        return e instanceof FileSystemException ? e : new IOException(file + ": " + e.getMessage(), e);
    }
}
