package io.csvimport.operations;

import io.vertx.core.Handler;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.file.AsyncFile;
import io.vertx.core.file.OpenOptions;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.BodyHandler;
import java.io.IOException;

/** Writes the body of a request to an operation into a file. A body for another route is read into memory. */
final class BodyToFile implements Handler<RoutingContext> {

    private final PostedBodies bodies;
    private final Handler<RoutingContext> memory = BodyHandler.create(false).setBodyLimit(ManagementGuard.LARGEST_BODY);

    BodyToFile(PostedBodies bodies) {
        this.bodies = bodies;
    }

    @Override
    public void handle(RoutingContext ctx) {
        HttpServerRequest request = ctx.request();
        request.headers().remove(PostedBodies.HEADER);
        if (request.method() != HttpMethod.POST || !ManagementGuard.isOperation(ctx)) {
            memory.handle(ctx);
            return;
        }
        request.pause();
        try {
            String name = bodies.begin();
            ctx.addEndHandler(ended -> bodies.end(name));
            ctx.vertx()
                    .fileSystem()
                    .open(
                            bodies.file(name).toString(),
                            new OpenOptions().setRead(false).setCreateNew(true))
                    .onSuccess(file -> receive(ctx, name, file))
                    .onFailure(ctx::fail);
        } catch (IOException e) {
            ctx.fail(e);
        }
    }

    private static void receive(RoutingContext ctx, String name, AsyncFile file) {
        HttpServerRequest request = ctx.request();
        if ("100-continue".equalsIgnoreCase(request.getHeader(HttpHeaders.EXPECT))) {
            ctx.response().writeContinue();
        }
        file.exceptionHandler(failure -> fail(ctx, file, 507, failure));
        request.exceptionHandler(broken -> file.close());
        request.handler(piece -> write(ctx, file, piece));
        request.endHandler(end -> file.close().onComplete(closed -> {
            if (closed.failed()) {
                fail(ctx, file, 507, closed.cause());
            } else if (!ctx.failed()) {
                request.headers().set(PostedBodies.HEADER, name);
                ctx.next();
            }
        }));
        request.resume();
    }

    private static void write(RoutingContext ctx, AsyncFile file, Buffer piece) {
        HttpServerRequest request = ctx.request();
        if (request.bytesRead() > ManagementGuard.LARGEST_BODY) {
            fail(ctx, file, 413, null);
            return;
        }
        file.write(piece).onFailure(failure -> fail(ctx, file, 507, failure));
        if (file.writeQueueFull()) {
            request.pause();
            file.drainHandler(drained -> request.resume());
        }
    }

    /** Reads the rest of the body and drops it. */
    private static void fail(RoutingContext ctx, AsyncFile file, int status, Throwable cause) {
        if (!ctx.failed()) {
            ctx.request().handler(null).endHandler(null).resume();
            file.close();
            ctx.fail(status, cause);
        }
    }
}
