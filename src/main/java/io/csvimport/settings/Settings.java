package io.csvimport.settings;

import io.csvimport.text.NearestName;
import io.csvimport.text.Visible;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * The settings {@code csv-import.…}. Names are used without their prefix here ({@code api.url}). {@code
 * defaults.properties} lists them all.
 */
public final class Settings {

    public static final String PREFIX = "csv-import.";
    private static final Pattern AROUND = Pattern.compile("^[\\s\\p{Z}\\uFEFF]+|[\\s\\p{Z}\\uFEFF]+$");
    private static final Pattern LINE_ENDS_AROUND = Pattern.compile("^[\\r\\n]+|[\\r\\n]+$");
    private static final Pattern SECRET = Pattern.compile("api\\.key|.*(secret|password|passphrase)");

    /** The variables that Kubernetes sets for a Service whose name begins with csv-import. */
    private static final Pattern OF_KUBERNETES = Pattern.compile(
            "(?s)CSV_IMPORT_(.+_)?"
                    + "(PORT=(tcp|udp|sctp)://.*|SERVICE_(HOST|PORT(_.+)?)=.*|PORT_\\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?=.*)");

    /** What is required: always, or by the flag of a source. */
    private static final Map<String, Map<String, String>> REQUIRED = Map.of(
            "",
            Map.of(
                    "api.url", "scheme, host and port of the API, as in https://sandbox.watershedlrs.com",
                    "api.organization", "the organization id, as in 5664",
                    "api.key", "the key of the API credential",
                    "api.secret", "the secret of the API credential"),
            "sftp.enabled",
            Map.of(
                    "sftp.host", "the name or address of the SFTP server",
                    "sftp.username", "the user of the login on the SFTP server"),
            "jms.enabled",
            Map.of("jms.url", "the URL of the broker, as in amqp://broker.example.com:5672"));

    /** Folders of the data dir with files that are no new CSVs. */
    private static final List<String> OWN_FOLDERS = List.of("spool", "audit", "failed-rows", "posted");

    /** The settings that make no sense without another one. */
    private static final Map<String, String> NEEDS = Map.of(
            "api.proxy.port", "api.proxy.host",
            "api.proxy.username", "api.proxy.host",
            "api.proxy.password", "api.proxy.username",
            "api.trust-store-password", "api.trust-store",
            "sftp.private-key-passphrase", "sftp.private-key-file",
            "ledger.password", "ledger.username",
            "jms.password", "jms.username",
            "management.username", "management.password",
            "management.password", "management.username");

    private final Properties defaults = defaults();
    private final SettingsSource source;
    private final Map<String, String> values = new TreeMap<>();

    /** @param given properties from files; the environment and system properties win over them */
    public Settings(Properties given) {
        this(SettingsSource.of(given));
    }

    public Settings(SettingsSource source) {
        this.source = source;
        for (String key : defaults.stringPropertyNames()) {
            String name = key.substring(PREFIX.length());
            String value = source.value(key);
            values.put(name, canonical(name, value == null ? defaults.getProperty(key) : value));
        }
        // if each sender renames, an empty file is not unfinished
        if (source.value(PREFIX + "file.quiet-empty") == null
                && SettingChecks.problem("file.quiet", get("file.quiet")) == null
                && duration("file.quiet").isZero()) {
            values.put("file.quiet-empty", "PT0S");
        }
    }

    /** Whether Kubernetes sets the variable, for a Service whose name begins with csv-import. */
    public static boolean isOfKubernetes(String variable, String value) {
        return OF_KUBERNETES.matcher(variable + "=" + value).matches();
    }

    /** Without blanks and line ends around it; blanks are part of a secret. */
    private static String canonical(String name, String value) {
        String bare =
                (isSecret(name) ? LINE_ENDS_AROUND : AROUND).matcher(value).replaceAll("");
        return name.equals("api.url") ? bare.replaceFirst("/$", "").replaceFirst("(?i)^http", "http") : bare;
    }

    private static boolean isSecret(String name) {
        return SECRET.matcher(name).matches();
    }

    /** Every setting with its default, as a new set of properties. */
    public static Properties defaults() {
        return resource("defaults.properties");
    }

    /** Reads one of the product's own files of properties, as UTF-8. */
    public static Properties resource(String name) {
        try (InputStream in = Settings.class.getResourceAsStream("/META-INF/csv-import/" + name)) {
            Properties properties = new Properties();
            properties.load(new InputStreamReader(in, StandardCharsets.UTF_8));
            return properties;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The environment variable of a property: {@code CSV_IMPORT_API_URL} for {@code csv-import.api.url}. */
    public static String variable(String property) {
        return property.toUpperCase(Locale.ROOT).replace('.', '_').replace('-', '_');
    }

    /** The value of a setting; empty if it has none. */
    public String get(String name) {
        String value = values.get(name);
        if (value == null) {
            throw new IllegalArgumentException(PREFIX + name + " is not a setting");
        }
        return value;
    }

    /** The value of a placeholder; empty if it is no setting. */
    public Optional<String> resolve(String key) {
        return key.startsWith(PREFIX)
                ? Optional.ofNullable(values.get(key.substring(PREFIX.length())))
                : Optional.empty();
    }

    public Optional<String> find(String name) {
        return Optional.of(get(name)).filter(value -> !value.isEmpty());
    }

    public boolean flag(String name) {
        return Boolean.parseBoolean(get(name));
    }

    public int number(String name) {
        return Integer.parseInt(get(name));
    }

    public Duration duration(String name) {
        return Duration.parse(get(name));
    }

    public Path path(String name) {
        return Path.of(get(name)).toAbsolutePath().normalize();
    }

    /** A size in bytes. */
    public long size(String name) {
        return SettingChecks.bytes(get(name));
    }

    /** One line for each setting that is missing or wrong, with its property and its variable; no value of a secret. */
    public List<String> problems() {
        List<String> problems = new ArrayList<>();
        Map<String, String> required = new HashMap<>();
        REQUIRED.forEach((flag, names) -> required.putAll(flag.isEmpty() || flag(flag) ? names : Map.of()));
        if (flag("sftp.enabled") && get("sftp.private-key-file").isEmpty()) {
            required.put("sftp.password", "the password of the login, where sftp.private-key-file names no key");
        }
        values.forEach((name, value) -> {
            String standard = defaults.getProperty(PREFIX + name);
            if (value.isBlank() && required.containsKey(name)) {
                problems.add(label(name) + " is missing: " + required.get(name));
            } else if (value.isEmpty() && !standard.isEmpty()) {
                problems.add(label(name) + " is empty: leave it out for its default, " + standard);
            } else if (!value.isEmpty()) {
                String problem = problem(name, value);
                if (problem != null) {
                    String shown = isSecret(name) ? "wrong" : "'" + visible(value) + "'";
                    problems.add(label(name) + " is " + shown + ": " + problem);
                }
            }
            String needed = NEEDS.get(name);
            if (!value.isEmpty() && needed != null && get(needed).isEmpty()) {
                problems.add(label(needed) + " is missing: " + PREFIX + name + " needs it");
            }
        });
        if (problems.isEmpty() && find("api.trust-store").isPresent()) {
            try {
                ApiTrust.read(path("api.trust-store"), find("api.trust-store-password"));
            } catch (IOException e) {
                problems.add(shown("api.trust-store") + ": " + e.getMessage());
            }
        }
        if (problems.isEmpty() && flag("file.enabled") && hasOwnFiles(path("file.directory"))) {
            problems.add(label("file.directory") + " is '" + path("file.directory") + "' and " + label("data-dir")
                    + " is '" + path("data-dir")
                    + "': the inbox can neither hold the data dir nor be one of its folders");
        }
        unknown()
                .forEach(name -> problems.add((name.startsWith(PREFIX) ? label(name.substring(PREFIX.length())) : name)
                        + " is not a setting; the nearest is " + label(nearest(name))));
        return problems;
    }

    /** A setting and its value, on one line and without the parts of a URL that may be secret; not for secrets. */
    public String shown(String name) {
        return label(name) + " is '" + visible(get(name)) + "'";
    }

    private static String label(String name) {
        return PREFIX + name + " (" + variable(PREFIX + name) + ")";
    }

    private static String problem(String name, String value) {
        if (!isSecret(name) && value.chars().anyMatch(Character::isISOControl)) {
            return "has a line end or another control character";
        }
        if (!isSecret(name) && value.contains("{{") && !name.equals("audit.uri")) {
            return "placeholders ({{…}}) are not replaced here";
        }
        return SettingChecks.problem(name, value);
    }

    /** On one line, without the parts of a URL that may be secret. */
    private static String visible(String value) {
        return Visible.of(value).replaceAll("[?].*", "?…").replaceAll("(:|//)[^/]*@", "$1…@");
    }

    /** Whether a feed of this folder would take the product's own files: it holds the data dir, or is one of its folders. */
    public boolean hasOwnFiles(Path folder) {
        Path data = path("data-dir");
        boolean dataIsLookedAt = data.startsWith(folder)
                && !("/" + folder.relativize(data)).replace('\\', '/').contains("/.");
        return dataIsLookedAt || OWN_FOLDERS.stream().anyMatch(own -> folder.startsWith(data.resolve(own)));
    }

    private Set<String> unknown() {
        Set<String> unknown = new TreeSet<>(source.names());
        unknown.removeAll(defaults.stringPropertyNames());
        unknown.removeIf(name -> !name.startsWith(PREFIX) && !name.startsWith(variable(PREFIX)));
        return unknown;
    }

    private String nearest(String unknown) {
        String variable = unknown.toUpperCase(Locale.ROOT).replaceAll("[.-]", "_");
        return NearestName.to(variable, values.keySet(), name -> variable(PREFIX + name));
    }
}
