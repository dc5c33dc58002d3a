package io.csvimport.source;

import io.csvimport.file.SourceFile;
import io.csvimport.text.Visible;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a feed finds and does not take: counted, with the oldest of it and why, and warned of once. */
final class LeftFiles {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");

    /** Warnings about single files and folders; more are only counted. */
    private static final int MOST_WARNINGS = 1000;

    private record Count(long files, long modified, String oldest, String reason) {

        private static final Count NONE = new Count(0, Long.MAX_VALUE, null, null);

        Count and(String path, long time, String why) {
            return oldest == null || time < modified
                    ? new Count(files + 1, time, path, why)
                    : new Count(files + 1, modified, oldest, reason);
        }
    }

    private final Set<String> warned = ConcurrentHashMap.newKeySet();
    private Duration warnAfter = Duration.ofMinutes(5);
    private Count count = Count.NONE;
    private Count ofWalk = Count.NONE;

    void setWarnAfter(Duration warnAfter) {
        this.warnAfter = warnAfter;
    }

    /** A walk begins. */
    void begin() {
        count = Count.NONE;
    }

    /** The walk is over. */
    void keep() {
        ofWalk = count;
    }

    /** Goes on from the latest walk. */
    void restore() {
        count = ofWalk;
    }

    Untaken.Files files() {
        return new Untaken.Files(count.files, count.oldest == null ? null : Visible.of(count.oldest), count.reason);
    }

    /** An entry that counts as a file. */
    void leave(String path, String why) {
        count = count.and(path, Long.MAX_VALUE, why);
        String what = Visible.of(path) + " " + why;
        warn(what, what);
    }

    /** A file that may be taken later. */
    void leave(SourceFile file, String why, FileSights sights) {
        count = count.and(file.location(), file.modified(), why);
        if (sights.isOlder(file, warnAfter)) {
            warn(file.location(), Visible.of(file.location()) + " is not taken: " + Visible.of(why));
        }
    }

    /** Nothing is wrong with the file. */
    void awaitEarlier(SourceFile file) {
        count = count.and(file.location(), file.modified(), "earlier files of its template go first");
    }

    private void warn(String key, String what) {
        if (warned.size() < MOST_WARNINGS && warned.add(key)) {
            LOG.warn("{}", what);
        }
    }
}
