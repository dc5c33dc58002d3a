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
import java.time.zone.ZoneOffsetTransition;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/**
 * By when a file must be there: each day at a time, or by a Quartz cron expression. It is counted in local time, so that a day
 * has one due time whatever daylight saving does: a time that a clock jumps over is moved on by the hour that is missing, and
 * one that a clock shows twice is due the first time.
 */
public final class Due {

    private static final CronParser CRON = new CronParser(CronDefinitionBuilder.instanceDefinitionFor(CronType.QUARTZ));
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("H:mm[:ss]");
    private static final DateTimeFormatter SHOWN = DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm");
    /** Beyond the last due time of an expression with years. */
    private static final int MOST_STEPS = 5;

    private final String text;
    private final ZoneId zone;
    private final ExecutionTime times;
    /** The due time before one, in local time, whether its day is one of the days or not. */
    private final UnaryOperator<LocalDateTime> before;

    private Due(String text, ZoneId zone, String cron, UnaryOperator<LocalDateTime> before) {
        this.text = text;
        this.zone = zone;
        try {
            times = ExecutionTime.forCron(CRON.parse(cron).validate());
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    "due is a time of day such as 06:00, or a Quartz cron expression such as 0 0 6 ? * MON-FRI: '"
                            + cron + "'",
                    e);
        }
        this.before = before == null ? this::last : before;
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
            return new Due(text, zone, due, null);
        }
        String cron = String.format(
                "%d %d %d ? * %s",
                time.get().getSecond(), time.get().getMinute(), time.get().getHour(), days == null ? "*" : days(days));
        return new Due(text, zone, cron, at -> at.minusDays(1));
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
     * earlier; what comes within the grace of that one counts for that one.
     */
    public Instant opens(Instant due, Duration grace) {
        LocalDateTime local = local(due);
        LocalDateTime earlier = before.apply(local);
        while (earlier != null && !instant(earlier).isBefore(due)) {
            earlier = before.apply(earlier);
        }
        if (earlier == null) {
            return Instant.MIN;
        }
        Instant previous = instant(earlier);
        Instant halfway = previous.plus(Duration.between(previous, due).dividedBy(2));
        Instant midnight = instant(local.toLocalDate().atStartOfDay());
        return latest(earliest(previous.plus(grace), halfway), earliest(halfway, midnight));
    }

    /** A time in the zone, as in {@code 2026-03-29 06:00}. */
    public String show(Instant at) {
        return SHOWN.format(local(at));
    }

    private LocalDateTime last(LocalDateTime at) {
        return times.lastExecution(at.atZone(ZoneOffset.UTC))
                .map(ZonedDateTime::toLocalDateTime)
                .orElse(null);
    }

    private LocalDateTime local(Instant at) {
        return at.atZone(zone).toLocalDateTime();
    }

    private Instant instant(LocalDateTime at) {
        return at.atZone(zone).toInstant();
    }

    private static Instant earliest(Instant one, Instant other) {
        return one.isBefore(other) ? one : other;
    }

    private static Instant latest(Instant one, Instant other) {
        return one.isAfter(other) ? one : other;
    }

    /** As in {@code 06:00 MON-FRI Europe/Berlin}. */
    @Override
    public String toString() {
        return text;
    }
}
