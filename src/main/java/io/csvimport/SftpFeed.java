package io.csvimport;

import com.jcraft.jsch.ChannelSftp.LsEntry;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.time.Duration;
import java.util.List;
import org.apache.camel.AsyncCallback;
import org.apache.camel.Consumer;
import org.apache.camel.Endpoint;
import org.apache.camel.Exchange;
import org.apache.camel.component.file.GenericFile;
import org.apache.camel.component.file.GenericFileBinding;
import org.apache.camel.component.file.remote.SftpRemoteFile;

/**
 * A feed of the files in a folder of an SFTP server. The consumer lists; a file is read where its bytes are asked for,
 * and never held in memory.
 */
public final class SftpFeed extends FileFeed<SftpRemoteFile<?>> {

    private static final long SWEEP_NANOS = Duration.ofSeconds(10).toNanos();
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(10);
    private static final long TELL_NANOS = Duration.ofMinutes(1).toNanos();

    private SftpServer server;
    private Deliveries deliveries;
    private Spool spool;
    private Sources sources;
    private long began;
    private int sweeps;
    private long swept = System.nanoTime() - SWEEP_NANOS;
    private ApiHealth health;
    private String trouble;
    private long told;
    private int failures;
    private long closedUntil = System.nanoTime();

    public void setServer(SftpServer server) {
        this.server = server;
    }

    public void setSources(Sources sources) {
        this.sources = sources;
    }

    public void setHealth(ApiHealth health) {
        this.health = health;
    }

    public void setSpool(Spool spool) {
        this.spool = spool;
    }

    public void setDeliveries(Deliveries deliveries) {
        this.deliveries = deliveries;
    }

    @Override
    boolean isLeftAlone(GenericFile<SftpRemoteFile<?>> candidate) {
        String name = candidate.getFile().getFilename();
        String location = Names.visible(location(candidate));
        if (name.contains("/") || name.contains("\\")) {
            report(location + " has a separator in its name: it is left alone");
            return true;
        }
        if (name.indexOf('\uFFFD') >= 0) {
            report(location + " has a name that is not UTF-8: it is left alone; rename it");
            return true;
        }
        if (entry(candidate).getAttrs().isLink()) {
            report(location + " is a symbolic link: it is left alone; put the file itself there");
            return true;
        }
        return false;
    }

    @Override
    SourceFile look(GenericFile<SftpRemoteFile<?>> candidate) {
        LsEntry entry = entry(candidate);
        return new SftpFile(
                server,
                location(candidate),
                entry.getAttrs().getSize(),
                entry.getAttrs().getMTime());
    }

    private static LsEntry entry(GenericFile<SftpRemoteFile<?>> candidate) {
        return (LsEntry) candidate.getFile().getRemoteFile();
    }

    private String location(GenericFile<?> candidate) {
        return server.location(candidate.getAbsoluteFilePath());
    }

    @Override
    String relativePath(GenericFile<SftpRemoteFile<?>> candidate) {
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
    void released(String sourceKey) {
        Spool.delete(spool.copyOf(sourceKey));
    }

    @Override
    protected void doStart() {
        sources.add(server.name(), server);
    }

    @Override
    protected void doStop() {
        sources.remove(server.name(), server);
        // the feed that takes its place, if any, tells anew what is wrong
        health.sourceWorks(server.name());
        server.close();
    }

    @Override
    public boolean begin(Consumer consumer, Endpoint endpoint) {
        began = System.nanoTime();
        return began - closedUntil >= 0 && super.begin(consumer, endpoint);
    }

    @Override
    public void commit(Consumer consumer, Endpoint endpoint, int polledMessages) {
        if (trouble != null) {
            LOG.info("{}{} can be read again", server.name(), server.directory());
            trouble = null;
            failures = 0;
            health.sourceWorks(server.name());
        }
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
        List<Delivery> unreleased = deliveries.unreleasedBelow(folder, settledToo, 0);
        while (!unreleased.isEmpty()) {
            for (Delivery delivery : unreleased) {
                if (!isSeenSince(delivery, began)) {
                    letGoWhereGone(delivery);
                }
            }
            long last = unreleased.get(unreleased.size() - 1).job;
            unreleased = deliveries.unreleasedBelow(folder, settledToo, last);
        }
    }

    private void letGoWhereGone(Delivery delivery) throws IOException, CsvImportUnsettledException {
        if (!isThere(delivery)) {
            FileRelease.letGo(deliveries, delivery, null);
            if (!Deliveries.UNSETTLED.contains(delivery.state)) {
                released(delivery.sourceKey);
            }
        }
    }

    private boolean isThere(Delivery delivery) throws IOException {
        try {
            return server.find(delivery.path).key().equals(delivery.sourceKey);
        } catch (NoSuchFileException e) {
            return false;
        }
    }

    @Override
    public boolean rollback(Consumer consumer, Endpoint endpoint, int retryCounter, Exception e) {
        String now = SftpSession.explain(e, server.configuration());
        health.sourceFailed(server.name(), now);
        Duration pause = Pauses.growing(failures++);
        // a login that is refused again and again gets an account locked; a server that is away comes back
        boolean refused = SftpSession.isRefused(e);
        closedUntil =
                System.nanoTime() + (refused || pause.compareTo(LONGEST_PAUSE) < 0 ? pause : LONGEST_PAUSE).toNanos();
        if (!now.equals(trouble) || System.nanoTime() - told >= TELL_NANOS) {
            LOG.warn("{}; it is tried again", now);
            trouble = now;
            told = System.nanoTime();
        }
        server.endListing();
        return false;
    }
}
