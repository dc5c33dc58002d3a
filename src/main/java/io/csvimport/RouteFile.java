package io.csvimport;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.camel.RoutesBuilder;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.builder.RouteConfigurationBuilder;
import org.apache.camel.model.ModelCamelContext;
import org.apache.camel.model.RouteConfigurationDefinition;
import org.apache.camel.model.RouteDefinition;
import org.apache.camel.model.rest.RestDefinition;
import org.apache.camel.model.rest.VerbDefinition;
import org.apache.camel.support.PluginHelper;
import org.apache.camel.support.ResourceHelper;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One version of a file of routes. It is parsed at once; no running route is touched before {@link #start}. */
final class RouteFile {

    private static final Logger LOG = LoggerFactory.getLogger(RoutesFolder.class);

    static final String SUFFIX = ".camel.yaml";

    private final ModelCamelContext context;
    private final Path path;
    private final int layer;
    private final String text;
    private final Set<String> ids = new LinkedHashSet<>();
    private int rank;
    private boolean failed;
    /** Null once they were started, or looked into: they serve once. */
    private List<RouteBuilder> builders;

    /** @param layer of the folder: what has an id in a lower one replaces what has it in a higher one */
    RouteFile(ModelCamelContext context, Path path, int layer, String text) throws Exception {
        this.context = context;
        this.path = path;
        this.layer = layer;
        this.text = text;
        List<RouteDefinition> routes = new ArrayList<>();
        builders = load(routes);
        routes.forEach(route -> ids.add(route.getRouteId()));
        boolean rest = routes.stream().anyMatch(route -> route.getRestDefinition() != null);
        boolean called =
                routes.stream().allMatch(route -> route.getEndpointUrl().startsWith("direct:"));
        rank = rest ? 3 : called ? 1 : 2;
        if (isConfiguration(text)) {
            rank = 0;
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
            throw new IllegalArgumentException(
                    "there is no route in it: a file is a list that begins with \"- route:\"");
        }
    }

    /** @param routes are added to it, those of REST services, too; each has an id */
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

    Path path() {
        return path;
    }

    int layer() {
        return layer;
    }

    String text() {
        return text;
    }

    /** Of its routes and route configurations. */
    Set<String> ids() {
        return ids;
    }

    /** Route configurations first, then what is called, what takes files from outside, and REST services, for people. */
    int rank() {
        return rank;
    }

    /** It did not start: it is not tried again. */
    boolean hasFailed() {
        return failed;
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
        } catch (Exception e) {
            failed = true;
            stop();
            throw e;
        } finally {
            builders = null;
        }
    }

    /** Stops its routes when their work is done, and removes them with the routes that their Kamelets made. */
    void stop() {
        try {
            remove();
        } catch (Exception e) {
            LOG.error("A route of {} cannot be stopped, it goes on running", path, e);
        }
    }

    private void remove() throws Exception {
        for (RouteDefinition route : List.copyOf(context.getRouteDefinitions())) {
            Map<String, Object> parameters = route.getTemplateParameters();
            if (ids.contains(route.getRouteId())
                    || parameters != null && ids.contains(String.valueOf(parameters.get("parentRouteId")))) {
                context.removeRouteDefinition(route);
                context.getRestDefinitions().remove(route.getRestDefinition());
            }
        }
        for (RouteConfigurationDefinition configuration : List.copyOf(context.getRouteConfigurationDefinitions())) {
            if (ids.contains(configuration.getId())) {
                context.removeRouteConfiguration(configuration);
            }
        }
    }
}
