package io.csvimport;

/** Bad input: the CSV is not uploaded, and asking again would not help. */
public class CsvRejectedException extends Exception {

    private static final long serialVersionUID = 1L;

    private final String reason;

    /**
     * @param reason a short, stable word for programs, as in {@code empty}
     * @param detail a sentence for people
     */
    public CsvRejectedException(String reason, String detail) {
        super(detail);
        this.reason = reason;
    }

    public String getReason() {
        return reason;
    }
}
