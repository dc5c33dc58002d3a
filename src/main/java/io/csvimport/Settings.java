package io.csvimport;

import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Period;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The settings {@code csv-import.…}: an environment variable wins over a system property, that over the properties
 * given. Names are used without their prefix here ({@code api.url}). {@code defaults.properties} lists them all.
 */
public final class Settings {

    static final String PREFIX = "csv-import.";
    private static final String DEFAULTS = "/META-INF/csv-import/defaults.properties";
    private static final Pattern SIZE = Pattern.compile("(?i)(\\d{1,18})\\s*(B|KB|MB|GB|TB)?");
    private static final List<String> UNITS = List.of("B", "KB", "MB", "GB", "TB");

    /** What a value must look like: the operator answers what is wrong with it, or null. */
    private static final Map<String, UnaryOperator<String>> CHECKS = Map.ofEntries(
            Map.entry("api.url", Settings::checkUrl),
            Map.entry("api.organization", Settings::checkOrganization),
            Map.entry("api.timeout", Settings::checkPositiveDuration),
            Map.entry("api.requests-per-minute", v -> checkNumber(v, 0, 1_000_000)),
            Map.entry("api.proxy.port", Settings::checkPort),
            Map.entry("api.trust-store", Settings::checkReadableFile),
            Map.entry("template", v -> v.chars().anyMatch(Character::isISOControl) ? "has control characters" : null),
            Map.entry("notify", Names::checkNotify),
            Map.entry("tag-file-name", Settings::checkFlag),
            Map.entry("data-dir", Settings::checkFolder),
            Map.entry("file.directory", Settings::checkFolder),
            Map.entry(
                    "ledger.url",
                    v -> checkPattern(v, "jdbc:(sqlite|postgresql):.+", "a JDBC URL of SQLite or PostgreSQL")),
            Map.entry("ledger.keep", Settings::checkPeriod),
            Map.entry("imported.keep", Settings::checkPeriod),
            Map.entry("duplicates", v -> checkPattern(v, "skip|import", "skip or import")),
            Map.entry("reconcile.wait", Settings::checkDuration),
            Map.entry("reconcile.not-found", v -> checkPattern(v, "upload|hold", "upload or hold")),
            Map.entry("max-size", Settings::checkSize),
            Map.entry("parallel", v -> checkNumber(v, 1, 1000)),
            Map.entry("file.enabled", Settings::checkFlag),
            Map.entry("file.quiet", Settings::checkDuration),
            Map.entry("file.quiet-after-growth", Settings::checkDuration),
            Map.entry("sftp.enabled", Settings::checkFlag),
            Map.entry("sftp.port", Settings::checkPort),
            Map.entry("sftp.directory", v -> checkPattern(v, "[^*?\\\\]+", "a path without *, ? and \\")),
            Map.entry("sftp.read-only", Settings::checkFlag),
            Map.entry("sftp.private-key-file", Settings::checkReadableFile),
            Map.entry("sftp.known-hosts-file", Settings::checkReadableFile),
            Map.entry("jms.enabled", Settings::checkFlag),
            Map.entry(
                    "jms.url",
                    v -> checkPattern(
                            v,
                            "(amqps?://|failover:\\(amqp|\\(?tcp://).+",
                            "amqp://…, amqps://…, failover:(amqp…) or tcp://…")),
            Map.entry("jms.consumers", v -> checkNumber(v, 1, 100)),
            Map.entry("preview", v -> checkPattern(v, "off|gate", "off or gate")),
            Map.entry("track.enabled", Settings::checkFlag),
            Map.entry("track.interval", Settings::checkPositiveDuration),
            Map.entry(
                    "void.path", v -> checkPattern(v, "csv-import|statement-import", "csv-import or statement-import")),
            Map.entry("management.port", Settings::checkPort),
            Map.entry("health.grace", Settings::checkDuration),
            Map.entry("management.username", v -> v.contains(":") ? "a user name of HTTP Basic has no colon" : null),
            Map.entry("log.format", v -> checkPattern(v, "text|json", "text or json")),
            Map.entry("stop.timeout", Settings::checkPositiveDuration));

    private static final Map<String, String> REQUIRED = Map.of(
            "api.url", "scheme, host and port of the API, as in https://sandbox.watershedlrs.com",
            "api.organization", "the organization id, as in 5664",
            "api.key", "the key of the API credential",
            "api.secret", "the secret of the API credential");

    /** What a source needs, once it is switched on. */
    private static final Map<String, Map<String, String>> REQUIRED_WHERE = Map.of(
            "sftp.enabled",
            Map.of(
                    "sftp.host", "the name or address of the SFTP server",
                    "sftp.username", "who logs in on the SFTP server"),
            "jms.enabled",
            Map.of("jms.url", "the URL of the broker, as in amqp://broker.example.com:5672"));

    private final Properties defaults = defaults();
    private final Properties given;

    /** @param given the properties from files, keys with the prefix; what has another prefix is not looked at. */
    public Settings(Properties given) {
        this.given = given;
    }

    /** Every setting with its default, as a new set of properties; read as UTF-8. */
    public static Properties defaults() {
        try (InputStream in = Settings.class.getResourceAsStream(DEFAULTS)) {
            return read(new InputStreamReader(in, StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Reads a properties file as UTF-8; an absent file has no properties. */
    static Properties read(Path file) throws IOException {
        if (!Files.exists(file)) {
            return new Properties();
        }
        try (Reader reader = Files.newBufferedReader(file)) {
            return read(reader);
        }
    }

    private static Properties read(Reader reader) throws IOException {
        Properties properties = new Properties();
        properties.load(reader);
        return properties;
    }

    /** The environment variable of a setting: {@code CSV_IMPORT_API_URL} for {@code api.url}. */
    static String variable(String name) {
        return (PREFIX + name).toUpperCase(Locale.ROOT).replace('.', '_').replace('-', '_');
    }

    /** The value of a setting; empty where there is none. */
    public String get(String name) {
        String key = PREFIX + name;
        String value = System.getenv(variable(name));
        if (value == null) {
            value = System.getProperty(key, given.getProperty(key, defaults.getProperty(key)));
        }
        if (value == null) {
            throw new IllegalArgumentException(key + " is not a setting");
        }
        return value.trim();
    }

    Optional<String> find(String name) {
        return Optional.of(get(name)).filter(value -> !value.isEmpty());
    }

    boolean flag(String name) {
        return Boolean.parseBoolean(get(name));
    }

    int number(String name) {
        return Integer.parseInt(get(name));
    }

    Duration duration(String name) {
        return Duration.parse(get(name));
    }

    Path path(String name) {
        return Path.of(get(name)).toAbsolutePath().normalize();
    }

    /** A size in bytes. */
    long size(String name) {
        return bytes(get(name));
    }

    private static long bytes(String value) {
        Matcher size = SIZE.matcher(value);
        if (!size.matches()) {
            throw new NumberFormatException(value);
        }
        String unit = size.group(2) == null ? "B" : size.group(2).toUpperCase(Locale.ROOT);
        return Math.multiplyExact(Long.parseLong(size.group(1)), 1L << (10 * UNITS.indexOf(unit)));
    }

    /** One line for each setting that is missing or wrong, with its property and its variable; no value of a secret. */
    public List<String> problems() {
        List<String> problems = new ArrayList<>();
        Map<String, String> required = new HashMap<>(REQUIRED);
        REQUIRED_WHERE.forEach((flag, names) -> required.putAll(flag(flag) ? names : Map.of()));
        if (flag("sftp.enabled") && get("sftp.private-key-file").isEmpty()) {
            required.put("sftp.password", "the password of the login, where sftp.private-key-file names no key");
        }
        for (String key : new TreeSet<>(defaults.stringPropertyNames())) {
            String name = key.substring(PREFIX.length());
            String value = get(name);
            String label = key + " (" + variable(name) + ")";
            if (value.isEmpty() && required.containsKey(name)) {
                problems.add(label + " is missing: " + required.get(name));
            } else if (value.isEmpty() && !defaults.getProperty(key).isEmpty()) {
                problems.add(label + " is empty: leave it out for its default, " + defaults.getProperty(key));
            } else if (!value.isEmpty() && CHECKS.containsKey(name)) {
                Optional.ofNullable(CHECKS.get(name).apply(value))
                        .ifPresent(problem -> problems.add(label + " is '"
                                + value.replaceAll("[?].*", "?…").replaceAll("//[^/]*@", "//…@") + "': " + problem));
            }
        }
        if (find("management.username").isPresent()
                != find("management.password").isPresent()) {
            String missing = find("management.username").isPresent() ? "management.password" : "management.username";
            problems.add(PREFIX + missing + " (" + variable(missing)
                    + ") is missing: operations over HTTP need username and password, or neither");
        }
        TreeSet<String> unknown = new TreeSet<>(given.stringPropertyNames());
        unknown.addAll(System.getProperties().stringPropertyNames());
        unknown.removeIf(key -> !key.startsWith(PREFIX) || defaults.containsKey(key) || key.equals(PREFIX + "routes"));
        unknown.forEach(key -> problems.add(key + " (" + variable(key.substring(PREFIX.length()))
                + ") is not a setting: see the table in README.md"));
        return problems;
    }

    private static String checkPattern(String value, String pattern, String expected) {
        return value.matches(pattern) ? null : "expected is " + expected;
    }

    private static String checkUrl(String value) {
        String expected = "expected is scheme, host and port only, as in https://sandbox.watershedlrs.com";
        try {
            URI uri = new URI(value);
            boolean web = "http".equals(uri.getScheme()) || "https".equals(uri.getScheme());
            boolean bare = uri.getRawUserInfo() == null && uri.getRawQuery() == null && uri.getRawFragment() == null;
            return web && bare && uri.getHost() != null && uri.getRawPath().isEmpty() ? null : expected;
        } catch (java.net.URISyntaxException e) {
            return expected;
        }
    }

    private static String checkFolder(String value) {
        return checkPattern(
                value, "[^%&?]+", "a folder without %, & and ? in its path: they have a meaning in Camel's URIs");
    }

    private static String checkOrganization(String value) {
        return checkPattern(value, "[A-Za-z0-9._~-]+", "an organization id: letters, digits, '.', '_', '~', '-'");
    }

    private static String checkFlag(String value) {
        return checkPattern(value, "true|false", "true or false");
    }

    private static String checkNumber(String value, int least, int most) {
        boolean number = value.matches("\\d{1,9}");
        boolean fits = number && Integer.parseInt(value) >= least && Integer.parseInt(value) <= most;
        return fits ? null : "expected is a number from " + least + " to " + most;
    }

    private static String checkPort(String value) {
        return checkNumber(value, 0, 65535);
    }

    private static String checkReadableFile(String value) {
        return Files.isReadable(Path.of(value)) ? null : "there is no such file, or it cannot be read";
    }

    private static String checkDuration(String value) {
        try {
            return Duration.parse(value).isNegative() ? "a duration cannot be negative" : null;
        } catch (DateTimeParseException e) {
            return "expected is an ISO-8601 duration, as in PT20M or PT2S";
        }
    }

    private static String checkPositiveDuration(String value) {
        String problem = checkDuration(value);
        return problem == null && Duration.parse(value).isZero() ? "a duration of zero makes no sense here" : problem;
    }

    private static String checkPeriod(String value) {
        try {
            Period.parse(value);
            return null;
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
