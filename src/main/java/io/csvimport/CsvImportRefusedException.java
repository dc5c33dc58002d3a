package io.csvimport;

/** What was asked for cannot be done, and asking again would not help; nothing has changed. */
public class CsvImportRefusedException extends Exception {

    private static final long serialVersionUID = 1L;

    private final int status;
    private final String reason;

    /**
     * @param status the HTTP status that says so to a client: 404 for an import that the ledger does not know
     * @param reason a short, stable word for programs, as in {@code unknown-import}
     * @param detail a sentence for people
     */
    public CsvImportRefusedException(int status, String reason, String detail) {
        super(detail);
        this.status = status;
        this.reason = reason;
    }

    public int getStatus() {
        return status;
    }

    public String getReason() {
        return reason;
    }
}
