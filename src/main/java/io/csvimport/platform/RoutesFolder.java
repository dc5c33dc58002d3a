package io.csvimport.platform;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.apache.camel.CamelContext;
import org.apache.camel.model.ModelCamelContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Runs the routes of the {@code *.camel.yaml} files of folders and their sub-folders, and follows changes. A file replaces
 * the files of later folders that have one of its ids. A file that does not parse or start, or that has an id of another
 * file of its folder, is logged by name; its previous version and all other files continue to run.
 */
public final class RoutesFolder {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");

    private final ModelCamelContext context;
    private final RoutesListing listing;
    private final Map<Path, String> packaged;
    private final Duration patience;
    private final Consumer<Boolean> hold;
    private final Set<RouteFile> running = new LinkedHashSet<>();
    /** What is removed once its exchanges are done, and when these are given up, by this process's own clock. */
    private final Map<RouteFile, Long> ending = new LinkedHashMap<>();
    /** The versions of each file that may run, the newest first. The older one runs until the newer one has started. */
    private final Map<Path, List<RouteFile>> versions = new TreeMap<>();
    /** What was logged of a file whose newest version does not run. */
    private final Map<Path, String> logged = new HashMap<>();

    /** Ids of the application's own routes and route configurations. */
    private final Set<String> foreign = new HashSet<>();
    /** The files whose routes the last scan has not found in the context. */
    private List<RouteFile> lastGone = List.of();

    private boolean started;

    /**
     * @param folders a file of an earlier one replaces a file of a later one
     * @param packaged the text of files that lie in no folder, by their names; a file of a folder replaces them
     * @param patience with the exchanges in a route that is to be removed
     * @param hold told true while a route that others call is replaced: no file is to begin
     */
    public RoutesFolder(
            CamelContext context,
            List<Path> folders,
            Map<Path, String> packaged,
            Duration patience,
            Consumer<Boolean> hold) {
        this.context = (ModelCamelContext) context;
        this.packaged = packaged;
        this.patience = patience;
        this.hold = hold;
        listing = new RoutesListing(folders, packaged.keySet());
    }

    /** Loads every file, at start. A file with an id of a route that the context has already is left out. */
    public synchronized void load() {
        context.getRouteDefinitions().forEach(route -> foreign.add(route.getRouteId()));
        context.getRouteConfigurationDefinitions().forEach(configuration -> foreign.add(configuration.getId()));
        listing.scan();
        update();
        started = true;
    }

    /** Loads each change. */
    synchronized void scan() {
        if (!context.isStarted()) {
            return;
        }
        try {
            if (listing.scan()) {
                update();
            } else if (!ending.isEmpty()) {
                apply();
            }
            bringBack();
        } catch (RuntimeException | Error e) {
            LOG.error("A change in the routes folders was not applied completely: save its file again", e);
        }
    }

    /** Starts files again whose routes others have removed: a reload of Camel's removes all routes of the context. */
    private void bringBack() {
        List<RouteFile> gone = running.stream().filter(RouteFile::isGone).toList();
        // that reload may be under way
        if (!gone.isEmpty() && gone.equals(lastGone)) {
            LOG.info(
                    "Routes that were removed are started again: {}",
                    gone.stream().map(file -> file.ids).toList());
            gone.forEach(RouteFile::stop);
            running.removeAll(Set.copyOf(gone));
            apply();
        }
        lastGone = gone;
    }

    private void update() {
        versions.keySet().retainAll(listing.files().keySet());
        logged.keySet().retainAll(listing.files().keySet());
        Map<Path, String> texts = read(listing.changed());
        // Camel joins a route with its configuration when it parses the route: configurations come first
        List<Path> configurations = texts.keySet().stream()
                .filter(file -> RouteFile.isConfiguration(texts.get(file)))
                .toList();
        configurations.forEach(file -> parse(file, texts.remove(file)));
        boolean hasLostOne = running.stream().anyMatch(file -> file.rank == 0 && !versions.containsKey(file.path));
        if (hasLostOne || !configurations.isEmpty()) {
            apply();
            // a route takes up a changed configuration when it is parsed again
            versions.forEach((file, newest) -> newest.stream()
                    .limit(1)
                    .filter(version -> version.rank > 0)
                    .forEach(version -> texts.putIfAbsent(file, version.text)));
        }
        texts.forEach(this::parse);
        apply();
    }

    private Map<Path, String> read(Set<Path> files) {
        Map<Path, String> texts = new TreeMap<>();
        for (Path file : files) {
            try {
                String text = packaged.get(file);
                texts.put(file, text == null ? Files.readString(file) : text);
            } catch (IOException e) {
                report(file, e);
                listing.forget(file);
            }
        }
        return texts;
    }

    private void parse(Path file, String text) {
        List<RouteFile> candidates = new ArrayList<>(versions.getOrDefault(file, List.of()));
        try {
            RouteFile newest =
                    new RouteFile(context, file, listing.files().get(file).folder(), text);
            candidates.removeIf(version -> !running.contains(version) && !ending.containsKey(version));
            candidates.add(0, newest);
        } catch (Exception | LinkageError e) {
            report(file, e);
        }
        versions.put(file, candidates);
    }

    /** Stops and starts files until all that are wanted run. For a file that does not start, the one it replaces runs again. */
    private void apply() {
        List<RouteFile> wanted;
        try {
            do {
                wanted = wanted();
            } while (stopAllBut(wanted) || !start(wanted));
        } finally {
            hold.accept(ending.keySet().stream().anyMatch(RouteFile::isCalled));
        }
    }

    /** Of each file the newest version that can run, where no file of an earlier folder replaces it. */
    private List<RouteFile> wanted() {
        List<Path> order = new ArrayList<>(versions.keySet());
        order.sort(
                Comparator.<Path>comparingInt(file -> listing.files().get(file).folder())
                        .thenComparing(this::seniority));
        Map<String, RouteFile> owners = new HashMap<>();
        List<RouteFile> wanted = new ArrayList<>();
        for (Path file : order) {
            for (RouteFile version : versions.get(file)) {
                if (version.failed) {
                    continue;
                }
                if (version.ids.stream().anyMatch(foreign::contains)) {
                    log(
                            file,
                            Level.INFO,
                            file + " is not used: the application has a route with one of its ids, " + version.ids);
                    break;
                }
                RouteFile owner = version.ids.stream()
                        .map(owners::get)
                        .filter(Objects::nonNull)
                        .findFirst()
                        .orElse(null);
                if (owner == null) {
                    version.ids.forEach(id -> owners.put(id, version));
                    wanted.add(version);
                    if (version == versions.get(file).get(0)) {
                        logged.remove(file);
                    }
                    break;
                }
                if (owner.layer != version.layer) {
                    log(file, Level.INFO, owner.path + " replaces " + file);
                    break;
                }
                report(
                        file,
                        new IllegalArgumentException("it has an id that " + owner.path + " has, one of " + version.ids
                                + ": edit that file, or choose another id"));
            }
        }
        return wanted;
    }

    /** A file that runs keeps its ids; next comes one whose previous version runs. */
    private int seniority(Path file) {
        List<RouteFile> candidates = versions.get(file);
        if (!candidates.isEmpty() && running.contains(candidates.get(0))) {
            return 0;
        }
        return candidates.stream().anyMatch(version -> running.contains(version) || ending.containsKey(version))
                ? 1
                : 2;
    }

    /** Answers whether a file that could not start may be able to by now. */
    private boolean stopAllBut(List<RouteFile> wanted) {
        long deadline = System.nanoTime() + patience.toNanos();
        for (RouteFile file : List.copyOf(running)) {
            if (!wanted.contains(file)) {
                running.remove(file);
                ending.put(file, deadline);
                file.suspend();
            }
        }
        List<RouteFile> called =
                ending.keySet().stream().filter(RouteFile::isCalled).toList();
        if (!called.isEmpty()) {
            hold.accept(true);
        }
        // what is under way in one of them may call another one
        boolean isOver =
                called.stream().allMatch(RouteFile::isIdle) || called.stream().anyMatch(this::isLate);
        boolean frees = false;
        for (RouteFile file : List.copyOf(ending.keySet())) {
            if (file.isCalled() ? isOver : file.isIdle() || isLate(file)) {
                file.stop();
                ending.remove(file);
                frees |= freeEndpoints(file);
                if (!versions.containsKey(file.path)) {
                    LOG.info("Removed {}: {}", file.path, file.ids);
                }
            }
        }
        return frees;
    }

    /** What has failed to start beside a file that is stopped by now is tried again. */
    private boolean freeEndpoints(RouteFile stopped) {
        List<RouteFile> again = versions.values().stream()
                .flatMap(List::stream)
                .filter(file -> file.failed && !file.path.equals(stopped.path) && file.sharesEndpoint(stopped))
                .toList();
        again.forEach(file -> file.failed = false);
        return !again.isEmpty();
    }

    private boolean isLate(RouteFile file) {
        return System.nanoTime() - ending.get(file) > 0;
    }

    /** Whether what it takes the place of is still being removed: it is started after that. */
    private boolean waits(RouteFile file) {
        return ending.keySet().stream()
                .anyMatch(other -> other.path.equals(file.path)
                        || !Collections.disjoint(other.ids, file.ids)
                        || other.sharesEndpoint(file));
    }

    private boolean start(List<RouteFile> wanted) {
        boolean all = true;
        wanted.sort(Comparator.comparing(file -> file.rank));
        for (RouteFile file : wanted) {
            if (running.contains(file) || waits(file)) {
                continue;
            }
            try {
                file.start();
                running.add(file);
            } catch (Exception | LinkageError e) {
                report(file.path, e);
                all = false;
                continue;
            }
            boolean updated = versions.get(file.path).size() > 1;
            if (versions.get(file.path).get(0) == file) {
                versions.put(file.path, List.of(file));
                if (started) {
                    LOG.info("{} {}: {}", updated ? "Updated" : "Added", file.path, file.ids);
                }
            }
        }
        return all;
    }

    private void report(Path file, Throwable e) {
        List<RouteFile> candidates = versions.getOrDefault(file, List.of());
        boolean runs = candidates.size() > 1 || candidates.stream().anyMatch(running::contains);
        log(
                file,
                Level.ERROR,
                file + " is not used" + (runs ? ", its previous version continues to run" : "") + ": " + reason(e));
    }

    private void log(Path file, Level level, String message) {
        if (!message.equals(logged.put(file, message))) {
            LOG.atLevel(level).log(message);
        }
    }

    /** What is wrong with a file, in one line. */
    static String reason(Throwable e) {
        Throwable cause = e;
        while (cause.getCause() != null && cause.getCause() != cause) {
            cause = cause.getCause();
        }
        if (cause instanceof ClassNotFoundException || cause instanceof NoClassDefFoundError) {
            return "the class " + cause.getMessage().replace('/', '.')
                    + " is not on the class path: add the dependency that has it";
        }
        String message = cause instanceof IOException ? cause.toString() : String.valueOf(cause.getMessage());
        return message.strip().replaceAll("\\s*\\n\\s*", "; ");
    }
}
