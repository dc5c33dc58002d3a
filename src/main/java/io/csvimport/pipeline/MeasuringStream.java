package io.csvimport.pipeline;

import io.csvimport.file.Measurement;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/** Measures the bytes of a CSV that are read through it, and writes them to a copy. It ends early when they are more than {@code max-size}. */
final class MeasuringStream extends InputStream {

    private final InputStream in;
    private final OutputStream copy;
    private final long maxSize;
    private final Measurement measured = new Measurement();

    private boolean tooLarge;

    MeasuringStream(InputStream in, OutputStream copy, long maxSize) {
        this.in = in;
        this.copy = copy;
        this.maxSize = maxSize;
    }

    /** Reads as many bytes as fit, as long as there are any. */
    @Override
    public int read(byte[] buffer, int offset, int length) throws IOException {
        int n = tooLarge ? 0 : in.readNBytes(buffer, offset, length);
        if (n == 0) {
            return length == 0 ? 0 : -1;
        }
        measured.update(buffer, offset, n);
        tooLarge = measured.size() > maxSize;
        if (tooLarge) {
            return -1;
        }
        copy.write(buffer, offset, n);
        return n;
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
    }

    /** Reads what is left. */
    void drain(byte[] buffer) throws IOException {
        while (read(buffer, 0, buffer.length) >= 0) {
            // measured
        }
    }

    boolean isTooLarge() {
        return tooLarge;
    }

    Measurement measured() {
        return measured;
    }
}
