package io.csvimport.standalone;

import io.csvimport.ledger.SqliteLibrary;
import io.csvimport.platform.StartRefusedException;
import io.csvimport.sandbox.Sandbox;
import io.csvimport.settings.PropertiesFile;
import io.csvimport.settings.Settings;
import io.csvimport.text.Visible;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import org.apache.camel.main.Main;

/** Starts the product by itself, on Camel Main: checks the settings, and says what is wrong without a stack trace. */
public final class CsvImportMain {

    private static final String LOGGING = "log4j2.configurationFile";

    /** The argument of a start that {@code bin/csv-import-routes --cache} learns from: it reads no application.properties. */
    private static final String REHEARSAL = "--rehearsal";

    private static final Set<String> ARGUMENTS =
            Set.of("--check", "--new-ledger", "--version", "--help", "--end-with-parent", REHEARSAL);

    private static final String HELP =
            """
            Usage: csv-import-routes [--check] [--new-ledger]

            Starts the product; SIGTERM stops it. The settings are environment variables, CSV_IMPORT_*, or properties,
            csv-import.*, in application.properties or JAVA_OPTS.

              --check       tries what a start would need, and says what to do; sends no CSV;
                            the exit status is 0 if nothing failed
              --new-ledger  makes a new ledger though there was one: what was imported before is forgotten
              --cache       of bin/csv-import-routes: writes its start-up cache, for this Java and this folder
              --version     prints the version
              --help        prints this
            """;

    private CsvImportMain() {}

    public static void main(String[] args) throws Exception {
        List<String> arguments = List.of(args);
        if (arguments.contains("--help")) {
            System.out.print(HELP);
            return;
        }
        if (arguments.contains("--version")) {
            System.out.println(
                    "csv-import-routes " + CsvImportMain.class.getPackage().getImplementationVersion());
            return;
        }
        List<String> unknown = arguments.stream()
                .filter(argument -> !ARGUMENTS.contains(argument))
                .toList();
        if (!unknown.isEmpty()) {
            refuse(List.of(Visible.of(String.join(" ", unknown)) + " is no argument; --help names them all"));
        }
        boolean check = arguments.contains("--check");
        boolean isLedgerNew = arguments.contains("--new-ledger");
        if (arguments.contains("--end-with-parent")) {
            ProcessHandle.current().parent().ifPresent(parent -> parent.onExit().thenRun(() -> System.exit(0)));
        }
        Path jar = jar();
        Path home = Files.isRegularFile(jar) ? jar.getParent() : Path.of("").toAbsolutePath();
        boolean rehearsal = arguments.contains(REHEARSAL);
        Properties files = new Properties();
        if (!rehearsal) {
            try {
                files.putAll(PropertiesFile.read(home.resolve("application.properties")));
                files.putAll(PropertiesFile.read(Path.of("application.properties")));
            } catch (IOException e) {
                refuse(List.of(e.getMessage()));
            }
        }
        // the management port has no other purpose
        files.putIfAbsent(Settings.PREFIX + "management.routes", "true");
        Settings settings = new Settings(files);
        if (System.getProperty(LOGGING) == null) {
            String text = "classpath:META-INF/csv-import/log4j2.properties";
            String more = check ? "log4j2-check" : settings.get("log.format").equals("json") ? "log4j2-json" : null;
            System.setProperty(LOGGING, more == null ? text : text + "," + text.replace("log4j2", more));
        }
        if (rehearsal) {
            SqliteLibrary.keep(home);
        }
        SqliteLibrary.use(home);
        // the management server serves no files: Vert.x's folder for them would be left behind by a process that is
        // killed
        System.setProperty("vertx.disableFileCPResolving", "true");
        String profile = Optional.ofNullable(System.getenv("CAMEL_MAIN_PROFILE"))
                .orElse(System.getProperty("camel.main.profile"));
        if ("sandbox".equals(profile)) {
            startSandbox(settings);
            settings = new Settings(files);
        }
        List<String> problems = settings.problems();
        // a rehearsal runs the routes of the jar, which nobody edits
        Optional<Path> routes = Optional.of(home.resolve("routes")).filter(any -> !rehearsal);
        routes.filter(folder -> !Files.isDirectory(folder))
                .ifPresent(folder -> problems.add(
                        folder + ": there is no such folder: it belongs beside the jar, with the packaged routes"));
        if (check) {
            System.exit(new Check(settings, files, routes, isLedgerNew, System.out).run(problems) ? 0 : 1);
        }
        if (!problems.isEmpty()) {
            refuse(problems);
        }
        checkPort(settings).ifPresent(problem -> refuseStart(new StartRefusedException(List.of(problem))));
        try {
            System.exit(run(settings, files, routes, isLedgerNew));
        } catch (StartRefusedException e) {
            refuseStart(e);
        } catch (Exception | LinkageError e) {
            Throwable cause = e;
            while (cause.getCause() != null && !(cause instanceof IOException)) {
                cause = cause.getCause();
            }
            String reason = cause instanceof IOException ? cause.getMessage() : cause.toString();
            refuseStart(new StartRefusedException(List.of(reason)));
        }
    }

    /** Checked before anything starts: the management server would only log that it cannot bind its port. */
    static Optional<String> checkPort(Settings settings) {
        String host = settings.get("management.host");
        try (ServerSocket socket = new ServerSocket()) {
            socket.setReuseAddress(true);
            socket.bind(new InetSocketAddress(host, settings.number("management.port")));
            return Optional.empty();
        } catch (IOException | IllegalArgumentException e) {
            return Optional.of("csv-import.management.port (CSV_IMPORT_MANAGEMENT_PORT) is "
                    + settings.get("management.port") + ", csv-import.management.host (CSV_IMPORT_MANAGEMENT_HOST) is "
                    + host + ": " + e.getMessage() + "; is another process there?");
        }
    }

    private static void refuse(List<String> problems) {
        System.err.println(new StartRefusedException(problems).getMessage());
        System.exit(2);
    }

    /** The settings are right, and something that they name is not. */
    private static void refuseStart(StartRefusedException e) {
        System.err.println(e.getMessage());
        System.err.println("With the argument --check it tries all that a start needs, and says what to do.");
        System.exit(2);
    }

    /** Camel with these properties; the routes are the module's to start. */
    static Main camel(Properties files) {
        Main main = new Main();
        main.setPropertyPlaceholderLocations("false");
        main.setOverrideProperties(files);
        main.configure().withBasePackageScanEnabled(false).withRoutesIncludePattern("false");
        return main;
    }

    private static int run(Settings settings, Properties files, Optional<Path> routes, boolean isLedgerNew)
            throws Exception {
        Main main = camel(files);
        main.configure().withName("csv-import-routes").withShutdownTimeout((int)
                Math.max(1, settings.duration("stop.timeout").toSeconds()));
        main.setInitialProperties(Settings.resource("camel.properties"));
        main.addInitialProperty("camel.management.port", settings.get("management.port"));
        main.addInitialProperty("camel.management.host", settings.get("management.host"));
        // lines of text have no context
        main.addInitialProperty(
                "camel.mdc.enabled", String.valueOf(settings.get("log.format").equals("json")));
        if (CsvImportMain.class.getResource("/org/apache/camel/opentelemetry2/OpenTelemetryTracer.class") != null) {
            main.addInitialProperty("camel.opentelemetry2.enabled", "true");
            // a round that looks for work is no trace
            main.addInitialProperty("camel.opentelemetry2.excludePatterns", "scheduler:csv-import-*");
        }
        main.addMainListener(new Standalone(settings, routes, isLedgerNew));
        main.run();
        return main.getExitCode();
    }

    /** The sandbox answers in place of the API; what was set explicitly stands. */
    private static void startSandbox(Settings settings) {
        Sandbox sandbox = Sandbox.start(0, "5664", "sandbox-key", "sandbox-secret", Set.of());
        Map.of(
                        "api.url", sandbox.url(),
                        "api.organization", "5664",
                        "api.key", "sandbox-key",
                        "api.secret", "sandbox-secret",
                        "template", "Sample Template")
                .forEach((name, value) -> {
                    if (settings.get(name).isEmpty()) {
                        System.setProperty(Settings.PREFIX + name, value);
                    }
                });
    }

    private static Path jar() throws URISyntaxException {
        return Path.of(CsvImportMain.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .toURI());
    }
}
