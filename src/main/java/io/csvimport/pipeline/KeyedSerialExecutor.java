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
 * A keyed serial executor: the tasks of one key run one after another, in the order in which they were added; tasks of
 * different keys run in parallel, as far as the pool has threads. A task may end with a pause of its key, so that later
 * tasks do not overtake it; no thread waits meanwhile.
 */
public final class KeyedSerialExecutor {

    /** A task of one key, which may go on after {@link #begin} has returned. */
    public interface Task {
        /** Begins the task; it ends with a call of {@link KeyedSerialExecutor#end}, from whichever thread. */
        void begin();

        /** Called where the task is not run, or its begin has failed; it may be added again. */
        void reject();
    }

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");
    /** A key with so many waiting tasks is not open. */
    private static final int FULL = 100;

    /** The tasks of a key. */
    private static final class Queue {

        private final Deque<Task> waiting = new ArrayDeque<>();
        private boolean busy;
        /** How often all pauses had been ended when the running task began. */
        private int resumed;

        private long pausedUntil = System.nanoTime();

        private boolean isPaused() {
            return System.nanoTime() - pausedUntil < 0;
        }
    }

    private final Map<String, Queue> queues = new HashMap<>();
    private final ExecutorService pool;
    private int resumed;

    public KeyedSerialExecutor(ExecutorService pool) {
        this.pool = pool;
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

    /** How often all pauses were ended: a source that has pauses of its own ends them, too. */
    public synchronized int resumed() {
        return resumed;
    }

    /** Adds a task; where its key is paused, or the pool is shut down, it is rejected. */
    public void add(String key, Task task) {
        boolean paused;
        synchronized (this) {
            Queue queue = queues.computeIfAbsent(key, unknown -> new Queue());
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
     * The running task of the key has ended.
     *
     * @param pause in nanoseconds; where it is more than 0, the key is paused and its waiting tasks are rejected
     */
    public void end(String key, long pause) {
        List<Task> rejected = List.of();
        synchronized (this) {
            Queue queue = queues.get(key);
            queue.busy = false;
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
        Task task;
        synchronized (this) {
            Queue queue = queues.get(key);
            if (queue == null || queue.busy) {
                return;
            }
            task = queue.waiting.poll();
            if (task == null) {
                if (!queue.isPaused()) {
                    queues.remove(key);
                }
                return;
            }
            queue.busy = true;
            queue.resumed = resumed;
        }
        try {
            pool.execute(() -> begin(key, task));
        } catch (RejectedExecutionException e) {
            task.reject();
            end(key, 0);
        }
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
