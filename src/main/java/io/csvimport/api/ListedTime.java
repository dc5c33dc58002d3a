package io.csvimport.api;

import java.math.BigDecimal;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.temporal.ChronoUnit;
import java.time.temporal.TemporalAccessor;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * When an import was made, as the list gives it.
 *
 * @param at read as UTC where no zone is named
 * @param unsure how much later it may be: an unnamed zone, parts of the time that are missing or zero
 */
public record ListedTime(Instant at, Duration unsure) {

    /** More than any zone is behind UTC. */
    public static final Duration ZONES = Duration.ofHours(14);

    private static final Pattern NUMBER = Pattern.compile("\\d{1,19}(\\.\\d{1,9})?");

    /** As in 2026-01-31T04:05:06.789Z, ...+01:00, ...+0100, or without a zone; a blank for the T. */
    private static final DateTimeFormatter ISO = new DateTimeFormatterBuilder()
            .parseCaseInsensitive()
            .append(DateTimeFormatter.ISO_LOCAL_DATE)
            .optionalStart()
            .appendPattern("['T'][ ]")
            .append(DateTimeFormatter.ISO_LOCAL_TIME)
            .appendPattern("[ ][XXX][XX][X]")
            .toFormatter(Locale.ROOT);

    /** ISO-8601, an HTTP date, or a number of seconds, milliseconds, micro- or nanoseconds since 1970; else null. */
    static ListedTime read(String text) {
        try {
            if (text == null || NUMBER.matcher(text).matches()) {
                return text == null ? null : of(sinceEpoch(new BigDecimal(text)));
            }
            return text.endsWith("GMT")
                    ? of(OffsetDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME))
                    : of(ISO.parseBest(text.strip(), OffsetDateTime::from, LocalDateTime::from, LocalDate::from));
        } catch (DateTimeException | ArithmeticException e) {
            return null;
        }
    }

    private static OffsetDateTime sinceEpoch(BigDecimal number) {
        // eleven digits of seconds are the year 5138
        int digits = number.precision() - number.scale();
        BigDecimal seconds = number.movePointLeft(digits <= 11 ? 0 : digits <= 14 ? 3 : digits <= 17 ? 6 : 9);
        long nanos = seconds.remainder(BigDecimal.ONE).movePointRight(9).longValue();
        return Instant.ofEpochSecond(seconds.longValue(), nanos).atOffset(ZoneOffset.UTC);
    }

    private static ListedTime of(TemporalAccessor time) {
        if (time instanceof OffsetDateTime zoned) {
            return new ListedTime(zoned.toInstant(), precision(zoned.toLocalDateTime()));
        }
        LocalDateTime local = time instanceof LocalDate date ? date.atStartOfDay() : LocalDateTime.from(time);
        return new ListedTime(local.toInstant(ZoneOffset.UTC), precision(local).plus(ZONES));
    }

    /** Trailing zeros may be parts of the time that were cut off. */
    private static Duration precision(LocalDateTime time) {
        return Stream.of(ChronoUnit.DAYS, ChronoUnit.HOURS, ChronoUnit.MINUTES, ChronoUnit.SECONDS)
                .filter(unit -> time.truncatedTo(unit).equals(time))
                .findFirst()
                .orElse(ChronoUnit.MILLIS)
                .getDuration();
    }
}
