package io.csvimport.operations.desk;

import io.csvimport.ledger.JobHistory;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/** What has happened to a file, in order. */
public final class Story {

    /**
     * @param time as in the ledger
     * @param tone a class of the style sheet
     */
    public record Step(String time, String title, String text, String tone) {}

    private Story() {}

    static List<Step> of(FileLine line, List<JobHistory.Attempt> attempts, List<JobHistory.Event> events) {
        List<Step> steps = new ArrayList<>();
        steps.add(new Step(
                line.text("createdAt"),
                "Arrived",
                line.size() + " from " + line.from()
                        + (line.template().isEmpty() ? "" : ", template " + line.template()),
                "calm"));
        for (JobHistory.Attempt attempt : attempts) {
            String last = attempt.times() == 1
                    ? ""
                    : "; " + Human.count(attempt.times()) + " times so, the last " + Human.exact(attempt.lastAt());
            steps.add(new Step(
                    attempt.firstAt(),
                    title(attempt.state()),
                    why(attempt.reason(), attempt.detail(), attempt.httpStatus()) + last,
                    FileLine.tone(attempt.state())));
        }
        for (JobHistory.Event event : events) {
            String type = event.id().replaceFirst("^\\d+/csv-import\\.", "").replaceFirst("/\\d+$", "");
            // an attempt that was held is there already
            if (!type.equals("held")) {
                steps.add(new Step(event.createdAt(), title(type), outcome(line, type), FileLine.tone(type)));
            }
            if (event.sentAt() == null) {
                String refused = event.failures() == 0
                        ? "It is sent soon"
                        : "The audit endpoint has refused it " + Human.count(event.failures(), "time", "times")
                                + "; it is sent again";
                steps.add(new Step(event.createdAt(), "The audit event " + type + " is not sent yet", refused, "warn"));
            } else {
                steps.add(new Step(event.sentAt(), "Audit event sent", "csv-import." + type, "calm"));
            }
        }
        if (line.is("sending")) {
            steps.add(new Step(line.text("sendingAt"), "Being sent", "Attempt " + line.attempts(), "calm"));
        }
        if (!line.text("releasedAt").isEmpty() && !line.text("releasedTo").isEmpty()) {
            steps.add(new Step(line.text("releasedAt"), "Moved", line.text("releasedTo"), "calm"));
        }
        // times of one transaction keep their order
        steps.sort(Comparator.comparing(Step::time));
        return steps;
    }

    private static String title(String what) {
        return switch (what) {
            case "waiting" -> "Not sent, or refused for now";
            case "unknown" -> "Sent, and no answer";
            case "held" -> "Held";
            case "accepted" -> "Imported";
            case "completed" -> "Checked by the API";
            case "unlisted" -> "Not checked";
            case "suspicious" -> "Not as expected";
            default -> what.substring(0, 1).toUpperCase(Locale.ROOT) + what.substring(1);
        };
    }

    private static String outcome(FileLine line, String type) {
        return switch (type) {
            case "accepted" ->
                "Import " + line.text("importId")
                        + (Boolean.TRUE.equals(line.job().get("reconciled")) ? ", found in the import list" : "");
            case "completed" -> Human.count(line.failedRows(), "row", "rows") + " failed";
            case "duplicate" -> "The same bytes are import " + line.text("importId");
            case "unlisted" -> "The API has not listed the import for a day";
            case "suspicious" ->
                "Expected was " + line.text("expected") + ", found was " + line.text("found")
                        + "; it was imported all the same";
            case "voided" -> "The API has deleted the import";
            case "rejected" ->
                why(line.text("reason"), line.text("detail"), (Integer)
                        line.job().get("httpStatus"));
            default -> line.text("detail");
        };
    }

    private static String why(String reason, String detail, Integer status) {
        String text = detail == null || detail.isEmpty() ? reason == null ? "" : reason : detail;
        return status == null || text.contains(String.valueOf(status)) ? text : text + " (status " + status + ")";
    }
}
