package io.csvimport.source.sftp;

import io.csvimport.file.SourceFile;
import io.csvimport.file.SourceFolders;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.NoSuchFileException;
import org.apache.camel.component.file.remote.SftpRemoteFile;

/**
 * A file on an SFTP server, as the server lists it: size in bytes, -1 where it does not tell it, time of
 * last modification in seconds since 1970.
 */
record SftpFile(SftpServer server, String location, long size, long modified)
        implements SourceFile, SftpRemoteFile<SftpFile> {

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
        return looksLike(other);
    }

    @Override
    public boolean looksLike(SourceFile other) {
        return other instanceof SftpFile file && size == file.size && modified == file.modified;
    }

    @Override
    public boolean isThere() {
        try {
            return isSameAs(server.findSoon(location));
        } catch (NoSuchFileException e) {
            return false;
        } catch (IOException e) {
            // the server is away, or busy: nothing speaks against it
            return true;
        }
    }

    @Override
    public boolean isGone() {
        try {
            server.find(location);
            return false;
        } catch (NoSuchFileException e) {
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    @Override
    public InputStream open() throws IOException {
        return server.open(this);
    }

    @Override
    public SourceFolders folders() {
        return server;
    }

    @Override
    public String getFilename() {
        return SourceFolders.name(location);
    }

    @Override
    public String getLongname() {
        return getFilename();
    }

    @Override
    public boolean isDirectory() {
        return false;
    }

    @Override
    public long getFileLength() {
        return size;
    }

    @Override
    public long getLastModified() {
        return modified * 1000;
    }

    /** There is no entry of JSch's to be held. */
    @Override
    public SftpFile getRemoteFile() {
        return null;
    }
}
