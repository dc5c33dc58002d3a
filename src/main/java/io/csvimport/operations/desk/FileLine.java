package io.csvimport.operations.desk;

import java.util.List;
import java.util.Map;
import java.util.Set;

/** A job of the ledger as a page shows it. */
public record FileLine(Map<String, Object> job) {

    private static final Set<String> GOOD = Set.of("accepted", "completed");
    private static final Set<String> BAD = Set.of("rejected", "held");
    private static final Set<String> OPEN = Set.of("waiting", "unknown", "voiding", "suspicious");

    /** Null where there is none. */
    static FileLine first(List<Map<String, Object>> jobs) {
        return jobs.isEmpty() ? null : new FileLine(jobs.get(0));
    }

    public String id() {
        return text("job");
    }

    long number() {
        return number("job");
    }

    public String name() {
        return text("fileName");
    }

    /** Its name; a foreign import that was voided has none. */
    public String title() {
        return name().isEmpty() ? "import " + text("importId") : name();
    }

    public String template() {
        return text("template");
    }

    public String from() {
        return text("from");
    }

    public String state() {
        return text("state");
    }

    public boolean is(String... states) {
        return Set.of(states).contains(state());
    }

    /** A class of the style sheet; completed with failed rows is no good news. */
    public String tone() {
        return failedRows() > 0 && GOOD.contains(state()) ? "warn" : tone(state());
    }

    public static String tone(String state) {
        return GOOD.contains(state) ? "good" : BAD.contains(state) ? "bad" : OPEN.contains(state) ? "warn" : "calm";
    }

    public long failedRows() {
        return number("failedRows");
    }

    public long attempts() {
        return number("attempts");
    }

    public String size() {
        return Human.size((Number) job.get("fileSize"));
    }

    /** What became of it, in a few words. */
    public String summary() {
        String rows = Human.count(failedRows(), "row", "rows") + " failed";
        return switch (state()) {
            case "claimed" -> "about to be sent";
            case "sending" -> "being sent";
            case "accepted" -> "imported; its rows are not checked yet";
            case "completed" -> failedRows() > 0 ? "imported, " + rows : "imported, no failed rows";
            case "duplicate" -> "the same bytes were imported before";
            case "rejected" -> failedRows() > 0 ? "rejected: " + rows + " in the preview" : "rejected";
            case "waiting" -> "waits, and is tried again";
            case "unknown" -> "sent, the answer was lost: it is looked for";
            case "held" -> "waits for a person";
            case "withdrawn" -> "taken away before it was sent";
            case "voiding" -> "is being voided";
            case "voided" -> "voided";
            default -> state();
        };
    }

    /** Whether what becomes of it may change without anybody's doing. */
    public boolean isOpen() {
        return is("claimed", "sending", "waiting", "unknown", "held", "accepted", "voiding");
    }

    /** Whether it is held or rejected because its content is not as expected. */
    public boolean isUnexpected() {
        return "unexpected".equals(text("reason"));
    }

    /** How much of it is sent; empty where it is not being sent, or that is not known. */
    public String share() {
        long size = number("fileSize");
        return is("sending") && job.containsKey("bytesSent") && size > 0
                ? number("bytesSent") * 100 / size + " % of " + size() + " sent"
                : "";
    }

    public String text(String name) {
        Object value = job.get(name);
        return value == null ? "" : value.toString();
    }

    private long number(String name) {
        return job.get(name) instanceof Number number ? number.longValue() : 0;
    }
}
