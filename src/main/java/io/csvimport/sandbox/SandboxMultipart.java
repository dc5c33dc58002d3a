package io.csvimport.sandbox;

import static io.csvimport.sandbox.SandboxRefusal.bad;

import io.vertx.core.buffer.Buffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads a multipart body as it arrives, in bounded memory, and takes nothing but what the API documents: no preamble,
 * CRLF, a boundary that does not occur within the content, no epilogue but one CRLF.
 */
final class SandboxMultipart {
    private static final Pattern CONTENT_TYPE = Pattern.compile(
            "(?i)multipart/form-data; *boundary=(?:([\\w'+.-]{1,70})|\"([\\w'()+,./:=? -]{0,69}[\\w'()+,./:=?-])\")");
    private static final int LONGEST_HEADERS = 1 << 14;

    private enum State {
        START,
        HEADERS,
        CONTENT,
        AFTER_BOUNDARY,
        EPILOGUE
    }

    private final byte[] boundary;
    private final int[] skip = new int[256];
    private final int mostParts;
    private final List<SandboxRequest.Part> parts = new ArrayList<>();
    private final MessageDigest digest = sha256();

    private State state = State.START;
    private byte[] window = new byte[1 << 16];
    private int from;
    private int to;
    private long windowOffset;
    private List<String> headers;
    private long contentOffset;

    SandboxMultipart(String contentType, int mostParts) {
        Matcher matcher = CONTENT_TYPE.matcher(contentType);
        if (!matcher.matches()) {
            throw bad("Content-Type must be multipart/form-data with a boundary and nothing else, but is '"
                    + contentType + "'");
        }
        String token = matcher.group(1) != null ? matcher.group(1) : matcher.group(2);
        this.boundary = token.getBytes(StandardCharsets.US_ASCII);
        this.mostParts = mostParts;
        Arrays.fill(skip, boundary.length);
        for (int i = 0; i < boundary.length - 1; i++) {
            skip[boundary[i]] = boundary.length - 1 - i;
        }
    }

    /** SHA-256 of a text in UTF-8, lower-case hex. */
    static String sha256(String text) {
        return HexFormat.of().formatHex(sha256().digest(text.getBytes(StandardCharsets.UTF_8)));
    }

    /** The parts received whole so far. */
    List<SandboxRequest.Part> parts() {
        return List.copyOf(parts);
    }

    /** Takes the next piece of the body. */
    void read(Buffer piece) {
        System.arraycopy(window, from, window, 0, to - from);
        windowOffset += from;
        to -= from;
        from = 0;
        if (window.length < to + piece.length()) {
            window = Arrays.copyOf(window, to + piece.length());
        }
        piece.getBytes(window, to);
        to += piece.length();
        boolean more = true;
        while (more) {
            more = switch (state) {
                case START -> start();
                case HEADERS -> headers();
                case CONTENT -> content();
                case AFTER_BOUNDARY -> afterBoundary();
                case EPILOGUE -> epilogue();
            };
        }
    }

    /** The body is over: refuses one that ended too early. */
    void end() {
        if (state != State.EPILOGUE || to - from == 1) {
            throw bad(
                    switch (state) {
                        case START -> "the body ends before its first boundary";
                        case HEADERS -> "the body ends within a part's headers; line breaks must be CRLF";
                        case CONTENT, AFTER_BOUNDARY -> "the body ends without the closing boundary";
                        case EPILOGUE -> "the body ends with half a line break";
                    });
        }
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private boolean start() {
        String line = "--" + new String(boundary, StandardCharsets.US_ASCII) + "\r\n";
        byte[] first = line.getBytes(StandardCharsets.US_ASCII);
        int known = Math.min(first.length, to - from);
        if (!startsWith(from, first, known)) {
            throw bad("the body must start with --, the boundary and CRLF");
        }
        return known == first.length && next(State.HEADERS, known);
    }

    private boolean headers() {
        for (int i = from; i + 4 <= to && i - from < LONGEST_HEADERS; i++) {
            if (window[i] == '\r' && window[i + 1] == '\n' && window[i + 2] == '\r' && window[i + 3] == '\n') {
                String block = SandboxQuery.utf8(Arrays.copyOfRange(window, from, i), "a part's header");
                headers = List.of(block.split("\r\n", -1));
                contentOffset = windowOffset + i + 4;
                return next(State.CONTENT, i + 4 - from);
            }
        }
        if (to - from > LONGEST_HEADERS) {
            throw bad("a part's headers do not end with an empty line; line breaks must be CRLF");
        }
        return false;
    }

    private boolean content() {
        int found = find();
        if (found < 0) {
            // What may be the beginning of CRLF, two dashes and the boundary stays for the next piece.
            int certain = Math.max(0, to - from - boundary.length - 3);
            digest.update(window, from, certain);
            from += certain;
            return false;
        }
        int end = found - 4;
        if (end < from || !startsWith(end, new byte[] {'\r', '\n', '-', '-'}, 4)) {
            throw bad("the boundary occurs within the content, or is not preceded by CRLF and --");
        }
        digest.update(window, from, end - from);
        parts.add(new SandboxRequest.Part(
                headers,
                contentOffset,
                windowOffset + end - contentOffset,
                HexFormat.of().formatHex(digest.digest())));
        return next(State.AFTER_BOUNDARY, found + boundary.length - from);
    }

    /** Horspool's search: looks at one byte in a boundary's length. */
    private int find() {
        int last = boundary.length - 1;
        for (int i = from + last; i < to; i += skip[window[i] & 0xff]) {
            if (window[i] == boundary[last] && startsWith(i - last, boundary, last)) {
                return i - last;
            }
        }
        return -1;
    }

    private boolean afterBoundary() {
        if (to - from < 2) {
            return false;
        }
        if (window[from] == '-' && window[from + 1] == '-') {
            return next(State.EPILOGUE, 2);
        }
        if (window[from] != '\r' || window[from + 1] != '\n') {
            throw bad("the boundary is followed by neither CRLF nor --");
        }
        if (parts.size() == mostParts) {
            throw bad("more parts than the " + mostParts + " documented");
        }
        return next(State.HEADERS, 2);
    }

    private boolean epilogue() {
        if (to - from > 2 || !startsWith(from, new byte[] {'\r', '\n'}, to - from)) {
            throw bad("bytes after the closing boundary");
        }
        return false;
    }

    private boolean next(State state, int used) {
        this.state = state;
        from += used;
        return true;
    }

    private boolean startsWith(int at, byte[] expected, int length) {
        return Arrays.equals(window, at, at + length, expected, 0, length);
    }
}
