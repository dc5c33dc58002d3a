package io.csvimport.source.sftp;

import com.jcraft.jsch.ChannelSftp.LsEntry;
import com.jcraft.jsch.ChannelSftp.LsEntrySelector;
import com.jcraft.jsch.SftpATTRS;
import io.csvimport.CsvImportUnsettledException;
import io.csvimport.api.ApiHealth;
import io.csvimport.file.SourceAwayException;
import io.csvimport.file.SourceFile;
import io.csvimport.file.Sources;
import io.csvimport.file.SpoolFolder;
import io.csvimport.job.Job;
import io.csvimport.ledger.Deliveries;
import io.csvimport.ledger.Outcomes;
import io.csvimport.source.FileFeed;
import io.csvimport.text.Visible;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Set;
import org.apache.camel.AsyncCallback;
import org.apache.camel.Consumer;
import org.apache.camel.Endpoint;
import org.apache.camel.Exchange;
import org.apache.camel.component.file.GenericFile;
import org.apache.camel.component.file.GenericFileBinding;
import org.apache.camel.component.file.GenericFileOperationFailedException;
import org.apache.camel.component.file.remote.SftpRemoteFile;

/**
 * A feed of the files in a folder of an SFTP server. It keeps no more than the earliest files of a listing, by their times
 * and names, however many there are; a file is read where its bytes are asked for, and never held in memory.
 */
public final class SftpFeed extends FileFeed<SftpRemoteFile<?>> {

    private static final long SWEEP_NANOS = Duration.ofSeconds(10).toNanos();

    /** Files that are kept of one listing. */
    private static final int EARLIEST = 10_000;

    /** Files that are taken of one listing. */
    private static final int MOST = 1000;

    /** So many times as long as a listing has taken, there is none. */
    private static final int REST = 2;

    private static final Comparator<SftpFile> OLDEST_FIRST =
            Comparator.comparingLong(SftpFile::modified).thenComparing(SftpFile::location);

    private SftpServer server;
    private Deliveries deliveries;
    private Outcomes outcomes;
    private SpoolFolder spool;
    private Sources sources;
    private ApiHealth health;
    private SftpTrouble trouble;
    private long began;
    private long nextListing = System.nanoTime();
    private int sweeps;
    private long swept = System.nanoTime() - SWEEP_NANOS;
    /** Of entries without a type, those that are no folders. */
    private final Set<String> noFolders = new HashSet<>();

    public void setServer(SftpServer server) {
        this.server = server;
    }

    public void setSources(Sources sources) {
        this.sources = sources;
    }

    public void setHealth(ApiHealth health) {
        this.health = health;
    }

    public void setSpool(SpoolFolder spool) {
        this.spool = spool;
    }

    public void setDeliveries(Deliveries deliveries) {
        this.deliveries = deliveries;
    }

    public void setOutcomes(Outcomes outcomes) {
        this.outcomes = outcomes;
    }

    SftpServer server() {
        return server;
    }

    /** Hands out the files that are to be taken now, in their order. */
    void list(java.util.function.Consumer<SftpFile> taken) {
        PriorityQueue<SftpFile> queue = new PriorityQueue<>(OLDEST_FIRST.reversed());
        try {
            list(server.directory(), queue);
        } catch (IOException e) {
            // of Camel's kind: nobody else is to tell of it
            throw new GenericFileOperationFailedException(e.getMessage(), e);
        }
        queue.stream()
                .sorted(OLDEST_FIRST)
                .filter(file -> isOpen(orderKey(relative(file))) && isWhole(file))
                .limit(MOST)
                .forEach(taken);
        nextListing = System.nanoTime() + (System.nanoTime() - began) * REST;
    }

    private void list(String folder, PriorityQueue<SftpFile> queue) throws IOException {
        List<String> folders = new ArrayList<>();
        List<String> unknown = new ArrayList<>();
        try {
            server.list(server.location(folder), entry -> {
                String name = entry.getFilename();
                if (!name.startsWith(".")) {
                    see(folder.isEmpty() ? name : folder + "/" + name, entry, queue, folders, unknown);
                }
                return LsEntrySelector.CONTINUE;
            });
        } catch (NoSuchFileException e) {
            if (folder.equals(server.directory())) {
                makeDirectory();
            }
            return;
        } catch (AccessDeniedException e) {
            if (folder.equals(server.directory())) {
                throw e;
            }
            leave(
                    server.location(folder),
                    "may not be read: what lies in it is left alone until the server permits it");
            return;
        }
        for (String path : unknown) {
            if (!noFolders.contains(path)) {
                boolean isFolder = server.isFolder(server.location(path));
                (isFolder ? folders : noFolders).add(path);
            }
        }
        for (String inner : folders) {
            list(inner, queue);
        }
    }

    private void makeDirectory() throws IOException {
        if (server.isReadOnly()) {
            throw new NoSuchFileException(
                    Visible.of(server.location(server.directory())), null, "the folder is not there: make it");
        }
        server.makeDirectory();
    }

    private void see(
            String path, LsEntry entry, PriorityQueue<SftpFile> queue, List<String> folders, List<String> unknown) {
        SftpATTRS found = entry.getAttrs();
        String name = entry.getFilename();
        boolean csv = isCsv(name);
        boolean hasType = SftpServer.hasType(found);
        if (!csv && hasType && !found.isDir() && !found.isLink()) {
            return;
        }
        String location = server.location(path);
        if (name.contains("/") || name.contains("\\")) {
            leave(location, "has a separator in its name: it is left alone; rename it");
        } else if (name.indexOf('\uFFFD') >= 0) {
            leave(location, "has a name that is not UTF-8: it is left alone; rename it");
        } else if (found.isDir()) {
            folders.add(path);
        } else if (found.isLink()) {
            leave(location, "is a symbolic link: it is left alone; put the file itself there");
        } else if (!hasType && !csv) {
            unknown.add(path);
        } else if (hasType && !found.isReg()) {
            leave(location, "is no plain file: it is left alone");
        } else {
            SftpFile file = new SftpFile(server, location, SftpServer.size(found), found.getMTime());
            if (isCandidate(file, orderKey(relative(file)))) {
                queue.add(file);
                if (queue.size() > EARLIEST) {
                    queue.remove();
                }
            }
        }
    }

    /** The path below the feed's directory. */
    String relative(SftpFile file) {
        String directory = server.directory();
        String path = server.path(file.location());
        return directory.isEmpty() ? path : path.substring(directory.length() + 1);
    }

    @Override
    public SourceFile look(GenericFile<SftpRemoteFile<?>> candidate) {
        return (SftpFile) candidate.getFile();
    }

    @Override
    public String relativePath(GenericFile<SftpRemoteFile<?>> candidate) {
        return candidate.getRelativeFilePath();
    }

    @Override
    @SuppressWarnings("unchecked")
    public boolean process(Exchange exchange, AsyncCallback callback) {
        GenericFile<SftpRemoteFile<?>> file = exchange.getProperty(Exchange.FILE_EXCHANGE_FILE, GenericFile.class);
        SourceFile source = look(file);
        file.setBinding(new GenericFileBinding<>() {
            private Object body;

            @Override
            public Object getBody(GenericFile<SftpRemoteFile<?>> consumed) {
                // handed out once, to who asked for it: Camel's stream caching is not to find it later
                Object loaded = body;
                body = null;
                return loaded;
            }

            @Override
            public void setBody(GenericFile<SftpRemoteFile<?>> consumed, Object content) {
                body = content;
            }

            @Override
            public void loadContent(Exchange asking, GenericFile<?> consumed) throws IOException {
                body = source.open();
            }
        });
        exchange.getMessage().setBody(file);
        return super.process(exchange, callback);
    }

    /** The copy of a file that waited, or whose outcome was unknown, outlives its attempts. */
    @Override
    public void released(String sourceKey) {
        SpoolFolder.delete(spool.copyOf(sourceKey));
    }

    @Override
    protected void doStart() {
        trouble = new SftpTrouble(health, feed(), server.configuration());
        server.open(trouble);
        sources.add(server.name(), server);
    }

    @Override
    protected void doStop() throws Exception {
        super.doStop();
        sources.remove(server);
        trouble.end();
        server.close();
    }

    @Override
    public boolean begin(Consumer consumer, Endpoint endpoint) {
        began = System.nanoTime();
        return !trouble.isPausing() && began - nextListing >= 0 && super.begin(consumer, endpoint);
    }

    @Override
    public void commit(Consumer consumer, Endpoint endpoint, int polledMessages) {
        super.commit(consumer, endpoint, polledMessages);
        trouble.listed();
        if (System.nanoTime() - swept >= SWEEP_NANOS) {
            swept = System.nanoTime();
            try {
                // of a server that is only read, every file that ever was there is settled and unreleased
                sweep(!server.isReadOnly() || sweeps++ % 30 == 0);
            } catch (IOException | CsvImportUnsettledException e) {
                LOG.debug("{}: {}", server.name(), e.toString());
            }
        }
    }

    /** Lets go of deliveries whose file is gone from the server, or was replaced there. */
    private void sweep(boolean settledToo) throws IOException, CsvImportUnsettledException {
        String folder = server.location(server.directory()) + "/";
        deliveries.<IOException>eachUnreleasedBelow(folder, settledToo, job -> {
            if (!sights.isSeenSince(job, began)) {
                letGoWhereGone(job);
            }
        });
    }

    private void letGoWhereGone(Job job) throws IOException, CsvImportUnsettledException {
        if (!isThere(job.origin()) && outcomes.gone(job, null).state().isSettled()) {
            released(job.origin().sourceKey());
        }
    }

    private boolean isThere(Job.Origin origin) throws IOException {
        try {
            return server.find(origin.path()).key().equals(origin.sourceKey());
        } catch (NoSuchFileException e) {
            return false;
        }
    }

    @Override
    public boolean rollback(Consumer consumer, Endpoint endpoint, int retryCounter, Exception e) {
        if (!(e.getCause() instanceof SourceAwayException)) {
            trouble.failed(e, began);
        }
        return false;
    }
}
