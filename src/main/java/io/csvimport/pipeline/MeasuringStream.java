package io.csvimport.pipeline;

import io.csvimport.file.Sha256;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.zip.CRC32C;

/** Measures the bytes of a CSV that are read through it, and writes them to a copy. It ends where they are too many. */
final class MeasuringStream extends InputStream {

    private final InputStream in;
    private final OutputStream copy;
    private final long maxSize;
    private final MessageDigest sha256 = Sha256.digest();
    private final CRC32C crc32c = new CRC32C();

    private long size;
    private int width = 1;
    private boolean hasNul;
    private boolean endsInNul = true;

    MeasuringStream(InputStream in, OutputStream copy, long maxSize) {
        this.in = in;
        this.copy = copy;
        this.maxSize = maxSize;
    }

    /** Reads as many bytes as fit, as long as there are any. */
    @Override
    public int read(byte[] buffer, int offset, int length) throws IOException {
        int n = isTooLarge() ? 0 : in.readNBytes(buffer, offset, length);
        if (n == 0) {
            return length == 0 ? 0 : -1;
        }
        if (size == 0) {
            width = width(buffer, offset, n);
        }
        size += n;
        if (isTooLarge()) {
            return -1;
        }
        sha256.update(buffer, offset, n);
        crc32c.update(buffer, offset, n);
        hasNul = hasNul || hasNul(buffer, offset, n);
        endsInNul = endsInNul(buffer, offset, n);
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
        return size > maxSize;
    }

    long size() {
        return size;
    }

    /** Hex; may be asked for once. */
    String sha256() {
        return HexFormat.of().formatHex(sha256.digest());
    }

    long crc32c() {
        return crc32c.getValue();
    }

    /** Also where it is empty. */
    boolean endsInNul() {
        return endsInNul;
    }

    /** Whether it has NUL bytes, which text has in UTF-16 and UTF-32 only. */
    boolean isNoText() {
        return hasNul && width == 1;
    }

    private static boolean hasNul(byte[] buffer, int offset, int length) {
        // Java looks for a character of a string in many bytes at a time
        return new String(buffer, offset, length, StandardCharsets.ISO_8859_1).indexOf(0) >= 0;
    }

    /** Bytes of a character, by the byte order mark. */
    private static int width(byte[] b, int at, int length) {
        boolean little = length >= 2 && b[at] == (byte) 0xFF && b[at + 1] == (byte) 0xFE;
        boolean big = length >= 2 && b[at] == (byte) 0xFE && b[at + 1] == (byte) 0xFF;
        boolean little32 = little && length >= 4 && b[at + 2] == 0 && b[at + 3] == 0;
        boolean big32 =
                length >= 4 && b[at] == 0 && b[at + 1] == 0 && b[at + 2] == (byte) 0xFE && b[at + 3] == (byte) 0xFF;
        return little32 || big32 ? 4 : little || big ? 2 : 1;
    }

    private boolean endsInNul(byte[] buffer, int offset, int length) {
        for (int i = Math.max(0, length - width); i < length; i++) {
            if (buffer[offset + i] != 0) {
                return false;
            }
        }
        return true;
    }
}
