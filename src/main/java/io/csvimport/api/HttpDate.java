package io.csvimport.api;

import java.math.BigInteger;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Objects;
import org.apache.hc.client5.http.utils.DateUtils;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.HttpHeaders;
import org.apache.hc.core5.http.MessageHeaders;

/** The times in the headers of an answer: an HTTP date in each of its three forms, and Retry-After (RFC 9110). */
public final class HttpDate {

    /** No answer makes anything wait longer. */
    public static final Duration LONGEST_PAUSE = Duration.ofMinutes(10);

    private static final DateTimeFormatter[] FORMATS = {
        DateUtils.FORMATTER_RFC1123, DateUtils.FORMATTER_RFC1036, DateUtils.FORMATTER_ASCTIME.withZone(ZoneOffset.UTC)
    };

    private HttpDate() {}

    /** Returns null where the text is null or no HTTP date. */
    static Instant parse(String text) {
        return text == null ? null : DateUtils.parseDate(text.strip().replaceAll("\\s+", " "), FORMATS);
    }

    static Duration retryAfter(MessageHeaders answer) {
        return retryAfter(value(answer, HttpHeaders.RETRY_AFTER), value(answer, HttpHeaders.DATE));
    }

    private static String value(MessageHeaders answer, String name) {
        Header header = answer.getFirstHeader(name);
        return header == null ? null : header.getValue();
    }

    /**
     * The pause that Retry-After asks for, from zero to {@link #LONGEST_PAUSE}.
     *
     * @param header seconds or an HTTP date; may be null
     * @param date the answer's own Date, which the header's date is compared with; where it is null or unreadable, the
     *     clock of this machine
     * @return null where the header is null or unreadable
     */
    static Duration retryAfter(String header, String date) {
        if (header == null) {
            return null;
        }
        String value = header.strip();
        if (value.matches("\\d{1,100}")) {
            BigInteger seconds = new BigInteger(value).min(BigInteger.valueOf(LONGEST_PAUSE.toSeconds()));
            return Duration.ofSeconds(seconds.longValue());
        }
        Instant until = parse(value);
        if (until == null) {
            return null;
        }
        Instant now = Objects.requireNonNullElseGet(parse(date), Instant::now);
        Duration pause = Duration.between(now, until);
        return pause.isNegative() ? Duration.ZERO : pause.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : pause;
    }
}
