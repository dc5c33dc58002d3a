package io.csvimport.expectation;

import com.cronutils.model.CronType;
import com.cronutils.model.definition.CronDefinitionBuilder;
import com.cronutils.model.time.ExecutionTime;
import com.cronutils.parser.CronParser;
import java.time.DayOfWeek;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.time.temporal.ChronoUnit;
import java.time.zone.ZoneOffsetTransition;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * By when a file must be there: each day at a time, or by a Quartz cron expression. It is counted in local time, so that a day
 * has one due time whatever daylight saving does: a time that a clock jumps over is moved on by the hour that is missing, and
 * one that a clock shows twice is due the first time.
 */
public final class Due {

    private static final CronParser CRON = new CronParser(CronDefinitionBuilder.instanceDefinitionFor(CronType.QUARTZ));
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("H:mm[:ss]");
    /** Beyond the last due time of an expression with years. */
    private static final int MOST_STEPS = 5;

    private final String text;
    private final ZoneId zone;
    private final ExecutionTime times;
    /** The same times, whether their days are among the days or not. */
    private final ExecutionTime ofAllDays;

    private Due(String text, ZoneId zone, ExecutionTime times, ExecutionTime ofAllDays) {
        this.text = text;
        this.zone = zone;
        this.times = times;
        this.ofAllDays = ofAllDays;
    }

    /**
     * @param due a time as in {@code 06:00}, or a Quartz cron expression
     * @param days as in {@code MON-FRI} or {@code MON,THU}; null: each day
     * @throws IllegalArgumentException where it is neither, or has no due time; the message says so
     */
    public static Due of(String due, String days, ZoneId zone) {
        Optional<LocalTime> time = time(due);
        if (time.isEmpty() && days != null) {
            throw new IllegalArgumentException("days go with a time of day: a cron expression names its own");
        }
        String text = due + (days == null ? "" : " " + days) + " " + zone;
        if (time.isEmpty()) {
            return new Due(text, zone, times(due), times(due));
        }
        LocalTime at = time.get();
        String clock = String.format("%d %d %d ? * ", at.getSecond(), at.getMinute(), at.getHour());
        return new Due(text, zone, times(clock + (days == null ? "*" : days(days))), times(clock + "*"));
    }

    private static ExecutionTime times(String cron) {
        try {
            return ExecutionTime.forCron(CRON.parse(cron).validate());
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    "due is a time of day such as 06:00, or a Quartz cron expression such as 0 0 6 ? * MON-FRI: '"
                            + cron + "'",
                    e);
        }
    }

    private static Optional<LocalTime> time(String due) {
        try {
            return Optional.of(LocalTime.parse(due.strip(), TIME));
        } catch (DateTimeParseException e) {
            return Optional.empty();
        }
    }

    private static String days(String days) {
        String upper = days.toUpperCase().replace(" ", "");
        String names = Arrays.stream(DayOfWeek.values())
                .map(day -> day.name().substring(0, 3))
                .collect(Collectors.joining("|"));
        if (!upper.matches("(DAY(-DAY)?)(,DAY(-DAY)?)*".replace("DAY", "(" + names + ")"))) {
            throw new IllegalArgumentException("days are such as MON-FRI or MON,THU: " + days);
        }
        return upper;
    }

    /** The first due time after an instant; empty where there is none any more. */
    public Optional<Instant> next(Instant after) {
        Optional<Instant> next = next(local(after), after);
        ZoneOffsetTransition jump = zone.getRules().previousTransition(after.plusNanos(1));
        if (jump == null || !jump.isGap() || !after.isBefore(jump.getInstant().plus(jump.getDuration()))) {
            return next;
        }
        // a time that the clock has jumped over is yet to come
        Optional<Instant> moved = next(local(after).minus(jump.getDuration()), after);
        return moved.isPresent() && moved.get().isBefore(next.orElse(Instant.MAX)) ? moved : next;
    }

    private Optional<Instant> next(LocalDateTime from, Instant after) {
        LocalDateTime local = from;
        for (int i = 0; i < MOST_STEPS; i++) {
            Optional<ZonedDateTime> next = times.nextExecution(local.atZone(ZoneOffset.UTC));
            if (next.isEmpty() || instant(next.get().toLocalDateTime()).isAfter(after)) {
                return next.map(at -> instant(at.toLocalDateTime()));
            }
            // the clock shows this hour for the second time
            local = next.get().toLocalDateTime();
        }
        return Optional.empty();
    }

    /**
     * From when on a file counts for a due time: since midnight, or since the middle from the due time before, where that is
     * earlier; what comes within the grace of that one counts for that one. What is older than a year does not count.
     */
    Instant opens(Instant due, Duration grace) {
        LocalDateTime local = local(due);
        LocalDateTime earlier = local;
        do {
            earlier = ofAllDays
                    .lastExecution(earlier.atZone(ZoneOffset.UTC))
                    .map(ZonedDateTime::toLocalDateTime)
                    .orElse(null);
        } while (earlier != null && !instant(earlier).isBefore(due));
        Instant oldest = due.minus(Duration.ofDays(366));
        if (earlier == null) {
            return oldest;
        }
        Instant previous = instant(earlier);
        Instant halfway = previous.plus(Duration.between(previous, due).dividedBy(2));
        Instant midnight = instant(local.toLocalDate().atStartOfDay());
        Instant graced = Collections.min(List.of(previous.plus(grace), halfway));
        return Collections.max(List.of(graced, Collections.min(List.of(halfway, midnight)), oldest));
    }

    /** A time in the zone, as in {@code 2026-03-29 06:00}, or {@code 06:00:30}. */
    public String show(Instant at) {
        return local(at).truncatedTo(ChronoUnit.SECONDS).toString().replace('T', ' ');
    }

    private LocalDateTime local(Instant at) {
        return at.atZone(zone).toLocalDateTime();
    }

    private Instant instant(LocalDateTime at) {
        return at.atZone(zone).toInstant();
    }

    /** As in {@code 06:00 MON-FRI Europe/Berlin}. */
    @Override
    public String toString() {
        return text;
    }
}
