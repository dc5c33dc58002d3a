package io.csvimport;

import java.io.IOException;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.camel.CamelContext;
import org.apache.camel.RoutesBuilder;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.builder.RouteConfigurationBuilder;
import org.apache.camel.model.ModelCamelContext;
import org.apache.camel.model.RouteDefinition;
import org.apache.camel.model.rest.RestDefinition;
import org.apache.camel.support.PluginHelper;
import org.apache.camel.support.ResourceHelper;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the running routes equal to the {@code *.camel.yaml} files of a folder, sub-folders included. A file that does
 * not parse or start, or that has a route id of another file, is reported by name; its previous version and all others
 * go on running.
 */
final class RoutesFolder {

    private static final Logger LOG = LoggerFactory.getLogger(RoutesFolder.class);

    private static final String SUFFIX = ".camel.yaml";

    /** What tells that a file was changed, or that another one has its name now: of what a link leads to. */
    private record Version(long size, FileTime modified, Object key) {

        static final Version NONE = new Version(-1, null, null);

        static Version of(BasicFileAttributes file) {
            return new Version(file.size(), file.lastModifiedTime(), file.fileKey());
        }
    }

    /** A file as it was seen last, and the version of it that runs: an empty text where none does. */
    private record Known(Version seen, String text, Set<String> routes) {}

    /** A file that was parsed: no running route is touched yet. */
    private record Parsed(
            Path file, Version seen, String text, List<RouteBuilder> builders, List<RouteDefinition> routes) {

        /** Route configurations first, then what is called, what takes files from outside, and REST services, for people. */
        int rank() {
            if (routes.isEmpty()) {
                return 0;
            }
            if (routes.stream().anyMatch(route -> route.getRestDefinition() != null)) {
                return 3;
            }
            return routes.stream().allMatch(route -> route.getEndpointUrl().startsWith("direct:")) ? 1 : 2;
        }
    }

    private static final Known UNKNOWN = new Known(Version.NONE, "", Set.of());

    private final ModelCamelContext context;
    private final Path folder;
    private final Map<Path, Known> files = new TreeMap<>();
    private Map<Path, Version> lastScan = Map.of();
    /** What all that runs was made of; null where that is not known. */
    private Map<Path, Version> upToDate;

    private boolean started;

    RoutesFolder(CamelContext context, Path folder) {
        this.context = (ModelCamelContext) context;
        this.folder = folder;
    }

    /** Loads every file, at start, and says which of the packaged routes are not there. */
    synchronized void load() {
        lastScan = list();
        update(lastScan);
        started = true;
        try {
            List<String> missing =
                    PluginHelper.getPackageScanResourceResolver(context)
                            .findResources("classpath:camel/*.camel.yaml")
                            .stream()
                            .map(resource -> stem(Path.of(resource.getLocation())))
                            // a route that its precondition leaves out is known, too
                            .filter(id -> files.values().stream().noneMatch(file -> file.routes.contains(id))
                                    && context.getRouteConfigurationDefinition(id) == null)
                            .sorted()
                            .toList();
            if (!missing.isEmpty()) {
                LOG.error("Not running, and missed until their files in {} are right: {}", folder, missing);
            }
        } catch (Exception e) {
            LOG.warn("The packaged routes cannot be listed: {}", reason(e));
        }
    }

    private static String stem(Path file) {
        return file.getFileName().toString().replace(SUFFIX, "");
    }

    /** Loads what changed, and then stood still from one scan to the next: no file is taken half-saved. */
    synchronized void scan() {
        try {
            scanChanges();
        } catch (RuntimeException | Error e) {
            LOG.error("The routes folder {} could not be followed, it is tried again", folder, e);
        }
    }

    private void scanChanges() {
        Map<Path, Version> now = list();
        if (now.equals(upToDate)) {
            lastScan = now;
            return;
        }
        upToDate = null;
        Map<Path, Version> still = new TreeMap<>(now);
        still.entrySet().removeIf(file -> !file.getValue().equals(lastScan.get(file.getKey())));
        List<Path> gone =
                files.keySet().stream().filter(file -> !now.containsKey(file)).toList();
        if (!gone.isEmpty()) {
            gone.forEach(this::remove);
            // a file that was refused for a route id that is free now has its turn
            files.values().removeIf(file -> file.text.isEmpty());
        }
        lastScan = now;
        update(still);
        if (still.size() == now.size()) {
            upToDate = now;
        }
    }

    /** Looks at each file once: this is done twice a second, for ever. */
    private Map<Path, Version> list() {
        Map<Path, Version> found = new TreeMap<>();
        try {
            Files.walkFileTree(
                    folder, Set.of(FileVisitOption.FOLLOW_LINKS), Integer.MAX_VALUE, new SimpleFileVisitor<>() {
                        @Override
                        public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                            if (attributes.isRegularFile() && file.toString().endsWith(SUFFIX)) {
                                found.put(file, Version.of(attributes));
                            }
                            return FileVisitResult.CONTINUE;
                        }
                    });
            return found;
        } catch (IOException e) {
            LOG.warn("The routes folder {} cannot be read, its routes go on running: {}", folder, e.toString());
            return lastScan;
        }
    }

    private void update(Map<Path, Version> versions) {
        Map<Path, Version> changed = new TreeMap<>(versions);
        changed.entrySet()
                .removeIf(
                        file -> files.getOrDefault(file.getKey(), UNKNOWN).seen.equals(file.getValue()));
        Map<Path, String> texts = read(changed);
        // Camel joins a route with its configuration while it parses: that comes first
        List<Parsed> configurations = parse(changed, texts, true);
        if (configurations.stream().anyMatch(parsed -> files.containsKey(parsed.file))) {
            // routes take up a changed route configuration when they are made anew
            Map<Path, Version> others = new TreeMap<>();
            files.forEach((file, known) -> {
                if (!known.text.isEmpty() && !changed.containsKey(file)) {
                    others.put(file, known.seen);
                }
            });
            changed.putAll(others);
            texts.putAll(read(others));
        }
        configurations.forEach(this::apply);
        parse(changed, texts, false).forEach(this::apply);
    }

    private Map<Path, String> read(Map<Path, Version> versions) {
        Map<Path, String> texts = new TreeMap<>();
        versions.forEach((file, seen) -> {
            try {
                texts.put(file, Files.readString(file));
            } catch (IOException e) {
                refuse(file, seen, e);
            }
        });
        return texts;
    }

    /** Parses the files that have a route configuration, or those that have none. */
    private List<Parsed> parse(Map<Path, Version> versions, Map<Path, String> texts, boolean configurations) {
        List<Parsed> parsed = new ArrayList<>();
        texts.forEach((file, text) -> {
            if (text.contains("routeConfiguration:") == configurations) {
                try {
                    parsed.add(parse(file, versions.get(file), text));
                } catch (Exception e) {
                    refuse(file, versions.get(file), e);
                }
            }
        });
        parsed.sort(Comparator.comparing(Parsed::rank));
        return parsed;
    }

    private Parsed parse(Path file, Version seen, String text) throws Exception {
        List<RouteBuilder> builders = new ArrayList<>();
        List<RouteDefinition> routes = new ArrayList<>();
        String stem = stem(file);
        for (RoutesBuilder builder : PluginHelper.getRoutesLoader(context)
                .findRoutesBuilders(ResourceHelper.fromString("file:" + file, text))) {
            builders.add((RouteBuilder) builder);
            for (RouteDefinition route :
                    ((RouteBuilder) builder).configureRoutes(context).getRoutes()) {
                if (route.getRouteId() == null) {
                    route.setId(routes.isEmpty() ? stem : stem + "-" + (routes.size() + 1));
                }
                routes.add(route);
            }
            for (RestDefinition rest :
                    ((RouteBuilder) builder).getRestCollection().getRests()) {
                routes.addAll(rest.asRouteDefinition(context));
            }
        }
        return new Parsed(file, seen, text, builders, routes);
    }

    private void apply(Parsed parsed) {
        Known before = files.getOrDefault(parsed.file, UNKNOWN);
        try {
            refuseForeignIds(parsed);
            before.routes.forEach(this::stop);
            start(parsed);
            Set<String> routes = ids(parsed);
            files.put(parsed.file, new Known(parsed.seen, parsed.text, routes));
            if (started) {
                LOG.info("{} {}: {}", before.text.isEmpty() ? "Added" : "Updated", parsed.file, routes);
            }
        } catch (Exception e) {
            refuse(parsed.file, parsed.seen, e);
            restore(parsed, before);
        }
    }

    private static Set<String> ids(Parsed parsed) {
        return parsed.routes.stream()
                .map(RouteDefinition::getRouteId)
                .collect(Collectors.toCollection(LinkedHashSet::new));
    }

    private void refuseForeignIds(Parsed parsed) {
        for (String id : ids(parsed)) {
            files.forEach((file, known) -> {
                if (!file.equals(parsed.file) && known.routes.contains(id)) {
                    throw new IllegalArgumentException("the route id " + id + " is that of " + file
                            + " already: edit that file, or choose another id");
                }
            });
        }
    }

    private void start(Parsed parsed) throws Exception {
        for (RouteBuilder builder : parsed.builders) {
            if (builder instanceof RouteConfigurationBuilder configurations) {
                configurations.updateRouteConfigurationsToCamelContext(context);
            }
            builder.updateRoutesToCamelContext(context);
        }
    }

    private void refuse(Path file, Version seen, Exception e) {
        Known before = files.getOrDefault(file, UNKNOWN);
        files.put(file, new Known(seen, before.text, before.routes));
        LOG.error(
                "{} is not used{}: {}",
                file,
                before.text.isEmpty() ? "" : ", its previous version goes on running",
                reason(e));
    }

    /** Removes what did start of a version that failed, and starts the previous one again. */
    private void restore(Parsed failed, Known before) {
        if (!before.text.isEmpty() && before.routes.stream().allMatch(id -> context.getRoute(id) != null)) {
            return;
        }
        Set<String> started = ids(failed);
        files.values().forEach(known -> started.removeAll(known.routes));
        started.addAll(before.routes);
        started.forEach(this::stop);
        if (before.text.isEmpty()) {
            return;
        }
        try {
            start(parse(failed.file, before.seen, before.text));
        } catch (Exception e) {
            LOG.error("The previous version of {} cannot be started again: {}", failed.file, reason(e));
        }
    }

    private void remove(Path file) {
        Known gone = files.remove(file);
        gone.routes.forEach(this::stop);
        if (!gone.text.isEmpty()) {
            LOG.info("Removed {}: {}", file, gone.routes);
        }
    }

    /** Stops a route when its work is done, and removes it with the routes that its Kamelets made. */
    private void stop(String id) {
        try {
            for (RouteDefinition route : List.copyOf(context.getRouteDefinitions())) {
                Map<String, Object> parameters = route.getTemplateParameters();
                if (id.equals(route.getRouteId()) || parameters != null && id.equals(parameters.get("parentRouteId"))) {
                    context.removeRouteDefinition(route);
                    context.getRestDefinitions().remove(route.getRestDefinition());
                }
            }
        } catch (Exception e) {
            LOG.error("The route {} cannot be stopped: {}", id, reason(e));
        }
    }

    private static String reason(Throwable e) {
        Throwable cause = e;
        while (cause.getCause() != null && cause.getCause() != cause) {
            cause = cause.getCause();
        }
        return String.valueOf(cause.getMessage()).strip().replaceAll("\\s*\\n\\s*", "; ");
    }
}
