package io.csvimport.standalone;

import io.csvimport.api.ApiCheck;
import io.csvimport.ledger.LedgerCheck;
import io.csvimport.operations.Readiness;
import io.csvimport.platform.CsvImportPlugin;
import io.csvimport.platform.ExpectationsFolder;
import io.csvimport.platform.RoutesCheck;
import io.csvimport.settings.Finding;
import io.csvimport.settings.FolderCheck;
import io.csvimport.settings.Settings;
import io.csvimport.source.queue.QueueCheck;
import io.csvimport.source.sftp.SftpCheck;
import io.csvimport.text.Visible;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Properties;
import java.util.stream.Stream;
import org.apache.camel.CamelContext;
import org.apache.camel.main.Main;

/**
 * The argument {@code --check}: tries what a start would need, with the settings as they are. It changes nothing here, and no
 * CSV is sent.
 */
final class Check {

    private final Settings settings;
    private final Properties files;
    private final Optional<Path> routes;
    private final boolean isLedgerNew;
    private final PrintStream out;
    private boolean failed;

    private interface Trial {
        List<Finding> run() throws Exception;
    }

    /**
     * @param files the properties that Camel has
     * @param routes the folder of the packaged routes
     * @param isLedgerNew whether the start is to make a new ledger
     */
    Check(Settings settings, Properties files, Optional<Path> routes, boolean isLedgerNew, PrintStream out) {
        this.settings = settings;
        this.files = files;
        this.routes = routes;
        this.isLedgerNew = isLedgerNew;
        this.out = out;
    }

    /**
     * Prints a line for each thing that was tried.
     *
     * @param problems of the settings: with any, there is no more to try
     * @return whether nothing failed
     */
    boolean run(List<String> problems) throws Exception {
        problems.forEach(problem -> print("settings", Finding.failed(problem)));
        if (!problems.isEmpty()) {
            out.println("Once the settings are right, the rest is tried.");
            return false;
        }
        print("settings", Finding.ok("complete"));
        LedgerCheck ledger = new LedgerCheck(settings, Readiness.NEARLY_FULL);
        Main main = CsvImportMain.camel(files);
        CamelContext context;
        try {
            main.init();
            context = main.getCamelContext();
            context.getGlobalOptions().put(CsvImportPlugin.CHECK, "true");
            main.start();
        } catch (Exception | LinkageError e) {
            print("Camel", Finding.failed(Visible.reason(e)));
            main.stop();
            out.println("Once that is right, the rest is tried.");
            return false;
        }
        try {
            attempt("data dir", () -> List.of(ledger.dataDir()));
            attempt("ledger", () -> List.of(ledger.ledger(isLedgerNew)));
            attempt("management", () -> List.of(port(ledger.isInUse())));
            attempt("API", () -> List.of(new ApiCheck(settings).check(context)));
            if (settings.flag("file.enabled")) {
                attempt("inbox", () -> List.of(FolderCheck.check(settings.path("file.directory"))));
            }
            if (settings.flag("sftp.enabled")) {
                attempt("SFTP", () -> List.of(new SftpCheck(settings, context).check()));
            }
            if (settings.flag("jms.enabled")) {
                attempt("broker", () -> List.of(new QueueCheck(settings, context).check()));
            }
            Optional<Path> own = settings.find("routes").map(any -> settings.path("routes"));
            List<Path> folders = Stream.concat(own.stream(), routes.stream()).toList();
            attempt("audit trail", () -> List.of(RoutesCheck.audit(context, settings)));
            attempt("routes", () -> RoutesCheck.check(context, folders));
            own.ifPresent(folder -> attempt("expectations", () -> ExpectationsFolder.check(folder)));
        } finally {
            main.stop();
        }
        out.println(failed ? "A start would fail, or work would wait." : "It can be started.");
        return !failed;
    }

    private Finding port(boolean isInUse) {
        String port = "port " + settings.get("management.port") + " of " + settings.get("management.host");
        return CsvImportMain.checkPort(settings)
                .map(problem -> isInUse ? Finding.ok(port + ", in use by a running process") : Finding.failed(problem))
                .orElse(Finding.ok(port + " is free"));
    }

    private void attempt(String what, Trial trial) {
        try {
            trial.run().forEach(finding -> print(what, finding));
        } catch (Exception | LinkageError e) {
            print(what, Finding.failed(Visible.reason(e)));
        }
    }

    private void print(String what, Finding finding) {
        failed |= finding.level() == Finding.Level.FAILED;
        String level = finding.level().toString().toLowerCase(Locale.ROOT);
        out.printf("%-8s%s: %s%n", level, what, Visible.of(finding.text()));
    }
}
