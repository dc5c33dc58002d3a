package io.csvimport.pipeline;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
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

    private static final class Queue {
        private final Deque<Task> tasks = new ArrayDeque<>();
        private boolean busy;
        /** The thread that looks for the next task itself; null where there is none. */
        private Thread worker;
        /** How often all pauses had been ended when the running task began. */
        private int resumed;

        private long pausedUntil = System.nanoTime();
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
        return queue == null || queue.tasks.size() < FULL && !isPaused(queue);
    }

    private static boolean isPaused(Queue queue) {
        return System.nanoTime() - queue.pausedUntil < 0;
    }

    /** How many tasks of the key wait. */
    public synchronized int size(String key) {
        Queue queue = queues.get(key);
        return queue == null ? 0 : queue.tasks.size();
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
        Queue queue;
        boolean paused;
        synchronized (this) {
            queue = queues.computeIfAbsent(key, unknown -> new Queue());
            paused = isPaused(queue);
            if (!paused) {
                queue.tasks.add(task);
            }
        }
        if (paused) {
            task.reject();
        } else {
            schedule(queue);
        }
    }

    /**
     * The running task of the key has ended.
     *
     * @param pause in nanoseconds; where it is more than 0, the key is paused and its waiting tasks are rejected
     */
    public void end(String key, long pause) {
        Queue queue;
        List<Task> rejected = List.of();
        boolean isFollowed;
        synchronized (this) {
            queue = queues.get(key);
            queue.busy = false;
            isFollowed = queue.worker == Thread.currentThread();
            // where all pauses were ended since the task began, its own was measured before: the next task finds out
            if (pause > 0 && queue.resumed == resumed) {
                queue.pausedUntil = System.nanoTime() + pause;
                rejected = drain(queue);
            }
        }
        rejected.forEach(Task::reject);
        if (!isFollowed) {
            schedule(queue);
        }
    }

    private void schedule(Queue queue) {
        if (isReady(queue)) {
            try {
                pool.execute(() -> run(queue));
            } catch (RejectedExecutionException e) {
                drain(queue).forEach(Task::reject);
            }
        }
    }

    private synchronized boolean isReady(Queue queue) {
        return !queue.busy && !queue.tasks.isEmpty();
    }

    private synchronized List<Task> drain(Queue queue) {
        List<Task> tasks = new ArrayList<>(queue.tasks);
        queue.tasks.clear();
        return tasks;
    }

    /** Runs tasks until one goes on elsewhere, or another key waits for a thread: to wake another thread takes longer. */
    private void run(Queue queue) {
        boolean alone = true;
        for (Task task = next(queue, alone); task != null; task = next(queue, alone)) {
            try {
                task.begin();
            } catch (RuntimeException | Error e) {
                LOG.error("A delivery could not begin, it is offered again", e);
                synchronized (this) {
                    queue.busy = false;
                }
                task.reject();
            }
            alone = pool instanceof ThreadPoolExecutor threads
                    && threads.getQueue().isEmpty();
        }
        schedule(queue);
    }

    /** The task that runs from now on; null where there is none for this thread. */
    private synchronized Task next(Queue queue, boolean alone) {
        Task task = alone && !queue.busy ? queue.tasks.poll() : null;
        if (task != null) {
            queue.busy = true;
            queue.worker = Thread.currentThread();
            queue.resumed = resumed;
        } else if (queue.worker == Thread.currentThread()) {
            queue.worker = null;
        }
        return task;
    }
}
