package io.csvimport;

import io.csvimport.sandbox.Sandbox;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URISyntaxException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.apache.camel.CamelContext;
import org.apache.camel.Component;
import org.apache.camel.RuntimeCamelException;
import org.apache.camel.main.BaseMainSupport;
import org.apache.camel.main.Main;
import org.apache.camel.main.MainListenerSupport;
import org.apache.camel.support.LifecycleStrategySupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Runs the routes by themselves, on Camel Main: the routes from a folder, health on the management port. */
public final class CsvImportMain {

    private static final String LOGGING = "log4j2.configurationFile";
    private static final int SCAN_MILLIS = 500;

    /** The argument of a start that {@code bin/csv-import-routes --cache} learns from: it reads no application.properties. */
    private static final String REHEARSAL = "--rehearsal";

    private CsvImportMain() {}

    public static void main(String[] args) throws Exception {
        if (List.of(args).contains("--end-with-parent")) {
            ProcessHandle.current().parent().ifPresent(parent -> parent.onExit().thenRun(() -> System.exit(0)));
        }
        Path jar = jar();
        Path home = Files.isRegularFile(jar) ? jar.getParent() : Path.of("").toAbsolutePath();
        boolean rehearsal = List.of(args).contains(REHEARSAL);
        Properties files = new Properties();
        if (rehearsal) {
            SqliteLibrary.keep(home);
        } else {
            try {
                files.putAll(PropertiesFile.read(home.resolve("application.properties")));
                files.putAll(PropertiesFile.read(Path.of("application.properties")));
            } catch (IOException e) {
                refuse(List.of(e.getMessage()));
            }
        }
        Settings settings = new Settings(files);
        if (System.getProperty(LOGGING) == null) {
            String text = "classpath:META-INF/csv-import/log4j2.properties";
            System.setProperty(LOGGING, isJson(settings) ? text + "," + text.replace("log4j2", "log4j2-json") : text);
        }
        SqliteLibrary.use(home);
        // the management server serves no files: Vert.x's folder for them would be left behind by a process that is
        // killed
        System.setProperty("vertx.disableFileCPResolving", "true");
        if ("sandbox".equals(profile())) {
            startSandbox(settings);
            settings = new Settings(files);
        }
        List<String> problems = settings.problems();
        // a file in the user's folder replaces a packaged one
        List<Path> routes = new ArrayList<>();
        settings.find("routes")
                .ifPresent(own -> routes.add(Path.of(own).toAbsolutePath().normalize()));
        Path packaged = home.resolve("routes");
        if (rehearsal) {
            // the routes of the jar, which nobody edits
            FileSystem classes = FileSystems.newFileSystem(jar);
            routes.add(classes.getPath("META-INF/csv-import/routes"));
            routes.add(classes.getPath("camel"));
        } else if (Files.isDirectory(packaged)) {
            routes.add(packaged);
        } else {
            problems.add(packaged + ": there is no such folder: it belongs beside the jar, with the packaged routes");
        }
        if (problems.isEmpty()) {
            checkPort(settings).ifPresent(problems::add);
        }
        if (!problems.isEmpty()) {
            refuse(problems);
        }
        try {
            System.exit(run(settings, files, routes, List.of(args).contains("--new-ledger")));
        } catch (Exception | LinkageError e) {
            Throwable cause = e;
            while (cause.getCause() != null && !(cause instanceof IOException)) {
                cause = cause.getCause();
            }
            refuse(List.of(cause instanceof IOException ? cause.getMessage() : cause.toString()));
        }
    }

    /** Checked before anything starts: the management server would only log that it cannot bind its port. */
    private static Optional<String> checkPort(Settings settings) {
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

    private static boolean isJson(Settings settings) {
        return settings.get("log.format").equals("json");
    }

    private static void refuse(List<String> problems) {
        System.err.println("csv-import-routes does not start:");
        problems.forEach(problem -> System.err.println("  " + problem));
        System.exit(2);
    }

    private static int run(Settings settings, Properties files, List<Path> routes, boolean isLedgerNew)
            throws Exception {
        Logger log = LoggerFactory.getLogger("csv-import");
        AtomicBoolean routesAreLoaded = new AtomicBoolean();
        Main main = new Main();
        main.setPropertyPlaceholderLocations("false");
        main.setOverrideProperties(files);
        main.configure()
                .withName("csv-import-routes")
                .withBasePackageScanEnabled(false)
                .withRoutesIncludePattern("false")
                .withShutdownTimeout(
                        (int) Math.max(1, settings.duration("stop.timeout").toSeconds()));
        main.setInitialProperties(Settings.resource("camel.properties"));
        main.addInitialProperty("camel.management.port", settings.get("management.port"));
        main.addInitialProperty("camel.management.host", settings.get("management.host"));
        // lines of text have no context
        main.addInitialProperty("camel.mdc.enabled", String.valueOf(isJson(settings)));
        main.addMainListener(new MainListenerSupport() {
            @Override
            public void beforeConfigure(BaseMainSupport main) {
                // Camel Main uses this server for its port, and starts none of its own
                PostedBodies bodies = new PostedBodies(settings);
                main.getCamelContext().getRegistry().bind("csvImportPostedBodies", bodies);
                try {
                    main.getCamelContext().addService(new ManagementServer(settings, bodies));
                } catch (Exception e) {
                    throw new RuntimeCamelException(e);
                }
            }

            @Override
            public void afterConfigure(BaseMainSupport configured) {
                CamelContext context = configured.getCamelContext();
                context.getGlobalOptions().put(CsvImportPlugin.STANDALONE, "true");
                context.addLifecycleStrategy(new LifecycleStrategySupport() {
                    @Override
                    public void onComponentAdd(String name, Component component) {
                        // its server may listen already
                        if (name.equals("platform-http")) {
                            ManagementGuard.install(context, settings, routesAreLoaded::get);
                        }
                    }
                });
                if (isLedgerNew) {
                    context.getGlobalOptions().put(CsvImportPlugin.NEW_LEDGER, "true");
                }
                // tasks that have not begun when the time of the stop is over are left to the next start
                context.getExecutorServiceManager().setShutdownAwaitTermination(1000);
            }

            @Override
            public void afterStart(BaseMainSupport started) {
                ManagementGuard.install(started.getCamelContext(), settings, routesAreLoaded::get);
                RoutesFolder folder = new RoutesFolder(started.getCamelContext(), routes);
                folder.load();
                routesAreLoaded.set(true);
                NeededRoutes needed = new NeededRoutes(started.getCamelContext(), settings);
                if (!needed.missing().isEmpty()) {
                    log.error(
                            "Routes that the product needs do not run until their files in {} are corrected: {}",
                            routes,
                            needed.missing());
                }
                started.getCamelContext()
                        .getRegistry()
                        .lookupByNameAndType("csvImportReadiness", Readiness.class)
                        .started(needed::missing);
                started.getCamelContext()
                        .getExecutorServiceManager()
                        .newSingleThreadScheduledExecutor(folder, "csv-import-routes-folder")
                        .scheduleWithFixedDelay(folder::scan, SCAN_MILLIS, SCAN_MILLIS, TimeUnit.MILLISECONDS);
                log.info(welcome(settings, routes));
            }

            @Override
            public void beforeStop(BaseMainSupport stopping) {
                log.info("csv-import-routes stops: uploads are finished, the next start continues with the rest");
            }

            @Override
            public void afterStop(BaseMainSupport stopped) {
                log.info("csv-import-routes has stopped");
            }
        });
        main.run();
        return main.getExitCode();
    }

    private static String welcome(Settings settings, List<Path> routes) {
        String management = "http://" + settings.get("management.host") + ":" + settings.get("management.port");
        String audit = settings.get("audit.uri");
        Map<String, Object> lines = new LinkedHashMap<>();
        lines.put("API", settings.get("api.url") + ", organization " + settings.get("api.organization"));
        if (settings.flag("file.enabled")) {
            lines.put("inbox", settings.path("file.directory"));
        }
        if (settings.flag("sftp.enabled")) {
            lines.put(
                    "SFTP",
                    settings.get("sftp.username") + "@" + settings.get("sftp.host") + ":" + settings.get("sftp.port")
                            + ", " + settings.get("sftp.directory"));
        }
        if (settings.flag("jms.enabled")) {
            lines.put("queue", settings.get("jms.queue"));
        }
        lines.put("routes", routes.stream().map(Path::toString).collect(Collectors.joining(", on top of ")));
        lines.put("data", settings.path("data-dir"));
        lines.put(
                "audit trail",
                audit.equals("bean:csvImportAuditFile")
                        ? new AuditFile(settings).file()
                        : audit.split(":")[0] + ":… (csv-import.audit.uri)");
        lines.put("health", management + "/observe/health");
        lines.put(
                "operations",
                ManagementGuard.isOperable(settings)
                        ? management + "/csv-imports"
                        : "none: they need csv-import.management.username and .password here");
        StringBuilder text = new StringBuilder("csv-import-routes is ready.");
        lines.forEach((name, value) -> text.append("\n  %-11s %s".formatted(name, value)));
        return text.toString();
    }

    private static String profile() {
        return Optional.ofNullable(System.getenv("CAMEL_MAIN_PROFILE"))
                .orElse(System.getProperty("camel.main.profile"));
    }

    /** The sandbox answers in place of the API; what was set explicitly stands. */
    private static void startSandbox(Settings settings) {
        String template = "Sample Template";
        Sandbox sandbox = Sandbox.start(0, "5664", "sandbox-key", "sandbox-secret", Set.of());
        Map.of(
                        "api.url", sandbox.url(),
                        "api.organization", "5664",
                        "api.key", "sandbox-key",
                        "api.secret", "sandbox-secret",
                        "template", template)
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
