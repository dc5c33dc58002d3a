package io.csvimport.source;

import io.csvimport.text.Visible;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;

/** The files that feeds have found and do not take yet, by the route id of the feed: for the health details. */
public final class Untaken {

    /**
     * The files of one feed, as of its latest listing.
     *
     * @param oldest the path of the oldest one, or null if there is none
     * @param modified the time of the oldest one
     * @param reason why the oldest one is not taken
     */
    public record Files(long files, String oldest, long modified, String reason) {

        static final Files NONE = new Files(0, null, Long.MAX_VALUE, null);

        Files and(String path, long time, String why) {
            return oldest == null || time < modified
                    ? new Files(files + 1, path, time, why)
                    : new Files(files + 1, oldest, modified, reason);
        }

        @Override
        public String toString() {
            return files + (files == 1 ? " file waits: " : " files wait, the oldest is ") + Visible.of(oldest) + ": "
                    + reason;
        }
    }

    private final Map<String, Files> feeds = new ConcurrentSkipListMap<>();
    private final Map<String, String> missing = new ConcurrentSkipListMap<>();

    /** Feeds without such files are not in it. */
    public Map<String, Files> feeds() {
        return feeds;
    }

    /** Why feeds cannot list files at all. */
    public Collection<String> missing() {
        return List.copyOf(missing.values());
    }

    /** Why this feed cannot list files; null where it can. */
    public String missing(String feed) {
        return missing.get(feed);
    }

    void listed(String feed, Files found) {
        missing.remove(feed);
        if (found.files > 0) {
            feeds.put(feed, found);
        } else {
            feeds.remove(feed);
        }
    }

    /** The folder of the feed is missing; answers whether the reason is new. */
    boolean isMissing(String feed, String why) {
        feeds.remove(feed);
        return !why.equals(missing.put(feed, why));
    }

    void forget(String feed) {
        feeds.remove(feed);
        missing.remove(feed);
    }
}
