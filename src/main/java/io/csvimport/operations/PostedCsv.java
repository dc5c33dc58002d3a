package io.csvimport.operations;

import io.csvimport.file.SourceUnavailableException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Instant;

/** The CSV in a request. It breaks off after {@link #LARGEST} bytes. */
final class PostedCsv extends FilterInputStream {

    /** Bytes. */
    static final long LARGEST = 10L << 20;

    private long size;

    PostedCsv(InputStream body) {
        super(body);
    }

    boolean isTooLarge() {
        return size > LARGEST;
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
        int n;
        try {
            n = super.read(target, offset, length);
        } catch (IOException e) {
            throw new SourceUnavailableException(e.getMessage(), Instant.now(), e);
        }
        size += Math.max(n, 0);
        if (isTooLarge()) {
            throw new SourceUnavailableException("The CSV is larger than 10 MB", Instant.now(), null);
        }
        return n;
    }
}
