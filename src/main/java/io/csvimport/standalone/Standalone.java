package io.csvimport.standalone;

import io.csvimport.audit.AuditFile;
import io.csvimport.operations.ManagementGuard;
import io.csvimport.operations.ManagementServer;
import io.csvimport.platform.CsvImportPlugin;
import io.csvimport.settings.Settings;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.apache.camel.CamelContext;
import org.apache.camel.Component;
import org.apache.camel.RuntimeCamelException;
import org.apache.camel.main.BaseMainSupport;
import org.apache.camel.main.MainListenerSupport;
import org.apache.camel.support.LifecycleStrategySupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Adds to Camel Main what a host platform has of its own: the management port, start and stop lines. */
final class Standalone extends MainListenerSupport {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");

    private final Settings settings;
    private final Optional<Path> routes;
    private final boolean isLedgerNew;
    private volatile boolean routesAreLoaded;

    /**
     * @param routes the folder of the packaged routes; empty for those of the class path
     * @param isLedgerNew whether a new ledger may be made in a data dir that was used before
     */
    Standalone(Settings settings, Optional<Path> routes, boolean isLedgerNew) {
        this.settings = settings;
        this.routes = routes;
        this.isLedgerNew = isLedgerNew;
    }

    @Override
    public void beforeConfigure(BaseMainSupport main) {
        try {
            // Camel Main uses this server for its port, and starts none of its own
            main.getCamelContext().addService(new ManagementServer(settings));
        } catch (Exception e) {
            throw new RuntimeCamelException(e);
        }
    }

    @Override
    public void afterConfigure(BaseMainSupport main) {
        CamelContext context = main.getCamelContext();
        context.getGlobalOptions().put(CsvImportPlugin.STANDALONE, "true");
        routes.ifPresent(folder -> context.getGlobalOptions().put(CsvImportPlugin.PACKAGED_ROUTES, folder.toString()));
        if (isLedgerNew) {
            context.getGlobalOptions().put(CsvImportPlugin.NEW_LEDGER, "true");
        }
        context.addLifecycleStrategy(new LifecycleStrategySupport() {
            @Override
            public void onComponentAdd(String name, Component component) {
                // its server may listen already
                if (name.equals("platform-http")) {
                    guard(context);
                }
            }
        });
        // tasks that have not begun when the time of the stop is over are left to the next start
        context.getExecutorServiceManager().setShutdownAwaitTermination(1000);
    }

    private void guard(CamelContext context) {
        ManagementGuard.install(context, settings, () -> routesAreLoaded);
    }

    @Override
    public void afterStart(BaseMainSupport main) {
        CamelContext context = main.getCamelContext();
        guard(context);
        routesAreLoaded = true;
        LOG.info(welcome(context.hasService(ManagementServer.class).getPort()));
    }

    /** @param port of the management server; any that was free where the setting is 0 */
    private String welcome(int port) {
        String management = "http://" + settings.get("management.host") + ":" + port;
        String audit = settings.get("audit.uri");
        String sftp = settings.get("sftp.username") + "@" + settings.get("sftp.host") + ":" + settings.get("sftp.port");
        Map<String, Object> lines = new LinkedHashMap<>();
        lines.put("API", settings.get("api.url") + ", organization " + settings.get("api.organization"));
        lines.put("inbox", settings.flag("file.enabled") ? settings.path("file.directory") : "");
        lines.put("SFTP", settings.flag("sftp.enabled") ? sftp + ", " + settings.get("sftp.directory") : "");
        lines.put("queue", settings.flag("jms.enabled") ? settings.get("jms.queue") : "");
        String own = settings.find("routes").isPresent() ? settings.path("routes") + ", on top of " : "";
        lines.put("routes", own + routes.map(Path::toString).orElse("those of the jar"));
        lines.put("data", settings.path("data-dir"));
        lines.put(
                "audit trail",
                audit.equals("bean:csvImportAuditFile")
                        ? new AuditFile(settings).file()
                        : audit.split(":")[0] + ":… (csv-import.audit.uri)");
        boolean isOperable = ManagementGuard.isOperable(settings);
        lines.put("desk", isOperable ? management + "/" : "");
        lines.put("health", management + "/observe/health");
        String none = "none: they need csv-import.management.username and .password here";
        lines.put("operations", isOperable ? management + "/csv-imports" : none);
        lines.values().removeIf(""::equals);
        StringBuilder text = new StringBuilder("csv-import-routes is ready.");
        lines.forEach((name, value) -> text.append("\n  %-11s %s".formatted(name, value)));
        return text.toString();
    }

    @Override
    public void beforeStop(BaseMainSupport main) {
        LOG.info("csv-import-routes stops: uploads are finished, the next start continues with the rest");
    }

    @Override
    public void afterStop(BaseMainSupport main) {
        LOG.info("csv-import-routes has stopped");
    }
}
