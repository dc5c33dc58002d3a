package io.csvimport;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
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
import org.apache.camel.component.file.GenericFileFilter;
import org.apache.camel.spi.PollingConsumerPollStrategy;
import org.apache.camel.support.AsyncProcessorSupport;
import org.apache.camel.support.SynchronizationAdapter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a folder feed adds to Camel's file consumer: a filter that takes a file once it is whole and its lane is open,
 * and the hand-over to that lane. The filter only looks: it never waits, and one growing file holds up no other.
 */
public final class FolderFeed extends AsyncProcessorSupport
        implements GenericFileFilter<File>, PollingConsumerPollStrategy, CamelContextAware {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");
    /** Exchange property: the file as it was when it was found whole. */
    static final String MARK = "csvImportMark";

    private static final long SHORTEST_PAUSE = Duration.ofSeconds(1).toNanos();

    /** A file that was seen: its mark, since when it stands still (nanoseconds), and whether it was seen growing. */
    private record Sight(FileMark mark, long since, boolean grown, long lastSeen) {}

    private CamelContext camelContext;
    private Lanes lanes;
    private String feed;
    private Path directory;
    private String template;
    private Duration quiet;
    private Duration quietAfterGrowth;
    private final Map<Path, Sight> sights = new HashMap<>();
    private long pruned = System.nanoTime();
    private final Map<String, Boolean> open = new HashMap<>();
    private final Map<Path, Long> postponed = new ConcurrentHashMap<>();
    private final Set<Path> reported = ConcurrentHashMap.newKeySet();

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

    public void setDirectory(String directory) {
        this.directory = Path.of(directory).toAbsolutePath().normalize();
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

    @Override
    public boolean accept(GenericFile<File> candidate) {
        Path path = path(candidate.getFile());
        if (path == null) {
            return false;
        }
        if (Files.isSymbolicLink(path)) {
            if (reported.add(path)) {
                LOG.warn(
                        "{} is a symbolic link: it is left alone; put the file itself into the inbox",
                        Names.visible(path.toString()));
            }
            return false;
        }
        return candidate.isDirectory() || isCsv(path) && isOpen(path) && !isPostponed(path) && isWhole(path);
    }

    private Path path(File file) {
        try {
            return file.toPath().toAbsolutePath().normalize();
        } catch (InvalidPathException e) {
            if (reported.add(Path.of("."))) {
                LOG.error(
                        "{}: file names that are not plain ASCII cannot be read without a UTF-8 locale, and are left"
                                + " alone; start with LC_ALL=C.UTF-8",
                        directory);
            }
            return null;
        }
    }

    private static boolean isCsv(Path path) {
        return path.getFileName().toString().toLowerCase(Locale.ROOT).endsWith(".csv");
    }

    /** One answer a poll: a lane that opens in the middle of a listing would let later files in before earlier ones. */
    private boolean isOpen(Path path) {
        return open.computeIfAbsent(lane(path), lanes::isOpen);
    }

    @Override
    public boolean begin(Consumer consumer, Endpoint endpoint) {
        open.clear();
        return true;
    }

    @Override
    public void commit(Consumer consumer, Endpoint endpoint, int polledMessages) {
        // each file for itself: see the release
    }

    @Override
    public boolean rollback(Consumer consumer, Endpoint endpoint, int retryCounter, Exception e) {
        LOG.warn("{} cannot be read now, it is tried again: {}", directory, e.toString());
        return false;
    }

    private boolean isPostponed(Path path) {
        Long until = postponed.get(path);
        if (until != null && System.nanoTime() - until >= 0) {
            postponed.remove(path);
            return false;
        }
        return until != null;
    }

    private boolean isWhole(Path path) {
        if (quiet.isZero()) {
            return Files.isRegularFile(path);
        }
        FileMark mark = mark(path);
        if (mark == null) {
            return false;
        }
        long now = System.nanoTime();
        Sight before = sights.get(path);
        boolean known = before != null && before.mark.fileKey().equals(mark.fileKey());
        boolean still = known && before.mark.equals(mark);
        boolean grown = known && (before.grown || !still);
        Sight sight = new Sight(mark, still ? before.since : now, grown, now);
        sights.put(path, sight);
        if (now - pruned > Duration.ofMinutes(1).toNanos()) {
            pruned = now;
            sights.values()
                    .removeIf(
                            seen -> now - seen.lastSeen > Duration.ofMinutes(15).toNanos());
        }
        // kept for as long as the file is there: one that waits must not be overtaken for a new quiet time
        return now - sight.since >= (grown ? quietAfterGrowth : quiet).toNanos();
    }

    /** Null where the file is gone again, or no plain file. */
    private static FileMark mark(Path path) {
        try {
            return FileMark.of(path);
        } catch (IOException e) {
            return null;
        }
    }

    /** The template that the first folder below the feed's directory names, or the feed's own, or null. */
    private String template(Path path) {
        Path relative = directory.relativize(path);
        return relative.getNameCount() > 1 ? relative.getName(0).toString() : template;
    }

    private String lane(Path path) {
        return Lanes.name(feed, template(path));
    }

    @Override
    public boolean process(Exchange exchange, AsyncCallback callback) {
        GenericFile<?> file = exchange.getProperty(Exchange.FILE_EXCHANGE_FILE, GenericFile.class);
        Path path = ((File) file.getFile()).toPath().toAbsolutePath().normalize();
        exchange.setProperty(Delivery.FEED, feed);
        exchange.setProperty(Names.FOLDER_TEMPLATE, template(path));
        String lane = lane(path);
        // as it was found whole: what changes before its turn is found anew
        FileMark mark = mark(path);
        lanes.add(lane, new Lanes.Turn() {
            @Override
            public void begin() {
                if (mark == null || !mark.isAt(path) || isEnding()) {
                    lanes.done(lane, 0);
                    giveBack();
                    return;
                }
                exchange.setProperty(MARK, mark);
                exchange.getExchangeExtension().addOnCompletion(new SynchronizationAdapter() {
                    @Override
                    public void onDone(Exchange done) {
                        // Camel's own removal misses a name with a backslash
                        ((GenericFileEndpoint<?>) done.getFromEndpoint())
                                .getInProgressRepository()
                                .remove(path.toString());
                        lanes.done(lane, pause(done, path));
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
            public void giveBack() {
                exchange.setRouteStop(true);
                callback.done(false);
            }
        });
        return false;
    }

    private boolean isEnding() {
        ServiceStatus status = camelContext.getRouteController().getRouteStatus(feed);
        return camelContext.isStopping() || status == null || !status.isStarted();
    }

    /** How long the lane is closed, in nanoseconds; what concerns the file alone postpones only that. */
    private long pause(Exchange done, Path path) {
        CsvImportUnsettledException unsettled = done.getException(CsvImportUnsettledException.class);
        long pause = Math.max(quietAfterGrowth.toNanos(), SHORTEST_PAUSE);
        if (unsettled != null && done.getException(CsvChangedException.class) == null) {
            pause = Math.max(
                    1,
                    Duration.between(Instant.now(), unsettled.getNextAttempt()).toNanos());
            if (!unsettled.isOfItemAlone()) {
                return pause;
            }
        }
        if (done.getProperty(MARK, FileMark.class).isAt(path)) {
            // changed meanwhile, or kept from the pipeline by the feed's own steps, or held, or not to be moved
            postponed.put(path, System.nanoTime() + pause);
        }
        return 0;
    }
}
