package io.csvimport.api;

import io.csvimport.CsvChangedException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.Collection;
import org.apache.camel.util.function.ThrowingSupplier;
import org.apache.hc.client5.http.ConnectTimeoutException;
import org.apache.hc.client5.http.classic.methods.HttpUriRequestBase;
import org.apache.hc.core5.http.HttpEntity;
import org.apache.hc.core5.http.io.entity.HttpEntityWrapper;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One exchange with the API, from its connection to the last byte of the answer. */
final class ApiCall {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");

    /** An upload that takes longer says how far it is, each time this is over; in nanoseconds. */
    private static final long SILENT = Duration.ofSeconds(10).toNanos();

    private final HttpUriRequestBase request;
    private final Collection<ApiCall> underway;
    private final long began = System.nanoTime();
    private long told = began;
    /** There is a connection to the API itself, through the proxy's tunnel where there is one. */
    volatile boolean connected;
    /** Why this process cancelled it, as the predicate of a sentence; null where it did not. */
    volatile String cancelled;

    ApiCall(HttpUriRequestBase request, Collection<ApiCall> underway) {
        this.request = request;
        this.underway = underway;
        underway.add(this);
    }

    void end() {
        underway.remove(this);
    }

    /** Nanoseconds since it began. */
    long nanos() {
        return System.nanoTime() - began;
    }

    /** The upload of a job; null where it is another request. */
    CsvUpload upload() {
        return request.getEntity() instanceof CsvUpload.Body body ? body.upload() : null;
    }

    /** Says how far the upload is, where it is time to. */
    void tell() {
        CsvUpload upload = upload();
        if (upload != null && System.nanoTime() - told >= SILENT) {
            told = System.nanoTime();
            upload.tell(Duration.ofNanos(nanos()).toSeconds());
        }
    }

    /** Whoever waits for it gets an exception that gives this reason. */
    void cancel(String why) {
        cancelled = why;
        end();
        try {
            request.cancel();
        } catch (RuntimeException e) {
            LOG.debug("A cancelled call had ended already", e);
        }
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

    /** The body of the answer: the call ends with it. */
    HttpEntity watched(HttpEntity body) {
        return new HttpEntityWrapper(body) {
            @Override
            public InputStream getContent() throws IOException {
                return new Body(super.getContent());
            }

            @Override
            public void close() throws IOException {
                end();
                super.close();
            }
        };
    }

    private final class Body extends FilterInputStream {

        Body(InputStream in) {
            super(in);
        }

        @Override
        public int read() throws IOException {
            return checked(in::read);
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            return checked(() -> in.read(bytes, offset, length));
        }

        @Override
        public void close() throws IOException {
            checked(() -> {
                // reads what is left
                in.close();
                return -1;
            });
        }

        private int checked(ThrowingSupplier<Integer, IOException> step) throws IOException {
            int n = -1;
            try {
                n = step.get();
            } catch (IOException | IllegalStateException e) {
                checkTimeout(e);
                throw e;
            } finally {
                if (n < 0) {
                    end();
                }
            }
            if (n < 0) {
                // a body without a length ends with its connection, which this process may have closed
                checkTimeout(null);
            }
            return n;
        }
    }
}
