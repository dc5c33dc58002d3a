package io.csvimport.operations.desk;

import io.csvimport.expectation.Expectation;
import io.csvimport.ledger.JobList;
import io.csvimport.tracking.ExpectationStates;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * The first page.
 *
 * @param problems why the product is not ready; none where it is
 * @param api why the API cannot be used; null where it can
 * @param ledger why the ledger cannot be read; null where it can
 * @param inbox where a CSV may be dropped; null where that source is off
 * @param expectations what feeds should bring; none where nothing is written down
 * @param hours of today, from midnight: outcomes and their counts
 * @param events that the audit endpoint has not taken yet
 * @param free what is left on the disk of the data dir, bytes
 */
public record Overview(
        List<String> problems,
        String api,
        String ledger,
        String inbox,
        List<Feed> feeds,
        List<Expected> expectations,
        List<Map<String, Long>> hours,
        JobList.Count events,
        long free) {

    /**
     * A line.
     *
     * @param problem why it takes nothing; null where it runs
     * @param left the files that it has found and does not take yet, and why; null where there are none
     * @param today counts by state
     * @param open counts by state of what is not settled, from whatever day
     * @param latest null where it has brought nothing yet
     * @param waiting the oldest file that is not settled, or null
     */
    public record Feed(
            String name,
            String description,
            String problem,
            String left,
            Map<String, Long> today,
            Map<String, Long> open,
            FileLine latest,
            FileLine waiting) {}

    /**
     * A line of what is expected.
     *
     * @param latest the newest file; null where none has come
     */
    public record Expected(ExpectationStates.Line line, FileLine latest) {

        public String template() {
            return line.expectation().template();
        }

        public String feed() {
            Expectation entry = line.expectation();
            return Objects.requireNonNullElse(entry.feed(), "any feed")
                    + (entry.files() == null ? "" : ", " + entry.files());
        }

        /** By when, in words; null where only the content is looked at. */
        public String due() {
            return line.expectation().due() == null
                    ? null
                    : "by " + line.expectation().due();
        }

        /** The next due time in its zone. */
        public String nextLocal() {
            return line.expectation().due().show(line.next());
        }

        public String tone() {
            return switch (line.state()) {
                case "arrived" -> "good";
                case "late" -> "warn";
                case "missing" -> "bad";
                default -> "calm";
            };
        }
    }

    /** A part of the chart, in units of its picture. */
    public record Bar(int x, double y, double height, String tone, String text) {}

    static final int HEIGHT = 100;
    static final int WIDTH = 36;

    public long total() {
        return hours.stream().mapToLong(Overview::sum).sum();
    }

    private static long sum(Map<String, Long> counts) {
        return counts.values().stream().mapToLong(Long::longValue).sum();
    }

    /** The hours of today, a bar each, good outcomes at the bottom. */
    public List<Bar> bars() {
        long most = hours.stream().mapToLong(Overview::sum).max().orElse(0);
        List<Bar> bars = new ArrayList<>();
        for (int hour = 0; hour < hours.size(); hour++) {
            Map<String, Long> tones = new TreeMap<>();
            hours.get(hour).forEach((state, count) -> tones.merge(FileLine.tone(state), count, Long::sum));
            double y = HEIGHT;
            for (String tone : List.of("good", "calm", "warn", "bad")) {
                long count = tones.getOrDefault(tone, 0L);
                if (count > 0) {
                    double height = Math.max(2, (double) HEIGHT * count / most);
                    y -= height;
                    bars.add(new Bar(hour * WIDTH, y, height, tone, text(hour, hours.get(hour))));
                }
            }
        }
        return bars;
    }

    private static String text(int hour, Map<String, Long> states) {
        return states.entrySet().stream()
                .map(entry -> Human.count(entry.getValue()) + " " + entry.getKey())
                .collect(Collectors.joining(", ", hour + ":00: ", ""));
    }
}
