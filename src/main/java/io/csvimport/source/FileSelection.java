package io.csvimport.source;

import io.csvimport.file.SourceFile;
import io.csvimport.pipeline.KeyedSerialExecutor;
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

/**
 * Which files of a feed are taken, and in which order: the earliest ones by their times and names, once they are whole
 * and their order keys are open. It keeps no more than those of a walk through the folder, however many there are, and never
 * waits: one growing file holds up no other.
 */
final class FileSelection {

    /** Walks through the folder, and calls {@link #found} or {@link #leave} for what lies there. */
    interface Walk {
        void walk() throws IOException;
    }

    /** A folder is listed no more often, in nanoseconds, while none of its order keys is open. */
    private static final long BUSY = Duration.ofSeconds(1).toNanos();

    /** Files that are kept of one walk. */
    private static final int EARLIEST = 10_000;

    /** Files of one order key that are handed over at a time; the others go on meanwhile. */
    private static final int MOST_OF_KEY = 500;

    /** Files that are handed over at a time; above it, one for each order key. */
    private static final int MOST = 2000;

    private static final Comparator<SourceFile> OLDEST_FIRST =
            Comparator.comparingLong(SourceFile::modified).thenComparing(SourceFile::location);

    /** A file that is left alone for a while: until when (nanoseconds), or until it is another than this, and why. */
    private record Postponed(SourceFile file, long until, String reason) {

        boolean isStill(SourceFile now) {
            return System.nanoTime() - until < 0 && (file == null || now.looksLike(file));
        }
    }

    private final FileFeed feed;
    private final int rest;
    private final FileSights sights;
    private final LeftFiles left = new LeftFiles();
    /** Whether the order keys of the latest listing were open when it was made, and when that was (nanoseconds). */
    private final Map<String, Boolean> open = new HashMap<>();

    private long listed = System.nanoTime();
    private long nextWalk = listed;
    private PriorityQueue<SourceFile> walked;
    private List<SourceFile> earliest = List.of();
    private final Map<String, Postponed> postponed = new ConcurrentHashMap<>();
    private int opened;
    /** Files that stay where they are though their fate is settled. */
    private final Map<String, SourceFile> remembered = new ConcurrentHashMap<>();
    /** Locations of files from their hand-over to the executor until their turn is over. */
    private final Set<String> handedOver = ConcurrentHashMap.newKeySet();

    /** Whether a file came back since the latest listing: it may be older than what was listed after it. */
    private volatile boolean returned;

    /** @param rest so many times as long as a walk has taken, there is no other */
    FileSelection(FileFeed feed, FileSights sights, int rest) {
        this.feed = feed;
        this.sights = sights;
        this.rest = rest;
    }

    void setWarnAfter(Duration warnAfter) {
        left.setWarnAfter(warnAfter);
    }

    /** When files were listed last, in nanoseconds. */
    long listedAt() {
        return listed;
    }

    boolean isWalkDue() {
        return System.nanoTime() - nextWalk >= 0;
    }

    /** Whether files are to be looked for now. */
    boolean isDue() {
        KeyedSerialExecutor executor = feed.executor();
        if (opened != executor.resumed()) {
            opened = executor.resumed();
            postponed.clear();
            return true;
        }
        return System.nanoTime() - listed >= BUSY
                || open.isEmpty()
                || open.keySet().stream().anyMatch(executor::isOpen);
    }

    /** The files that are to be taken now, in their order. */
    List<SourceFile> list(Walk walk) throws IOException {
        listed = System.nanoTime();
        open.clear();
        boolean walks = returned || isWalkDue();
        returned = false;
        if (walks) {
            left.begin();
            walked = new PriorityQueue<>(OLDEST_FIRST.reversed());
            walk.walk();
            earliest = walked.stream().sorted(OLDEST_FIRST).toList();
            walked = null;
            left.keep();
            nextWalk = System.nanoTime() + (System.nanoTime() - listed) * rest;
        } else {
            left.restore();
        }
        List<SourceFile> taken = take(walks);
        if (sights.prune()) {
            postponed.keySet().removeIf(location -> !sights.contains(location));
            remembered.keySet().removeIf(location -> !sights.contains(location));
        }
        return taken;
    }

    void found(SourceFile file) {
        if (isCandidate(file)) {
            walked.add(file);
            if (walked.size() > EARLIEST) {
                left.awaitEarlier(walked.remove());
            }
        }
    }

    /** An entry that counts as a file that is not taken. */
    void leave(String path, String why) {
        left.leave(path, why);
    }

    /** The feed has stopped: what it has seen belongs to connections that are closed. */
    void forget() {
        earliest = List.of();
        sights.clear();
    }

    /** How many files the latest listing has left, and why. */
    Untaken.Files left() {
        return left.files();
    }

    /** Whether nothing is known that speaks against the file; it is not said whether it is whole. */
    private boolean isCandidate(SourceFile file) {
        // asked for the first file of a key, also where that is handed over: see isOpen
        boolean isOpen = isOpen(feed.orderKey(file));
        if (handedOver.contains(file.location())) {
            return false;
        }
        if (!isOpen) {
            left.awaitEarlier(file);
            return false;
        }
        Postponed until = postponed.get(file.location());
        if (until != null && until.isStill(file)) {
            left.leave(file, until.reason, sights);
            return false;
        }
        return !file.equals(remembered.get(file.location()));
    }

    private boolean isWhole(SourceFile file) {
        boolean whole = sights.isWhole(file);
        if (!whole) {
            left.leave(file, "it is taken once its size and its time stand still", sights);
        }
        return whole;
    }

    /** One answer a listing: a key that opens in its middle would let later files in before earlier ones. */
    private boolean isOpen(String key) {
        return open.computeIfAbsent(key, feed.executor()::isOpen);
    }

    /** Of the earliest files, those that are whole and that their order keys have room for; the rest is kept. */
    private List<SourceFile> take(boolean walks) {
        List<SourceFile> taken = new ArrayList<>();
        List<SourceFile> kept = new ArrayList<>();
        Map<String, Integer> ofKeys = new HashMap<>();
        int all = handedOver.size();
        for (SourceFile file : earliest) {
            String key = feed.orderKey(file);
            // asked once a listing: a key that gets room in its middle would let later files in before earlier ones
            int ofKey = ofKeys.computeIfAbsent(key, feed.executor()::size);
            boolean hasRoom = isOpen(key) && ofKey < MOST_OF_KEY && (all + taken.size() < MOST || ofKey == 0);
            SourceFile now = walks || !hasRoom ? file : lookAgain(file);
            boolean isWhole = now != null && (!walks && !hasRoom || isWhole(now));
            if (isWhole && hasRoom) {
                ofKeys.merge(key, 1, Integer::sum);
                taken.add(now);
            } else if (now != null) {
                kept.add(now);
                if (isWhole) {
                    left.awaitEarlier(now);
                }
            }
        }
        earliest = kept;
        return taken;
    }

    private static SourceFile lookAgain(SourceFile file) {
        try {
            return file.folders().find(file.location());
        } catch (IOException e) {
            return null;
        }
    }

    void handedOver(SourceFile file) {
        handedOver.add(file.location());
    }

    /** The turn of the file is over; the source still has it. */
    void returned(SourceFile file) {
        handedOver.remove(file.location());
        returned = true;
    }

    /** The turn of the file is over, and its fate settled. */
    void released(SourceFile file) {
        if (file.folders().isReadOnly()) {
            remembered.put(file.location(), file);
        } else {
            sights.forget(file);
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
}
