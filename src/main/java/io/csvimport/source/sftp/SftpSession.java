package io.csvimport.source.sftp;

import com.jcraft.jsch.ChannelSftp;
import com.jcraft.jsch.JSch;
import com.jcraft.jsch.JSchException;
import com.jcraft.jsch.KeyPair;
import com.jcraft.jsch.Session;
import com.jcraft.jsch.UIKeyboardInteractive;
import com.jcraft.jsch.UserInfo;
import java.util.List;
import java.util.Map;
import org.apache.camel.Exchange;
import org.apache.camel.component.file.remote.RemoteFileConfiguration;
import org.apache.camel.component.file.remote.SftpConfiguration;
import org.apache.camel.component.file.remote.SftpEndpoint;
import org.apache.camel.component.file.remote.SftpOperations;

/** Logs in on an SFTP server as Camel does. The consumer has no connection of its own: {@link SftpConnections} has them. */
final class SftpSession extends SftpOperations {

    /** JSch's lists of algorithms, by what the names in them look like; the last one is for all others. */
    private static final Map<String, List<String>> ALGORITHMS = Map.of(
            "(diffie-hellman|ecdh|curve|sntrup|mlkem).*", List.of("kex"),
            "hmac-.*", List.of("mac.s2c", "mac.c2s"),
            ".*(-cbc|-ctr|-gcm@.*|-poly1305@.*)|arcfour.*", List.of("cipher.s2c", "cipher.c2s"));

    private static final List<String> KEYS = List.of("server_host_key", "PubkeyAcceptedAlgorithms");

    private final SftpConfiguration configuration;
    private final List<String> algorithms;

    /** @param algorithms that are offered to the server beside those that JSch offers by itself */
    SftpSession(SftpConfiguration configuration, SftpEndpoint endpoint, List<String> algorithms) {
        this.configuration = configuration;
        this.algorithms = algorithms;
        setEndpoint(endpoint);
    }

    /** A new connection. */
    ChannelSftp open() throws JSchException {
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
    protected Session createSession(RemoteFileConfiguration remote) throws JSchException {
        checkPrivateKey();
        Session session = super.createSession(remote);
        String password = configuration.getPassword();
        String byKey = configuration.getPrivateKeyFile() == null ? "" : "publickey,";
        String byPassword = password == null ? "" : "password,keyboard-interactive";
        session.setConfig("PreferredAuthentications", byKey + byPassword);
        // each is tried once: what is refused is refused, and an account that is tried too often is locked
        session.setConfig("MaxAuthTries", byKey.isEmpty() || byPassword.isEmpty() ? "1" : "2");
        session.setUserInfo(new Login(password));
        algorithms.forEach(name -> ALGORITHMS.entrySet().stream()
                .filter(kind -> name.matches(kind.getKey()))
                .map(Map.Entry::getValue)
                .findFirst()
                .orElse(KEYS)
                .forEach(list -> session.setConfig(list, session.getConfig(list) + "," + name)));
        return session;
    }

    /** JSch passes over a key that it cannot decrypt, which looks like a login that was refused. */
    private void checkPrivateKey() throws JSchException {
        String file = configuration.getPrivateKeyFile();
        if (file == null) {
            return;
        }
        KeyPair key;
        try {
            key = KeyPair.load(new JSch(), file);
        } catch (JSchException e) {
            throw new JSchException("The private key " + file + " cannot be read: " + SftpTrouble.plain(e)
                    + "; give the file of a private key as ssh-keygen writes it");
        }
        try {
            String passphrase = configuration.getPrivateKeyPassphrase();
            if (key.isEncrypted() && (passphrase == null || !key.decrypt(passphrase))) {
                throw new JSchException("The private key " + file + " is encrypted, and "
                        + (passphrase == null ? "no passphrase is given" : "the passphrase is not the one of this key")
                        + ": set privateKeyPassphrase of the feed, or csv-import.sftp.private-key-passphrase");
            }
        } finally {
            key.dispose();
        }
    }

    @Override
    public boolean connect(RemoteFileConfiguration remote, Exchange exchange) {
        return true;
    }

    @Override
    public boolean sendNoop() {
        return true;
    }

    @Override
    public boolean isConnected() {
        return false;
    }

    /** Gives the password once, by whichever method the server asks for it first. */
    private static final class Login implements UserInfo, UIKeyboardInteractive {

        private String password;

        Login(String password) {
            this.password = password;
        }

        @Override
        public boolean promptPassword(String message) {
            return password != null;
        }

        @Override
        public String getPassword() {
            String once = password;
            password = null;
            return once;
        }

        @Override
        public String[] promptKeyboardInteractive(
                String destination, String name, String instruction, String[] prompts, boolean[] echo) {
            if (prompts.length == 1 && password != null) {
                return new String[] {getPassword()};
            }
            // a server that wants a new password is told that there is none
            boolean isChange = prompts.length == 1 && prompts[0].startsWith("New Password");
            return isChange ? null : new String[0];
        }

        @Override
        public boolean promptPassphrase(String message) {
            return false;
        }

        @Override
        public String getPassphrase() {
            return null;
        }

        @Override
        public boolean promptYesNo(String message) {
            return false;
        }

        @Override
        public void showMessage(String message) {
            // a banner
        }
    }
}
