package io.csvimport.source.sftp;

import io.csvimport.file.SourceFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.NoSuchFileException;

/**
 * A file on an SFTP server, as the server lists it: size in bytes, -1 where it does not tell it, time of
 * last modification in seconds since 1970.
 */
record SftpFile(SftpFolders folders, String location, long size, long modified) implements SourceFile {

    @Override
    public String key() {
        return location + "|" + size + "|" + modified;
    }

    @Override
    public boolean isOf(SourceFile other) {
        return other.location().equals(location);
    }

    @Override
    public boolean isThere() {
        try {
            return looksLike(folders.findSoon(location));
        } catch (NoSuchFileException e) {
            return false;
        } catch (IOException e) {
            // the server is unavailable, or busy: nothing speaks against it
            return true;
        }
    }

    @Override
    public boolean isGone() {
        try {
            folders.find(location);
            return false;
        } catch (NoSuchFileException e) {
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    @Override
    public InputStream open() throws IOException {
        return folders.open(this);
    }
}
