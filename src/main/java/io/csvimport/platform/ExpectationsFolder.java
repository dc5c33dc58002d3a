package io.csvimport.platform;

import io.csvimport.expectation.Expectation;
import io.csvimport.expectation.Expectations;
import io.csvimport.expectation.ExpectationsFile;
import io.csvimport.settings.Finding;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
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

    /** @param routes the user's folder of routes */
    public ExpectationsFolder(Path routes, Expectations expectations) {
        this.routes = routes;
        this.expectations = expectations;
        folder = routes.resolve("expectations");
        listing = new RoutesListing(List.of(folder), Set.of(), ExpectationsFolder::isListed, true);
    }

    private static boolean isListed(String path) {
        return (path.endsWith(".yaml") || path.endsWith(".yml")) && !path.endsWith(RouteFile.SUFFIX);
    }

    /** Reads every file, at start. */
    synchronized void load() {
        listing.scan();
        update();
    }

    /** Reads each change. */
    synchronized void scan() {
        try {
            if (listing.scan()) {
                update();
            }
        } catch (RuntimeException | Error e) {
            LOG.error("A change in {} was not applied completely: save its file again", folder, e);
        }
    }

    /** What is wrong with the files, by {@code --check}; nothing is logged, and nothing where there are none. */
    public static List<Finding> check(Path routes) {
        ExpectationsFolder files = new ExpectationsFolder(routes, new Expectations());
        files.listing.scan();
        files.read();
        List<Finding> findings = new ArrayList<>();
        files.listing.failed().forEach((entry, why) -> findings.add(Finding.failed(entry + " cannot be read: " + why)));
        files.mistakes.values().forEach(all -> all.forEach(mistake -> findings.add(Finding.failed(mistake))));
        if (findings.isEmpty() && !files.listing.files().isEmpty()) {
            findings.add(Finding.ok(files.all().size() + " in " + files.folder));
        }
        return findings;
    }

    private void update() {
        Map<Path, List<String>> logged = Map.copyOf(mistakes);
        Map<Path, List<Expectation>> before = Map.copyOf(inForce);
        read();
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
    private void read() {
        inForce.keySet().retainAll(listing.files().keySet());
        mistakes.keySet().retainAll(listing.files().keySet());
        Set<Path> unread = new TreeSet<>(listing.changed());
        unread.addAll(mistakes.keySet());
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
            listing.forget(file);
            return new ExpectationsFile(List.of(), List.of(name + " cannot be read: " + e));
        }
    }

    /** A previous version may name what another file names now. */
    private List<Expectation> all() {
        Set<String> keys = new HashSet<>();
        return inForce.values().stream()
                .flatMap(List::stream)
                .filter(entry -> keys.add(entry.key()))
                .toList();
    }
}
