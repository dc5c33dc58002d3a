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

    /**
     * The pause that an answer asks for with Retry-After, in seconds or until a date by the answer's own Date; at most
     * {@link #LONGEST_PAUSE}, null where it asks for none.
     */
    static Duration retryAfter(Message answer) {
        String header = answer.getHeader("Retry-After", "", String.class).strip();
        Duration pause;
        if (header.matches("[0-9]+")) {
            // a number beyond 18 digits is cut off: it is too long either way
            pause = Duration.ofSeconds(
                    Long.parseLong(header.replaceFirst("^0+(?=.)", "").replaceFirst("(?<=^.{18}).*", "")));
        } else {
            Instant until = parse(header);
            Instant now = parse(answer.getHeader("Date", String.class));
            pause = until == null ? Duration.ZERO : Duration.between(now == null ? Instant.now() : now, until);
        }
        if (pause.isZero() || pause.isNegative()) {
            return null;
        }
        return pause.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : pause;
    }
}
