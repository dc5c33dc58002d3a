package io.csvimport;

import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Period;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What the value of a setting must look like. */
final class SettingChecks {

    private static final Pattern SIZE = Pattern.compile("(?i)(\\d{1,18})\\s*(B|KB|MB|GB|TB)?");
    private static final List<String> UNITS = List.of("B", "KB", "MB", "GB", "TB");

    /** Milliseconds and nanoseconds of it fit into a long, its seconds into an int. */
    private static final Duration LONGEST = Duration.ofDays(3650);

    private static final int MOST_YEARS = 1000;

    private static final Pattern URL = Pattern.compile("(?i)https?://([^/?#@\\[\\]:]+|\\[[^]/]*])(?::(\\d+))?/?");
    private static final Pattern PORT = Pattern.compile("//(?:[^/,?()@]*@)?(?:[^/,?()@:\\[]*|\\[[^]]*]):(\\d+)");

    private static final String NO_HOST =
            "is no name of a host: expected are letters, digits, '-' and '.' (no '_'), or an address";

    /** Each answers what is wrong with a value, or null. */
    private static final Map<String, UnaryOperator<String>> CHECKS = Map.ofEntries(
            Map.entry("api.url", SettingChecks::checkUrl),
            Map.entry("api.organization", SettingChecks::checkOrganization),
            Map.entry("api.timeout", SettingChecks::checkPositiveDuration),
            Map.entry("api.requests-per-minute", v -> checkNumber(v, 0, 1_000_000)),
            Map.entry("api.key", SettingChecks::checkUsername),
            Map.entry("api.proxy.host", SettingChecks::checkHost),
            Map.entry("api.proxy.port", v -> checkNumber(v, 1, 65535)),
            Map.entry("api.proxy.username", SettingChecks::checkUsername),
            Map.entry("api.trust-store", SettingChecks::checkReadableFile),
            Map.entry("notify", NotifyAddresses::problem),
            Map.entry("tag-file-name", SettingChecks::checkFlag),
            Map.entry("data-dir", SettingChecks::checkFolder),
            Map.entry("file.directory", SettingChecks::checkFolder),
            Map.entry(
                    "ledger.url",
                    v -> checkPattern(v, "jdbc:(sqlite|postgresql):.+", "a JDBC URL of SQLite or PostgreSQL")),
            Map.entry("ledger.keep", SettingChecks::checkPeriod),
            Map.entry("imported.keep", SettingChecks::checkPeriod),
            Map.entry("duplicates", v -> checkPattern(v, "skip|import", "skip or import")),
            Map.entry("reconcile.wait", SettingChecks::checkDuration),
            Map.entry("reconcile.not-found", v -> checkPattern(v, "upload|hold", "upload or hold")),
            Map.entry("max-size", SettingChecks::checkSize),
            Map.entry("parallel", v -> checkNumber(v, 1, 1000)),
            Map.entry("max-attempts", v -> checkNumber(v, 1, 1_000_000)),
            Map.entry("file.enabled", SettingChecks::checkFlag),
            Map.entry("file.quiet", SettingChecks::checkDuration),
            Map.entry("file.quiet-after-growth", SettingChecks::checkDuration),
            Map.entry("file.quiet-empty", SettingChecks::checkDuration),
            Map.entry("sftp.enabled", SettingChecks::checkFlag),
            Map.entry("sftp.host", SettingChecks::checkHost),
            Map.entry("sftp.port", v -> checkNumber(v, 1, 65535)),
            Map.entry("sftp.directory", v -> checkPattern(v, "[^*?\\\\]+", "a path without *, ? and \\")),
            Map.entry("sftp.read-only", SettingChecks::checkFlag),
            Map.entry("sftp.private-key-file", SettingChecks::checkReadableFile),
            Map.entry("sftp.known-hosts-file", SettingChecks::checkReadableFile),
            Map.entry("jms.enabled", SettingChecks::checkFlag),
            Map.entry("jms.url", SettingChecks::checkBroker),
            Map.entry("jms.consumers", v -> checkNumber(v, 1, 100)),
            Map.entry("preview", v -> checkPattern(v, "off|gate", "off or gate")),
            Map.entry("track.enabled", SettingChecks::checkFlag),
            Map.entry("track.interval", SettingChecks::checkPositiveDuration),
            Map.entry("track.quiet", SettingChecks::checkDuration),
            Map.entry(
                    "void.path", v -> checkPattern(v, "csv-import|statement-import", "csv-import or statement-import")),
            Map.entry("management.port", v -> checkNumber(v, 0, 65535)),
            Map.entry("management.host", SettingChecks::checkHost),
            Map.entry("health.grace", SettingChecks::checkDuration),
            Map.entry("management.username", SettingChecks::checkUsername),
            Map.entry("log.format", v -> checkPattern(v, "text|json", "text or json")),
            Map.entry("routes", SettingChecks::checkExistingFolder),
            Map.entry("stop.timeout", SettingChecks::checkPositiveDuration));

    private SettingChecks() {}

    /** What is wrong with the value, or null. */
    static String problem(String name, String value) {
        return CHECKS.getOrDefault(name, any -> null).apply(value);
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

    private static String checkPattern(String value, String pattern, String expected) {
        return value.matches(pattern) ? null : "expected is " + expected;
    }

    private static String checkUrl(String value) {
        Matcher url = URL.matcher(value);
        if (!url.matches()) {
            return "expected is scheme, host and port only, as in https://sandbox.watershedlrs.com";
        }
        String problem = checkPorts(value);
        try {
            // Java's own rules for the names of hosts, and so those of the HTTP client
            boolean named = new URI(value).getHost() != null;
            return named || problem != null ? problem : "'" + url.group(1) + "' " + NO_HOST;
        } catch (URISyntaxException e) {
            return "'" + url.group(1) + "' " + NO_HOST;
        }
    }

    private static String checkPorts(String urls) {
        return PORT.matcher(urls)
                .results()
                .map(port -> port.group(1))
                .filter(port -> checkNumber(port, 1, 65535) != null)
                .findFirst()
                .map(port -> port + " is no port: expected is a number from 1 to 65535")
                .orElse(null);
    }

    private static String checkBroker(String value) {
        String problem = checkPattern(
                value,
                "(amqps?://|failover:\\(amqp|\\(?tcp://)\\S+",
                "amqp://…, amqps://…, failover:(amqp…) or tcp://…, without blanks");
        return problem == null ? checkPorts(value) : problem;
    }

    private static String checkHost(String value) {
        return checkPattern(
                value,
                "[\\w.-]+|\\[?[\\p{XDigit}:.]*:[\\p{XDigit}:.]*:[\\w:.%]*]?",
                "the name or address of a host alone, without scheme, port and blanks");
    }

    private static String checkUsername(String value) {
        return value.contains(":") ? "a user name of HTTP Basic has no colon" : null;
    }

    private static String checkFolder(String value) {
        String problem = checkPath(value);
        return problem != null
                ? problem
                : checkPattern(
                        value,
                        "[^%&?]+",
                        "a folder without %, & and ? in its path: they have a meaning in Camel's URIs");
    }

    private static String checkOrganization(String value) {
        return checkPattern(
                value,
                "(?!\\.{1,2}$)[A-Za-z0-9._~-]+",
                "an organization id: letters, digits, '.', '_', '~', '-', and neither . nor ..");
    }

    private static String checkFlag(String value) {
        return checkPattern(value, "true|false", "true or false");
    }

    static String checkNumber(String value, int least, int most) {
        boolean number = value.matches("0|[1-9]\\d{0,8}");
        boolean fits = number && Integer.parseInt(value) >= least && Integer.parseInt(value) <= most;
        return fits ? null : "expected is a number from " + least + " to " + most;
    }

    private static String checkPath(String value) {
        try {
            Path.of(value);
            return null;
        } catch (InvalidPathException e) {
            return "is no path here: " + e.getReason() + " (is the locale UTF-8, as with LC_ALL=C.UTF-8?)";
        }
    }

    private static String checkExistingFolder(String value) {
        String problem = checkPath(value);
        return problem != null || Files.isDirectory(Path.of(value)) ? problem : "there is no such folder";
    }

    private static String checkReadableFile(String value) {
        String problem = checkPath(value);
        return problem != null || Files.isReadable(Path.of(value)) && !Files.isDirectory(Path.of(value))
                ? problem
                : "there is no such file, or it cannot be read";
    }

    private static String checkDuration(String value) {
        try {
            Duration duration = Duration.parse(value);
            if (duration.isNegative()) {
                return "a duration cannot be negative";
            }
            return duration.compareTo(LONGEST) > 0 ? "expected is at most " + LONGEST.toDays() + " days" : null;
        } catch (DateTimeParseException | ArithmeticException e) {
            return "expected is an ISO-8601 duration, as in PT20M or PT2S";
        }
    }

    /** Whether a value is a duration of no time. */
    static boolean isZero(String value) {
        return checkDuration(value) == null && Duration.parse(value).isZero();
    }

    private static String checkPositiveDuration(String value) {
        String problem = checkDuration(value);
        return problem == null && Duration.parse(value).toMillis() == 0
                ? "expected is a millisecond (PT0.001S) at least"
                : problem;
    }

    private static String checkPeriod(String value) {
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

    private static String checkSize(String value) {
        try {
            return bytes(value) > 0 ? null : "a size of zero makes no sense here";
        } catch (NumberFormatException | ArithmeticException e) {
            return "expected is a size in bytes, or with a unit, as in 10GB";
        }
    }
}
