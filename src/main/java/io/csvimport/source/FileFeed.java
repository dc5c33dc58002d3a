package io.csvimport.source;

import io.csvimport.CsvChangedException;
import io.csvimport.CsvImportUnsettledException;
import io.csvimport.file.SourceFile;
import io.csvimport.job.CsvImportConstants;
import io.csvimport.pipeline.KeyedSerialExecutor;
import io.csvimport.text.Visible;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.camel.AsyncCallback;
import org.apache.camel.CamelContext;
import org.apache.camel.CamelContextAware;
import org.apache.camel.Consumer;
import org.apache.camel.Endpoint;
import org.apache.camel.Exchange;
import org.apache.camel.ServiceStatus;
import org.apache.camel.component.file.GenericFile;
import org.apache.camel.component.file.GenericFileEndpoint;
import org.apache.camel.spi.PollingConsumerPollStrategy;
import org.apache.camel.support.AsyncProcessorSupport;
import org.apache.camel.support.SynchronizationAdapter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a feed of files adds to Camel's file consumers: a filter that takes a file once it is whole and its order key
 * is not paused, and the hand-over to the executor that keeps the files of one key in order. The filter only looks: it
 * never waits, and one growing file holds up no other.
 */
public abstract class FileFeed<T> extends AsyncProcessorSupport
        implements PollingConsumerPollStrategy, CamelContextAware {

    public static final Logger LOG = LoggerFactory.getLogger("csv-import");
    /** A folder is listed no more often, in nanoseconds, while none of its order keys is open. */
    private static final long BUSY = Duration.ofSeconds(1).toNanos();

    private static final long SHORTEST_PAUSE = Duration.ofSeconds(1).toNanos();

    /** What is seen for so long and not taken is told once. */
    private static final Duration LONG = Duration.ofMinutes(5);

    /** Warnings about single files and folders, of one feed; more are only counted. */
    private static final int MOST_REPORTS = 1000;

    /** How many files are not taken, and the oldest of them. */
    public static final class Left {
        private long files;
        private long modified = Long.MAX_VALUE;
        private String place;
        private String why;

        void add(String path, long time, String reason) {
            files++;
            if (place == null || time < modified) {
                modified = time;
                place = path;
                why = reason;
            }
        }

        Left copy() {
            Left copy = new Left();
            copy.files = files;
            copy.modified = modified;
            copy.place = place;
            copy.why = why;
            return copy;
        }
    }

    /** A file that is left alone for a while: until when (nanoseconds), or until it is another than this, and why. */
    private record Postponed(SourceFile file, long until, String reason) {

        boolean isStill(SourceFile now) {
            return System.nanoTime() - until < 0 && (file == null || now.looksLike(file));
        }
    }

    private CamelContext camelContext;
    private KeyedSerialExecutor executor;
    private Untaken untaken;
    private String feed;
    private String template;
    private Duration tellAfter = LONG;
    public final FileSights sights = new FileSights();
    /** Whether the order keys of the latest listing were open when it was made, and when that was (nanoseconds). */
    private final Map<String, Boolean> open = new HashMap<>();

    private long listed = System.nanoTime();
    private final Map<String, Postponed> postponed = new ConcurrentHashMap<>();
    private int opened;
    private final Map<String, SourceFile> remembered = new ConcurrentHashMap<>();
    /** Locations of files from their hand-over to the executor until they are put down. */
    private final Set<String> handedOver = ConcurrentHashMap.newKeySet();

    private final Set<String> reported = ConcurrentHashMap.newKeySet();
    private boolean isMissing;
    /** What the listing has seen and does not take. */
    private Left left = new Left();

    private volatile boolean returned;

    @Override
    public CamelContext getCamelContext() {
        return camelContext;
    }

    @Override
    public void setCamelContext(CamelContext camelContext) {
        this.camelContext = camelContext;
    }

    public void setExecutor(KeyedSerialExecutor executor) {
        this.executor = executor;
    }

    public void setFeed(String feed) {
        this.feed = feed;
    }

    /** Used where the file lies in no folder of its own. */
    public void setTemplate(String template) {
        this.template = template;
    }

    public void setUntaken(Untaken untaken) {
        this.untaken = untaken;
    }

    public void setQuiet(String quiet) {
        sights.setQuiet(Duration.parse(quiet));
    }

    public void setQuietAfterGrowth(String quietAfterGrowth) {
        sights.setQuietAfterGrowth(Duration.parse(quietAfterGrowth));
    }

    public void setQuietEmpty(String quietEmpty) {
        sights.setQuietEmpty(Duration.parse(quietEmpty));
    }

    public void setTellAfter(Duration tellAfter) {
        this.tellAfter = tellAfter;
    }

    /** The file as it is now, or null where it is none that is taken, or is gone again. */
    protected abstract SourceFile look(GenericFile<T> candidate);

    /** Its path below the feed's directory. */
    protected abstract String relativePath(GenericFile<T> candidate);

    /** The fate of the file of a source key is settled: nothing is to be kept for a next attempt. */
    protected void released(String sourceKey) {
        // nothing was
    }

    /** Tells the operator once of what is left alone. */
    protected final void report(String what) {
        report(what, what);
    }

    private void report(String key, String what) {
        if (reported.size() < MOST_REPORTS && reported.add(key)) {
            LOG.warn("{}", what);
        }
    }

    /** The same of an entry that counts as a file that is not taken. */
    protected final void leave(String path, String why) {
        report(Visible.of(path) + " " + why);
        left.add(path, Long.MAX_VALUE, why);
    }

    private void leave(SourceFile file, String why) {
        left.add(file.location(), file.modified(), why);
        if (sights.isOlder(file, tellAfter)) {
            report(file.location(), Visible.of(file.location()) + " is not taken: " + Visible.of(why));
        }
    }

    /** The feed cannot look for files at all. */
    protected final void missing(String why) {
        isMissing = true;
        if (untaken.isMissing(feed, why)) {
            LOG.warn("{}", why);
        }
    }

    protected static boolean isCsv(String name) {
        return name.toLowerCase(Locale.ROOT).endsWith(".csv");
    }

    /** Whether nothing is known that speaks against the file; it is not said whether it is whole. */
    protected final boolean isCandidate(SourceFile file, String key) {
        if (handedOver.contains(file.location())) {
            return false;
        }
        if (!isOpen(key)) {
            awaitEarlier(file);
            return false;
        }
        Postponed until = postponed.get(file.location());
        if (until != null && until.isStill(file)) {
            leave(file, until.reason);
            return false;
        }
        return !file.equals(remembered.get(file.location()));
    }

    /** Nothing is wrong with the file. */
    protected final void awaitEarlier(SourceFile file) {
        left.add(file.location(), file.modified(), "earlier files of its template go first");
    }

    /** How many files of the order key wait. */
    protected final int queued(String key) {
        return executor.size(key);
    }

    /** How many files are handed over. */
    protected final int handedOver() {
        return handedOver.size();
    }

    /** Whether a file came back since this was asked: it may be older than what was listed after it. */
    protected final boolean hasReturned() {
        boolean was = returned;
        returned = false;
        return was;
    }

    /** What the listing has left so far. */
    protected final Left left() {
        return left.copy();
    }

    /** Goes on from an earlier listing. */
    protected final void left(Left before) {
        left = before.copy();
    }

    /** One answer a listing: a key that opens in its middle would let later files in before earlier ones. */
    protected final boolean isOpen(String key) {
        return open.computeIfAbsent(key, executor::isOpen);
    }

    @Override
    public boolean begin(Consumer consumer, Endpoint endpoint) {
        if (opened != executor.resumed()) {
            opened = executor.resumed();
            postponed.clear();
        } else if (System.nanoTime() - listed < BUSY
                && !open.isEmpty()
                && open.keySet().stream().noneMatch(executor::isOpen)) {
            return false;
        }
        listed = System.nanoTime();
        open.clear();
        isMissing = false;
        left = new Left();
        return true;
    }

    @Override
    public void commit(Consumer consumer, Endpoint endpoint, int polledMessages) {
        // each file for itself: see the release
        if (!isMissing) {
            String place = left.place == null ? null : Visible.of(left.place);
            untaken.listed(feed, new Untaken.Files(left.files, place, left.why));
        }
        if (sights.prune()) {
            postponed.keySet().removeIf(location -> !sights.contains(location));
            remembered.keySet().removeIf(location -> !sights.contains(location));
        }
    }

    @Override
    protected void doStop() throws Exception {
        untaken.forget(feed);
    }

    /** Whether the file, seen now, stands still. */
    protected final boolean isWhole(SourceFile file) {
        boolean whole = sights.isWhole(file);
        if (!whole) {
            leave(file, "it is taken once its size and its time stand still");
        }
        return whole;
    }

    /** The template that the first folder of a relative path names, or the feed's own, or null. */
    private String template(String relativePath) {
        int folder = relativePath.indexOf('/');
        return folder > 0 ? relativePath.substring(0, folder) : template;
    }

    protected final String feed() {
        return feed;
    }

    protected final String orderKey(String relativePath) {
        return feed + "/" + template(relativePath);
    }

    @Override
    @SuppressWarnings("unchecked")
    public boolean process(Exchange exchange, AsyncCallback callback) {
        GenericFile<T> consumed = exchange.getProperty(Exchange.FILE_EXCHANGE_FILE, GenericFile.class);
        exchange.setProperty(CsvImportConstants.FEED, feed);
        exchange.setProperty(CsvImportConstants.FOLDER_TEMPLATE, template(relativePath(consumed)));
        String key = orderKey(relativePath(consumed));
        // as it was found whole: what changes before its turn is found anew
        SourceFile file = sights.identified(look(consumed));
        if (file != null) {
            handedOver.add(file.location());
        }
        executor.add(key, new KeyedSerialExecutor.Task() {
            @Override
            public void begin() {
                if (file == null || !file.isThere() || isEnding()) {
                    executor.end(key, 0);
                    reject();
                    return;
                }
                exchange.setProperty(CsvImportConstants.SOURCE_FILE, file);
                exchange.setProperty(CsvImportConstants.JUDGED_FROM, sights.judgedFrom(file));
                exchange.getExchangeExtension().addOnCompletion(new SynchronizationAdapter() {
                    @Override
                    public void onDone(Exchange done) {
                        CsvImportUnsettledException unsettled = unsettled(done);
                        long pause = pause(unsettled);
                        boolean closes = unsettled != null && !unsettled.isOfItemAlone();
                        try {
                            if (!closes) {
                                putDown(done, file, pause, unsettled);
                            }
                        } catch (RuntimeException e) {
                            LOG.error("{} is offered again", file.location(), e);
                        } finally {
                            unmark(exchange, consumed, file);
                            returned = returned || !FileRelease.isReleased(done);
                        }
                        executor.end(key, closes ? pause : 0);
                    }

                    @Override
                    public int getOrder() {
                        // after the release
                        return LOWEST;
                    }
                });
                callback.done(false);
            }

            @Override
            public void reject() {
                exchange.setRouteStop(true);
                unmark(exchange, consumed, file);
                returned = true;
                callback.done(false);
            }
        });
        return false;
    }

    /** What Camel has marked the file in progress by. */
    protected String mark(GenericFile<T> consumed) {
        return consumed.getAbsoluteFilePath();
    }

    /** It may be taken from a listing again. */
    private void unmark(Exchange exchange, GenericFile<T> consumed, SourceFile file) {
        // Camel's own removal misses a name with a backslash
        ((GenericFileEndpoint<?>) exchange.getFromEndpoint())
                .getInProgressRepository()
                .remove(mark(consumed));
        if (file != null) {
            handedOver.remove(file.location());
        }
    }

    private boolean isEnding() {
        ServiceStatus status = camelContext.getRouteController().getRouteStatus(feed);
        return camelContext.isStopping() || status == null || !status.isStarted();
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
                ? Math.max(sights.quietAfterGrowth().toNanos(), SHORTEST_PAUSE)
                : Math.max(
                        1,
                        Duration.between(Instant.now(), unsettled.getNextAttempt())
                                .toNanos());
    }

    /** The file alone is left alone for a pause in nanoseconds, unless it was let go of. */
    private void putDown(Exchange done, SourceFile file, long pause, CsvImportUnsettledException unsettled) {
        if (FileRelease.isReleased(done)) {
            released(file.key());
            if (file.folders().isReadOnly()) {
                remembered.put(file.location(), file);
            } else {
                sights.forget(file);
            }
        } else if (file.isThere()) {
            // changed meanwhile, or kept from the pipeline by the feed's own steps, or held, or not to be moved
            String why = unsettled == null ? "it is held, or cannot be moved" : unsettled.getMessage();
            SourceFile still = unsettled == null ? null : file;
            postponed.put(file.location(), new Postponed(still, System.nanoTime() + pause, why));
        }
    }
}
