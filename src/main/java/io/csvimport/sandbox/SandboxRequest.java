package io.csvimport.sandbox;

import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * A request as the sandbox received it, or has received it so far.
 *
 * @param arrived when its first bytes (the head) had arrived, by the machine's clock
 * @param method the HTTP method
 * @param target path and query as they were sent, still encoded
 * @param headers name and value, as sent and in that order
 * @param bodySize bytes of the body received so far
 * @param body the first bytes of the body, at most {@link #KEPT}; do not change them
 * @param parts the parts of the body that were received whole
 * @param status what it was answered, 0 while it was not, or when the connection was reset
 */
public record SandboxRequest(
        Instant arrived,
        String method,
        String target,
        List<Map.Entry<String, String>> headers,
        long bodySize,
        byte[] body,
        List<Part> parts,
        int status) {

    /** Size up to which a file's bytes are kept whole. */
    public static final int KEPT_FILE = 1 << 20;

    /** Size up to which a body is kept, enough for a file of {@link #KEPT_FILE} and what is around it. */
    public static final int KEPT = KEPT_FILE + (1 << 15);

    /**
     * One part of a multipart body.
     *
     * @param headers its header lines, decoded as UTF-8
     * @param offset where its content begins in the body, bytes
     * @param size of its content, bytes
     * @param sha256 of its content, lower-case hex
     */
    public record Part(List<String> headers, long offset, long size, String sha256) {

        /** The content, or null where the body's kept bytes do not hold it whole. */
        byte[] content(byte[] body) {
            boolean kept = size <= KEPT_FILE && offset + size <= body.length;
            return kept ? Arrays.copyOfRange(body, (int) offset, (int) (offset + size)) : null;
        }
    }

    /** {@return the first value of the header, in any case of letters, or null} */
    public String header(String name) {
        return headers.stream()
                .filter(h -> h.getKey().equalsIgnoreCase(name))
                .map(Map.Entry::getValue)
                .findFirst()
                .orElse(null);
    }

    /** {@return the first part's unescaped file name, or null where there is none} */
    public String fileName() {
        return parts.isEmpty() ? null : SandboxCall.fileName(parts.get(0));
    }

    /** {@return the first part's size in bytes, or -1 where it did not arrive whole} */
    public long size() {
        return parts.isEmpty() ? -1 : parts.get(0).size();
    }

    /** {@return the first part's SHA-256 in lower-case hex, or null where it did not arrive whole} */
    public String sha256() {
        return parts.isEmpty() ? null : parts.get(0).sha256();
    }

    /** {@return the first part's bytes, or null where it did not arrive whole, is larger than 1 MiB, or was let go} */
    public byte[] file() {
        return parts.isEmpty() ? null : parts.get(0).content(body);
    }
}
