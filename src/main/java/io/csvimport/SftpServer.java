package io.csvimport;

import com.jcraft.jsch.ChannelSftp;
import com.jcraft.jsch.JSchException;
import com.jcraft.jsch.SftpATTRS;
import com.jcraft.jsch.SftpException;
import java.io.ByteArrayInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Deque;
import java.util.concurrent.ConcurrentLinkedDeque;
import org.apache.camel.LoggingLevel;
import org.apache.camel.component.file.remote.SftpConfiguration;
import org.apache.camel.component.file.remote.SftpEndpoint;

/**
 * An SFTP server as one feed knows it: where it is, who logs in there and how, and the sessions in which files are read
 * and moved while the consumer's own one lists. A session is kept for the next file: there are as many logins as there
 * are files on their way at once. It is set up by the Kamelet, so that no secret is ever part of a URI.
 */
public final class SftpServer implements SourceFolders {

    private static final int SILENCE_MILLIS = 30_000;

    /** A call of JSch's; names that go into it are quoted, because it reads patterns in them. */
    private interface Call<T> {
        T in(ChannelSftp channel) throws SftpException, IOException;
    }

    private final SftpConfiguration configuration = new SftpConfiguration();
    private final Deque<ChannelSftp> idle = new ConcurrentLinkedDeque<>();
    private boolean readOnly;
    private SftpEndpoint endpoint;
    private SftpSession listing;

    public SftpServer() {
        configuration.setStrictHostKeyChecking("yes");
        configuration.setPreferredAuthentications("publickey,keyboard-interactive,password");
        configuration.setSoTimeout(SILENCE_MILLIS);
        configuration.setStepwise(false);
        configuration.setJschLoggingLevel(LoggingLevel.OFF);
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
        configuration.setPassword(orNull(password));
    }

    public void setPrivateKeyFile(String privateKeyFile) {
        configuration.setPrivateKeyFile(orNull(privateKeyFile));
    }

    public void setPrivateKeyPassphrase(String privateKeyPassphrase) {
        configuration.setPrivateKeyPassphrase(orNull(privateKeyPassphrase));
    }

    /** Where there is none, it is the user's own, {@code ~/.ssh/known_hosts}. */
    public void setKnownHostsFile(String knownHostsFile) {
        configuration.setKnownHostsFile(orNull(knownHostsFile));
    }

    /** Relative to the login folder, where it does not begin with a slash. */
    public void setDirectory(String directory) {
        configuration.setDirectory(directory.replaceAll("(?<=.)/+$", ""));
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

    /** A new session for the consumer. */
    SftpSession listing() {
        listing = new SftpSession(this, endpoint);
        return listing;
    }

    /** The consumer's session is made anew for its next listing. */
    void endListing() {
        listing.forceDisconnect();
    }

    @Override
    public boolean isReadOnly() {
        return readOnly;
    }

    /** The ledger's name of a path on the server; it begins with {@link #name}. */
    String location(String path) {
        return name() + path;
    }

    /** {@code sftp://anna@sftp.example:22/}. */
    String name() {
        return "sftp://" + configuration.getUsername() + "@" + configuration.getHost() + ":" + configuration.getPort()
                + "/";
    }

    String directory() {
        return configuration.getDirectory();
    }

    @Override
    public SftpFile find(String location) throws IOException {
        SftpATTRS found = call(location, channel -> channel.lstat(quoted(location)));
        if (!found.isReg()) {
            throw new NoSuchFileException(location);
        }
        return new SftpFile(this, location, found.getSize(), found.getMTime());
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
        try (InputStream in = open(location)) {
            return new String(in.readNBytes(LONGEST_TEXT), StandardCharsets.UTF_8);
        }
    }

    @Override
    public void write(String location, String text) throws IOException {
        String hidden = SourceFolders.hidden(location);
        put(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)), hidden);
        delete(location);
        move(hidden, location);
    }

    @Override
    public void copy(Path file, String to) throws IOException {
        String hidden = SourceFolders.hidden(to);
        try (InputStream bytes = Files.newInputStream(file)) {
            put(bytes, hidden);
        }
        move(hidden, to);
    }

    private void put(InputStream bytes, String location) throws IOException {
        call(location, channel -> {
            channel.put(bytes, quoted(location));
            return null;
        });
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
            channel.rename(quoted(from), quoted(to));
            return null;
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
            if (!call(location, channel -> channel.stat(quoted(location))).isDir()) {
                throw new IOException(location + " is no folder: no file can be moved into it; take it away");
            }
        } catch (NoSuchFileException e) {
            call(location, channel -> {
                // the one name that JSch takes as it is
                channel.mkdir(location.substring(name().length()));
                return null;
            });
        }
    }

    /** The file's bytes, as they come from the server; its session is taken for as long as the stream is open. */
    InputStream open(String location) throws IOException {
        ChannelSftp channel = session();
        InputStream bytes = call(location, channel, busy -> busy.get(quoted(location)));
        return new FilterInputStream(bytes) {
            private boolean atEnd;
            private boolean closed;

            @Override
            public int read(byte[] buffer, int offset, int length) throws IOException {
                try {
                    int n = super.read(buffer, offset, length);
                    atEnd = n < 0;
                    return n;
                } catch (IOException e) {
                    throw lost(e);
                }
            }

            @Override
            public void close() throws IOException {
                if (closed) {
                    return;
                }
                closed = true;
                if (atEnd) {
                    super.close();
                    idle.push(channel);
                } else {
                    // broken, or not wanted any more: it ends with its session
                    end(channel);
                }
            }
        };
    }

    private <T> T call(String location, Call<T> call) throws IOException {
        ChannelSftp channel = session();
        T result = call(location, channel, call);
        idle.push(channel);
        return result;
    }

    private <T> T call(String location, ChannelSftp channel, Call<T> call) throws IOException {
        try {
            return call.in(channel);
        } catch (SftpException e) {
            // what the server itself answers has no cause
            boolean answered = e.getCause() == null && channel.isConnected();
            if (e.id == ChannelSftp.SSH_FX_NO_SUCH_FILE || e.id == ChannelSftp.SSH_FX_PERMISSION_DENIED) {
                idle.push(channel);
            } else {
                end(channel);
            }
            if (e.id == ChannelSftp.SSH_FX_NO_SUCH_FILE) {
                throw new NoSuchFileException(location);
            }
            if (e.id == ChannelSftp.SSH_FX_PERMISSION_DENIED) {
                throw new AccessDeniedException(Names.visible(location), null, "the server does not permit it");
            }
            throw answered ? failed(location, e) : lost(e);
        }
    }

    private static IOException failed(String location, SftpException e) {
        return new IOException(
                Names.visible(location) + ": the server cannot do it, or its disk is full: " + SftpSession.plain(e), e);
    }

    private IOException lost(Exception e) {
        return new IOException(
                "the connection to " + configuration.getHost() + " is lost, or it failed: " + SftpSession.plain(e), e);
    }

    private ChannelSftp session() throws IOException {
        for (ChannelSftp channel = idle.poll(); channel != null; channel = idle.poll()) {
            if (channel.isConnected()) {
                return channel;
            }
            end(channel);
        }
        try {
            return new SftpSession(this, endpoint).open();
        } catch (JSchException e) {
            throw new IOException(SftpSession.explain(e, configuration), e);
        }
    }

    private static void end(ChannelSftp channel) {
        try {
            channel.getSession().disconnect();
        } catch (JSchException e) {
            // it has ended by itself
            channel.disconnect();
        }
    }

    private String quoted(String location) {
        return SftpSession.quote(location.substring(name().length()));
    }

    /** Ends the sessions that are idle. */
    void close() {
        for (ChannelSftp channel = idle.poll(); channel != null; channel = idle.poll()) {
            end(channel);
        }
    }
}
