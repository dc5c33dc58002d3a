package io.csvimport.pipeline;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An executor of tasks with keys. The tasks of one key begin in the order in which they were added: one after another, or
 * as many at a time as there are threads. Tasks of different keys run in parallel, and take turns. A task may end with a
 * pause of its key, so that later tasks do not overtake it; no thread waits meanwhile.
 */
public final class KeyedExecutor {

    /** A task of one key, which may go on after {@link #begin} has returned. */
    public interface Task {
        /** Begins the task; it ends with a call of {@link KeyedExecutor#end}, from whichever thread. */
        void begin();

        /** Called where the task is not run, or its begin has failed; it may be added again. */
        void reject();
    }

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");
    /** A key with so many waiting tasks is not open; a feed brings more before they are done. */
    private static final int FULL = 400;

    /** The tasks of a key. */
    private static final class Queue {

        private final Deque<Task> waiting = new ArrayDeque<>();
        /** How many tasks run at a time. */
        private int most;

        private int running;
        /** How often all pauses had been ended when the latest task began. */
        private int resumed;

        private long pausedUntil = System.nanoTime();

        private boolean isPaused() {
            return System.nanoTime() - pausedUntil < 0;
        }
    }

    private final Map<String, Queue> queues = new HashMap<>();
    private final ExecutorService pool;
    private final int threads;
    private int resumed;
    private boolean isHeld;

    /** @param threads of the pool: so many tasks of a key run at a time, where they need no order */
    public KeyedExecutor(ExecutorService pool, int threads) {
        this.pool = pool;
        this.threads = threads;
    }

    /** Whether the key takes a task now. */
    public synchronized boolean isOpen(String key) {
        Queue queue = queues.get(key);
        return queue == null || queue.waiting.size() < FULL && !queue.isPaused();
    }

    /** How many tasks of the key wait. */
    public synchronized int size(String key) {
        Queue queue = queues.get(key);
        return queue == null ? 0 : queue.waiting.size();
    }

    /** Ends all pauses. */
    public synchronized void resume() {
        queues.values().forEach(queue -> queue.pausedUntil = System.nanoTime());
        resumed++;
    }

    /** Holds tasks back, or lets them begin again; those that wait keep their order. */
    public void hold(boolean on) {
        List<String> keys;
        synchronized (this) {
            if (isHeld == on) {
                return;
            }
            isHeld = on;
            keys = List.copyOf(queues.keySet());
        }
        keys.forEach(this::next);
    }

    /** How often all pauses were ended: a source that has pauses of its own ends them, too. */
    public synchronized int resumed() {
        return resumed;
    }

    /**
     * Adds a task; where its key is paused, or the pool is shut down, it is rejected.
     *
     * @param ordered whether the tasks of the key run one after another
     */
    public void add(String key, boolean ordered, Task task) {
        boolean paused;
        synchronized (this) {
            Queue queue = queues.computeIfAbsent(key, unknown -> new Queue());
            queue.most = ordered ? 1 : threads;
            paused = queue.isPaused();
            if (!paused) {
                queue.waiting.add(task);
            }
        }
        if (paused) {
            task.reject();
        } else {
            next(key);
        }
    }

    /**
     * A running task of the key has ended.
     *
     * @param pause in nanoseconds; where it is more than 0, the key is paused and its waiting tasks are rejected
     */
    public void end(String key, long pause) {
        List<Task> rejected = List.of();
        synchronized (this) {
            Queue queue = queues.get(key);
            queue.running--;
            // where all pauses were ended since the task began, its own was measured before: the next task finds out
            if (pause > 0 && queue.resumed == resumed) {
                queue.pausedUntil = System.nanoTime() + pause;
                rejected = List.copyOf(queue.waiting);
                queue.waiting.clear();
            }
        }
        rejected.forEach(Task::reject);
        next(key);
    }

    private void next(String key) {
        for (Task task = take(key); task != null; task = take(key)) {
            Task next = task;
            try {
                pool.execute(() -> begin(key, next));
            } catch (RejectedExecutionException e) {
                next.reject();
                end(key, 0);
                return;
            }
        }
    }

    /** The next task of the key; null where there is none, or so many run already. */
    private synchronized Task take(String key) {
        Queue queue = queues.get(key);
        if (queue == null || isHeld || queue.running >= queue.most) {
            return null;
        }
        Task task = queue.waiting.poll();
        if (task != null) {
            queue.running++;
            queue.resumed = resumed;
        } else if (queue.running == 0 && !queue.isPaused()) {
            queues.remove(key);
        }
        return task;
    }

    private void begin(String key, Task task) {
        try {
            task.begin();
        } catch (RuntimeException | Error e) {
            LOG.error("A delivery could not begin, it is offered again", e);
            task.reject();
            end(key, 0);
        }
    }
}
