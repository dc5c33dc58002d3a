package io.csvimport.source;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;

/** The files that feeds have found and do not take yet, by the route id of the feed: for the health details. */
public final class Untaken {

    /**
     * The files of one feed, as of its latest listing.
     *
     * @param files how many
     * @param oldest the path of the oldest one, or null if there is none
     * @param reason why the oldest one is not taken
     */
    public record Files(long files, String oldest, String reason) {

        @Override
        public String toString() {
            return files + (files == 1 ? " file waits: " : " files wait, the oldest is ") + oldest + ": " + reason;
        }
    }

    private final Map<String, Files> feeds = new ConcurrentSkipListMap<>();
    private final Map<String, String> missing = new ConcurrentSkipListMap<>();

    /** The files by feed; feeds without such files are not in it. */
    public Map<String, Files> feeds() {
        return feeds;
    }

    /** Why feeds cannot list files at all. */
    public Collection<String> missing() {
        return List.copyOf(missing.values());
    }

    void listed(String feed, Files found) {
        missing.remove(feed);
        if (found.files == 0) {
            feeds.remove(feed);
        } else {
            feeds.put(feed, found);
        }
    }

    /** The folder of the feed is missing; answers whether the reason is new. */
    boolean isMissing(String feed, String why) {
        feeds.remove(feed);
        return !why.equals(missing.put(feed, why));
    }

    /** The feed has ended. */
    void forget(String feed) {
        feeds.remove(feed);
        missing.remove(feed);
    }
}
