package io.csvimport.operations.desk;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Locale;

/** Sizes, counts and times as people read them. */
final class Human {

    private static final DateTimeFormatter EXACT =
            DateTimeFormatter.ofPattern("d MMM uuuu, HH:mm:ss z", Locale.ENGLISH);
    private static final List<String> UNITS = List.of("kB", "MB", "GB", "TB");

    private Human() {}

    /** @param bytes null where that is not known */
    static String size(Number bytes) {
        if (bytes == null) {
            return "";
        }
        double size = bytes.doubleValue();
        if (size < 1000) {
            return bytes + (bytes.longValue() == 1 ? " byte" : " bytes");
        }
        int unit = -1;
        do {
            size /= 1000;
            unit++;
        } while (size >= 999.5 && unit < UNITS.size() - 1);
        return String.format(Locale.ENGLISH, size < 10 ? "%.1f %s" : "%.0f %s", size, UNITS.get(unit));
    }

    static String count(Number n) {
        return String.format(Locale.ENGLISH, "%,d", n.longValue());
    }

    static String count(Number n, String one, String many) {
        return count(n) + " " + (n.longValue() == 1 ? one : many);
    }

    /** @param time as in the ledger; null where there is none */
    static String ago(String time) {
        Instant then = instant(time);
        if (then == null) {
            return "";
        }
        Duration passed = Duration.between(then, Instant.now());
        String span = span(passed.abs());
        return span.isEmpty() ? "just now" : passed.isNegative() ? "in " + span : span + " ago";
    }

    private static String span(Duration time) {
        if (time.toDays() >= 2) {
            return time.toDays() + " days";
        } else if (time.toHours() >= 2) {
            return time.toHours() + " hours";
        } else if (time.toMinutes() >= 2) {
            return time.toMinutes() + " min";
        }
        return time.toSeconds() < 5 ? "" : time.toSeconds() + " s";
    }

    /** In the zone of this machine. */
    static String exact(String time) {
        Instant then = instant(time);
        return then == null ? "" : EXACT.format(then.atZone(ZoneId.systemDefault()));
    }

    private static Instant instant(String time) {
        try {
            return time == null ? null : Instant.parse(time);
        } catch (DateTimeParseException e) {
            return null;
        }
    }
}
