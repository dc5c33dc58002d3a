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

/** Logs in on an SFTP server. */
final class SftpSession {

    private static final int CONNECT_MILLIS = 10_000;
    private static final int SILENCE_MILLIS = 30_000;

    /** JSch's lists of algorithms, by what the names in them look like; the last one is for all others. */
    private static final Map<String, List<String>> ALGORITHMS = Map.of(
            "(diffie-hellman|ecdh|curve|sntrup|mlkem).*", List.of("kex"),
            "hmac-.*", List.of("mac.s2c", "mac.c2s"),
            ".*(-cbc|-ctr|-gcm@.*|-poly1305@.*)|arcfour.*", List.of("cipher.s2c", "cipher.c2s"));

    private static final List<String> KEYS = List.of("server_host_key", "PubkeyAcceptedAlgorithms");

    private final SftpServer server;

    SftpSession(SftpServer server) {
        this.server = server;
    }

    /** A new connection. */
    ChannelSftp open() throws JSchException {
        Session session = newSession();
        try {
            session.connect(CONNECT_MILLIS);
            ChannelSftp channel = (ChannelSftp) session.openChannel("sftp");
            channel.connect(CONNECT_MILLIS);
            return channel;
        } catch (JSchException e) {
            session.disconnect();
            throw e;
        }
    }

    private Session newSession() throws JSchException {
        JSch jsch = new JSch();
        jsch.setKnownHosts(server.getKnownHostsFile());
        boolean byKey = !server.getPrivateKeyFile().isEmpty();
        boolean byPassword = !server.getPassword().isEmpty();
        if (byKey) {
            checkPrivateKey();
            jsch.addIdentity(server.getPrivateKeyFile(), server.getPrivateKeyPassphrase());
        }
        Session session = jsch.getSession(server.getUsername(), server.getHost(), server.getPort());
        session.setTimeout(SILENCE_MILLIS);
        session.setConfig("StrictHostKeyChecking", "yes");
        session.setConfig(
                "PreferredAuthentications",
                (byKey ? "publickey," : "") + (byPassword ? "password,keyboard-interactive" : ""));
        // each is tried once: what is refused is refused, and an account that is tried too often is locked
        session.setConfig("MaxAuthTries", byKey && byPassword ? "2" : "1");
        session.setUserInfo(new Login(byPassword ? server.getPassword() : null));
        // beside those that JSch offers by itself
        server.algorithms().forEach(name -> ALGORITHMS.entrySet().stream()
                .filter(kind -> name.matches(kind.getKey()))
                .map(Map.Entry::getValue)
                .findFirst()
                .orElse(KEYS)
                .forEach(list -> session.setConfig(list, session.getConfig(list) + "," + name)));
        return session;
    }

    /** JSch passes over a key that it cannot decrypt, which looks like a login that was refused. */
    private void checkPrivateKey() throws JSchException {
        String file = server.getPrivateKeyFile();
        KeyPair key;
        try {
            key = KeyPair.load(new JSch(), file);
        } catch (JSchException e) {
            throw new JSchException("The private key " + file + " cannot be read: " + SftpHealth.plain(e)
                    + "; give the file of a private key as ssh-keygen writes it");
        }
        try {
            String passphrase = server.getPrivateKeyPassphrase();
            if (key.isEncrypted() && (passphrase.isEmpty() || !key.decrypt(passphrase))) {
                throw new JSchException("The private key " + file + " is encrypted, and "
                        + (passphrase.isEmpty()
                                ? "no passphrase is given"
                                : "the passphrase is not the one of this key")
                        + ": set privateKeyPassphrase of the feed, or csv-import.sftp.private-key-passphrase");
            }
        } finally {
            key.dispose();
        }
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
