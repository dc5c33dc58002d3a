package io.csvimport;

/**
 * Ends the process where it cannot go on: out of memory, in whatever thread, or a periodic task that ended for good.
 * What was under way is found again by the next start. Inside a host platform the process is the host's.
 */
final class FatalErrors {

    /** As of a Java that exits on an OutOfMemoryError by itself. */
    static final int EXIT_STATUS = 3;

    private static final int DEEPEST_CAUSE = 20;

    private static volatile boolean armed;

    private FatalErrors() {}

    /** The process is the product's own: from now on it may be ended. */
    static void arm() {
        armed = true;
    }

    /** Ends the process, where it is the product's own, if this is or was caused by an OutOfMemoryError. */
    static void endIfOutOfMemory(Throwable thrown) {
        Throwable cause = thrown;
        for (int i = 0; armed && cause != null && i < DEEPEST_CAUSE; i++) {
            if (cause instanceof OutOfMemoryError) {
                end(cause + ": give it more memory (-Xmx in JAVA_TOOL_OPTIONS)");
            }
            cause = cause.getCause();
        }
    }

    /** At once: an orderly stop needs memory, and the tasks that are gone. */
    static void end(String why) {
        try {
            System.err.println("csv-import-routes ends with status " + EXIT_STATUS + ". " + why);
        } finally {
            Runtime.getRuntime().halt(EXIT_STATUS);
        }
    }
}
