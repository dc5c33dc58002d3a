package io.csvimport.pipeline;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The order of the work: one lane for each feed and template, one delivery of a lane at a time, and as many lanes at
 * once as {@code csv-import.parallel} says. A lane whose delivery is not settled is closed until its next attempt is
 * due, so that later files do not overtake it; no thread waits meanwhile.
 */
public final class Lanes {

    /** One delivery in its lane. */
    public interface Turn {
        /** Begins the delivery; ends with a call of {@link Lanes#done}, from whichever thread. */
        void begin();

        /** Hands the delivery back to its source untouched: it will be offered again. */
        void giveBack();
    }

    private static final Logger LOG = LoggerFactory.getLogger(Lanes.class);
    /** Where a lane's queue is shorter, its source may add to it. */
    private static final int SHORT = 100;

    private static final class Lane {
        private final Deque<Turn> queue = new ArrayDeque<>();
        private boolean busy;
        /** The thread that begins its turns, and looks for the following one itself. */
        private Thread worker;

        /** How often pauses had been ended when the turn began. */
        private int opened;

        private long closedUntil = System.nanoTime();
    }

    private final Map<String, Lane> lanes = new ConcurrentHashMap<>();
    private final AtomicInteger opened = new AtomicInteger();
    private final ExecutorService pool;

    public Lanes(ExecutorService pool) {
        this.pool = pool;
    }

    public static String name(String feed, String template) {
        return feed + "/" + template;
    }

    /** Whether a source may offer work for the lane now. */
    public boolean isOpen(String name) {
        Lane lane = lanes.get(name);
        if (lane == null) {
            return true;
        }
        synchronized (lane) {
            return lane.queue.size() < SHORT && System.nanoTime() - lane.closedUntil >= 0;
        }
    }

    /** How many deliveries wait in the lane. */
    public int length(String name) {
        Lane lane = lanes.get(name);
        if (lane == null) {
            return 0;
        }
        synchronized (lane) {
            return lane.queue.size();
        }
    }

    /** Ends all pauses: what is not due yet is paused again by the ledger, without a call to the API. */
    public void open() {
        lanes.values().forEach(lane -> {
            synchronized (lane) {
                lane.closedUntil = System.nanoTime();
            }
        });
        opened.incrementAndGet();
    }

    /** How often pauses were ended: a source that has pauses of its own ends them, too. */
    public int opened() {
        return opened.get();
    }

    public void add(String name, Turn turn) {
        Lane lane = lanes.computeIfAbsent(name, n -> new Lane());
        boolean open;
        synchronized (lane) {
            open = System.nanoTime() - lane.closedUntil >= 0;
            if (open) {
                lane.queue.add(turn);
            }
        }
        if (open) {
            next(lane);
        } else {
            turn.giveBack();
        }
    }

    /** The lane's delivery has left it; an unsettled one closes the lane for a pause in nanoseconds. */
    public void done(String name, long pause) {
        Lane lane = lanes.get(name);
        Deque<Turn> back = new ArrayDeque<>();
        boolean followed;
        synchronized (lane) {
            lane.busy = false;
            followed = lane.worker == Thread.currentThread();
            // a person may have ended all pauses since it was settled how long this one is: the ledger knows better
            if (pause > 0 && lane.opened == opened.get()) {
                lane.closedUntil = System.nanoTime() + pause;
                back.addAll(lane.queue);
                lane.queue.clear();
            }
        }
        back.forEach(Turn::giveBack);
        if (!followed) {
            next(lane);
        }
    }

    private void next(Lane lane) {
        Turn turn;
        synchronized (lane) {
            turn = take(lane);
        }
        if (turn != null) {
            try {
                pool.execute(() -> begin(lane, turn));
            } catch (RejectedExecutionException e) {
                // the process stops: nothing was begun
                turn.giveBack();
            }
        }
    }

    private void begin(Lane lane, Turn first) {
        synchronized (lane) {
            lane.worker = Thread.currentThread();
        }
        for (Turn turn = first; turn != null; turn = following(lane)) {
            try {
                turn.begin();
            } catch (RuntimeException | Error e) {
                // whatever it was, it does not keep the lane
                LOG.error("A delivery could not begin, it is offered again", e);
                synchronized (lane) {
                    lane.busy = false;
                }
                turn.giveBack();
            }
        }
        next(lane);
    }

    /** The lane's next turn, where no other lane waits for this thread: waking another one takes its time. */
    private Turn following(Lane lane) {
        boolean alone =
                pool instanceof ThreadPoolExecutor threads && threads.getQueue().isEmpty();
        synchronized (lane) {
            Turn turn = alone ? take(lane) : null;
            lane.worker = turn == null ? null : Thread.currentThread();
            return turn;
        }
    }

    /** The turn that the lane is busy with from now on, or null; the lane's lock is the caller's. */
    private Turn take(Lane lane) {
        Turn turn = lane.busy ? null : lane.queue.poll();
        if (turn != null) {
            lane.busy = true;
            lane.opened = opened.get();
        }
        return turn;
    }
}
