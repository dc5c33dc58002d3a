package io.csvimport;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;

/** The files that the feeds see and do not take, by the feed's route id: for the health details and the job list. */
public final class Untaken {

    /**
     * Of one feed, at its latest listing.
     *
     * @param files how many
     * @param oldest where the oldest of them lies, or null where there is none
     * @param reason why that is not taken
     */
    public record Files(long files, String oldest, String reason) {

        @Override
        public String toString() {
            return files + (files == 1 ? " file waits: " : " files wait, the oldest is ") + oldest + ": " + reason;
        }
    }

    private final Map<String, Files> feeds = new ConcurrentSkipListMap<>();
    private final Map<String, String> missing = new ConcurrentSkipListMap<>();

    /** The feeds with files that are not taken. */
    public Map<String, Files> feeds() {
        return feeds;
    }

    /** Why feeds cannot look for files at all. */
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

    /** The folder of the feed is not there; answers whether that is news. */
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
