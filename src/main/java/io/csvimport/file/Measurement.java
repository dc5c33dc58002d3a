package io.csvimport.file;

import io.csvimport.CsvRejectedException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.zip.CRC32C;

/** What the bytes of a CSV are, in their order: how many, their digests, whether they are text. */
public final class Measurement {

    private static final VarHandle EIGHT = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());

    private final MessageDigest sha256 = Sha256.digest();
    private final CRC32C crc32c = new CRC32C();

    private long size;
    private int width = 1;
    private boolean hasNul;
    private boolean endsInNul = true;

    public void update(byte[] buffer, int offset, int n) {
        if (size == 0) {
            width = width(buffer, offset, n);
        }
        size += n;
        sha256.update(buffer, offset, n);
        crc32c.update(buffer, offset, n);
        hasNul = hasNul || hasNul(buffer, offset, n);
        endsInNul = endsInNul(buffer, offset, n);
    }

    public long size() {
        return size;
    }

    /** Hex; may be asked for once. */
    public String sha256() {
        return HexFormat.of().formatHex(sha256.digest());
    }

    public long crc32c() {
        return crc32c.getValue();
    }

    /** Also where it is empty. */
    public boolean endsInNul() {
        return endsInNul;
    }

    /** Whether it has no NUL bytes, which text has in UTF-16 and UTF-32 only. */
    public boolean isText() {
        return !hasNul || width > 1;
    }

    public void checkText() throws CsvRejectedException {
        if (!isText()) {
            throw new CsvRejectedException("no-text", "The content is no text: it has NUL bytes");
        }
    }

    /** Eight bytes at a time: a byte is 0 where taking 1 from it borrows, and its highest bit was not set. */
    private static boolean hasNul(byte[] buffer, int offset, int length) {
        int end = offset + length;
        int i = offset;
        long nul = 0;
        for (; i <= end - Long.BYTES; i += Long.BYTES) {
            long eight = (long) EIGHT.get(buffer, i);
            nul |= (eight - 0x0101010101010101L) & ~eight & 0x8080808080808080L;
        }
        for (; i < end; i++) {
            nul |= buffer[i] == 0 ? 1 : 0;
        }
        return nul != 0;
    }

    /** Bytes of a character, by the byte order mark. */
    private static int width(byte[] b, int at, int length) {
        ByteBuffer bytes = ByteBuffer.wrap(b);
        int four = length < 4 ? 0 : bytes.getInt(at);
        int two = length < 2 ? 0 : bytes.getShort(at) & 0xFFFF;
        return four == 0xFFFE0000 || four == 0x0000FEFF ? 4 : two == 0xFFFE || two == 0xFEFF ? 2 : 1;
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
