package io.csvimport.operations;

import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.streams.ReadStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** The body of a paused request to a Vert.x server, or one file of its form. What is not read yet stays with the client. */
public final class VertxBody extends InputStream {

    /** The management port closes the connection before: an answer to half a body would be lost. */
    public static final int LONGEST_PAUSE_SECONDS = 60;

    /** From the memory of the server; a file without its closing boundary has no end. */
    private static final int LONGEST_WAY_SECONDS = 5;

    private static final Buffer HERE = Buffer.buffer();
    private static final Buffer END = Buffer.buffer();
    private static final Buffer BROKEN = Buffer.buffer();

    private final ReadStream<Buffer> body;
    private final BlockingQueue<Buffer> arrived = new LinkedBlockingQueue<>();
    /** Whether the whole request is. */
    private volatile boolean isHere;

    private Buffer piece = Buffer.buffer();
    private int read;

    public VertxBody(HttpServerRequest request) {
        this(request, request);
        if ("100-continue".equalsIgnoreCase(request.getHeader("Expect"))) {
            request.response().writeContinue();
        }
    }

    /**
     * @param body paused: of the request, or of a file in it
     * @param request whose end by an error is that of the body
     */
    public VertxBody(ReadStream<Buffer> body, HttpServerRequest request) {
        this.body = body;
        request.endHandler(end -> {
            isHere = true;
            arrived.add(HERE);
        });
        request.exceptionHandler(broken -> arrived.add(BROKEN));
        body.handler(arrived::add);
        body.endHandler(end -> arrived.add(END));
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
        while (read == piece.length() && piece != END) {
            body.fetch(1);
            piece = next();
            read = 0;
        }
        if (piece == END) {
            return -1;
        }
        int n = Math.min(length, piece.length() - read);
        piece.getBytes(read, read + n, target, offset);
        read += n;
        return n;
    }

    private Buffer next() throws IOException {
        try {
            Buffer next;
            do {
                next = arrived.poll(isHere ? LONGEST_WAY_SECONDS : LONGEST_PAUSE_SECONDS, TimeUnit.SECONDS);
            } while (next == HERE);
            if (next == null || next == BROKEN) {
                throw new IOException("the client has not sent the whole body");
            }
            return next;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        }
    }

    /** Drops the rest of the body: the connection can be used again. */
    @Override
    public void close() {
        if (piece != END) {
            body.handler(null).endHandler(null).resume();
        }
    }
}
