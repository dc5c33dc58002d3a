package io.csvimport.expectation;

import java.io.IOException;
import java.io.InputStream;
import java.io.Reader;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.Charset;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * The bytes of a CSV as text: by its byte order mark, else as expected, else as UTF-8. Bytes that are none are noted once, and
 * read as windows-1252: separators, quotes and line ends are the same in all of these.
 */
final class CsvText extends Reader {

    private static final int BUFFER = 1 << 16;
    private static final char REPLACEMENT = '\uFFFD';

    private static final String LATIN;

    static {
        byte[] all = new byte[256];
        for (int i = 0; i < all.length; i++) {
            all[i] = (byte) i;
        }
        LATIN = new String(all, Charset.forName("windows-1252"));
    }

    private final InputStream in;
    private final Charset expected;
    private final ByteBuffer bytes = ByteBuffer.allocate(BUFFER);
    private final CharsetDecoder decoder;
    private boolean atEnd;
    private long line = 1;
    private String flaw;

    /** @param expected null where no encoding is expected */
    CsvText(InputStream in, Charset expected) throws IOException {
        this.in = in;
        this.expected = expected;
        bytes.limit(0);
        fill();
        Charset marked = byteOrderMark();
        boolean isWide =
                expected != null && expected.name().toUpperCase(Locale.ROOT).matches("(X-)?UTF-(16|32).*");
        Charset charset = expected == null || isWide ? StandardCharsets.UTF_8 : expected;
        if (marked != null) {
            charset = marked;
            if (expected != null
                    && !expected.name().toUpperCase(Locale.ROOT).contains(marked.name())
                    && !(isWide && marked.name().startsWith(expected.name()))) {
                flaw = "the byte order mark of " + marked;
            }
        } else if (isWide) {
            flaw = "no byte order mark";
        }
        decoder = charset.newDecoder();
    }

    /** What has been found that is not of the expected encoding; null where there is nothing so far. */
    String flaw() {
        return expected == null ? null : flaw;
    }

    private Charset byteOrderMark() {
        int four = bytes.limit() < 4 ? 0 : bytes.getInt(0);
        int three = bytes.limit() < 3 ? 0 : (bytes.getShort(0) & 0xFFFF) << 8 | bytes.get(2) & 0xFF;
        int two = bytes.limit() < 2 ? 0 : bytes.getShort(0) & 0xFFFF;
        if (four == 0xFFFE0000 || four == 0x0000FEFF) {
            bytes.position(4);
            return Charset.forName(four == 0x0000FEFF ? "UTF-32BE" : "UTF-32LE");
        }
        if (three == 0xEFBBBF) {
            bytes.position(3);
            return StandardCharsets.UTF_8;
        }
        if (two == 0xFEFF || two == 0xFFFE) {
            bytes.position(2);
            return two == 0xFEFF ? StandardCharsets.UTF_16BE : StandardCharsets.UTF_16LE;
        }
        return null;
    }

    private void fill() throws IOException {
        bytes.compact();
        int n = in.read(bytes.array(), bytes.position(), bytes.remaining());
        atEnd = n < 0;
        bytes.position(bytes.position() + Math.max(n, 0));
        bytes.flip();
    }

    @Override
    public int read(char[] buffer, int offset, int length) throws IOException {
        CharBuffer chars = CharBuffer.wrap(buffer, offset, length);
        int start = chars.position();
        boolean isOver = length == 0;
        while (!isOver) {
            CoderResult result = decoder.decode(bytes, chars, atEnd);
            if (result.isError() && !chars.hasRemaining()) {
                // the byte in question is the first one of the next call
                isOver = true;
            } else if (result.isError()) {
                note(buffer, start, chars.position());
                boolean isUtf8 = decoder.charset().equals(StandardCharsets.UTF_8);
                chars.put(isUtf8 ? LATIN.charAt(bytes.get() & 0xFF) : REPLACEMENT);
                bytes.position(bytes.position() + (isUtf8 ? 0 : result.length()));
                isOver = !chars.hasRemaining();
            } else if (result.isOverflow() || atEnd || chars.position() > start) {
                isOver = true;
            } else {
                fill();
            }
        }
        if (flaw == null) {
            line += lines(buffer, start, chars.position());
        }
        return chars.position() == start && length > 0 ? -1 : chars.position() - start;
    }

    private void note(char[] buffer, int from, int to) {
        if (flaw == null) {
            flaw = "bytes that are no " + decoder.charset() + " near line " + (line + lines(buffer, from, to));
        }
    }

    private long lines(char[] buffer, int from, int to) {
        long lines = 0;
        if (expected != null) {
            for (int i = from; i < to; i++) {
                lines += buffer[i] == '\n' ? 1 : 0;
            }
        }
        return lines;
    }

    @Override
    public void close() {
        // the stream is the caller's
    }
}
