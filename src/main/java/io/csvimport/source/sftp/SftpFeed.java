package io.csvimport.source.sftp;

import com.jcraft.jsch.ChannelSftp.LsEntry;
import com.jcraft.jsch.ChannelSftp.LsEntrySelector;
import com.jcraft.jsch.SftpATTRS;
import io.csvimport.CsvImportUnsettledException;
import io.csvimport.file.SourceFile;
import io.csvimport.file.SourceFolders;
import io.csvimport.file.SourceUnavailableException;
import io.csvimport.source.Availability;
import io.csvimport.source.FileFeed;
import io.csvimport.text.Visible;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.camel.Exchange;
import org.apache.camel.component.file.GenericFile;
import org.apache.camel.component.file.GenericFileBinding;
import org.apache.camel.component.file.remote.RemoteFile;

/** A feed of the files in a folder of an SFTP server. A file is read where its bytes are asked for, and never held in memory. */
public final class SftpFeed extends FileFeed {

    private static final long SWEEP_NANOS = Duration.ofSeconds(10).toNanos();

    private SftpServer server;
    private Availability availability;
    private SftpHealth serverHealth;
    private SftpConnections connections;
    private SftpFolders folders;
    private int sweeps;
    private long swept = System.nanoTime() - SWEEP_NANOS;
    /** Of entries without a type, those that are no folders. */
    private final Set<String> noFolders = new HashSet<>();

    public SftpFeed() {
        super(2);
    }

    public void setServer(SftpServer server) {
        this.server = server;
    }

    @Override
    protected boolean isDue() {
        return !serverHealth.isPausing() && listing.isWalkDue() && super.isDue();
    }

    @Override
    protected void walk() throws IOException {
        try {
            list(server.getDirectory());
        } catch (SourceUnavailableException e) {
            throw e;
        } catch (IOException e) {
            throw serverHealth.failed(e, listing.listedAt());
        }
    }

    private void list(String folder) throws IOException {
        List<String> inner = new ArrayList<>();
        List<String> untyped = new ArrayList<>();
        try {
            folders.list(server.location(folder), entry -> {
                String name = entry.getFilename();
                if (!name.startsWith(".")) {
                    see(folder.isEmpty() ? name : folder + "/" + name, entry, inner, untyped);
                }
                return LsEntrySelector.CONTINUE;
            });
        } catch (NoSuchFileException e) {
            if (folder.equals(server.getDirectory())) {
                makeDirectory();
            }
            return;
        } catch (AccessDeniedException e) {
            if (folder.equals(server.getDirectory())) {
                throw e;
            }
            listing.leave(
                    server.location(folder),
                    "may not be read: what lies in it is left alone until the server permits it");
            return;
        }
        for (String path : untyped) {
            if (!noFolders.contains(path)) {
                (folders.isFolder(server.location(path)) ? inner : noFolders).add(path);
            }
        }
        for (String path : inner) {
            list(path);
        }
    }

    private void makeDirectory() throws IOException {
        if (server.isReadOnly()) {
            throw new NoSuchFileException(
                    Visible.of(server.location(server.getDirectory())), null, "the folder is not there: make it");
        }
        folders.makeDirectory();
    }

    private void see(String path, LsEntry entry, List<String> inner, List<String> untyped) {
        SftpATTRS found = entry.getAttrs();
        String name = entry.getFilename();
        boolean csv = isCsv(name);
        boolean hasType = SftpFolders.hasType(found);
        if (!csv && hasType && !found.isDir() && !found.isLink()) {
            return;
        }
        String location = server.location(path);
        if (name.contains("/") || name.contains("\\")) {
            listing.leave(location, "has a separator in its name: it is left alone; rename it");
        } else if (name.indexOf('\uFFFD') >= 0) {
            listing.leave(location, "has a name that is not UTF-8: it is left alone; rename it");
        } else if (found.isDir()) {
            inner.add(path);
        } else if (found.isLink()) {
            listing.leave(location, "is a symbolic link: it is left alone; put the file itself there");
        } else if (!hasType && !csv) {
            untyped.add(path);
        } else if (hasType && !found.isReg()) {
            listing.leave(location, "is no plain file: it is left alone");
        } else {
            listing.found(new SftpFile(folders, location, SftpFolders.size(found), found.getMTime()));
        }
    }

    @Override
    protected String relative(SourceFile file) {
        String directory = server.getDirectory();
        String path = server.path(file.location());
        return directory.isEmpty() ? path : path.substring(directory.length() + 1);
    }

    @Override
    protected GenericFile<?> camelFile(SourceFile file) {
        String path = relative(file);
        RemoteFile<SourceFile> remote = new RemoteFile<>();
        remote.setEndpointPath(server.getDirectory());
        remote.setFile(file);
        remote.setFileNameOnly(SourceFolders.name(path));
        remote.setFileLength(file.size());
        remote.setLastModified(Duration.ofSeconds(file.modified()).toMillis());
        remote.setHostname(server.getHost());
        remote.setAbsolute(server.getDirectory().startsWith("/"));
        remote.setAbsoluteFilePath(server.path(file.location()));
        remote.setRelativeFilePath(path);
        remote.setFileName(path);
        remote.setBinding(new Content());
        return remote;
    }

    /** The bytes, handed out once, to who asked for them: Camel's stream caching is not to find them later. */
    private static final class Content implements GenericFileBinding<SourceFile> {

        private Object body;

        @Override
        public Object getBody(GenericFile<SourceFile> file) {
            Object loaded = body;
            body = null;
            return loaded;
        }

        @Override
        public void setBody(GenericFile<SourceFile> file, Object content) {
            body = content;
        }

        @Override
        public void loadContent(Exchange asking, GenericFile<?> file) throws IOException {
            body = ((SourceFile) file.getFile()).open();
        }
    }

    @Override
    protected void doStart() {
        availability = new Availability(shared.health(), feed(), server.getHost() + ":" + server.getPort());
        serverHealth = new SftpHealth(availability, server);
        connections = new SftpConnections(new SftpSession(server), serverHealth);
        folders = new SftpFolders(server, connections);
        shared.sources().add(server.location(""), folders);
    }

    @Override
    protected void doStop() throws Exception {
        super.doStop();
        shared.sources().remove(folders);
        availability.end();
        connections.close();
    }

    @Override
    protected void listed() {
        serverHealth.listed();
        if (System.nanoTime() - swept >= SWEEP_NANOS) {
            swept = System.nanoTime();
            try {
                // of a server that is only read, every file that ever was there is settled and unreleased
                boolean settledToo = !server.isReadOnly() || sweeps++ % 30 == 0;
                release.sweepServer(
                        folders, server.location(server.getDirectory()) + "/", settledToo, listing::hasShown);
            } catch (IOException | CsvImportUnsettledException e) {
                LOG.debug("{}: {}", server.location(""), e.toString());
            }
        }
    }
}
