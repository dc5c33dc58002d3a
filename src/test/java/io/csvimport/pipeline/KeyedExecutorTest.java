package io.csvimport.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The order of tasks, and their pauses. */
class KeyedExecutorTest {

    private final ExecutorService pool = Executors.newFixedThreadPool(2);
    private final KeyedExecutor executor = new KeyedExecutor(pool, 2);
    private final List<String> begun = new CopyOnWriteArrayList<>();
    private final List<String> rejected = new CopyOnWriteArrayList<>();

    @AfterEach
    void stop() {
        pool.shutdownNow();
    }

    private KeyedExecutor.Task task(String name, Runnable work) {
        return new KeyedExecutor.Task() {
            @Override
            public void begin() {
                begun.add(name);
                work.run();
            }

            @Override
            public void reject() {
                rejected.add(name);
            }
        };
    }

    private static void await(List<String> names, int size) {
        Awaitility.await().atMost(Duration.ofSeconds(30)).until(() -> names.size() == size);
    }

    @Test
    void theTasksOfAKeyRunInTheirOrderWhicheverThreadEndsThem() {
        List<String> names = IntStream.range(0, 500).mapToObj(String::valueOf).toList();
        for (String name : names) {
            boolean elsewhere = name.endsWith("7");
            Runnable end = () -> executor.end("a", 0);
            executor.add("a", true, task(name, () -> {
                if (elsewhere) {
                    pool.execute(end);
                } else {
                    end.run();
                }
            }));
        }
        await(begun, 500);
        assertEquals(names, begun);
        assertEquals(0, executor.size("a"));
    }

    @Test
    void aKeyThatIsBusyHoldsUpNoOther() throws InterruptedException {
        CountDownLatch other = new CountDownLatch(1);
        executor.add("a", true, task("busy", () -> {}));
        executor.add("a", true, task("later", () -> {}));
        executor.add("b", true, task("other", other::countDown));
        assertTrue(other.await(30, TimeUnit.SECONDS));
        assertFalse(begun.contains("later"));
        executor.end("a", 0);
        await(begun, 3);
    }

    @Test
    void tasksWithoutOrderRunAsManyAtATimeAsThereAreThreadsAndTakeTurnsWithOtherKeys() {
        for (String name : List.of("1", "2", "3", "4")) {
            executor.add("a", false, task(name, () -> {}));
        }
        await(begun, 2);
        executor.add("b", true, task("other", () -> {}));
        executor.add("b", true, task("later", () -> {}));
        await(begun, 3);
        assertEquals(Set.of("1", "2", "other"), Set.copyOf(begun));
        assertEquals(2, executor.size("a"));
        executor.end("a", 0);
        executor.end("a", 0);
        await(begun, 5);
        assertEquals(Set.of("3", "4"), Set.copyOf(begun.subList(3, 5)));
        assertFalse(begun.contains("later"));
    }

    @Test
    void aPauseRejectsWhatWaitsAndWhatComesUntilItIsOverOrAllPausesEnd() {
        long hour = Duration.ofHours(1).toNanos();
        executor.add("a", true, task("first", () -> {}));
        executor.add("a", true, task("second", () -> {}));
        await(begun, 1);
        executor.end("a", hour);
        executor.add("a", true, task("third", () -> {}));
        assertEquals(List.of("second", "third"), rejected);
        assertFalse(executor.isOpen("a"));
        assertTrue(executor.isOpen("b"));

        executor.resume();
        assertEquals(1, executor.resumed());
        executor.add("a", true, task("fourth", () -> {}));
        await(begun, 2);
        // its pause was measured before all pauses were ended
        executor.resume();
        executor.end("a", hour);
        assertTrue(executor.isOpen("a"));
    }

    @Test
    void aTaskThatCannotBeginIsRejectedAndTheNextOneRuns() {
        executor.add("a", true, task("fails", () -> {
            throw new IllegalStateException("a bug");
        }));
        executor.add("a", true, task("next", () -> executor.end("a", 0)));
        await(begun, 2);
        assertEquals(List.of("fails"), rejected);
    }
}
