package io.csvimport.source;

import io.csvimport.file.SourceFile;
import io.csvimport.job.Job;
import io.csvimport.pipeline.KeyedExecutor;
import io.csvimport.text.Visible;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which files of a feed are taken, and in which order: the earliest ones by their times and names, once their size and
 * time have stood still for the quiet time and their order keys are open. It keeps a limited number
 * of the files of a walk through the folder, and never waits: one growing file holds up no other.
 */
public final class FileListing {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");

    /** A folder is listed no more often, in nanoseconds, while none of its order keys is open. */
    private static final long BUSY = Duration.ofSeconds(1).toNanos();

    /** Files that are kept of one walk. */
    private static final int EARLIEST = 10_000;

    /** Files of one order key that are handed over at a time; the others go on meanwhile. */
    private static final int MOST_OF_KEY = 900;

    /**
     * Files that are handed over at a time; above it, one for each order key. Those that need no order count until they
     * are settled: while so many wait for their next attempt, no others are tried.
     */
    private static final int MOST = 2000;

    /** Warnings about single files and folders; more are only counted. */
    private static final int MOST_WARNINGS = 1000;

    private static final long WARNED_AFTER = Duration.ofMinutes(5).toNanos();
    private static final long FORGOTTEN_AFTER = Duration.ofMinutes(15).toNanos();
    private static final long PRUNED_EVERY = Duration.ofMinutes(1).toNanos();

    private static final Comparator<SourceFile> OLDEST_FIRST =
            Comparator.comparingLong(SourceFile::modified).thenComparing(SourceFile::location);

    /**
     * A file that was seen, times in nanoseconds. It is kept for as long as the file is there: one that waits is not
     * overtaken for a new quiet time.
     *
     * @param file as it was when it began to stand still: some file systems give it a new identity now and then
     * @param first when there was first a file of this name
     * @param since when it began to stand still
     * @param grown whether it was seen growing
     */
    private record Sight(SourceFile file, long first, long since, boolean grown, long last) {}

    /** A file that is left alone for a while: until when (nanoseconds), or until it is another than this, and why. */
    private record Postponed(SourceFile file, long until, String reason) {

        boolean isStill(SourceFile now) {
            return System.nanoTime() - until < 0 && (file == null || now.looksLike(file));
        }
    }

    Duration quiet = Duration.ZERO;
    Duration quietAfterGrowth = Duration.ZERO;
    Duration quietEmpty = Duration.ZERO;

    private final FileFeed feed;
    private final int rest;
    private final Map<String, Sight> sights = new ConcurrentHashMap<>();
    private final Map<String, Postponed> postponed = new ConcurrentHashMap<>();
    /** Files that stay where they are though their fate is settled. */
    private final Map<String, SourceFile> remembered = new ConcurrentHashMap<>();
    /** Locations of files from their hand-over to the executor until their turn is over. */
    private final Set<String> handedOver = ConcurrentHashMap.newKeySet();
    /** Whether a file came back since the latest listing, and goes before later ones that were listed after it. */
    private volatile boolean returned;
    /** Each order key is asked once in a listing: if it opened halfway, later files would pass earlier ones. */
    private final Map<String, Boolean> open = new HashMap<>();

    private final Set<String> warned = ConcurrentHashMap.newKeySet();
    private Untaken.Files left = Untaken.Files.NONE;
    private Untaken.Files leftByWalk = Untaken.Files.NONE;
    private long listed = System.nanoTime();
    private volatile long nextWalk = listed;
    private long pruned = listed;
    private PriorityQueue<SourceFile> walked;
    /** Of the latest walk, what is whole and not taken yet. */
    private List<SourceFile> earliest = List.of();

    private int resumed;

    FileListing(FileFeed feed, int rest) {
        this.feed = feed;
        this.rest = rest;
    }

    /** When files were listed last, in nanoseconds. */
    public long listedAt() {
        return listed;
    }

    public boolean isWalkDue() {
        return System.nanoTime() - nextWalk >= 0;
    }

    boolean isDue() {
        KeyedExecutor executor = feed.executor();
        if (resumed != executor.resumed()) {
            resumed = executor.resumed();
            postponed.clear();
            return true;
        }
        return System.nanoTime() - listed >= BUSY
                || open.isEmpty()
                || open.keySet().stream().anyMatch(executor::isOpen);
    }

    /** The files that are to be taken now, in their order. */
    List<SourceFile> list() throws IOException {
        listed = System.nanoTime();
        open.clear();
        if (returned || isWalkDue()) {
            returned = false;
            left = Untaken.Files.NONE;
            walked = new PriorityQueue<>(OLDEST_FIRST.reversed());
            feed.walk();
            // of those that are over, the walk has taken what is still there: the others are gone
            postponed.values().removeIf(file -> file.file != null && listed - file.until >= 0);
            earliest = new ArrayList<>();
            walked.stream().sorted(OLDEST_FIRST).forEach(this::look);
            walked = null;
            leftByWalk = left;
            nextWalk = System.nanoTime() + (System.nanoTime() - listed) * rest;
        }
        left = leftByWalk;
        List<SourceFile> taken = take();
        if (listed - pruned > PRUNED_EVERY) {
            pruned = listed;
            sights.values().removeIf(seen -> listed - seen.last > FORGOTTEN_AFTER);
            postponed.keySet().retainAll(sights.keySet());
            remembered.keySet().retainAll(sights.keySet());
        }
        return taken;
    }

    public void found(SourceFile file) {
        // asked for the first file of a key, also where that is handed over
        boolean isOpen = isOpen(feed.orderKey(file));
        if (handedOver.contains(file.location())) {
            return;
        }
        Postponed until = postponed.get(file.location());
        if (until != null && !until.isStill(file)) {
            postponed.remove(file.location(), until);
            until = null;
        }
        if (!isOpen) {
            awaitEarlier(file);
        } else if (until != null) {
            leave(file, until.reason);
        } else if (!file.equals(remembered.get(file.location()))) {
            walked.add(file);
            if (walked.size() > EARLIEST) {
                awaitEarlier(walked.remove());
            }
        }
    }

    private void look(SourceFile file) {
        long now = System.nanoTime();
        Sight before = sights.get(file.location());
        boolean still = before != null && file.looksLike(before.file);
        boolean grown = before != null && (still ? before.grown : file.isOf(before.file));
        Sight sight = new Sight(
                still ? before.file : file,
                before == null ? now : before.first,
                still ? before.since : now,
                grown,
                now);
        sights.put(file.location(), sight);
        if (now - sight.since >= (grown ? quietAfterGrowth : quiet).toNanos()) {
            earliest.add(sight.file);
        } else {
            leave(file, "it is taken once its size and its time stand still");
        }
    }

    private boolean isOpen(String key) {
        return open.computeIfAbsent(key, feed.executor()::isOpen);
    }

    /** Of the earliest files, those that their order keys have room for; the rest is kept. */
    private List<SourceFile> take() {
        List<SourceFile> taken = new ArrayList<>();
        List<SourceFile> kept = new ArrayList<>();
        Map<String, Integer> ofKeys = new HashMap<>();
        int all = handedOver.size();
        Map<String, Long> waiting = postponed.values().stream()
                .filter(file -> file.file != null && !feed.isOrdered(file.file))
                .collect(Collectors.groupingBy(file -> feed.orderKey(file.file), Collectors.counting()));
        for (SourceFile file : earliest) {
            String key = feed.orderKey(file);
            int ofKey = ofKeys.computeIfAbsent(key, feed.executor()::size);
            boolean hasRoom = ofKey < MOST_OF_KEY && (all + taken.size() < MOST || ofKey == 0);
            boolean mayWait = feed.isOrdered(file) || ofKey + waiting.getOrDefault(key, 0L) < MOST;
            if (isOpen(key) && hasRoom && mayWait) {
                ofKeys.merge(key, 1, Integer::sum);
                taken.add(file);
            } else {
                kept.add(file);
                awaitEarlier(file);
            }
        }
        earliest = kept;
        return taken;
    }

    void handedOver(SourceFile file) {
        handedOver.add(file.location());
    }

    /** The turn of the file is over; the source still has it. */
    void returned(SourceFile file) {
        handedOver.remove(file.location());
        if (feed.isOrdered(file)) {
            returned = true;
        }
    }

    /** The turn of the file is over, and its fate settled. */
    void released(SourceFile file) {
        if (file.folders().isReadOnly()) {
            remembered.put(file.location(), file);
        } else {
            sights.remove(file.location());
        }
        handedOver.remove(file.location());
    }

    /**
     * Leaves what is at a location alone, and holds back no other file.
     *
     * @param file the one that is meant, or null for whatever is there
     * @param pause in nanoseconds
     */
    void postpone(String location, SourceFile file, long pause, String why) {
        postponed.put(location, new Postponed(file, System.nanoTime() + pause, why));
    }

    /** The feed has stopped: what it has seen belongs to connections that are closed. */
    void forget() {
        earliest = List.of();
        sights.clear();
    }

    /** When a file that is empty or ends in NULs will have stood still long enough to be judged, in nanoseconds. */
    long judgedFrom(SourceFile file) {
        Sight sight = sights.get(file.location());
        return sight == null ? System.nanoTime() : sight.since + quietEmpty.toNanos();
    }

    /** Whether the latest listing has shown the file of a job, and not another in its place. */
    public boolean hasShown(Job job) {
        Sight sight = sights.get(job.origin().path());
        return sight != null
                && sight.last - listed >= 0
                && sight.file.key().equals(job.origin().sourceKey());
    }

    // what is not taken

    /** Of the latest listing. */
    Untaken.Files left() {
        return left;
    }

    /** An entry that counts as a file. */
    public void leave(String path, String why) {
        left = left.and(path, Long.MAX_VALUE, why);
        String what = Visible.of(path) + " " + why;
        warn(what, what);
    }

    /** A file that may be taken later. */
    private void leave(SourceFile file, String why) {
        left = left.and(file.location(), file.modified(), why);
        Sight sight = sights.get(file.location());
        if (sight != null && System.nanoTime() - sight.first >= WARNED_AFTER) {
            warn(file.location(), Visible.of(file.location()) + " is not taken: " + Visible.of(why));
        }
    }

    /** Nothing is wrong with the file. */
    private void awaitEarlier(SourceFile file) {
        left = left.and(file.location(), file.modified(), "earlier files of its template go first");
    }

    private void warn(String key, String what) {
        if (warned.size() < MOST_WARNINGS && warned.add(key)) {
            LOG.warn("{}", what);
        }
    }
}
