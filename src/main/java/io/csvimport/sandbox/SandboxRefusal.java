package io.csvimport.sandbox;

/** A request that breaks a rule of the documented API, and the status that says so. */
final class SandboxRefusal extends RuntimeException {
    private static final long serialVersionUID = 1L;

    final int status;

    SandboxRefusal(int status, String message) {
        super(message, null, false, false);
        this.status = status;
    }

    static SandboxRefusal bad(String message) {
        return new SandboxRefusal(400, message);
    }
}
