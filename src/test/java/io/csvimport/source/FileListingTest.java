package io.csvimport.source;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.csvimport.expectation.Expectations;
import io.csvimport.file.SourceFile;
import io.csvimport.pipeline.KeyedExecutor;
import io.csvimport.source.file.FolderFeed;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files that wait for their next attempt, and hold back no other. */
class FileListingTest {

    private static final long HOUR = Duration.ofHours(1).toNanos();

    @TempDir
    private Path inbox;

    private final FileFeed feed = new FolderFeed();

    /** Of a new walk through the folder. */
    private List<SourceFile> list() throws IOException {
        await().until(feed.listing::isWalkDue);
        return feed.list();
    }

    @Test
    void ofFilesWithoutAnOrderTwoThousandWaitAtMost() throws Exception {
        ((FolderFeed) feed).setDirectory(inbox.toString());
        KeyedExecutor executor = new KeyedExecutor(Executors.newSingleThreadExecutor(), 1);
        feed.setShared(new FileFeed.Shared(executor, new Untaken(), null, new Expectations(), null, null));
        feed.setFeed("feed");
        feed.setOrder("none");
        for (int i = 0; i < 2300; i++) {
            Files.writeString(inbox.resolve(i + ".csv"), "a\n");
        }
        List<SourceFile> waiting = new ArrayList<>();
        List<SourceFile> listed = list();
        while (!listed.isEmpty()) {
            waiting.addAll(listed);
            listed.forEach(file -> feed.listing.postpone(file.location(), file, HOUR, "it waits"));
            listed = list();
        }
        assertEquals(2000, waiting.size());
        SourceFile due = waiting.get(17);
        feed.listing.postpone(due.location(), due, 0, "its next attempt is due");
        assertEquals(List.of(due), list());
    }
}
