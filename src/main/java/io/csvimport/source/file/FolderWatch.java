package io.csvimport.source.file;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.ClosedWatchServiceException;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.util.HashMap;
import java.util.Map;

/**
 * Wakes the poll of a folder when a file comes into it, so that one that was renamed into place is taken at once. Where
 * the system tells nothing, as of a network mount or beyond its limit of watches, the poll finds the file all the same.
 */
final class FolderWatch implements Closeable {

    private final WatchService watches = FileSystems.getDefault().newWatchService();
    private final Map<Path, WatchKey> watched = new HashMap<>();

    FolderWatch(Runnable wake) throws IOException {
        Thread thread = new Thread(() -> wakeAtEach(wake), "csv-import-watch");
        thread.setDaemon(true);
        thread.start();
    }

    /** A folder that is watched already stays so: to register it again wakes a thread of the JDK's, at each walk. */
    void add(Path folder) {
        WatchKey key = watched.get(folder);
        if (key != null && key.isValid()) {
            return;
        }
        try {
            watched.put(folder, folder.register(watches, StandardWatchEventKinds.ENTRY_CREATE));
        } catch (IOException | ClosedWatchServiceException e) {
            // it is polled
        }
    }

    private void wakeAtEach(Runnable wake) {
        try {
            while (true) {
                WatchKey folder = watches.take();
                folder.pollEvents();
                folder.reset();
                wake.run();
            }
        } catch (ClosedWatchServiceException | InterruptedException e) {
            // the feed has ended
        }
    }

    @Override
    public void close() throws IOException {
        watches.close();
    }
}
