package io.csvimport.expectation;

import java.io.IOException;
import java.io.InputStream;
import java.io.Reader;
import java.io.StringReader;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.Charset;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;

/**
 * The bytes of a CSV as text: by its byte order mark, else as expected, else as UTF-8. Bytes that are not valid in it are noted
 * once, and read as windows-1252: separators, quotes and line ends are the same in all of these. It ends with {@link #END}.
 */
final class CsvText extends Reader {

    /** A last record of its own, unless a quote is open: no text has this character. */
    static final char END = '\uFFFF';

    private static final int BUFFER = 1 << 16;
    private static final Charset LATIN = Charset.forName("windows-1252");
    private static final List<Charset> MARKED = List.of(
            Charset.forName("UTF-32BE"),
            Charset.forName("UTF-32LE"),
            StandardCharsets.UTF_8,
            StandardCharsets.UTF_16BE,
            StandardCharsets.UTF_16LE);

    private final InputStream in;
    private final Charset expected;
    private final ByteBuffer bytes = ByteBuffer.allocate(BUFFER);
    private final CharsetDecoder decoder;
    private final Reader end = new StringReader("\n" + END);
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
        String name = expected == null ? "" : expected.name().toUpperCase(Locale.ROOT);
        boolean isWide = name.matches("(X-)?UTF-(16|32).*");
        if (marked == null) {
            flaw = isWide ? "no byte order mark" : null;
            decoder = (expected == null || isWide ? StandardCharsets.UTF_8 : expected).newDecoder();
        } else {
            boolean isExpected =
                    name.contains(marked.name()) || isWide && marked.name().startsWith(name);
            flaw = isExpected ? null : "the byte order mark of " + marked;
            decoder = marked.newDecoder();
        }
    }

    /** What has been found that is not of the expected encoding; null where there is nothing so far. */
    String flaw() {
        return expected == null ? null : flaw;
    }

    private Charset byteOrderMark() {
        for (Charset charset : MARKED) {
            ByteBuffer mark = charset.encode("\uFEFF");
            if (bytes.limit() >= mark.limit() && bytes.slice(0, mark.limit()).equals(mark)) {
                bytes.position(mark.limit());
                return charset;
            }
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

    /** @param length more than one: a character may be two */
    @Override
    public int read(char[] buffer, int offset, int length) throws IOException {
        CharBuffer chars = CharBuffer.wrap(buffer, offset, length);
        boolean isOver = false;
        while (!isOver) {
            CoderResult result = decoder.decode(bytes, chars, atEnd);
            if (result.isError() && chars.hasRemaining()) {
                note(buffer, offset, chars.position());
                if (decoder.charset().equals(StandardCharsets.UTF_8)) {
                    chars.put(new String(new byte[] {bytes.get()}, LATIN));
                } else {
                    chars.put(decoder.replacement());
                    bytes.position(bytes.position() + result.length());
                }
            } else if (result.isUnderflow() && !atEnd && chars.position() == offset) {
                fill();
            } else {
                isOver = true;
            }
        }
        if (flaw == null) {
            line += lines(buffer, offset, chars.position());
        }
        int read = chars.position() - offset;
        return read > 0 ? read : end.read(buffer, offset, length);
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
