package io.csvimport.operations;

import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.impl.ConnectionBase;
import java.time.Duration;
import java.util.Comparator;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The limits of the connections to an HTTP server. Closes a connection on which nothing happens for {@link #IDLE}, unless
 * its request is being answered, and one whose request is not whole after {@link #SLOWEST}. Beyond {@link #MOST} the one
 * that has been idle for longest makes room. Vert.x's own idle timeout would close those being answered, too.
 */
final class ConnectionLimits {

    static final int MOST = 64;

    /** How often {@link #closeOverdue} is to be called. */
    static final Duration PERIOD = Duration.ofSeconds(1);

    private static final Duration IDLE = Duration.ofSeconds(30);
    private static final Duration SLOWEST = Duration.ofMinutes(5);

    /** A connection's latest request, null before the first one; times in nanoseconds. */
    private static final class Activity {

        private final HttpServerRequest request;
        private final long began = System.nanoTime();
        private long progress = began;
        private long bytes;

        Activity(HttpServerRequest request) {
            this.request = request;
        }

        boolean isIdle() {
            return request == null
                    || request.response().ended()
                    || request.response().closed();
        }

        boolean isOverdue(long now) {
            boolean idle = isIdle();
            boolean answering = !idle && request.isEnded();
            if (answering || !idle && request.bytesRead() > bytes) {
                bytes = request.bytesRead();
                progress = now;
            }
            return now - progress >= IDLE.toNanos() || !idle && !answering && now - began >= SLOWEST.toNanos();
        }
    }

    private final Map<HttpConnection, Activity> connections = new ConcurrentHashMap<>();

    void connected(HttpConnection connection) {
        if (connections.size() >= MOST) {
            HttpConnection longestIdle = connections.entrySet().stream()
                    .filter(entry -> entry.getValue().isIdle())
                    .min(Comparator.comparingLong(entry -> entry.getValue().progress))
                    .map(Map.Entry::getKey)
                    .orElse(connection);
            close(longestIdle);
            if (longestIdle == connection) {
                return;
            }
        }
        connections.put(connection, new Activity(null));
        connection.closeHandler(closed -> connections.remove(connection));
    }

    void requested(HttpServerRequest request) {
        connections.replace(request.connection(), new Activity(request));
    }

    void closeOverdue() {
        long now = System.nanoTime();
        connections.forEach((connection, activity) -> {
            if (activity.isOverdue(now)) {
                close(connection);
            }
        });
    }

    /** At once: a graceful close would wait for a client that does not read. */
    private void close(HttpConnection connection) {
        connections.remove(connection);
        ((ConnectionBase) connection).channel().close();
    }
}
