package io.csvimport.source.file;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.csvimport.expectation.Expectations;
import io.csvimport.file.SourceFolders;
import io.csvimport.pipeline.KeyedExecutor;
import io.csvimport.source.FileFeed;
import io.csvimport.source.Untaken;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a folder's feed lists, and what it says of the files that it does not take. */
class FolderFeedTest {

    private static final Instant TIME = Instant.parse("2026-01-02T03:04:05Z");

    @TempDir
    private Path home;

    private Path inbox;
    private final Untaken untaken = new Untaken();
    private final FolderFeed feed = new FolderFeed();

    @BeforeEach
    void open() throws IOException {
        inbox = Files.createDirectories(home.resolve("inbox"));
        KeyedExecutor executor = new KeyedExecutor(Executors.newSingleThreadExecutor(), 1);
        feed.setShared(new FileFeed.Shared(executor, untaken, null, new Expectations(), null, null));
        feed.setFeed("feed");
        feed.setDirectory(inbox.toString());
        feed.setQuiet("PT0S");
        feed.setQuietAfterGrowth("PT0S");
        feed.setQuietEmpty("PT0S");
    }

    /** The names of the files that are to be taken, in order. */
    private List<String> list() throws IOException {
        return feed.list().stream()
                .map(file -> SourceFolders.name(file.location()))
                .toList();
    }

    private static Path write(Path file, Instant modified) throws IOException {
        Files.createDirectories(file.getParent());
        return Files.setLastModifiedTime(Files.writeString(file, "a\n"), FileTime.from(modified));
    }

    @ParameterizedTest
    @ValueSource(strings = {"template", "none"})
    void ofManyFilesTheEarliestComeFirstAndEachTemplateGetsItsShare(String order) throws Exception {
        feed.setOrder(order);
        int files = 11_000;
        for (int i = 0; i < files; i++) {
            write(inbox.resolve("People/" + i + ".csv"), TIME.minusSeconds(i));
        }
        write(inbox.resolve("Courses/z.csv"), TIME.minusSeconds(files));
        write(inbox.resolve("Courses/late.csv"), TIME.minusSeconds(5000));
        List<String> listed = list();
        assertEquals("z.csv", listed.get(0));
        assertEquals(files - 1 + ".csv", listed.get(1));
        assertTrue(listed.contains("late.csv"));
        assertTrue(listed.size() < 1000, () -> listed.size() + " files at a time");
        List<String> people =
                listed.stream().filter(name -> name.matches("\\d+\\.csv")).toList();
        for (int i = 0; i < people.size(); i++) {
            assertEquals(files - 1 - i + ".csv", people.get(i));
        }
        // those that have their share are counted, and so are those that are not even kept in memory
        assertEquals(files + 2 - listed.size(), untaken.feeds().get("feed").files());
    }

    @Test
    void anOrderThatThereIsNotIsRefused() {
        IllegalArgumentException refused =
                assertThrows(IllegalArgumentException.class, () -> feed.setOrder("sometimes"));
        assertEquals("order is 'sometimes': expected is template or none", refused.getMessage());
    }

    @Test
    void aFileWhoseIdentityAloneChangesStandsStill() throws Exception {
        feed.setQuiet("PT0.3S");
        Path file = inbox.resolve("People/people.csv");
        await().until(() -> {
            // the same bytes and the same time, in a new file each time
            Files.createDirectories(file.getParent());
            Path again = write(home.resolve("again"), TIME);
            Files.move(again, file, StandardCopyOption.REPLACE_EXISTING);
            return list().equals(List.of("people.csv"));
        });
    }

    @Test
    void aFileThatNeverStandsStillIsCountedWithItsReason() throws Exception {
        feed.setQuiet("PT0.3S");
        feed.setQuietAfterGrowth("PT1H");
        Path file = inbox.resolve("People/people.csv");
        AtomicInteger written = new AtomicInteger();
        await().until(() -> {
            write(file, TIME.plusSeconds(written.incrementAndGet()));
            assertEquals(List.of(), list());
            return written.get() >= 5 && untaken.feeds().get("feed").reason().contains("stand still");
        });
        Untaken.Files files = untaken.feeds().get("feed");
        assertEquals(1, files.files());
        assertEquals(file.toString(), files.oldest());
        Files.delete(file);
        await().until(() -> list().isEmpty() && untaken.feeds().isEmpty());
    }

    @Test
    void namesThatAreNotUtf8AreCountedAndHoldUpNoOther() throws Exception {
        String script = "touch $(printf 'M\\374ller.csv'); mkdir $(printf 'T\\374r'); touch $(printf 'T\\374r/a.csv')";
        assertEquals(
                0,
                new ProcessBuilder("sh", "-c", script)
                        .directory(inbox.toFile())
                        .start()
                        .waitFor());
        write(inbox.resolve("People/Müller.csv"), TIME);
        assertEquals(List.of("Müller.csv"), list());
        Untaken.Files files = untaken.feeds().get("feed");
        assertEquals(2, files.files());
        assertTrue(files.reason().contains("UTF-8"), files.reason());
    }

    @Test
    void aFileThatIsRenamedIntoAFolderWakesThePoll() throws Exception {
        Path written = write(home.resolve("people.csv"), TIME);
        CountDownLatch woken = new CountDownLatch(1);
        try (FolderWatch watch = new FolderWatch(woken::countDown)) {
            watch.add(inbox);
            Files.move(written, inbox.resolve("people.csv"));
            assertTrue(woken.await(1, TimeUnit.MINUTES));
        }
    }

    @Test
    void aFolderThatIsGoneIsToldUntilItIsBack() throws Exception {
        Files.delete(inbox);
        assertEquals(List.of(), list());
        assertTrue(untaken.missing().toString().contains(inbox + " is gone"));
        Files.createFile(inbox);
        assertEquals(List.of(), list());
        assertTrue(untaken.missing().toString().contains(inbox + " is no folder"));
        Files.delete(inbox);
        write(inbox.resolve("People/people.csv"), TIME);
        assertEquals(List.of("people.csv"), list());
        assertEquals(List.of(), List.copyOf(untaken.missing()));
    }
}
