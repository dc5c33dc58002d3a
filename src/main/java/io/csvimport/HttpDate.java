package io.csvimport;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.temporal.ChronoField;
import java.util.List;
import java.util.Locale;
import org.apache.camel.Message;

/** The times in the headers of an answer: an HTTP date in each of its three forms, and Retry-After (RFC 9110). */
final class HttpDate {

    /** No answer makes anything wait longer. */
    static final Duration LONGEST_PAUSE = Duration.ofMinutes(10);

    /** Without the day of the week, which says nothing more: IMF-fixdate, RFC 850, asctime. */
    private static final List<DateTimeFormatter> FORMS = List.of(
            builder().appendPattern("d MMM yyyy HH:mm:ss 'GMT'").toFormatter(Locale.ENGLISH),
            builder()
                    .appendPattern("d-MMM-")
                    .appendValueReduced(ChronoField.YEAR, 2, 2, LocalDate.now().minusYears(50))
                    .appendPattern(" HH:mm:ss 'GMT'")
                    .toFormatter(Locale.ENGLISH),
            builder().appendPattern("MMM d HH:mm:ss yyyy").toFormatter(Locale.ENGLISH));

    private HttpDate() {}

    private static DateTimeFormatterBuilder builder() {
        return new DateTimeFormatterBuilder().parseCaseInsensitive();
    }

    /** Null where the text is no HTTP date, or null. */
    static Instant parse(String text) {
        String date = text == null ? "" : text.strip().replaceFirst("^[A-Za-z]+,?\\s+", "");
        for (DateTimeFormatter form : FORMS) {
            try {
                return LocalDateTime.parse(date.replaceAll("\\s+", " "), form).toInstant(ZoneOffset.UTC);
            } catch (DateTimeException e) {
                // another form
            }
        }
        return null;
    }

    /** The pause that an answer asks for; null where it asks for none. */
    static Duration retryAfter(Message answer) {
        return retryAfter(answer.getHeader("Retry-After", String.class), answer.getHeader("Date", String.class));
    }

    /**
     * The pause that Retry-After asks for, from zero to {@link #LONGEST_PAUSE}; null where it cannot be read.
     *
     * @param header seconds, or a date; null: none
     * @param date of the answer, by which the other date counts; where it is null, the clock of this machine does
     */
    static Duration retryAfter(String header, String date) {
        String value = header == null ? "" : header.strip();
        if (value.matches("[0-9]+")) {
            // a number beyond 18 digits is cut off: it is too long either way
            return within(Duration.ofSeconds(
                    Long.parseLong(value.replaceFirst("^0+(?=.)", "").replaceFirst("(?<=^.{18}).*", ""))));
        }
        Instant until = parse(value);
        Instant now = parse(date);
        return until == null ? null : within(Duration.between(now == null ? Instant.now() : now, until));
    }

    private static Duration within(Duration pause) {
        return pause.isNegative() ? Duration.ZERO : pause.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : pause;
    }
}
