package io.csvimport;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.NoSuchFileException;

/** A file on an SFTP server, as the server lists it: size in bytes, time of last modification in seconds since 1970. */
record SftpFile(SftpServer server, String location, long size, long modified) implements SourceFile {

    @Override
    public String key() {
        return location + "|" + size + "|" + modified;
    }

    @Override
    public boolean isOf(SourceFile other) {
        return other.location().equals(location);
    }

    @Override
    public boolean isSameAs(SourceFile other) {
        return other instanceof SftpFile file && size == file.size && modified == file.modified;
    }

    @Override
    public boolean isThere() {
        try {
            return isSameAs(server.find(location));
        } catch (NoSuchFileException e) {
            return false;
        } catch (IOException e) {
            // the server is away: nothing speaks against it
            return true;
        }
    }

    @Override
    public InputStream open() throws IOException {
        return server.open(location);
    }

    @Override
    public SourceFolders folders() {
        return server;
    }
}
