package io.csvimport.source;

import io.csvimport.CsvChangedException;
import io.csvimport.CsvImportUnsettledException;
import io.csvimport.api.ApiHealth;
import io.csvimport.expectation.Expectations;
import io.csvimport.file.SourceFile;
import io.csvimport.file.SourceFolders;
import io.csvimport.file.SourceUnavailableException;
import io.csvimport.file.Sources;
import io.csvimport.file.SpoolFolder;
import io.csvimport.job.CsvImportConstants;
import io.csvimport.ledger.Deliveries;
import io.csvimport.pipeline.KeyedExecutor;
import io.csvimport.text.Visible;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.camel.CamelContext;
import org.apache.camel.Exchange;
import org.apache.camel.ServiceStatus;
import org.apache.camel.component.file.GenericFile;
import org.apache.camel.spi.CamelTracingService;
import org.apache.camel.support.ScheduledPollConsumer;
import org.apache.camel.support.SynchronizationAdapter;
import org.apache.camel.support.service.ServiceSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A feed of the files in a folder, on this machine or on a server: hands each file to the executor, and releases it once
 * its fate is settled.
 */
public abstract class FileFeed extends ServiceSupport {

    protected static final Logger LOG = LoggerFactory.getLogger("csv-import");

    private static final long SHORTEST_PAUSE = Duration.ofSeconds(1).toNanos();
    /** The order of the spool's feed: its files keep the order of the source that they came from. */
    private static final String SPOOL = "spool";

    /**
     * What all feeds of files share.
     *
     * @param expectations what names the template of a file that lies in no folder of its own, by its name
     */
    public record Shared(
            KeyedExecutor executor,
            Untaken untaken,
            Deliveries deliveries,
            Expectations expectations,
            Sources sources,
            ApiHealth health) {}

    protected final FileListing listing;
    protected Shared shared;
    protected FileRelease release;

    private ScheduledPollConsumer consumer;
    /** Whether Camel has a tracer: a file that is tried again, and one of the spool, continue the trace that they began in. */
    private boolean isTraced;

    private String feed;
    private String template;
    private String order = CsvImportConstants.ORDERED;

    /** @param rest so many times as long as a walk through the folder has taken, there is no other */
    protected FileFeed(int rest) {
        listing = new FileListing(this, rest);
    }

    public void setShared(Shared shared) {
        this.shared = shared;
    }

    public void setFeed(String feed) {
        this.feed = feed;
    }

    /** Used where the file lies in no folder of its own. */
    public void setTemplate(String template) {
        this.template = template;
    }

    /** {@code template}: files of one template are sent one after another; {@code none}: each for itself. */
    public void setOrder(String order) {
        this.order = order.equals(SPOOL) ? order : checkedOrder(order);
    }

    /** @throws IllegalArgumentException where there is no such order */
    public static String checkedOrder(String order) {
        if (!order.equals(CsvImportConstants.ORDERED) && !order.equals(CsvImportConstants.UNORDERED)) {
            throw new IllegalArgumentException("order is '" + Visible.of(order) + "': expected is template or none");
        }
        return order;
    }

    /** Whether it is the feed of the spool. */
    protected final boolean isOfSpool() {
        return order.equals(SPOOL);
    }

    /** What becomes of a file whose fate is settled. */
    public void setRelease(FileRelease release) {
        this.release = release;
    }

    public void setQuiet(String quiet) {
        listing.quiet = Duration.parse(quiet);
    }

    public void setQuietAfterGrowth(String quietAfterGrowth) {
        listing.quietAfterGrowth = Duration.parse(quietAfterGrowth);
    }

    public void setQuietEmpty(String quietEmpty) {
        listing.quietEmpty = Duration.parse(quietEmpty);
    }

    /**
     * Walks through the folder, and calls {@link FileListing#found} or {@link FileListing#leave} for what lies there.
     *
     * @throws SourceUnavailableException where the folder cannot be listed now, which the feed has said
     */
    protected abstract void walk() throws IOException;

    /** The path below the feed's folder. */
    protected abstract String relative(SourceFile file);

    /** As Camel's own consumers of files present it. */
    protected abstract GenericFile<?> camelFile(SourceFile file);

    /** Files were listed and handed over. */
    protected void listed() {}

    protected final String feed() {
        return feed;
    }

    protected static boolean isCsv(String name) {
        return name.toLowerCase(Locale.ROOT).endsWith(".csv");
    }

    /** The feed cannot look for files at all. */
    protected final void missing(String why) {
        if (shared.untaken.isMissing(feed, why)) {
            LOG.warn("{}", why);
        }
    }

    final KeyedExecutor executor() {
        return shared.executor;
    }

    final String orderKey(SourceFile file) {
        String named = template(file);
        boolean isNamed = named != null && !named.isEmpty();
        return feed + "/" + (isNamed ? named : shared.expectations.template(SourceFolders.name(file.location())));
    }

    /** Whether it waits for the earlier files of its template, and later ones for it. */
    final boolean isOrdered(SourceFile file) {
        return order.equals(SPOOL) ? SpoolFolder.isOrdered(template(file)) : order.equals(CsvImportConstants.ORDERED);
    }

    /** The template that the first folder names, or the feed's own, or null. */
    private String template(SourceFile file) {
        String path = relative(file);
        int folder = path.indexOf('/');
        return folder > 0 ? path.substring(0, folder) : template;
    }

    final void start(ScheduledPollConsumer polling) {
        consumer = polling;
        // to look for one takes long
        isTraced = polling.getEndpoint().getCamelContext().hasService(CamelTracingService.class) != null;
        start();
    }

    /** Polls now. */
    protected final void pollNow() {
        consumer.run();
    }

    /** Lists files, and hands them over; answers how many. */
    final int poll() throws IOException {
        try {
            long before = listing.listedAt();
            List<SourceFile> files = list();
            for (SourceFile file : files) {
                listing.handedOver(file);
                Turn turn = new Turn(consumer, file, orderKey(file));
                shared.executor.add(turn.key, isOrdered(file), turn);
            }
            if (listing.listedAt() != before) {
                listed();
            }
            return files.size();
        } catch (SourceUnavailableException e) {
            return 0;
        }
    }

    /** Whether files are to be looked for now. */
    protected boolean isDue() {
        return listing.isDue();
    }

    /** The files that are to be taken now, in their order; none where it is not yet time to look for them. */
    public final List<SourceFile> list() throws IOException {
        if (!isDue()) {
            return List.of();
        }
        List<SourceFile> files = listing.list();
        shared.untaken.listed(feed, listing.left());
        return files;
    }

    /** A file in its key, as it was found whole: what changes before its turn is found anew. */
    private final class Turn extends SynchronizationAdapter implements KeyedExecutor.Task {

        private final ScheduledPollConsumer consumer;
        private final SourceFile file;
        /** As it was when it was added: what is expected may be edited meanwhile. */
        private final String key;

        private final AtomicBoolean over = new AtomicBoolean();

        Turn(ScheduledPollConsumer consumer, SourceFile file, String key) {
            this.consumer = consumer;
            this.file = file;
            this.key = key;
        }

        @Override
        public void begin() {
            if (!file.isThere() || isEnding(consumer)) {
                shared.executor.end(key, 0);
                reject();
                return;
            }
            Exchange exchange = consumer.createExchange(true);
            GenericFile<?> body = camelFile(file);
            body.bindToExchange(exchange);
            exchange.getMessage().setBody(body);
            continueTrace(exchange);
            exchange.setProperty(CsvImportConstants.FEED, feed);
            exchange.setProperty(CsvImportConstants.FOLDER_TEMPLATE, template(file));
            exchange.setProperty(
                    CsvImportConstants.ORDER,
                    isOrdered(file) ? CsvImportConstants.ORDERED : CsvImportConstants.UNORDERED);
            exchange.setProperty(CsvImportConstants.SOURCE_FILE, file);
            exchange.setProperty(CsvImportConstants.JUDGED_FROM, listing.judgedFrom(file));
            exchange.getExchangeExtension().addOnCompletion(this);
            // where it ends before its unit of work begins, nothing else says so
            consumer.getAsyncProcessor().process(exchange, doneSync -> onDone(exchange));
        }

        private void continueTrace(Exchange exchange) {
            try {
                if (isTraced) {
                    shared.deliveries.find(file.key()).ifPresent(job -> job.trace()
                            .continueIn(exchange.getMessage()));
                }
            } catch (CsvImportUnsettledException e) {
                LOG.debug("{} begins a new trace", file.location(), e);
            }
        }

        @Override
        public void reject() {
            listing.returned(file);
        }

        @Override
        public void onDone(Exchange done) {
            if (over.getAndSet(true)) {
                return;
            }
            CsvImportUnsettledException unsettled = unsettled(done);
            long pause = pause(unsettled);
            boolean closes = unsettled != null && !unsettled.isOfItemAlone() && isOrdered(file);
            boolean isReleased = false;
            try {
                isReleased = !done.isFailed() && release.release(done);
                if (!isReleased && !closes && file.isThere()) {
                    // changed meanwhile, or kept from the pipeline by the feed's own steps, or held, or not to be moved
                    String why = unsettled == null ? "it is held, or cannot be moved" : unsettled.getMessage();
                    listing.postpone(file.location(), unsettled == null ? null : file, pause, why);
                }
            } catch (RuntimeException e) {
                LOG.error("{} is offered again", file.location(), e);
            } finally {
                if (isReleased) {
                    listing.released(file);
                } else {
                    listing.returned(file);
                }
            }
            shared.executor.end(key, closes ? pause : 0);
        }

        @Override
        public int getOrder() {
            return LOWEST;
        }
    }

    private boolean isEnding(ScheduledPollConsumer consumer) {
        CamelContext context = consumer.getEndpoint().getCamelContext();
        ServiceStatus status = context.getRouteController().getRouteStatus(feed);
        return context.isStopping() || status == null || !status.isStarted() || !consumer.isStarted();
    }

    /** Why it is not settled; null where it is, and where it has changed meanwhile, and is found anew. */
    private static CsvImportUnsettledException unsettled(Exchange done) {
        return done.getException(CsvChangedException.class) == null
                ? done.getException(CsvImportUnsettledException.class)
                : null;
    }

    /** In nanoseconds, until the next attempt of what is not settled. */
    private long pause(CsvImportUnsettledException unsettled) {
        return unsettled == null
                ? Math.max(listing.quietAfterGrowth.toNanos(), SHORTEST_PAUSE)
                : Math.max(1, Instant.now().until(unsettled.getNextAttempt(), ChronoUnit.NANOS));
    }

    @Override
    protected void doStop() throws Exception {
        shared.untaken.forget(feed);
        listing.forget();
    }
}
