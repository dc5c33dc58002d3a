package io.csvimport.api;

import io.csvimport.CsvChangedException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.function.Consumer;
import org.apache.hc.client5.http.ConnectTimeoutException;
import org.apache.hc.client5.http.classic.methods.HttpUriRequestBase;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.io.entity.HttpEntityWrapper;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One exchange with the API, from its connection to the last byte of the answer. */
final class ApiCall {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");

    private final HttpUriRequestBase request;
    private final Consumer<ApiCall> whenEnded;
    private final long began = System.nanoTime();
    private volatile boolean connected;
    /** Why this process cancelled it, as the predicate of a sentence; null where it did not. */
    private volatile String cancelled;

    /** @param whenEnded called when the body was read to its end, has failed or was closed; maybe more than once */
    ApiCall(HttpUriRequestBase request, Consumer<ApiCall> whenEnded) {
        this.request = request;
        this.whenEnded = whenEnded;
    }

    /** There is a connection to the API itself, through the proxy's tunnel where there is one. */
    void connected() {
        connected = true;
    }

    boolean isConnected() {
        return connected;
    }

    /** Nanoseconds since it began. */
    long nanos() {
        return System.nanoTime() - began;
    }

    /** Cancels the exchange: whoever waits for it gets an exception that gives this reason. */
    void cancel(String why) {
        cancelled = why;
        whenEnded.accept(this);
        try {
            request.cancel();
        } catch (RuntimeException e) {
            LOG.debug("A cancelled call had ended already", e);
        }
    }

    boolean isCancelled() {
        return cancelled != null;
    }

    /** Throws the reason where the exchange was cancelled or timed out, which is what its failure comes from. */
    void checkTimeout(Exception failure) throws IOException {
        if (cancelled != null && !(failure instanceof CsvChangedException)) {
            throw new IOException("The exchange " + cancelled, failure);
        }
        if (failure instanceof SocketTimeoutException && !(failure instanceof ConnectTimeoutException)) {
            Duration after = Duration.ofNanos(nanos()).truncatedTo(ChronoUnit.SECONDS);
            throw new IOException("The exchange timed out after " + after, failure);
        }
    }

    /** Ends with the body of the answer, or at once where it has none. */
    void watch(ClassicHttpResponse answer) {
        if (answer.getEntity() == null) {
            whenEnded.accept(this);
            return;
        }
        answer.setEntity(new HttpEntityWrapper(answer.getEntity()) {
            @Override
            public InputStream getContent() throws IOException {
                return new Body(super.getContent());
            }

            @Override
            public void close() throws IOException {
                whenEnded.accept(ApiCall.this);
                super.close();
            }
        });
    }

    private final class Body extends FilterInputStream {

        Body(InputStream in) {
            super(in);
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            try {
                int n = super.read(bytes, offset, length);
                if (n < 0) {
                    // a body without a length ends with its connection, which this process may have closed
                    checkTimeout(null);
                    whenEnded.accept(ApiCall.this);
                }
                return n;
            } catch (IOException | IllegalStateException e) {
                whenEnded.accept(ApiCall.this);
                checkTimeout(e);
                throw e;
            }
        }

        @Override
        public void close() throws IOException {
            try {
                // reads what is left
                super.close();
            } catch (IOException | IllegalStateException e) {
                checkTimeout(e);
                throw e;
            } finally {
                whenEnded.accept(ApiCall.this);
            }
        }
    }
}
