package io.csvimport.source;

import io.csvimport.file.SourceFile;
import io.csvimport.job.Job;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * How the files of a feed were seen from listing to listing: a file is whole once its size and time have stood still for
 * the quiet time. Its identity may change meanwhile: some file systems give it a new one now and then.
 */
public final class FileSights {

    private static final long KEPT = Duration.ofMinutes(15).toNanos();
    private static final long PRUNED_EVERY = Duration.ofMinutes(1).toNanos();

    /**
     * A file that was seen, times in nanoseconds.
     *
     * @param file as it was when it began to stand still
     * @param first when there was first a file of this name
     * @param since when it began to stand still
     * @param grown whether it was seen growing
     */
    private record Sight(SourceFile file, long first, long since, boolean grown, long lastSeen) {}

    private final Map<String, Sight> sights = new ConcurrentHashMap<>();
    private Duration quiet = Duration.ZERO;
    private Duration quietAfterGrowth = Duration.ZERO;
    private Duration quietEmpty = Duration.ZERO;
    private long pruned = System.nanoTime();

    void setQuiet(Duration quiet) {
        this.quiet = quiet;
    }

    void setQuietAfterGrowth(Duration quietAfterGrowth) {
        this.quietAfterGrowth = quietAfterGrowth;
    }

    void setQuietEmpty(Duration quietEmpty) {
        this.quietEmpty = quietEmpty;
    }

    Duration quietAfterGrowth() {
        return quietAfterGrowth;
    }

    /** Whether the file, seen now, is whole. */
    boolean isWhole(SourceFile file) {
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
        // a sight is kept for as long as the file is there: one that waits is not overtaken for a new quiet time
        return now - sight.since >= (grown ? quietAfterGrowth : quiet).toNanos();
    }

    /** Whether there has been a file of this name for so long. */
    boolean isOlder(SourceFile file, Duration age) {
        Sight sight = sights.get(file.location());
        return sight != null && System.nanoTime() - sight.first >= age.toNanos();
    }

    /** The file under the identity that it had when it was seen first. */
    SourceFile identified(SourceFile file) {
        Sight sight = file == null ? null : sights.get(file.location());
        return sight != null && file.looksLike(sight.file) ? sight.file : file;
    }

    /** When a file that is empty or ends in NULs will have stood still long enough to be judged, in nanoseconds. */
    long judgedFrom(SourceFile file) {
        Sight sight = sights.get(file.location());
        return sight == null ? System.nanoTime() : sight.since + quietEmpty.toNanos();
    }

    /** Whether the file of a job, and not another in its place, was seen since. */
    public boolean isSeenSince(Job job, long nanoTime) {
        Sight sight = sights.get(job.origin().path());
        return sight != null
                && sight.lastSeen - nanoTime >= 0
                && sight.file.key().equals(job.origin().sourceKey());
    }

    void clear() {
        sights.clear();
    }

    void forget(SourceFile file) {
        sights.remove(file.location());
    }

    /** Forgets files that are there no more, now and then; answers whether it did. */
    boolean prune() {
        long now = System.nanoTime();
        boolean due = now - pruned > PRUNED_EVERY;
        if (due) {
            pruned = now;
            sights.values().removeIf(seen -> now - seen.lastSeen > KEPT);
        }
        return due;
    }

    boolean contains(String location) {
        return sights.containsKey(location);
    }
}
