package io.csvimport;

import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
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
import org.apache.camel.component.file.GenericFileFilter;
import org.apache.camel.spi.PollingConsumerPollStrategy;
import org.apache.camel.support.AsyncProcessorSupport;
import org.apache.camel.support.SynchronizationAdapter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a feed of files adds to Camel's file consumers: a filter that takes a file once it is whole and its lane is
 * open, and the hand-over to that lane. The filter only looks: it never waits, and one growing file holds up no other.
 */
abstract class FileFeed<T> extends AsyncProcessorSupport
        implements GenericFileFilter<T>, PollingConsumerPollStrategy, CamelContextAware {

    static final Logger LOG = LoggerFactory.getLogger("csv-import");
    /** The order of a listing: by time of modification, then by name. */
    static final Comparator<GenericFile<?>> OLDEST_FIRST = Comparator.<GenericFile<?>>comparingLong(
                    GenericFile::getLastModified)
            .thenComparing(GenericFile::getFileName);

    /** Exchange property: the {@link SourceFile} as it was when it was found whole. */
    static final String SOURCE_FILE = "csvImportSourceFile";

    /** Bytes that are read in no time. */
    private static final int SHORT = 1 << 16;

    /** A folder is listed no more often, in nanoseconds, while none of its lanes takes files. */
    private static final long BUSY = Duration.ofSeconds(1).toNanos();

    private static final long SHORTEST_PAUSE = Duration.ofSeconds(1).toNanos();

    /** A file that was seen: how, since when it stands still (nanoseconds), and whether it was seen growing. */
    private record Sight(SourceFile file, long since, boolean grown, long lastSeen) {}

    private CamelContext camelContext;
    private Lanes lanes;
    private String feed;
    private String template;
    private Duration quiet;
    private Duration quietAfterGrowth;
    private final Map<String, Sight> sights = new ConcurrentHashMap<>();
    private long pruned = System.nanoTime();
    /** Whether the lanes of the latest listing were open when it was made, and when that was (nanoseconds). */
    private final Map<String, Boolean> open = new HashMap<>();

    private long listed = System.nanoTime();
    private final Map<String, Long> postponed = new ConcurrentHashMap<>();
    private int opened;
    private final Map<String, SourceFile> remembered = new ConcurrentHashMap<>();
    /** Locations of files from their hand-over to their lane until they are put down. */
    private final Set<String> handedOver = ConcurrentHashMap.newKeySet();

    private final Set<String> reported = ConcurrentHashMap.newKeySet();

    @Override
    public CamelContext getCamelContext() {
        return camelContext;
    }

    @Override
    public void setCamelContext(CamelContext camelContext) {
        this.camelContext = camelContext;
    }

    public void setLanes(Lanes lanes) {
        this.lanes = lanes;
    }

    public void setFeed(String feed) {
        this.feed = feed;
    }

    /** Used where the file lies in no folder of its own. */
    public void setTemplate(String template) {
        this.template = template;
    }

    public void setQuiet(String quiet) {
        this.quiet = Duration.parse(quiet);
    }

    public void setQuietAfterGrowth(String quietAfterGrowth) {
        this.quietAfterGrowth = Duration.parse(quietAfterGrowth);
    }

    /** The file as it is now, or null where it is none that is taken, or is gone again. */
    abstract SourceFile look(GenericFile<T> candidate);

    /** Its path below the feed's directory. */
    abstract String relativePath(GenericFile<T> candidate);

    /** Whether an entry that is never taken, folder or file, is to be passed over; says so with {@link #report}. */
    abstract boolean isLeftAlone(GenericFile<T> candidate);

    /** The fate of the file of a source key is settled: nothing is to be kept for a next attempt. */
    void released(String sourceKey) {
        // nothing was
    }

    /** Tells the operator once of what is left alone. */
    final void report(String what) {
        if (reported.add(what)) {
            LOG.warn("{}", what);
        }
    }

    @Override
    public boolean accept(GenericFile<T> candidate) {
        if (isLeftAlone(candidate)) {
            return false;
        }
        return candidate.isDirectory()
                || isCsv(candidate.getFileNameOnly()) && isOpen(lane(candidate)) && isWhole(candidate);
    }

    static boolean isCsv(String name) {
        return name.toLowerCase(Locale.ROOT).endsWith(".csv");
    }

    /** One answer a poll: a lane that opens in the middle of a listing would let later files in before earlier ones. */
    final boolean isOpen(String lane) {
        return open.computeIfAbsent(lane, lanes::isOpen);
    }

    final boolean isCandidate(SourceFile file, String lane) {
        return isOpen(lane)
                && !handedOver.contains(file.location())
                && !isPostponed(file.location())
                && !file.equals(remembered.get(file.location()));
    }

    final void leave(String path, String why) {
        report(Names.visible(path) + " " + why);
    }

    final String feed() {
        return feed;
    }

    final String lane(String relativePath) {
        int folder = relativePath.indexOf('/');
        return Lanes.name(feed, folder > 0 ? relativePath.substring(0, folder) : template);
    }

    @Override
    public boolean begin(Consumer consumer, Endpoint endpoint) {
        if (opened != lanes.opened()) {
            opened = lanes.opened();
            postponed.clear();
        } else if (System.nanoTime() - listed < BUSY
                && !open.isEmpty()
                && open.keySet().stream().noneMatch(lanes::isOpen)) {
            return false;
        }
        listed = System.nanoTime();
        open.clear();
        return true;
    }

    @Override
    public void commit(Consumer consumer, Endpoint endpoint, int polledMessages) {
        // each file for itself: see the release
    }

    private boolean isPostponed(String location) {
        Long until = postponed.get(location);
        if (until != null && System.nanoTime() - until >= 0) {
            postponed.remove(location);
            return false;
        }
        return until != null;
    }

    private boolean isWhole(GenericFile<T> candidate) {
        SourceFile file = look(candidate);
        return file != null
                && isWhole(file)
                && !handedOver.contains(file.location())
                && !isPostponed(file.location())
                && !file.equals(remembered.get(file.location()));
    }

    final boolean isWhole(SourceFile file) {
        long now = System.nanoTime();
        Sight before = sights.get(file.location());
        boolean known = before != null && file.isOf(before.file);
        boolean still = known && before.file.equals(file);
        boolean grown = known && (before.grown || !still);
        Sight sight = new Sight(file, still ? before.since : now, grown, now);
        sights.put(file.location(), sight);
        if (now - pruned > Duration.ofMinutes(1).toNanos()) {
            pruned = now;
            sights.values()
                    .removeIf(
                            seen -> now - seen.lastSeen > Duration.ofMinutes(15).toNanos());
            postponed.keySet().retainAll(sights.keySet());
            remembered.keySet().retainAll(sights.keySet());
        }
        // a sight is kept for as long as the file is there: one that waits is not overtaken for a new quiet time
        return now - sight.since >= (grown ? quietAfterGrowth : quiet).toNanos();
    }

    /** Whether the file of a delivery, and not another in its place, was in the latest listing. */
    final boolean isSeenSince(Delivery delivery, long nanoTime) {
        Sight sight = sights.get(delivery.path);
        return sight != null
                && sight.lastSeen - nanoTime >= 0
                && sight.file.key().equals(delivery.sourceKey);
    }

    /** The template that the first folder below the feed's directory names, or the feed's own, or null. */
    private String template(GenericFile<T> file) {
        String relative = relativePath(file);
        int folder = relative.indexOf('/');
        return folder > 0 ? relative.substring(0, folder) : template;
    }

    private String lane(GenericFile<T> file) {
        return Lanes.name(feed, template(file));
    }

    @Override
    @SuppressWarnings("unchecked")
    public boolean process(Exchange exchange, AsyncCallback callback) {
        GenericFile<T> consumed = exchange.getProperty(Exchange.FILE_EXCHANGE_FILE, GenericFile.class);
        exchange.setProperty(Delivery.FEED, feed);
        exchange.setProperty(Names.FOLDER_TEMPLATE, template(consumed));
        String lane = lane(consumed);
        // as it was found whole: what changes before its turn is found anew
        SourceFile file = look(consumed);
        if (file != null) {
            handedOver.add(file.location());
        }
        lanes.add(lane, new Lanes.Turn() {
            @Override
            public void begin() {
                if (file == null || !file.isThere() || isEnding()) {
                    lanes.done(lane, 0);
                    giveBack();
                    return;
                }
                exchange.setProperty(SOURCE_FILE, file);
                exchange.getExchangeExtension().addOnCompletion(new SynchronizationAdapter() {
                    @Override
                    public void onDone(Exchange done) {
                        CsvImportUnsettledException unsettled = unsettled(done);
                        long pause = pause(unsettled);
                        boolean closes = unsettled != null && !unsettled.isOfItemAlone();
                        Delivery.kept(done).thenRun(() -> {
                            try {
                                if (!closes) {
                                    putDown(done, file, pause);
                                }
                            } catch (RuntimeException e) {
                                LOG.error("{} is offered again", file.location(), e);
                            } finally {
                                unmark(exchange, consumed, file);
                            }
                        });
                        lanes.done(lane, closes ? pause : 0);
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
            public boolean isShort() {
                return file instanceof FileMark && file.size() <= SHORT;
            }

            @Override
            public void giveBack() {
                exchange.setRouteStop(true);
                unmark(exchange, consumed, file);
                callback.done(false);
            }
        });
        return false;
    }

    /** What Camel has marked the file in progress by. */
    String mark(GenericFile<T> consumed) {
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
                ? Math.max(quietAfterGrowth.toNanos(), SHORTEST_PAUSE)
                : Math.max(
                        1,
                        Duration.between(Instant.now(), unsettled.getNextAttempt())
                                .toNanos());
    }

    /** The file alone is left alone for a pause in nanoseconds, unless it was let go of. */
    private void putDown(Exchange done, SourceFile file, long pause) {
        if (FileRelease.isReleased(done)) {
            released(file.key());
            if (file.folders().isReadOnly()) {
                remembered.put(file.location(), file);
            }
        } else if (file.isThere()) {
            // changed meanwhile, or kept from the pipeline by the feed's own steps, or held, or not to be moved
            postponed.put(file.location(), System.nanoTime() + pause);
        }
    }
}
