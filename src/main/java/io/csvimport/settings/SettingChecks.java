package io.csvimport.settings;

import io.csvimport.text.NotifyAddresses;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Period;
import java.time.format.DateTimeParseException;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What the value of a setting must look like. */
public final class SettingChecks {

    private static final Pattern SIZE = Pattern.compile("(?i)(\\d{1,18})\\s*(B|KB|MB|GB|TB)?");
    private static final List<String> UNITS = List.of("B", "KB", "MB", "GB", "TB");

    /** Its milliseconds and nanoseconds fit into a long, its seconds into an int. */
    private static final Duration LONGEST = Duration.ofDays(3650);

    private static final int MOST_YEARS = 1000;

    private static final Pattern URL = Pattern.compile("(?i)https?://([^/?#@\\[\\]:]+|\\[[^]/]*])(?::(\\d+))?/?");
    private static final Pattern PORT = Pattern.compile("//(?:[^/,?()@]*@)?(?:[^/,?()@:\\[]*|\\[[^]]*]):(\\d+)");

    /** The types of the settings: {@code a|b} is a choice, {@code 1..9} a range. */
    private static final String TYPES =
            """
            url: api.url
            organization: api.organization
            username: api.key api.proxy.username management.username
            host: api.proxy.host sftp.host management.host
            1..65535: api.proxy.port sftp.port
            0..65535: management.port
            0..1000000: api.requests-per-minute
            1..1000000: max-attempts
            1..1000: parallel
            1..100: jms.consumers
            some time: api.timeout track.interval stop.timeout
            time: reconcile.wait file.quiet file.quiet-after-growth file.quiet-empty track.quiet health.grace
            period: ledger.keep imported.keep
            size: max-size
            true|false: enabled tag-file-name file.enabled sftp.enabled sftp.read-only jms.enabled track.enabled management.routes
            skip|import: duplicates
            template|none: order
            upload|hold: reconcile.not-found
            off|gate: preview
            csv-import|statement-import: void.path
            text|json: log.format
            addresses: notify
            database: ledger.url
            broker: jms.url
            remote folder: sftp.directory
            folder: data-dir file.directory
            existing folder: routes
            existing file: api.trust-store sftp.private-key-file sftp.known-hosts-file
            any text: api.secret api.proxy.password api.trust-store-password template ledger.username ledger.password sftp.username
            any text: sftp.password sftp.private-key-passphrase jms.username jms.password jms.queue audit.uri management.password
            """;

    static final Map<String, UnaryOperator<String>> CHECKS = new HashMap<>();

    static {
        TYPES.lines().map(line -> line.split(": ")).forEach(line -> List.of(line[1].split(" "))
                .forEach(name -> CHECKS.put(name, check(line[0]))));
    }

    private SettingChecks() {}

    /** What is wrong with the value, or null. */
    static String problem(String name, String value) {
        return CHECKS.get(name).apply(value);
    }

    /**
     * The bytes of a size such as {@code 10GB}.
     *
     * @throws ArithmeticException where they do not fit into a long
     */
    static long bytes(String value) {
        Matcher size = SIZE.matcher(value);
        if (!size.matches()) {
            throw new NumberFormatException(value);
        }
        String unit = size.group(2) == null ? "B" : size.group(2).toUpperCase(Locale.ROOT);
        return Math.multiplyExact(Long.parseLong(size.group(1)), 1L << (10 * UNITS.indexOf(unit)));
    }

    /** Answers what is wrong with a value of the type, or null. */
    public static UnaryOperator<String> check(String type) {
        return switch (type) {
            case "any text" -> text -> null;
            case "url" -> SettingChecks::url;
            case "organization" ->
                pattern(
                        "(?!\\.{1,2}$)[A-Za-z0-9._~-]+",
                        "an organization id: letters, digits, '.', '_', '~', '-', and neither . nor ..");
            case "username" -> pattern("[^:]*", "a user name of HTTP Basic, which has no colon");
            case "host" ->
                pattern(
                        "[\\w.-]+|\\[?[\\p{XDigit}:.]*:[\\p{XDigit}:.]*:[\\w:.%]*]?",
                        "the name or address of a host alone, without scheme, port and blanks");
            case "some time" -> duration("a millisecond (PT0.001S)", Duration.ofMillis(1));
            case "time" -> duration("zero", Duration.ZERO);
            case "period" -> SettingChecks::period;
            case "size" -> SettingChecks::size;
            case "addresses" -> NotifyAddresses::problem;
            case "database" -> pattern("jdbc:(sqlite|postgresql):.+", "a JDBC URL of SQLite or PostgreSQL");
            case "broker" -> SettingChecks::broker;
            case "remote folder" -> pattern("[^*?\\\\]+", "a path without *, ? and \\");
            case "folder" ->
                path(
                        folder -> !folder.toString().matches(".*[%&?].*"),
                        "expected is a folder without %, & and ? in its path: they have a meaning in Camel's URIs");
            case "existing folder" -> path(Files::isDirectory, "there is no such folder");
            case "existing file" ->
                path(
                        file -> Files.isReadable(file) && !Files.isDirectory(file),
                        "there is no such file, or it cannot be read");
            default -> {
                String[] range = type.split("\\.\\.");
                yield range.length == 1
                        ? pattern(type, type.replace("|", " or "))
                        : number(Integer.parseInt(range[0]), Integer.parseInt(range[1]));
            }
        };
    }

    private static UnaryOperator<String> pattern(String pattern, String expected) {
        return value -> value.matches(pattern) ? null : "expected is " + expected;
    }

    private static UnaryOperator<String> number(int least, int most) {
        return value ->
                value.matches("0|[1-9]\\d{0,8}") && Integer.parseInt(value) >= least && Integer.parseInt(value) <= most
                        ? null
                        : "expected is a number from " + least + " to " + most;
    }

    private static UnaryOperator<String> duration(String from, Duration least) {
        return value -> {
            try {
                Duration duration = Duration.parse(value);
                return duration.compareTo(least) >= 0 && duration.compareTo(LONGEST) <= 0
                        ? null
                        : "expected is a duration from " + from + " to at most " + LONGEST.toDays() + " days";
            } catch (DateTimeParseException | ArithmeticException e) {
                return "expected is an ISO-8601 duration, as in PT20M or PT2S";
            }
        };
    }

    private static UnaryOperator<String> path(Predicate<Path> fits, String problem) {
        return value -> {
            try {
                return fits.test(Path.of(value)) ? null : problem;
            } catch (InvalidPathException e) {
                return "is no path here: " + e.getReason() + " (is the locale UTF-8, as with LC_ALL=C.UTF-8?)";
            }
        };
    }

    private static String period(String value) {
        try {
            Period period = Period.parse(value);
            long years = period.toTotalMonths() / 12 + period.getDays() / 365;
            return period.isNegative() || period.isZero() || years > MOST_YEARS
                    ? "expected is a period from a day (P1D) to " + MOST_YEARS + " years (P" + MOST_YEARS + "Y)"
                    : null;
        } catch (DateTimeParseException e) {
            return "expected is an ISO-8601 period, as in P2Y or P90D";
        }
    }

    private static String size(String value) {
        try {
            return bytes(value) > 0 ? null : "expected is a size of more than zero";
        } catch (NumberFormatException | ArithmeticException e) {
            return "expected is a size in bytes, or with a unit, as in 10GB";
        }
    }

    private static String url(String value) {
        Matcher url = URL.matcher(value);
        if (!url.matches()) {
            return "expected is scheme, host and port only, as in https://sandbox.watershedlrs.com";
        }
        String problem = ports(value);
        return problem != null || isHost(value)
                ? problem
                : "'" + url.group(1)
                        + "' is no name of a host: expected are letters, digits, '-' and '.' (no '_'), or an"
                        + " address";
    }

    /** By Java's own rules for the names of hosts, which are those of the HTTP client. */
    private static boolean isHost(String url) {
        try {
            return new URI(url).getHost() != null;
        } catch (URISyntaxException e) {
            return false;
        }
    }

    private static String ports(String urls) {
        return PORT.matcher(urls)
                .results()
                .map(port -> port.group(1))
                .filter(port -> number(1, 65535).apply(port) != null)
                .findFirst()
                .map(port -> port + " is no port: expected is a number from 1 to 65535")
                .orElse(null);
    }

    private static String broker(String value) {
        return value.matches("(amqps?://|failover:\\(amqp|\\(?tcp://)\\S+")
                ? ports(value)
                : "expected is amqp://…, amqps://…, failover:(amqp…) or tcp://…, without blanks";
    }
}
