package io.csvimport.source.sftp;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.CopyOption;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PublicKey;
import java.security.spec.ECGenParameterSpec;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.sshd.common.config.keys.KeyUtils;
import org.apache.sshd.common.config.keys.PublicKeyEntry;
import org.apache.sshd.common.config.keys.writer.openssh.OpenSSHKeyEncryptionContext;
import org.apache.sshd.common.config.keys.writer.openssh.OpenSSHKeyPairResourceWriter;
import org.apache.sshd.common.file.nativefs.NativeFileSystemFactory;
import org.apache.sshd.common.keyprovider.KeyPairProvider;
import org.apache.sshd.common.session.Session;
import org.apache.sshd.common.session.SessionListener;
import org.apache.sshd.common.signature.BuiltinSignatures;
import org.apache.sshd.common.util.buffer.Buffer;
import org.apache.sshd.server.SshServer;
import org.apache.sshd.server.channel.ChannelSession;
import org.apache.sshd.server.command.Command;
import org.apache.sshd.server.session.ServerSession;
import org.apache.sshd.sftp.common.SftpConstants;
import org.apache.sshd.sftp.server.DirectoryHandle;
import org.apache.sshd.sftp.server.FileHandle;
import org.apache.sshd.sftp.server.Handle;
import org.apache.sshd.sftp.server.SftpEventListener;
import org.apache.sshd.sftp.server.SftpFileSystemAccessor;
import org.apache.sshd.sftp.server.SftpSubsystem;
import org.apache.sshd.sftp.server.SftpSubsystemFactory;
import org.apache.sshd.sftp.server.SftpSubsystemProxy;

/**
 * An SFTP server on the loopback interface, with a folder of the machine as its login folder, from which paths lead
 * out, as with most real servers. It counts what it is asked for, and is troublesome on demand.
 *
 * <p>Files for its clients: {@code known_hosts}, {@code old_known_hosts} with another key of this server, {@code
 * empty_known_hosts}; {@code id}, a private key; {@code id-locked}, another one, with the passphrase {@link
 * #PASSPHRASE}.
 */
public final class SftpRig implements AutoCloseable {

    public static final String USERNAME = "partner";
    public static final String PASSWORD = "#p%25ä ß+&#?=/@:{{x}}${body}RAW(y)";
    public static final String PASSPHRASE = "#l%25ö x+&#?=/@:{{x}}${body}RAW(y) end";

    private static final ClientKeys CLIENT_KEYS = new ClientKeys();

    /** A request that is not gone on with before the test says so, and not at all where its connection is cut. */
    public static final class Hold {
        private final CountDownLatch reached = new CountDownLatch(1);
        private final CountDownLatch released = new CountDownLatch(1);
        private volatile boolean cut;

        public boolean isReached() {
            return reached.getCount() == 0;
        }

        public void release() {
            released.countDown();
        }

        private void cut() {
            cut = isReached();
            if (cut) {
                release();
            }
        }

        private void keep() throws IOException {
            reached.countDown();
            try {
                cut = !released.await(2, TimeUnit.MINUTES) || cut;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                cut = true;
            }
            if (cut) {
                throw new IOException("the connection was cut");
            }
        }
    }

    /** Made once: keys take time. */
    private static final class ClientKeys {
        private final KeyPair open = newKey();
        private final KeyPair locked = newKey();
        private final byte[] openFile = file(open, null);
        private final byte[] lockedFile = file(locked, PASSPHRASE);

        public boolean has(PublicKey key) {
            return KeyUtils.compareKeys(key, open.getPublic()) || KeyUtils.compareKeys(key, locked.getPublic());
        }

        /** As ssh-keygen writes it. */
        private static byte[] file(KeyPair key, String passphrase) {
            OpenSSHKeyEncryptionContext encryption = null;
            if (passphrase != null) {
                encryption = new OpenSSHKeyEncryptionContext();
                encryption.setCipherType("256");
                encryption.setPassword(passphrase);
            }
            ByteArrayOutputStream file = new ByteArrayOutputStream();
            try {
                OpenSSHKeyPairResourceWriter.INSTANCE.writePrivateKey(key, "partner@example", encryption, file);
            } catch (IOException | GeneralSecurityException e) {
                throw new IllegalStateException(e);
            }
            return file.toByteArray();
        }
    }

    /** The folder of the files for clients. */
    public final Path directory;

    private final Path login;
    private final AtomicInteger connections = new AtomicInteger();
    private final AtomicInteger ended = new AtomicInteger();
    private final AtomicInteger logins = new AtomicInteger();
    private final AtomicInteger passwords = new AtomicInteger();
    private final AtomicInteger keys = new AtomicInteger();
    private final List<String> listings = new CopyOnWriteArrayList<>();
    private final List<String> downloads = new CopyOnWriteArrayList<>();
    private final List<String> changes = new CopyOnWriteArrayList<>();
    private final Map<String, String> listedAs = new ConcurrentHashMap<>();
    private final Set<String> untold = ConcurrentHashMap.newKeySet();
    private volatile boolean readOnly;
    private volatile boolean refusing;
    private volatile boolean single;
    private volatile boolean servesOnce;
    private volatile boolean failsMoves;
    private boolean old;
    private final List<Hold> holds = new CopyOnWriteArrayList<>();
    private volatile Hold atRead;
    private volatile long readHeldFrom;
    private volatile Hold beforeMove;
    private volatile Hold afterMove;
    private KeyPair hostKey = newKey();
    private SshServer server;
    private int port;

    /** @param login the login folder of its user; made where it is missing */
    public SftpRig(Path directory, Path login) {
        try {
            this.directory = Files.createDirectories(directory);
            this.login = Files.createDirectories(login);
            Files.write(directory.resolve("id"), CLIENT_KEYS.openFile);
            Files.write(directory.resolve("id-locked"), CLIENT_KEYS.lockedFile);
            start();
            writeKnownHosts("known_hosts", hostKey);
            writeKnownHosts("old_known_hosts", newKey());
            Files.createFile(directory.resolve("empty_known_hosts"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static KeyPair newKey() {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
            generator.initialize(new ECGenParameterSpec("secp256r1"));
            return generator.generateKeyPair();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    public int port() {
        return port;
    }

    /** Where it listens, on the same port each time. */
    public void start() throws IOException {
        server = SshServer.setUpDefaultServer();
        server.setHost("127.0.0.1");
        server.setPort(port);
        server.setKeyPairProvider(KeyPairProvider.wrap(hostKey));
        server.setPasswordAuthenticator((user, password, session) -> {
            passwords.incrementAndGet();
            return !refusing && user.equals(USERNAME) && password.equals(PASSWORD) && (!single || isAlone());
        });
        server.setPublickeyAuthenticator((user, key, session) -> {
            keys.incrementAndGet();
            return !refusing && user.equals(USERNAME) && CLIENT_KEYS.has(key);
        });
        if (old) {
            server.setSignatureFactories(List.of(BuiltinSignatures.rsa));
        }
        server.setFileSystemFactory(NativeFileSystemFactory.INSTANCE);
        server.setSubsystemFactories(List.of(subsystem()));
        server.addSessionListener(new SessionListener() {
            @Override
            public void sessionCreated(Session session) {
                connections.incrementAndGet();
            }

            @Override
            public void sessionClosed(Session session) {
                ended.incrementAndGet();
            }

            @Override
            public void sessionEvent(Session session, Event event) {
                if (event == Event.Authenticated) {
                    logins.incrementAndGet();
                }
            }
        });
        server.start();
        port = server.getPort();
    }

    private boolean isAlone() {
        return server.getActiveSessions().stream().noneMatch(session -> session.isAuthenticated());
    }

    private SftpSubsystemFactory subsystem() {
        SftpSubsystemFactory factory = new SftpSubsystemFactory() {
            @Override
            public Command createSubsystem(ChannelSession channel) {
                SftpSubsystem subsystem = new SftpSubsystem(channel, this) {
                    @Override
                    protected void writeAttrs(Buffer buffer, Map<String, ?> attributes) {
                        Map<String, Object> told = new TreeMap<>(attributes);
                        told.keySet().removeAll(untold);
                        super.writeAttrs(buffer, told);
                    }

                    @Override
                    public void setFileSystem(FileSystem fileSystem) {
                        super.setFileSystem(fileSystem);
                        defaultDir = login.toAbsolutePath();
                    }
                };
                getRegisteredListeners().forEach(subsystem::addSftpEventListener);
                return subsystem;
            }
        };
        factory.setFileSystemAccessor(new RigFiles());
        factory.addSftpEventListener(new Listener());
        return factory;
    }

    /** Ends as a server does that goes down: connections are cut, the port refuses. */
    public void stop() throws IOException {
        if (server.isStarted()) {
            dropConnections();
        }
        server.stop(true);
    }

    /** Cuts all connections in the middle of whatever they do; the next one is welcome. */
    public void dropConnections() {
        // the sockets first: what is held is to get no answer, not even that it failed
        server.getActiveSessions().forEach(session -> session.getIoSession().close(true));
        holds.forEach(Hold::cut);
    }

    /** From now on it has another key, or its old one again; {@code known_hosts} stays as it is. */
    public KeyPair changeHostKey(KeyPair key) throws IOException {
        KeyPair old = hostKey;
        hostKey = key == null ? newKey() : key;
        stop();
        start();
        return old;
    }

    public Path knownHosts() {
        return directory.resolve("known_hosts");
    }

    private void writeKnownHosts(String file, KeyPair key) throws IOException {
        Files.writeString(
                directory.resolve(file),
                "[127.0.0.1]:" + port + " " + PublicKeyEntry.toString(key.getPublic()) + "\n",
                UTF_8);
    }

    /** Logins are refused, whatever they bring. */
    public void refuseLogins(boolean refuse) {
        refusing = refuse;
    }

    /** It lets in one connection at a time. */
    public void letInOne() {
        single = true;
    }

    /** A file is gone once it was opened. */
    public void serveOnce() {
        servesOnce = true;
    }

    /** It tells nothing of a file's {@code size}, or nothing of its {@code permissions} and type. */
    public void tellNo(String attribute) {
        untold.add(attribute);
    }

    /** It knows no other signature than ssh-rsa, and {@code known_hosts} has its key. */
    public void beOld() throws IOException, GeneralSecurityException {
        old = true;
        KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
        generator.initialize(2048);
        changeHostKey(generator.generateKeyPair());
        writeKnownHosts("known_hosts", hostKey);
    }

    /** Moves fail, as those to another file system do. */
    public void failMoves(boolean fail) {
        failsMoves = fail;
    }

    /** Nothing may be written, moved or removed. */
    public void denyChanges(boolean deny) {
        readOnly = deny;
    }

    /** Lists a file under another name than it has. */
    public void listAs(String name, String listed) {
        listedAs.put(name, listed);
    }

    /** The next read at or behind the offset is held. */
    public Hold holdRead(long offset) {
        readHeldFrom = offset;
        atRead = newHold();
        return atRead;
    }

    /** The next move is held, before anything is moved. */
    public Hold holdBeforeMove() {
        beforeMove = newHold();
        return beforeMove;
    }

    /** The next move is held when it was done, but before its client is told so. */
    public Hold holdAfterMove() {
        afterMove = newHold();
        return afterMove;
    }

    private Hold newHold() {
        Hold hold = new Hold();
        holds.add(hold);
        return hold;
    }

    public int connections() {
        return connections.get();
    }

    /** Connections that are over. */
    public int ended() {
        return ended.get();
    }

    public int logins() {
        return logins.get();
    }

    /** Passwords that were sent, right or wrong. */
    public int passwords() {
        return passwords.get();
    }

    /** Public keys that were offered, or used. */
    public int keys() {
        return keys.get();
    }

    /** How often a folder of this name was listed. */
    public long listings(String folder) {
        return listings.stream().filter(folder::equals).count();
    }

    /** How often a file of this name was opened to be read. */
    public long downloads(String name) {
        return downloads.stream().filter(name::equals).count();
    }

    /** What a client has tried to write, move, make or remove, in order. */
    public List<String> changes() {
        return List.copyOf(changes);
    }

    @Override
    public void close() throws IOException {
        holds.forEach(Hold::release);
        stop();
    }

    private void change(String what, Path path) throws IOException {
        changes.add(what + " " + path.getFileName());
        if (readOnly) {
            throw new AccessDeniedException(path.toString());
        }
    }

    /** What is asked of the files. */
    private final class RigFiles implements SftpFileSystemAccessor {
        @Override
        public LinkOption[] resolveFileAccessLinkOptions(
                SftpSubsystemProxy subsystem, Path file, int command, String extension, boolean followLinks)
                throws IOException {
            // a listing shows a link as a link, as OpenSSH's does
            return SftpFileSystemAccessor.super.resolveFileAccessLinkOptions(
                    subsystem, file, command, extension, followLinks && command != SftpConstants.SSH_FXP_READDIR);
        }

        @Override
        public void putRemoteFileName(
                SftpSubsystemProxy subsystem, Path path, Buffer buffer, String name, boolean shortName)
                throws IOException {
            String own = String.valueOf(path.getFileName());
            buffer.putString(listedAs.containsKey(own) ? name.replace(own, listedAs.get(own)) : name);
        }

        @Override
        public SeekableByteChannel openFile(
                SftpSubsystemProxy subsystem,
                FileHandle fileHandle,
                Path file,
                String handle,
                Set<? extends OpenOption> options,
                FileAttribute<?>... attributes)
                throws IOException {
            if (!Collections.disjoint(options, Set.of(StandardOpenOption.WRITE, StandardOpenOption.APPEND))) {
                change("write", file);
            } else {
                downloads.add(file.getFileName().toString());
            }
            SeekableByteChannel opened =
                    SftpFileSystemAccessor.super.openFile(subsystem, fileHandle, file, handle, options, attributes);
            if (servesOnce) {
                Files.delete(file);
            }
            return opened;
        }
    }

    private final class Listener implements SftpEventListener {
        @Override
        public void opening(ServerSession session, String remoteHandle, Handle localHandle) {
            if (localHandle instanceof DirectoryHandle folder) {
                listings.add(folder.getFile().getFileName().toString());
            }
        }

        @Override
        public void reading(
                ServerSession session,
                String remoteHandle,
                FileHandle localHandle,
                long offset,
                byte[] data,
                int dataOffset,
                int dataLength)
                throws IOException {
            Hold hold = atRead;
            if (hold != null && offset >= readHeldFrom) {
                atRead = null;
                hold.keep();
            }
        }

        @Override
        public void moving(ServerSession session, Path source, Path target, Collection<CopyOption> options)
                throws IOException {
            Hold hold = beforeMove;
            if (hold != null) {
                beforeMove = null;
                hold.keep();
            }
            change("move", source);
            if (failsMoves) {
                throw new IOException("Invalid cross-device link");
            }
        }

        @Override
        public void moved(
                ServerSession session, Path source, Path target, Collection<CopyOption> options, Throwable thrown)
                throws IOException {
            Hold hold = afterMove;
            if (hold != null) {
                afterMove = null;
                hold.keep();
            }
        }

        @Override
        public void removing(ServerSession session, Path path, boolean isDirectory) throws IOException {
            change("remove", path);
        }

        @Override
        public void creating(ServerSession session, Path path, Map<String, ?> attributes) throws IOException {
            change("make", path);
        }

        @Override
        public void linking(ServerSession session, Path source, Path target, boolean symbolic) throws IOException {
            change("link", source);
        }

        @Override
        public void modifyingAttributes(ServerSession session, Path path, Map<String, ?> attributes)
                throws IOException {
            change("modify", path);
        }
    }
}
