package io.csvimport;

import com.jcraft.jsch.ChannelSftp;
import com.jcraft.jsch.JSchChangedHostKeyException;
import com.jcraft.jsch.JSchException;
import com.jcraft.jsch.JSchUnknownHostKeyException;
import com.jcraft.jsch.Session;
import com.jcraft.jsch.SftpException;
import java.util.HashSet;
import java.util.Set;
import org.apache.camel.Exchange;
import org.apache.camel.component.file.GenericFileOperationFailedException;
import org.apache.camel.component.file.remote.RemoteFileConfiguration;
import org.apache.camel.component.file.remote.SftpConfiguration;
import org.apache.camel.component.file.remote.SftpEndpoint;
import org.apache.camel.component.file.remote.SftpOperations;
import org.apache.camel.component.file.remote.SftpRemoteFile;
import org.slf4j.LoggerFactory;

/** One login on an SFTP server, as Camel makes it; folders are listed by their names, which JSch reads as patterns. */
final class SftpSession extends SftpOperations {

    private final SftpServer server;
    /** Folders that may not be read, told once in a session. */
    private final Set<String> closed = new HashSet<>();

    SftpSession(SftpServer server, SftpEndpoint endpoint) {
        this.server = server;
        setEndpoint(endpoint);
    }

    @Override
    protected Session createSession(RemoteFileConfiguration configuration) throws JSchException {
        Session session = super.createSession(configuration);
        // the key, or the password, is offered once, and not six times
        session.setConfig("MaxAuthTries", "2");
        return session;
    }

    /** A session beside Camel's own one. */
    ChannelSftp open() throws JSchException {
        SftpConfiguration configuration = server.configuration();
        Session session = createSession(configuration);
        try {
            session.connect(configuration.getConnectTimeout());
            ChannelSftp channel = (ChannelSftp) session.openChannel("sftp");
            channel.connect(configuration.getConnectTimeout());
            return channel;
        } catch (JSchException e) {
            session.disconnect();
            throw e;
        }
    }

    @Override
    public boolean connect(RemoteFileConfiguration configuration, Exchange exchange) {
        boolean connected = super.connect(configuration, exchange);
        if (!server.isReadOnly()) {
            buildDirectory(server.directory(), true);
        }
        return connected;
    }

    @Override
    @SuppressWarnings("rawtypes")
    public SftpRemoteFile[] listFiles(String path) {
        try {
            return super.listFiles(quote(path));
        } catch (GenericFileOperationFailedException e) {
            if (!path.equals(server.directory())
                    && e.getCause() instanceof SftpException cause
                    && (cause.id == ChannelSftp.SSH_FX_PERMISSION_DENIED
                            || cause.id == ChannelSftp.SSH_FX_NO_SUCH_FILE)) {
                // one folder that is closed, or gone again, holds up no other
                if (cause.id == ChannelSftp.SSH_FX_PERMISSION_DENIED && closed.add(path)) {
                    LoggerFactory.getLogger("csv-import")
                            .warn(
                                    "{} may not be read: what lies in it is left alone until the server permits it",
                                    Names.visible(server.location(path)));
                }
                return new SftpRemoteFile[0];
            }
            throw e;
        }
    }

    /** A name as JSch takes it for no pattern. */
    static String quote(String path) {
        return path.replaceAll("[\\\\*?]", "\\\\$0");
    }

    /** A failure without the class names that JSch puts into its messages. */
    static String plain(Throwable failure) {
        return String.valueOf(failure.getMessage()).replaceFirst("^((\\w+\\.)*\\w+Exception: )+", "");
    }

    private static Throwable cause(Throwable failure) {
        Throwable cause = failure;
        while (cause.getCause() != null && !(cause instanceof JSchException)) {
            cause = cause.getCause();
        }
        return cause;
    }

    /** Whether the server has refused the login. */
    static boolean isRefused(Throwable failure) {
        return String.valueOf(cause(failure).getMessage()).matches("(?s)(Auth|Login trials).*");
    }

    /** What is wrong with a login, and what to do. */
    static String explain(Throwable failure, SftpConfiguration configuration) {
        Throwable cause = cause(failure);
        String server = configuration.getHost() + ":" + configuration.getPort();
        String file =
                configuration.getKnownHostsFile() == null ? "~/.ssh/known_hosts" : configuration.getKnownHostsFile();
        if (cause instanceof JSchChangedHostKeyException) {
            return server + " shows another host key than the one in " + file
                    + ": nothing is sent to it. Ask its operator"
                    + " whether the key was changed, and only then put the new one there";
        }
        if (cause instanceof JSchUnknownHostKeyException) {
            return server + " shows a host key that is not in " + file
                    + ": nothing is sent to it. Compare the key with its"
                    + " operator, and add it: ssh-keyscan -p " + configuration.getPort() + " " + configuration.getHost()
                    + " >> " + file;
        }
        if (isRefused(failure)) {
            return server + " refuses the login of " + configuration.getUsername()
                    + ": check the name, and the password or" + " the private key";
        }
        return server + " cannot be used: " + plain(cause);
    }
}
