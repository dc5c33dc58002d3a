package io.csvimport.platform;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.camel.Consumer;
import org.apache.camel.Route;
import org.apache.camel.RoutesBuilder;
import org.apache.camel.ShutdownRunningTask;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.builder.RouteConfigurationBuilder;
import org.apache.camel.model.ModelCamelContext;
import org.apache.camel.model.RouteConfigurationDefinition;
import org.apache.camel.model.RouteDefinition;
import org.apache.camel.model.rest.RestDefinition;
import org.apache.camel.model.rest.VerbDefinition;
import org.apache.camel.spi.ShutdownAware;
import org.apache.camel.support.PluginHelper;
import org.apache.camel.support.ResourceHelper;
import org.apache.camel.support.service.ServiceHelper;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One version of a file of routes. The constructor parses it; no running route is touched before {@link #start}. */
final class RouteFile {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");

    static final String SUFFIX = ".camel.yaml";
    private static final String CALLED = "direct:";

    final Path path;
    /** The number of its folder: a file of a lower one replaces a file of a higher one with the same id. */
    final int layer;

    final String text;
    /** Of its routes and route configurations. */
    final Set<String> ids = new LinkedHashSet<>();
    /** The endpoints of its routes that others call. */
    final Set<String> called;
    /** The order of starts: route configurations, routes that are called, sources, REST services. */
    final int rank;

    private final ModelCamelContext context;
    /** Whether a start has failed; it is not tried again. */
    boolean failed;

    /** The routes that run; not those that a precondition leaves out. */
    private List<String> started = List.of();
    /** Each can be used once; null when they were. */
    private List<RouteBuilder> builders;

    RouteFile(ModelCamelContext context, Path path, int layer, String text) throws Exception {
        this.context = context;
        this.path = path;
        this.layer = layer;
        this.text = text;
        List<RouteDefinition> routes = new ArrayList<>();
        builders = load(routes);
        for (RouteDefinition route : routes) {
            if (route.getInput() == null) {
                throw new IllegalArgumentException("the route " + route.getRouteId() + " has no from");
            }
            ids.add(route.getRouteId());
        }
        boolean rest = routes.stream().anyMatch(route -> route.getRestDefinition() != null);
        called = routes.stream()
                .map(RouteDefinition::getEndpointUrl)
                .filter(from -> from.startsWith(CALLED))
                .map(from -> from.replaceFirst("[?].*", ""))
                .collect(Collectors.toSet());
        boolean isSource =
                routes.stream().anyMatch(route -> !route.getEndpointUrl().startsWith(CALLED));
        rank = isConfiguration(text) ? 0 : rest ? 3 : isSource ? 2 : 1;
        if (rank == 0) {
            for (RouteBuilder builder : builders) {
                if (builder instanceof RouteConfigurationBuilder configurations) {
                    configurations.configuration();
                    configurations
                            .getRouteConfigurationCollection()
                            .getRouteConfigurations()
                            .forEach(configuration -> ids.add(configuration.getId()));
                }
            }
            builders = null;
        }
        if (ids.isEmpty() && !text.contains("beans:") && !text.contains("routeTemplate:")) {
            throw new IllegalArgumentException("it has no route: a file is a list that begins with \"- route:\"");
        }
    }

    /** @param routes receives the routes, also those of REST services, each with an id */
    private List<RouteBuilder> load(List<RouteDefinition> routes) throws Exception {
        List<RouteBuilder> loaded = new ArrayList<>();
        for (RoutesBuilder found : PluginHelper.getRoutesLoader(context)
                .findRoutesBuilders(ResourceHelper.fromString("file:" + path, text))) {
            RouteBuilder builder = (RouteBuilder) found;
            loaded.add(builder);
            for (RouteDefinition route : builder.configureRoutes(context).getRoutes()) {
                if (route.getRouteId() == null) {
                    route.setId(routes.isEmpty() ? stem() : stem() + "-" + (routes.size() + 1));
                }
                // Camel's own reload does not start it again, beside the folder
                route.setResource(null);
                routes.add(route);
            }
            for (RestDefinition service : builder.getRestCollection().getRests()) {
                int number = routes.size();
                for (VerbDefinition verb : service.getVerbs()) {
                    number++;
                    if (verb.getRouteId() == null) {
                        verb.setRouteId(stem() + "-rest-" + number);
                    }
                }
                routes.addAll(service.asRouteDefinition(context));
            }
        }
        return loaded;
    }

    private String stem() {
        return path.getFileName().toString().replace(SUFFIX, "");
    }

    static boolean isConfiguration(String text) {
        return text.contains("routeConfiguration:");
    }

    /** Whether others call one of its routes. */
    boolean isCalled() {
        return !called.isEmpty();
    }

    /** Whether both have a route that others call by the same endpoint: only one of them can run. */
    boolean sharesEndpoint(RouteFile other) {
        return !Collections.disjoint(called, other.called);
    }

    /** Whether one of its routes was removed by others. */
    boolean isGone() {
        return started.stream().anyMatch(id -> context.getRouteDefinition(id) == null);
    }

    void start() throws Exception {
        try {
            List<RouteBuilder> fresh = builders == null ? load(new ArrayList<>()) : builders;
            for (RouteBuilder builder : fresh) {
                if (builder instanceof RouteConfigurationBuilder configurations) {
                    configurations.updateRouteConfigurationsToCamelContext(context);
                }
                builder.updateRoutesToCamelContext(context);
            }
            started = ids.stream()
                    .filter(id -> context.getRouteDefinition(id) != null)
                    .toList();
        } catch (Exception | LinkageError e) {
            failed = true;
            stop();
            throw e;
        } finally {
            builders = null;
        }
    }

    /** Its sources take nothing new from now on; what is under way goes on, and what others call inside of Camel, too. */
    void suspend() {
        for (RouteDefinition definition : definitions()) {
            Route route = context.getRoute(definition.getRouteId());
            Consumer consumer = route == null ? null : route.getConsumer();
            boolean isCalledInside = consumer instanceof ShutdownAware aware
                    && aware.deferShutdown(ShutdownRunningTask.CompleteCurrentTaskOnly);
            if (consumer != null && !isCalledInside) {
                try {
                    ServiceHelper.suspendService(consumer);
                } catch (RuntimeException e) {
                    LOG.debug("The source of {} is stopped with its route", definition.getRouteId(), e);
                }
            }
        }
    }

    /** Whether no exchange is in its routes. */
    boolean isIdle() {
        return definitions().stream()
                .allMatch(route -> context.getInflightRepository().size(route.getRouteId()) == 0);
    }

    /** Of its routes, after those of their Kamelets. */
    private List<RouteDefinition> definitions() {
        List<RouteDefinition> all = new ArrayList<>();
        for (RouteDefinition route : List.copyOf(context.getRouteDefinitions())) {
            Map<String, Object> parameters = route.getTemplateParameters();
            if (parameters != null && ids.contains(String.valueOf(parameters.get("parentRouteId")))) {
                all.add(0, route);
            } else if (ids.contains(route.getRouteId())) {
                all.add(route);
            }
        }
        return all;
    }

    /** Stops its routes, and removes them with the routes of their Kamelets. Exchanges under way are given up after a second. */
    void stop() {
        try {
            for (RouteDefinition route : definitions()) {
                context.getRouteController().stopRoute(route.getRouteId(), 1, TimeUnit.SECONDS);
                context.removeRouteDefinition(route);
                context.getRestDefinitions().remove(route.getRestDefinition());
            }
            for (RouteConfigurationDefinition configuration : List.copyOf(context.getRouteConfigurationDefinitions())) {
                if (ids.contains(configuration.getId())) {
                    context.removeRouteConfiguration(configuration);
                }
            }
        } catch (Exception e) {
            LOG.error("A route of {} cannot be stopped, it continues to run", path, e);
        }
    }
}
