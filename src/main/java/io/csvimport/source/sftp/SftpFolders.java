package io.csvimport.source.sftp;

import com.jcraft.jsch.ChannelSftp;
import com.jcraft.jsch.ChannelSftp.LsEntrySelector;
import com.jcraft.jsch.SftpATTRS;
import com.jcraft.jsch.SftpException;
import io.csvimport.file.SourceFile;
import io.csvimport.file.SourceFolders;
import io.csvimport.text.Visible;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.time.Duration;
import java.util.UUID;

/** The folders of an SFTP server. */
final class SftpFolders implements SourceFolders {

    private static final Duration SOON = Duration.ofSeconds(10);

    private final SftpServer server;
    private final SftpConnections connections;

    SftpFolders(SftpServer server, SftpConnections connections) {
        this.server = server;
        this.connections = connections;
    }

    @Override
    public boolean isReadOnly() {
        return server.isReadOnly();
    }

    @Override
    public SftpFile find(String location) throws IOException {
        return call(location, channel -> find(channel, location));
    }

    /** The same, by who cannot wait until a file was read by another, where the server allows one connection. */
    SftpFile findSoon(String location) throws IOException {
        return connections.call(location, connections.take(SOON), channel -> find(channel, location), true);
    }

    SftpFile find(ChannelSftp channel, String location) throws SftpException, NoSuchFileException {
        SftpATTRS found = channel.lstat(quoted(location));
        if (hasType(found) && !found.isReg()) {
            throw new NoSuchFileException(location, null, "no plain file");
        }
        return new SftpFile(this, location, size(found), found.getMTime());
    }

    /** In bytes; -1 where the server does not tell it. */
    static long size(SftpATTRS found) {
        return (found.getFlags() & SftpATTRS.SSH_FILEXFER_ATTR_SIZE) == 0 ? -1 : found.getSize();
    }

    /** Whether the server tells what it is: some tell permissions without a type, or neither. */
    static boolean hasType(SftpATTRS found) {
        return (found.getFlags() & SftpATTRS.SSH_FILEXFER_ATTR_PERMISSIONS) != 0 && found.getPermissions() >> 12 != 0;
    }

    /** Hands out the entries of a folder, one by one: however many there are, they are not held. */
    void list(String location, LsEntrySelector entries) throws IOException {
        String all = location.endsWith("/") ? "*" : "/*";
        call(location, channel -> {
            // of a folder itself JSch would first want to know whether it is one
            channel.ls(quoted(location) + all, entries);
            return null;
        });
    }

    /** Whether it is a folder; where the server tells no type, what can be listed, or may not be, is one. */
    boolean isFolder(String location) throws IOException {
        try {
            SftpATTRS found = call(location, channel -> channel.stat(quoted(location)));
            if (hasType(found)) {
                return found.isDir();
            }
            list(location, entry -> LsEntrySelector.BREAK);
            return true;
        } catch (AccessDeniedException e) {
            return true;
        } catch (FileSystemException e) {
            return false;
        }
    }

    @Override
    public boolean exists(String location) throws IOException {
        try {
            call(location, channel -> channel.lstat(quoted(location)));
            return true;
        } catch (NoSuchFileException e) {
            return false;
        }
    }

    /** The file's bytes; its connection is taken for as long as the stream is open. */
    InputStream open(SftpFile file) throws IOException {
        String location = file.location();
        ChannelSftp channel = connections.take(null);
        InputStream bytes = connections.call(location, channel, busy -> busy.get(quoted(location)), false);
        return new SftpDownload(file, connections, channel, bytes);
    }

    /** Under a name that nobody can have put a link at: the server would follow it. */
    @Override
    public void put(InputStream bytes, String location) throws IOException {
        String hidden = SourceFolders.parent(location) + "/." + UUID.randomUUID() + ".tmp";
        try {
            call(hidden, channel -> {
                try {
                    channel.put(bytes, quoted(hidden));
                    return null;
                } catch (SftpException e) {
                    if (e.id == ChannelSftp.SSH_FX_FAILURE) {
                        // in its middle: answers may be outstanding
                        throw SftpConnections.failed(hidden, e);
                    }
                    throw e;
                }
            });
            if (exists(location)) {
                throw new FileAlreadyExistsException(Visible.of(location));
            }
            move(hidden, location);
        } catch (FileSystemException e) {
            delete(hidden);
            throw e;
        }
    }

    @Override
    public boolean move(SourceFile file, String sha256, String to) throws IOException {
        String from = file.location();
        move(from, to);
        boolean same = find(to).looksLike(file);
        if (!same && !exists(from)) {
            // it was replaced in the very moment before the move: the new one goes back
            move(to, from);
        }
        return same;
    }

    private void move(String from, String to) throws IOException {
        call(from, channel -> {
            try {
                channel.rename(quoted(from), quoted(to));
                return null;
            } catch (SftpException e) {
                if (e.id == ChannelSftp.SSH_FX_FAILURE && channel.isConnected()) {
                    throw new FileSystemException(
                            Visible.of(from),
                            null,
                            "the server cannot move it to " + Visible.of(to)
                                    + ": both have to be on one file system, and its disk must not be full");
                }
                throw e;
            }
        });
    }

    @Override
    public void delete(String location) throws IOException {
        if (exists(location)) {
            call(location, channel -> {
                channel.rm(quoted(location));
                return null;
            });
        }
    }

    @Override
    public void makeFolder(String location) throws IOException {
        if (isFolder(location)) {
            return;
        }
        if (exists(location)) {
            throw SourceFolders.isNoFolder(location);
        }
        call(location, channel -> {
            // the one name that JSch takes as it is
            channel.mkdir(server.path(location));
            return null;
        });
    }

    /** Makes the feed's directory, and those above it. */
    void makeDirectory() throws IOException {
        String path = server.getDirectory();
        for (int slash = path.indexOf('/', 1); slash > 0; slash = path.indexOf('/', slash + 1)) {
            makeFolder(server.location(path.substring(0, slash)));
        }
        makeFolder(server.location(path));
    }

    private <T> T call(String location, SftpConnections.Call<T> call) throws IOException {
        return connections.call(location, connections.take(null), call, true);
    }

    private String quoted(String location) {
        // JSch takes none of these for a pattern then
        return server.path(location).replaceAll("[\\\\*?]", "\\\\$0");
    }
}
