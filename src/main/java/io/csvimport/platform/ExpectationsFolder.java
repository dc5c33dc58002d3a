package io.csvimport.platform;

import io.csvimport.expectation.Expectation;
import io.csvimport.expectation.Expectations;
import io.csvimport.expectation.ExpectationsFile;
import io.csvimport.platform.RoutesListing.Version;
import io.csvimport.settings.Finding;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the files of {@code expectations/} in the user's folder of routes, and follows changes. A file with a mistake is
 * logged; its previous version and all other files stay in force.
 */
public final class ExpectationsFolder {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");

    private final Path routes;
    private final Path folder;
    private final Expectations expectations;
    private final RoutesListing listing;
    /** What each file says, by its latest version without a mistake. */
    private final Map<Path, List<Expectation>> inForce = new TreeMap<>();
    /** The mistakes of the files whose newest version is not in force. */
    private final Map<Path, List<String>> mistakes = new TreeMap<>();

    private Map<Path, Version> lastScan = Map.of();
    /** The versions that were read. */
    private Map<Path, Version> known = Map.of();

    /** @param routes the user's folder of routes */
    public ExpectationsFolder(Path routes, Expectations expectations) {
        this.routes = routes;
        this.expectations = expectations;
        folder = routes.resolve("expectations");
        listing = new RoutesListing(List.of(folder), Set.of(), ExpectationsFolder::isListed);
    }

    private static boolean isListed(String path) {
        return (path.endsWith(".yaml") || path.endsWith(".yml")) && !path.endsWith(RouteFile.SUFFIX);
    }

    /** Reads every file, at start. */
    synchronized void load() {
        lastScan = list();
        update(lastScan);
    }

    /** Reads each change that two scans have found alike: a file may be half saved. */
    synchronized void scan() {
        try {
            Map<Path, Version> now = list();
            Map<Path, Version> settled = RoutesListing.settled(known, lastScan, now);
            if (!settled.equals(known)) {
                update(settled);
            }
            lastScan = now;
        } catch (RuntimeException | Error e) {
            LOG.error("A change in {} was not applied completely: save its file again", folder, e);
        }
    }

    /** What is wrong with the files, by {@code --check}; nothing is logged, and nothing where there are none. */
    static List<Finding> check(Path routes) {
        ExpectationsFolder files = new ExpectationsFolder(routes, new Expectations());
        Map<Path, Version> found = files.list();
        List<Finding> findings = new ArrayList<>();
        files.listing.failed().forEach((entry, why) -> findings.add(Finding.failed(entry + " cannot be read: " + why)));
        files.read(found);
        files.mistakes.values().forEach(all -> all.forEach(mistake -> findings.add(Finding.failed(mistake))));
        if (findings.isEmpty() && !found.isEmpty()) {
            findings.add(Finding.ok(files.all().size() + " in " + files.folder));
        }
        return findings;
    }

    private Map<Path, Version> list() {
        return Files.notExists(folder) ? Map.of() : listing.list(lastScan);
    }

    private void update(Map<Path, Version> files) {
        Map<Path, List<String>> logged = Map.copyOf(mistakes);
        Map<Path, List<Expectation>> before = Map.copyOf(inForce);
        read(files);
        mistakes.forEach((file, all) -> {
            if (!all.equals(logged.get(file))) {
                String previous = inForce.containsKey(file) ? ", its previous version stays in force" : "";
                all.forEach(mistake -> LOG.error("{} is not used{}: {}", file, previous, mistake));
            }
        });
        // while they are replaced, too, nobody knows whether what is missing is expected
        expectations.isWhole(false);
        if (!before.equals(inForce)) {
            expectations.replace(all());
            LOG.info("Expectations in {}: {}", folder, expectations.all().size());
        }
        expectations.isWhole(mistakes.isEmpty() && listing.failed().isEmpty());
    }

    /** Those that are in force already come first: what is added later is the second of two that are the same. */
    private void read(Map<Path, Version> files) {
        Map<Path, Version> previous = known;
        known = new TreeMap<>(files);
        inForce.keySet().retainAll(files.keySet());
        mistakes.keySet().retainAll(files.keySet());
        Set<Path> unread = new TreeSet<>(files.keySet());
        unread.removeIf(file -> files.get(file).equals(previous.get(file)) && !mistakes.containsKey(file));
        Map<String, String> places = new HashMap<>();
        inForce.forEach((file, entries) -> {
            if (!unread.contains(file)) {
                entries.forEach(entry -> places.put(entry.key(), entry.place()));
            }
        });
        for (Path file : unread) {
            ExpectationsFile read = read(file, places);
            if (read.mistakes().isEmpty()) {
                mistakes.remove(file);
                inForce.put(file, read.entries());
                read.entries().forEach(entry -> places.put(entry.key(), entry.place()));
            } else {
                mistakes.put(file, read.mistakes());
            }
        }
    }

    private ExpectationsFile read(Path file, Map<String, String> places) {
        String name = routes.relativize(file).toString().replace('\\', '/');
        try {
            return ExpectationsFile.read(name, Files.readAllBytes(file), places);
        } catch (IOException e) {
            // the next scan reads it again
            known.put(file, new Version(0, -1, null, null));
            return new ExpectationsFile(List.of(), List.of(name + " cannot be read: " + e));
        }
    }

    /** A previous version may name what another file names now. */
    private List<Expectation> all() {
        Map<String, Expectation> all = new HashMap<>();
        return inForce.values().stream()
                .flatMap(List::stream)
                .filter(entry -> all.putIfAbsent(entry.key(), entry) == null)
                .toList();
    }
}
