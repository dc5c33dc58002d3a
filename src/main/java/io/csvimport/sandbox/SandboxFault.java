package io.csvimport.sandbox;

import java.time.Duration;
import java.util.Map;

/**
 * A failure on demand. It strikes a request whose head (credentials, path, query, headers) is in order, and at the end
 * of the body only one whose body is in order too: whatever else is wrong is answered as without a fault.
 *
 * @param at bytes of the body after which it strikes: 0 before the body is read, {@link #END} once it is whole; a
 *         body that ends earlier is struck at its end
 * @param action what happens then
 * @param accepted whether the import is accepted nonetheless; only at {@link #END}
 * @param status to answer, 0 for the documented answer
 * @param headers to add to the answer
 * @param delay to wait before the action
 * @param readPause to wait after each piece (up to 64 KiB) of the body
 */
public record SandboxFault(
        long at,
        Action action,
        boolean accepted,
        int status,
        Map<String, String> headers,
        Duration delay,
        Duration readPause) {

    /** What a fault does: answer, cut the connection (TCP RST), or nothing until the sandbox closes. */
    public enum Action {
        ANSWER,
        RESET,
        HANG
    }

    /** Strike after the whole body. */
    public static final long END = Long.MAX_VALUE;

    /** Refuses what makes no sense. */
    public SandboxFault {
        if (accepted && at != END || action == Action.ANSWER && status == 0 && !accepted) {
            throw new IllegalArgumentException("only a whole body can be accepted, or be given the documented answer");
        }
        headers = Map.copyOf(headers);
    }

    /** {@return no fault, to let one request pass between others} */
    public static SandboxFault none() {
        return answer(END, true, 0, Map.of());
    }

    /** {@return a reset after so many bytes of the body, 0 before it is read; never accepted} */
    public static SandboxFault resetAfter(long bytes) {
        return new SandboxFault(bytes, Action.RESET, false, 0, Map.of(), Duration.ZERO, Duration.ZERO);
    }

    /** {@return a reset in place of the answer, the import accepted or not} */
    public static SandboxFault resetAtEnd(boolean accepted) {
        return new SandboxFault(END, Action.RESET, accepted, 0, Map.of(), Duration.ZERO, Duration.ZERO);
    }

    /** {@return a status before the body is read, then the connection is closed; never accepted} */
    public static SandboxFault earlyStatus(int status, Map<String, String> headers) {
        return answer(0, false, status, headers);
    }

    /** {@return a status after the whole body, the import accepted or not; 2xx carries no id} */
    public static SandboxFault status(int status, boolean accepted, Map<String, String> headers) {
        return answer(END, accepted, status, headers);
    }

    /** {@return a status after the whole body; not accepted} */
    public static SandboxFault status(int status) {
        return status(status, false, Map.of());
    }

    /** {@return 202 without an id; accepted} */
    public static SandboxFault noId() {
        return status(202, true, Map.of());
    }

    /** {@return 307 to the location, after the whole body; not accepted} */
    public static SandboxFault redirect(String location) {
        return status(307, false, Map.of("Location", location));
    }

    /** {@return no answer until the sandbox closes, the import accepted or not} */
    public static SandboxFault hang(boolean accepted) {
        return new SandboxFault(END, Action.HANG, accepted, 0, Map.of(), Duration.ZERO, Duration.ZERO);
    }

    /** {@return no more reading after so many bytes of the body, and no answer until the sandbox closes} */
    public static SandboxFault hangAfter(long bytes) {
        return new SandboxFault(bytes, Action.HANG, false, 0, Map.of(), Duration.ZERO, Duration.ZERO);
    }

    /** {@return the documented answer so much later; accepted at once} */
    public static SandboxFault delay(Duration delay) {
        return new SandboxFault(END, Action.ANSWER, true, 0, Map.of(), delay, Duration.ZERO);
    }

    /** {@return a body read slowly: so long a pause after each piece of up to 64 KiB; accepted} */
    public static SandboxFault slowReading(Duration pause) {
        return new SandboxFault(END, Action.ANSWER, true, 0, Map.of(), Duration.ZERO, pause);
    }

    private static SandboxFault answer(long at, boolean accepted, int status, Map<String, String> headers) {
        return new SandboxFault(at, Action.ANSWER, accepted, status, headers, Duration.ZERO, Duration.ZERO);
    }
}
