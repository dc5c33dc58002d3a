package io.csvimport;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import org.apache.hc.client5.http.ConnectTimeoutException;
import org.apache.hc.client5.http.classic.methods.HttpUriRequestBase;
import org.apache.hc.core5.http.HttpEntity;
import org.apache.hc.core5.http.io.entity.HttpEntityWrapper;

/** One exchange with the API, from its connection to the last byte of the answer, under one deadline. */
final class ApiCall {

    private final HttpUriRequestBase request;
    private final Duration limit;
    private final long began = System.nanoTime();
    private volatile boolean connected;
    /** Why it was ended by this process. */
    private volatile String ended;

    ApiCall(HttpUriRequestBase request, Duration limit) {
        this.request = request;
        this.limit = limit;
    }

    /** There is a connection to the API itself, through the proxy's tunnel where there is one. */
    void connected() {
        connected = true;
    }

    boolean isConnected() {
        return connected;
    }

    long nanos() {
        return System.nanoTime() - began;
    }

    /** Ends the exchange where its time is over: whoever waits for it gets an exception. */
    void endIfOverdue() {
        if (nanos() >= limit.toNanos()) {
            end("timed out after " + limit + " (csv-import.api.timeout)");
        }
    }

    /** Ends the exchange for this reason. */
    void end(String why) {
        ended = why;
        request.cancel();
    }

    boolean isTimedOut() {
        return ended != null;
    }

    /** Throws what says after how long the exchange timed out, where that is what the failure comes from. */
    void checkTimeout(Exception failure) throws IOException {
        if (ended != null && !(failure instanceof CsvChangedException)) {
            throw new IOException("The exchange " + ended, failure);
        }
        if (failure instanceof SocketTimeoutException && !(failure instanceof ConnectTimeoutException)) {
            Duration after = Duration.ofNanos(nanos()).truncatedTo(ChronoUnit.SECONDS);
            throw new IOException("The exchange timed out after " + after, failure);
        }
    }

    /** @param ended runs when the body was read to its end, has failed or was closed; maybe more than once */
    HttpEntity watch(HttpEntity body, Runnable ended) {
        return new HttpEntityWrapper(body) {
            @Override
            public InputStream getContent() throws IOException {
                return new Body(super.getContent(), ended);
            }

            @Override
            public void close() throws IOException {
                try {
                    super.close();
                } finally {
                    ended.run();
                }
            }
        };
    }

    private final class Body extends FilterInputStream {

        private final Runnable ended;

        Body(InputStream in, Runnable ended) {
            super(in);
            this.ended = ended;
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
                    // a body without a length ends with its connection, ours to close or not
                    checkTimeout(null);
                    ended.run();
                }
                return n;
            } catch (IOException | IllegalStateException e) {
                ended.run();
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
                ended.run();
            }
        }
    }
}
