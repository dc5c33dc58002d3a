package io.csvimport.platform;

import io.csvimport.api.ApiClient;
import io.csvimport.api.ApiClock;
import io.csvimport.api.ApiHealth;
import io.csvimport.api.ApiSteps;
import io.csvimport.api.CsvUpload;
import io.csvimport.api.Pace;
import io.csvimport.audit.AuditFile;
import io.csvimport.audit.Outbox;
import io.csvimport.expectation.Expectations;
import io.csvimport.file.Sources;
import io.csvimport.file.SpoolFolder;
import io.csvimport.ledger.AuditEvents;
import io.csvimport.ledger.Claims;
import io.csvimport.ledger.Database;
import io.csvimport.ledger.Deliveries;
import io.csvimport.ledger.DueTimes;
import io.csvimport.ledger.EarlierImports;
import io.csvimport.ledger.Imports;
import io.csvimport.ledger.JobList;
import io.csvimport.ledger.Ledger;
import io.csvimport.ledger.Outcomes;
import io.csvimport.ledger.Owner;
import io.csvimport.ledger.Retention;
import io.csvimport.ledger.Voids;
import io.csvimport.operations.Jobs;
import io.csvimport.operations.Metrics;
import io.csvimport.operations.Operations;
import io.csvimport.operations.Readiness;
import io.csvimport.operations.desk.Desk;
import io.csvimport.pipeline.Attempts;
import io.csvimport.pipeline.Claiming;
import io.csvimport.pipeline.ContentCheck;
import io.csvimport.pipeline.Failure;
import io.csvimport.pipeline.FirstLanguage;
import io.csvimport.pipeline.Inspection;
import io.csvimport.pipeline.KeyedExecutor;
import io.csvimport.pipeline.Names;
import io.csvimport.pipeline.Preview;
import io.csvimport.pipeline.Settlement;
import io.csvimport.settings.Settings;
import io.csvimport.settings.SettingsException;
import io.csvimport.settings.SettingsSource;
import io.csvimport.source.FileFeed;
import io.csvimport.source.FileFeedComponent;
import io.csvimport.source.FileRelease;
import io.csvimport.source.Untaken;
import io.csvimport.source.file.Spool;
import io.csvimport.tracking.ExpectationStates;
import io.csvimport.tracking.FollowUp;
import io.csvimport.tracking.Housekeeping;
import io.csvimport.tracking.Punctuality;
import io.csvimport.tracking.Reconciliation;
import io.csvimport.tracking.Voiding;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Predicate;
import org.apache.camel.CamelContext;
import org.apache.camel.CamelContextAware;
import org.apache.camel.Component;
import org.apache.camel.Processor;
import org.apache.camel.ProducerTemplate;
import org.apache.camel.RuntimeCamelException;
import org.apache.camel.Service;
import org.apache.camel.component.properties.PropertiesComponent;
import org.apache.camel.health.HealthCheckRegistry;
import org.apache.camel.http.base.HttpHeaderFilterStrategy;
import org.apache.camel.model.Model;
import org.apache.camel.model.RouteDefinition;
import org.apache.camel.spi.ContextServicePlugin;
import org.apache.camel.spi.Registry;
import org.apache.camel.support.LifecycleStrategySupport;
import org.apache.camel.util.ObjectHelper;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Adds the module to a Camel context on any platform: when the context starts, the beans and components that the routes name,
 * and placeholders that resolve to the settings.
 */
public final class CsvImportPlugin extends LifecycleStrategySupport implements ContextServicePlugin, Service {

    /** Global option of a context that is the product's own. */
    public static final String STANDALONE = "csv-import-standalone";
    /** Global option of a context that only checks what a start would need: nothing runs in it. */
    public static final String CHECK = "csv-import-check";
    /** Global option: the folder of the packaged routes; without it they are those of the class path. */
    public static final String PACKAGED_ROUTES = "csv-import-packaged-routes";
    /** The bean by which a platform with health of its own shows the module's; Camel's does not show it, too. */
    static final String PLATFORM_HEALTH = "csv-import";
    /** Camel's own checks of the module's routes: in a host they would be part of its readiness. */
    private static final String OWN_ROUTES = "(route|consumer|producer):csv-import.*";

    /** Global option: a new ledger may be made in a data dir that was used before. */
    public static final String NEW_LEDGER = "csv-import-new-ledger";

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");
    private static final int SCAN_MILLIS = 500;

    /** The data dirs of this process; two contexts of one platform have the same settings. */
    private static final Set<Path> DATA_DIRS = ConcurrentHashMap.newKeySet();

    private final Expectations expectations = new Expectations();
    private CamelContext context;
    private Settings settings;
    private Path dataDir;
    private Database database;
    private Owner owner;
    private Metrics metrics;
    private Readiness readiness;
    private KeyedExecutor executor;
    private Runnable whenStopping = () -> {};

    /** A service, too: what fails in {@code init} ends the start, and Camel logs it nowhere. */
    @Override
    public void load(CamelContext context) {
        this.context = context;
        context.addLifecycleStrategy(this);
    }

    @Override
    public void init() {
        if (context.getGlobalOption(CHECK) != null) {
            resolveSettings();
            return;
        }
        boolean standalone = context.getGlobalOption(STANDALONE) != null;
        if (standalone) {
            Watchdog.install(context);
        }
        try {
            resolveSettings();
            if (!standalone && settings.get("enabled").equals("false")) {
                switchOff("csv-import.enabled is false");
                return;
            }
            // such as the one that the Camel CLI builds to export an application
            if (!standalone && !context.isAutoStartup()) {
                switchOff("this Camel context starts no routes (auto-startup is false)");
                return;
            }
            check();
            Path own = settings.path("data-dir");
            if (!DATA_DIRS.add(own)) {
                switchOff("it runs in another Camel context of this process, with the same data dir");
                return;
            }
            dataDir = own;
            // one may wait for the ledger while the other ends the calls of a process that has lost its lease
            ScheduledExecutorService timer = context.getExecutorServiceManager()
                    .newScheduledThreadPool(CsvImportPlugin.class, "csv-import-timer", 2);
            database = new Database(settings, context.getGlobalOption(NEW_LEDGER) != null);
            owner = new Owner(database, dataDir, timer);
            metrics = new Metrics(meters(), new JobList(database), dataDir);
            Pace pace = new Pace(settings.number("api.requests-per-minute"));
            ApiClient client = new ApiClient(settings, timer, pace, owner::holdsLease, metrics::asked);
            context.addComponent("csv-import-http", client.component());
            // what is left of the time is for the outcomes of the calls
            long millis = settings.duration("stop.timeout").toMillis();
            long patience = Math.max(millis / 2, millis - 2000);
            whenStopping = () -> timer.scheduleWithFixedDelay(client::cancelAll, patience, 100, TimeUnit.MILLISECONDS);
            context.addComponent("csv-import-folder", new FileFeedComponent());
            context.addComponent("csv-import-sftp", new FileFeedComponent());
            context.getRegistry().bind("csv-import-jms", Component.class, this::jms);
            context.getCamelContextExtension().registerEndpointCallback(new KameletParameters(context));
            bind(standalone, client, pace);
        } catch (SettingsException | IOException e) {
            onContextStopped(context);
            throw new StartRefusedException(e.getMessage().lines().toList());
        } catch (Exception | LinkageError e) {
            onContextStopped(context);
            throw RuntimeCamelException.wrapRuntimeException(e);
        }
    }

    @Override
    public void start() {}

    @Override
    public void stop() {}

    @Override
    public void onContextStarted(CamelContext started) {
        try {
            if (database != null) {
                startRoutes();
            }
        } catch (Exception e) {
            throw RuntimeCamelException.wrapRuntimeException(e);
        }
    }

    @Override
    public void onContextStopping(CamelContext stopping) {
        whenStopping.run();
    }

    @Override
    public void onContextStopped(CamelContext stopped) {
        if (metrics != null) {
            metrics.close();
        }
        if (owner != null) {
            owner.leave();
        }
        if (database != null) {
            database.close();
        }
        if (dataDir != null) {
            DATA_DIRS.remove(dataDir);
            // another context may have it from now on
            dataDir = null;
        }
    }

    /** The platform's settings, not checked yet; placeholders resolve to them from now on. */
    private void resolveSettings() {
        PropertiesComponent properties = (PropertiesComponent) context.getPropertiesComponent();
        settings = new Settings(Optional.ofNullable(context.getRegistry().findSingleByType(SettingsSource.class))
                .orElseGet(() -> new CamelProperties(properties)));
        properties.setPropertiesParser(new SettingsParser(properties, settings));
    }

    /** @throws SettingsException for all settings that are missing or wrong, and dependencies that they need, at once */
    private void check() {
        List<String> problems = settings.problems();
        problems.addAll(new OptionalDependencies(context, settings).missing());
        if (!problems.isEmpty()) {
            throw new SettingsException(problems);
        }
    }

    /** Starts the packaged routes and those of the user's folder on top of them, and follows changes. */
    private void startRoutes() throws Exception {
        PackagedRoutes packaged = new PackagedRoutes(context, settings);
        String folder = context.getGlobalOption(PACKAGED_ROUTES);
        Optional<Path> own = settings.find("routes").map(any -> settings.path("routes"));
        List<Path> folders = new ArrayList<>(own.stream().toList());
        if (folder != null) {
            folders.add(Path.of(folder));
        }
        ScheduledExecutorService scanner = context.getExecutorServiceManager()
                .newSingleThreadScheduledExecutor(CsvImportPlugin.class, "csv-import-routes-folder");
        // what is expected is known before the first file comes
        own.ifPresent(path -> {
            ExpectationsFolder expected = new ExpectationsFolder(path, expectations);
            expected.load();
            scanner.scheduleWithFixedDelay(expected::scan, SCAN_MILLIS, SCAN_MILLIS, TimeUnit.MILLISECONDS);
        });
        RoutesFolder routes = new RoutesFolder(
                context,
                folders,
                folder == null ? packaged.texts() : Map.of(),
                settings.duration("stop.timeout"),
                executor::hold);
        routes.load();
        readiness.started(packaged::missing);
        if (!packaged.missing().isEmpty()) {
            LOG.error(
                    "Routes that the product needs do not run until their files are corrected: {}", packaged.missing());
        }
        scanner.scheduleWithFixedDelay(routes::scan, SCAN_MILLIS, SCAN_MILLIS, TimeUnit.MILLISECONDS);
    }

    /** None of the module's routes and feeds runs in this context; routes that call it fail. */
    private void switchOff(String why) throws Exception {
        Model model = context.getCamelContextExtension().getContextPlugin(Model.class);
        Predicate<RouteDefinition> isOurs = route -> route.getId() != null
                        && route.getId().startsWith("csv-import")
                || route.getInput() != null && route.getInput().getEndpointUri().startsWith("kamelet:csv-import-");
        model.removeRouteDefinitions(
                model.getRouteDefinitions().stream().filter(isOurs).toList());
        Function<RouteDefinition, Boolean> others = model.getRouteFilter();
        model.setRouteFilter(route -> !isOurs.test(route) && (others == null || others.apply(route)));
        LOG.info("csv-import-routes does not run here: {}", why);
    }

    /** Made when a queue is named; null, which Camel says, without camel-jms. */
    private Object jms() {
        Class<?> type = context.getClassResolver().resolveClass("org.apache.camel.component.jms.JmsComponent");
        try {
            return type == null ? null : context.getInjector().newInstance(type);
        } catch (RuntimeException e) {
            // Camel passes over a component that fails with an exception, and does not say why
            LinkageError missing = ObjectHelper.getException(LinkageError.class, e);
            if (missing != null) {
                throw missing;
            }
            throw e;
        }
    }

    /** The registry of the platform: the one in Camel's registry, or Micrometer's global one. */
    private MeterRegistry meters() {
        return Optional.ofNullable(context.getRegistry().findSingleByType(MeterRegistry.class))
                .orElse(io.micrometer.core.instrument.Metrics.globalRegistry);
    }

    /** Marks what an earlier process was sending as unknown, and binds what the routes name. */
    private void bind(boolean standalone, ApiClient client, Pace pace) throws Exception {
        Registry registry = context.getRegistry();
        Untaken untaken = new Untaken();
        ApiHealth health = new ApiHealth();
        readiness = new Readiness(settings, health, database, untaken, standalone, Readiness.NEARLY_FULL);
        metrics.show(readiness);
        registry.bind("csvImportUntaken", untaken);
        CamelContextAware.trySetCamelContext(readiness, context);
        Optional.ofNullable(HealthCheckRegistry.get(context)).ifPresent(checks -> {
            checks.register(readiness);
            List<String> excluded = new ArrayList<>();
            Optional.ofNullable(checks.getExcludePattern()).ifPresent(excluded::add);
            if (!standalone) {
                excluded.add(OWN_ROUTES);
            }
            if (registry.lookupByName(PLATFORM_HEALTH) != null) {
                excluded.add(readiness.getId());
            }
            checks.setExcludePattern(excluded.isEmpty() ? null : String.join(",", excluded));
        });
        ApiClock clock = new ApiClock();
        Ledger ledger = new Ledger(database, owner, settings.get("api.organization"));
        AuditEvents events = new AuditEvents(ledger, metrics::count);
        Deliveries deliveries = new Deliveries(ledger);
        Outcomes outcomes = new Outcomes(
                ledger, events, settings.flag("track.enabled") ? settings.duration("track.interval") : null);
        Claims claims = new Claims(ledger, outcomes);
        outcomes.markUnfinished();
        Attempts attempts = new Attempts(claims, outcomes, clock);
        Claiming claiming = new Claiming(deliveries, claims, outcomes, attempts);
        Settlement settlement = new Settlement(settings, outcomes, attempts);
        SpoolFolder spoolFolder = SpoolFolder.in(settings.path("data-dir"));
        Spool spool = new Spool(settings, spoolFolder, deliveries, claims, outcomes);
        CsvUpload.Factory upload =
                new CsvUpload.Factory(settings.flag("tag-file-name"), owner::holdsLease, attempts::digested);
        ApiSteps api = new ApiSteps(health, clock);
        // the steps that every file takes: a processor takes Java less time than a bean and the name of its method
        Map<String, Processor> steps = Map.of(
                "csvImportRecall", claiming::recall,
                "csvImportInspect", new Inspection(settings, spoolFolder, deliveries, expectations)::inspect,
                "csvImportCheckNames", Names::check,
                "csvImportClaim", claiming::claim,
                "csvImportPrepare", upload::prepare,
                "csvImportSending", claiming::sending,
                "csvImportReadAnswer", api::read,
                "csvImportSettle", settlement::settle,
                "csvImportTell", settlement::tell);
        steps.forEach(registry::bind);
        registry.bind("csvImportFirst", CamelContextAware.trySetCamelContext(new FirstLanguage(), context));
        registry.bind("csvImportCountFailure", (Processor) settlement::countFailure);
        registry.bind("csvImportAskedOrLongerPause", (Processor) Settlement::pause);
        registry.bind("csvImportPostpone", (Processor) Settlement::postpone);
        Sources sources = new Sources();
        registry.bind("csvImportSettings", settings);
        registry.bind("csvImportExpectations", expectations);
        DueTimes dueTimes = new DueTimes(ledger, events);
        registry.bind("csvImportPunctuality", new Punctuality(expectations, dueTimes, owner, Clock.systemUTC()));
        EarlierImports earlier = new EarlierImports(ledger);
        registry.bind("csvImportContent", new ContentCheck(expectations, outcomes, earlier));
        ExpectationStates states = new ExpectationStates(expectations, dueTimes, Clock.systemUTC());
        metrics.show(expectations, states);
        registry.bind("csvImportDeliveries", deliveries);
        registry.bind("csvImportUpload", upload);
        registry.bind("csvImportHealth", health);
        registry.bind("csvImportReadiness", readiness);
        Failure failure = new Failure(health);
        registry.bind("csvImportFailure", failure);
        registry.bind("csvImportAnswer", api);
        registry.bind("csvImportPace", pace);
        Imports imports = new Imports(ledger, events);
        registry.bind(
                "csvImportReconciliation",
                new Reconciliation(settings, attempts, settlement, deliveries, outcomes, imports, owner, clock));
        registry.bind("csvImportFollowUp", new FollowUp(settings, imports, owner, sources));
        registry.bind("csvImportPreview", new Preview(health));
        registry.bind("csvImportVoiding", new Voiding(settings, new Voids(ledger, events), outcomes, imports, health));
        registry.bind(
                "csvImportHousekeeping",
                new Housekeeping(settings, new Retention(ledger), deliveries, outcomes, owner, sources));
        ProducerTemplate template = context.createProducerTemplate(1);
        context.addService(template);
        registry.bind("csvImportOutbox", new Outbox(events, owner, template));
        registry.bind("csvImportAuditFile", new AuditFile(settings));
        registry.bind("csvImportSpool", spool);
        registry.bind("csvImportRelease", new FileRelease(deliveries, outcomes, failure, spoolFolder, true));
        registry.bind("csvImportSpoolRelease", new FileRelease(deliveries, outcomes, failure, spoolFolder, false));
        int parallel = settings.number("parallel");
        ExecutorService pool = context.getExecutorServiceManager()
                .newFixedThreadPool(CsvImportPlugin.class, "csv-import-files", parallel);
        executor = new KeyedExecutor(pool, parallel);
        registry.bind(
                "csvImportFeeds", new FileFeed.Shared(executor, untaken, deliveries, expectations, sources, health));
        boolean isServlet = context.getClassResolver()
                        .resolveClass("org.apache.camel.component.platform.http.vertx.VertxPlatformHttpEngine")
                == null;
        Jobs jobs = new Jobs(new JobList(database), deliveries, outcomes, executor, client, pace, earlier);
        registry.bind("csvImportJobs", jobs);
        registry.bind("csvImportOperations", new Operations(jobs, isServlet));
        HttpHeaderFilterStrategy deskHeaders = new HttpHeaderFilterStrategy();
        // Camel keeps it back: pages, and CSVs that are downloaded, would be stored by the browser
        deskHeaders.getOutFilter().remove("cache-control");
        registry.bind("csvImportDeskHeaders", deskHeaders);
        registry.bind(
                "csvImportDesk",
                new Desk(
                        context,
                        settings,
                        ledger,
                        jobs,
                        expectations,
                        health,
                        untaken,
                        readiness,
                        states,
                        sources,
                        isServlet));
        RoutesCheck.auditProblem(context, settings).ifPresent(problem -> {
            throw new SettingsException(List.of(problem));
        });
    }
}
