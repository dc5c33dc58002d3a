package io.csvimport.bench;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The fastest API there can be, on a port of the loopback interface: it takes every upload, and looks at nothing. Or one
 * that is as far away as a server on the internet, or behind a link.
 */
final class Sink implements AutoCloseable {

    private final Vertx vertx = Vertx.vertx();
    private final HttpServer server;
    private final int delay;
    private final long rate;
    private final AtomicLong uploads = new AtomicLong();
    private volatile long lastBegin;
    private volatile long lastEnd;

    Sink(int delay) throws Exception {
        this(delay, 0);
    }

    /**
     * @param delay of each answer to an upload, in milliseconds
     * @param rate at which it reads an upload, in bytes a second; 0: as fast as it comes
     */
    Sink(int delay, long rate) throws Exception {
        this.delay = delay;
        this.rate = rate;
        server = vertx.createHttpServer(new HttpServerOptions()
                        .setReceiveBufferSize(1 << 20)
                        // curl waits a second for it
                        .setHandle100ContinueAutomatically(true))
                .requestHandler(this::answer)
                .listen(0, "127.0.0.1")
                .toCompletionStage()
                .toCompletableFuture()
                .get();
    }

    private void answer(HttpServerRequest request) {
        if (!request.method().name().equals("POST")) {
            request.response().end("{\"count\":0,\"results\":[]}");
            return;
        }
        lastBegin = System.nanoTime();
        if (rate > 0) {
            AtomicLong read = new AtomicLong();
            long began = lastBegin;
            request.handler(buffer -> {
                double due = read.addAndGet(buffer.length()) / (double) rate;
                long early = (long) (due * 1000 - (System.nanoTime() - began) / 1e6);
                if (early > 0) {
                    request.pause();
                    vertx.setTimer(early, timer -> request.resume());
                }
            });
        }
        request.endHandler(end -> {
            if (delay == 0) {
                accept(request);
            } else {
                vertx.setTimer(delay, timer -> accept(request));
            }
        });
    }

    private void accept(HttpServerRequest request) {
        long number = uploads.get() + 1;
        lastEnd = System.nanoTime();
        request.response().setStatusCode(202).end("{\"id\":\"" + number + "\"}");
        uploads.set(number);
    }

    String url() {
        return "http://127.0.0.1:" + server.actualPort();
    }

    long uploads() {
        return uploads.get();
    }

    /** When the latest upload began to arrive, by {@link System#nanoTime}. */
    long lastBegin() {
        return lastBegin;
    }

    /** When the latest upload was whole, and answered. */
    long lastEnd() {
        return lastEnd;
    }

    /** Waits until so many uploads have arrived since it began. */
    void await(long count, Process sender) throws InterruptedException {
        long deadline = System.nanoTime() + 900_000_000_000L;
        while (uploads.get() < count) {
            if (!sender.isAlive() && uploads.get() < count || System.nanoTime() > deadline) {
                throw new IllegalStateException(uploads.get() + " uploads of " + count + " have arrived");
            }
            Thread.sleep(1);
        }
    }

    @Override
    public void close() {
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }
}
