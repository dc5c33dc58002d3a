package io.csvimport.source.sftp;

import com.jcraft.jsch.ChannelSftp;
import com.jcraft.jsch.ChannelSftp.LsEntrySelector;
import com.jcraft.jsch.SftpATTRS;
import com.jcraft.jsch.SftpException;
import io.csvimport.CsvChangedException;
import io.csvimport.file.SourceFile;
import io.csvimport.file.SourceFolders;
import io.csvimport.settings.Secret;
import io.csvimport.text.Visible;
import java.io.ByteArrayInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;
import org.apache.camel.CamelContext;
import org.apache.camel.CamelContextAware;
import org.apache.camel.LoggingLevel;
import org.apache.camel.component.file.remote.SftpConfiguration;
import org.apache.camel.component.file.remote.SftpEndpoint;

/**
 * An SFTP server as one feed knows it: where it is, who logs in there and how, and its folders. It is set up by the
 * Kamelet, so that no secret is ever part of a URI.
 */
public final class SftpServer implements SourceFolders, CamelContextAware {

    private static final int SILENCE_MILLIS = 30_000;
    private static final Duration SOON = Duration.ofSeconds(10);

    /** A call of JSch's; names that go into it are quoted, because it reads patterns in them. */
    private interface Call<T> {
        T in(ChannelSftp channel) throws SftpException, IOException;
    }

    private final SftpConfiguration configuration = new SftpConfiguration();
    private CamelContext camelContext;
    private List<String> algorithms = List.of();
    private boolean readOnly;
    private SftpEndpoint endpoint;
    private SftpTrouble trouble;
    private SftpConnections connections;

    public SftpServer() {
        configuration.setStrictHostKeyChecking("yes");
        configuration.setSoTimeout(SILENCE_MILLIS);
        configuration.setStepwise(false);
        configuration.setJschLoggingLevel(LoggingLevel.OFF);
    }

    @Override
    public CamelContext getCamelContext() {
        return camelContext;
    }

    @Override
    public void setCamelContext(CamelContext camelContext) {
        this.camelContext = camelContext;
    }

    public void setHost(String host) {
        configuration.setHost(host);
    }

    public void setPort(int port) {
        configuration.setPort(port);
    }

    public void setUsername(String username) {
        configuration.setUsername(username);
    }

    public void setPassword(String password) {
        configuration.setPassword(orNull(Secret.of(camelContext, password)));
    }

    public void setPrivateKeyFile(String privateKeyFile) {
        configuration.setPrivateKeyFile(orNull(privateKeyFile));
    }

    public void setPrivateKeyPassphrase(String privateKeyPassphrase) {
        configuration.setPrivateKeyPassphrase(orNull(Secret.of(camelContext, privateKeyPassphrase)));
    }

    /** Where there is none, it is the user's own, {@code ~/.ssh/known_hosts}. */
    public void setKnownHostsFile(String knownHostsFile) {
        configuration.setKnownHostsFile(orNull(knownHostsFile));
    }

    /** Relative to the login folder, where it does not begin with a slash. */
    public void setDirectory(String directory) {
        configuration.setDirectory(directory.replaceAll("(?<=.)/+$", ""));
    }

    /** Names, separated by commas, of what old servers need and is not offered otherwise: {@code ssh-rsa}. */
    public void setAlgorithms(String algorithms) {
        this.algorithms = Stream.of(algorithms.split(","))
                .map(String::trim)
                .filter(name -> !name.isEmpty())
                .toList();
    }

    public void setReadOnly(boolean readOnly) {
        this.readOnly = readOnly;
    }

    private static String orNull(String value) {
        return value.isEmpty() ? null : value;
    }

    SftpConfiguration configuration() {
        return configuration;
    }

    void setEndpoint(SftpEndpoint endpoint) {
        this.endpoint = endpoint;
    }

    SftpSession newSession() {
        return new SftpSession(configuration, endpoint, algorithms);
    }

    /** Connections are made from now on, as they are needed. */
    void open(SftpTrouble told) {
        trouble = told;
        connections = new SftpConnections(newSession(), trouble);
    }

    void close() {
        connections.close();
    }

    @Override
    public boolean isReadOnly() {
        return readOnly;
    }

    /** The ledger's name of a path on the server; it begins with {@link #name}. */
    String location(String path) {
        return name() + path;
    }

    /** The path on the server of a name of the ledger's. */
    String path(String location) {
        return location.substring(name().length());
    }

    /** {@code sftp://anna@sftp.example:22/}. */
    String name() {
        return "sftp://" + configuration.getUsername() + "@" + configuration.getHost() + ":" + configuration.getPort()
                + "/";
    }

    /** Without an end of its own, so that a name can follow after a slash. */
    String directory() {
        return configuration.getDirectory();
    }

    @Override
    public SftpFile find(String location) throws IOException {
        return call(location, channel -> find(channel, location));
    }

    /** The same, by who cannot wait until a file was read by another, where the server allows one connection. */
    SftpFile findSoon(String location) throws IOException {
        return call(location, connections.take(SOON), channel -> find(channel, location), true);
    }

    private SftpFile find(ChannelSftp channel, String location) throws SftpException, NoSuchFileException {
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

    /** Whether it is a folder, for one of which the server does not tell it: what can be listed, or may not be, is. */
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
        return call(location, channel -> {
            try {
                channel.lstat(quoted(location));
                return true;
            } catch (SftpException e) {
                // a name that is too long for the server has nothing either
                if (e.id == ChannelSftp.SSH_FX_NO_SUCH_FILE || e.id == ChannelSftp.SSH_FX_BAD_MESSAGE) {
                    return false;
                }
                throw e;
            }
        });
    }

    @Override
    public String read(String location) throws IOException {
        try (InputStream in = find(location).open()) {
            return new String(in.readNBytes(LONGEST_TEXT), StandardCharsets.UTF_8);
        }
    }

    @Override
    public void write(String location, String text) throws IOException {
        put(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)), location);
    }

    @Override
    public void copy(Path file, String to) throws IOException {
        try (InputStream bytes = Files.newInputStream(file)) {
            put(bytes, to);
        }
    }

    /** Under a name that nobody can have put a link at: the server would follow it. */
    private void put(InputStream bytes, String location) throws IOException {
        String hidden = SourceFolders.parent(location) + "/." + UUID.randomUUID() + ".tmp";
        try {
            call(hidden, channel -> {
                try {
                    channel.put(bytes, quoted(hidden));
                    return null;
                } catch (SftpException e) {
                    if (e.id == ChannelSftp.SSH_FX_FAILURE) {
                        // in its middle: answers may be outstanding
                        throw failed(hidden, e);
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
    public boolean fits(String location) throws IOException {
        return call(location, channel -> {
            try {
                channel.lstat(quoted(location));
                return true;
            } catch (SftpException e) {
                if (e.id == ChannelSftp.SSH_FX_BAD_MESSAGE || e.id == ChannelSftp.SSH_FX_FAILURE) {
                    return false;
                }
                if (e.id == ChannelSftp.SSH_FX_NO_SUCH_FILE) {
                    return true;
                }
                throw e;
            }
        });
    }

    @Override
    public boolean move(SourceFile file, String sha256, String to) throws IOException {
        String from = file.location();
        move(from, to);
        boolean same = find(to).isSameAs(file);
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
        try {
            if (!call(location, channel -> channel.stat(quoted(location))).isDir() && !isFolder(location)) {
                throw new FileSystemException(
                        Visible.of(location), null, "it is no folder, and no file can be moved into it: take it away");
            }
        } catch (NoSuchFileException e) {
            call(location, channel -> {
                // the one name that JSch takes as it is
                channel.mkdir(path(location));
                return null;
            });
        }
    }

    /** Makes the feed's directory, and those above it. */
    void makeDirectory() throws IOException {
        String path = directory();
        for (int slash = path.indexOf('/', 1); slash > 0; slash = path.indexOf('/', slash + 1)) {
            makeFolder(location(path.substring(0, slash)));
        }
        makeFolder(location(path));
    }

    /**
     * The file's bytes, as they come from the server; its connection is taken for as long as the stream is open.
     *
     * @throws CsvChangedException at its close, where it was read to its end and has changed meanwhile
     */
    InputStream open(SftpFile file) throws IOException {
        String location = file.location();
        ChannelSftp channel = connections.take(null);
        InputStream bytes = call(location, channel, busy -> busy.get(quoted(location)), false);
        return new FilterInputStream(bytes) {
            private boolean begun;
            private boolean atEnd;
            private boolean closed;

            @Override
            public int read(byte[] buffer, int offset, int length) throws IOException {
                try {
                    int n = super.read(buffer, offset, length);
                    atEnd = n < 0;
                    if (!begun) {
                        begun = true;
                        trouble.works();
                    }
                    return n;
                } catch (IOException e) {
                    throw isAlive(channel) ? failed(location, e) : connections.failed(channel, e);
                }
            }

            @Override
            public void close() throws IOException {
                if (closed) {
                    return;
                }
                closed = true;
                if (!atEnd) {
                    // broken, or not wanted any more: it ends with its connection
                    connections.end(channel);
                    return;
                }
                try {
                    super.close();
                } catch (IOException e) {
                    throw connections.failed(channel, e);
                }
                SftpFile now = foundAfter(channel, location);
                if (now != null && !now.isSameAs(file)) {
                    throw new CsvChangedException(Visible.of(location));
                }
            }
        };
    }

    /** Whether the connection still takes what is sent: where a send failed, JSch may not know yet that it is cut. */
    private static boolean isAlive(ChannelSftp channel) {
        try {
            channel.getSession().sendKeepAliveMsg();
            return channel.isConnected();
        } catch (Exception e) {
            // of JSch's kind
            return false;
        }
    }

    /** Null where it is gone: some servers serve a file once. */
    private SftpFile foundAfter(ChannelSftp channel, String location) throws IOException {
        try {
            return call(location, channel, read -> find(read, location), true);
        } catch (NoSuchFileException e) {
            return null;
        }
    }

    private <T> T call(String location, Call<T> call) throws IOException {
        return call(location, connections.take(null), call, true);
    }

    /** @param givesBack false where the connection is needed further; where the call fails, it is given back or ended */
    private <T> T call(String location, ChannelSftp channel, Call<T> call, boolean givesBack) throws IOException {
        try {
            T result = call.in(channel);
            if (givesBack) {
                connections.giveBack(channel);
            }
            return result;
        } catch (SftpException e) {
            // what the server itself answers has no cause
            boolean answered = e.getCause() == null && channel.isConnected();
            if (!answered) {
                throw connections.failed(channel, e);
            }
            connections.giveBack(channel);
            if (e.id == ChannelSftp.SSH_FX_NO_SUCH_FILE) {
                throw new NoSuchFileException(location);
            }
            if (e.id == ChannelSftp.SSH_FX_PERMISSION_DENIED) {
                throw new AccessDeniedException(Visible.of(location), null, "the server does not permit it");
            }
            throw failed(location, e);
        } catch (NoSuchFileException e) {
            connections.giveBack(channel);
            throw e;
        } catch (IOException e) {
            connections.end(channel);
            throw e;
        }
    }

    private static FileSystemException failed(String location, Exception e) {
        FileSystemException failed = new FileSystemException(
                Visible.of(location), null, "the server cannot do it, or its disk is full: " + SftpTrouble.plain(e));
        failed.initCause(e);
        return failed;
    }

    private String quoted(String location) {
        // JSch takes none of these for a pattern then
        return path(location).replaceAll("[\\\\*?]", "\\\\$0");
    }
}
