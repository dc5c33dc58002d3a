package io.csvimport.job;

/**
 * Ends the process when it cannot continue: when a thread runs out of memory, or a periodic task has ended. The next start
 * continues with unfinished work. Inside a host platform the process belongs to the host, and is not ended.
 */
public final class FatalErrors {

    /** The same status as with {@code -XX:+ExitOnOutOfMemoryError}. */
    public static final int EXIT_STATUS = 3;

    private static final int DEEPEST_CAUSE = 20;

    private static volatile boolean armed;

    private FatalErrors() {}

    /** From now on the process may be ended: it is the product's own. */
    public static void arm() {
        armed = true;
    }

    /** Ends the process, if it may be ended, and this is or was caused by an OutOfMemoryError. */
    public static void endIfOutOfMemory(Throwable thrown) {
        Throwable cause = thrown;
        for (int i = 0; armed && cause != null && i < DEEPEST_CAUSE; i++) {
            if (cause instanceof OutOfMemoryError) {
                end(cause + ": give it more memory (-Xmx in JAVA_TOOL_OPTIONS)");
            }
            cause = cause.getCause();
        }
    }

    /** Ends the process at once: an orderly stop needs memory, and the tasks that have ended. */
    public static void end(String why) {
        try {
            System.err.println("csv-import-routes ends with status " + EXIT_STATUS + ". " + why);
        } finally {
            Runtime.getRuntime().halt(EXIT_STATUS);
        }
    }
}
