package io.csvimport.sandbox;

import io.netty.channel.Channel;
import io.netty.channel.ChannelOption;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.json.JsonObject;
import io.vertx.core.net.impl.ConnectionBase;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/** One request on its way: reads it, lets a fault strike, answers. Lives on the event loop; snapshots from anywhere. */
final class SandboxExchange {
    private final Sandbox sandbox;
    private final Vertx vertx;
    private final HttpServerRequest request;
    private final Instant arrived = Instant.now();
    private final List<Map.Entry<String, String>> headers;
    private SandboxCall call;
    private SandboxRefusal refusal;
    private SandboxFault fault = SandboxFault.none();
    private Buffer body = Buffer.buffer();
    private long bodySize;
    private List<SandboxRequest.Part> parts = List.of();
    private int status;
    private boolean struck;
    private SandboxRequest seen;

    SandboxExchange(Sandbox sandbox, Vertx vertx, HttpServerRequest request) {
        this.sandbox = sandbox;
        this.vertx = vertx;
        this.request = request;
        this.headers = List.copyOf(request.headers().entries());
    }

    /** Takes the request over. */
    void begin() {
        try {
            call = new SandboxCall(sandbox, request);
            fault = sandbox.takeFault(call.kind());
        } catch (SandboxRefusal e) {
            refusal = e;
        }
        boolean expects = "100-continue".equalsIgnoreCase(request.getHeader("Expect"));
        request.exceptionHandler(e -> broken());
        if (fault.at() == 0 || expects && refusal != null) {
            strike(false);
            return;
        }
        if (expects) {
            request.response().writeContinue();
        }
        request.handler(this::read);
        request.endHandler(v -> {
            if (!struck) {
                strike(true);
            }
        });
    }

    /** What was received so far. */
    synchronized SandboxRequest snapshot() {
        return seen != null
                ? seen
                : new SandboxRequest(
                        arrived,
                        request.method().name(),
                        request.uri(),
                        headers,
                        bodySize,
                        body.getBytes(),
                        parts,
                        status);
    }

    /** Lets the kept bytes of a finished request go. */
    synchronized void forgetBody() {
        seen = new SandboxRequest(arrived, seen.method(), seen.target(), headers, bodySize, new byte[0], parts, status);
    }

    private void read(Buffer piece) {
        if (struck) {
            return;
        }
        synchronized (this) {
            bodySize += piece.length();
            body.appendBuffer(piece, 0, Math.min(piece.length(), SandboxRequest.KEPT - body.length()));
        }
        try {
            if (refusal == null && call.multipart() != null) {
                call.multipart().read(piece);
            }
        } catch (SandboxRefusal e) {
            // The rest is read nonetheless, so that the client sees the status and not a broken pipe.
            refusal = e;
        }
        if (bodySize >= fault.at()) {
            strike(false);
        } else if (!fault.readPause().isZero()) {
            request.pause();
            after(fault.readPause(), request::resume);
        }
    }

    /** The request is over, or as much of it as the fault lets pass: decides the answer. */
    private void strike(boolean whole) {
        struck = true;
        if (!whole) {
            request.pause();
        }
        SandboxAnswer documented = null;
        try {
            if (refusal != null) {
                throw refusal;
            }
            if (whole) {
                call.checkBody();
            }
            if (fault.accepted()) {
                documented = sandbox.vary(call.kind(), call.perform(body.getBytes()));
            }
        } catch (SandboxRefusal e) {
            answer(error(e.status, e.getMessage()), Map.of(), !whole);
            return;
        }
        SandboxAnswer answer = fault.status() == 0 ? documented : error(fault.status(), "a fault on demand");
        after(fault.delay(), () -> {
            switch (fault.action()) {
                case ANSWER -> answer(answer, fault.headers(), !whole);
                case RESET -> reset();
                case HANG -> finish(0);
            }
        });
    }

    private static SandboxAnswer error(int status, String message) {
        return SandboxAnswer.json(status, new JsonObject(status < 400 ? Map.of() : Map.of("error", message)));
    }

    private void answer(SandboxAnswer answer, Map<String, String> more, boolean close) {
        HttpServerResponse response = request.response();
        if (response.closed()) {
            finish(0);
            return;
        }
        finish(answer.status());
        response.setStatusCode(answer.status()).putHeader("Date", sandbox.date());
        answer.headers().forEach(response::putHeader);
        if (answer.status() == 401) {
            response.putHeader("WWW-Authenticate", "Basic realm=\"sandbox\"");
        }
        if (close) {
            response.putHeader("Connection", "close");
        }
        more.forEach(response::putHeader);
        response.end(Buffer.buffer(answer.body())).onComplete(sent -> {
            if (close) {
                request.connection().close();
            }
        });
    }

    /** A linger of 0 makes the close a TCP RST. */
    private void reset() {
        finish(0);
        Channel channel = ((ConnectionBase) request.connection()).channel();
        channel.config().setOption(ChannelOption.SO_LINGER, 0);
        channel.close();
    }

    /** The client went away. */
    private void broken() {
        if (!struck) {
            struck = true;
            finish(0);
        }
    }

    private void finish(int answered) {
        synchronized (this) {
            status = answered;
            parts = call != null && call.multipart() != null ? call.multipart().parts() : List.of();
            seen = snapshot();
            // What is kept of a finished request is the snapshot alone.
            body = Buffer.buffer();
            call = null;
        }
        sandbox.finished(this);
    }

    private void after(Duration pause, Runnable action) {
        if (pause.isZero()) {
            action.run();
        } else {
            vertx.setTimer(Math.max(1, pause.toMillis()), timer -> action.run());
        }
    }
}
