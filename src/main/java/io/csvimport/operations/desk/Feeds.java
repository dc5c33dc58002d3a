package io.csvimport.operations.desk;

import io.csvimport.CsvImportUnsettledException;
import io.csvimport.api.ApiHealth;
import io.csvimport.job.Delivery;
import io.csvimport.ledger.JobCounts;
import io.csvimport.ledger.JobList;
import io.csvimport.operations.Readiness;
import io.csvimport.settings.Settings;
import io.csvimport.source.Untaken;
import io.csvimport.tracking.ExpectationStates;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.camel.CamelContext;
import org.apache.camel.Route;
import org.apache.camel.ServiceStatus;

/** Collects the data of the overview page: of each feed, and of what the product needs. */
record Feeds(
        CamelContext context,
        Settings settings,
        JobCounts counts,
        JobList list,
        ApiHealth health,
        Untaken untaken,
        Readiness readiness,
        ExpectationStates states) {

    /** The routes of the packaged feeds, and the settings that switch them on. */
    private static final Map<String, String> PACKAGED = new TreeMap<>(Map.of(
            "csv-import-from-folder", "file.enabled",
            "csv-import-from-sftp", "sftp.enabled",
            "csv-import-from-queue", "jms.enabled"));

    private static final int HOURS = 24;

    /** The ids of the routes of the feeds, by the names of the feeds in the ledger. */
    private Map<String, String> routes() {
        Map<String, String> feeds = new LinkedHashMap<>();
        PACKAGED.forEach((route, setting) -> {
            if (settings.flag(setting)) {
                feeds.put(Delivery.from(route), route);
            }
        });
        for (Route route : context.getRoutes()) {
            String id = route.getRouteId();
            boolean isOwn = !id.startsWith("csv-import-")
                    && route.getEndpoint().getEndpointUri().matches("kamelet:(//)?csv-import-.*");
            if (isOwn) {
                feeds.put(id, id);
            }
        }
        return feeds;
    }

    List<String> names() {
        List<String> names = new ArrayList<>(routes().keySet());
        names.add("http");
        return names;
    }

    List<String> templates() throws CsvImportUnsettledException {
        return counts.templates();
    }

    /** What can be said without the ledger is said while that is away. */
    Overview overview() {
        Map<String, Map<String, Long>> today = new TreeMap<>();
        List<Map<String, Long>> hours =
                Stream.<Map<String, Long>>generate(TreeMap::new).limit(HOURS).toList();
        List<Overview.Feed> feeds = new ArrayList<>();
        List<Overview.Expected> expected = new ArrayList<>();
        JobList.Count events = new JobList.Count("events", 0, null);
        String ledger = null;
        try {
            count(today, hours);
            List<JobCounts.Open> open = counts.open();
            Map<String, String> routes = routes();
            open.forEach(jobs -> routes.putIfAbsent(jobs.from(), null));
            today.keySet().forEach(from -> routes.putIfAbsent(from, null));
            for (Map.Entry<String, String> feed : routes.entrySet()) {
                feeds.add(feed(feed.getKey(), feed.getValue(), today, open));
            }
            for (ExpectationStates.Line line : states.lines()) {
                FileLine newest = line.newest().isPresent()
                        ? FileLine.first(list.numbered(line.newest().get().id()))
                        : null;
                expected.add(new Overview.Expected(line, newest));
            }
            events = list.unsentEvents();
        } catch (CsvImportUnsettledException e) {
            ledger = e.getMessage();
        }
        return new Overview(
                readiness.reasons(),
                health.problem(ApiHealth.API).or(health::refusal).orElse(null),
                ledger,
                settings.flag("file.enabled") ? settings.path("file.directory").toString() : null,
                feeds,
                expected,
                hours,
                events,
                settings.path("data-dir").toFile().getUsableSpace());
    }

    /** The jobs of today in the zone of this machine. */
    private void count(Map<String, Map<String, Long>> feeds, List<Map<String, Long>> hours)
            throws CsvImportUnsettledException {
        ZoneId zone = ZoneId.systemDefault();
        Instant midnight = LocalDate.now(zone).atStartOfDay(zone).toInstant();
        for (JobCounts.Hour hour : counts.since(midnight)) {
            feeds.computeIfAbsent(hour.from(), any -> new TreeMap<>()).merge(hour.state(), hour.count(), Long::sum);
            int of = Instant.parse(hour.hour() + "0:00Z").atZone(zone).getHour();
            hours.get(of).merge(hour.state(), hour.count(), Long::sum);
        }
    }

    private Overview.Feed feed(
            String name, String route, Map<String, Map<String, Long>> today, List<JobCounts.Open> open)
            throws CsvImportUnsettledException {
        Map<String, Long> states = new LinkedHashMap<>();
        FileLine waiting = null;
        for (JobCounts.Open jobs : open) {
            if (jobs.from().equals(name)) {
                states.put(jobs.state(), jobs.count());
                waiting = waiting == null ? FileLine.first(list.numbered(jobs.oldest())) : waiting;
            }
        }
        Route running = route == null ? null : context.getRoute(route);
        Untaken.Files left = route == null ? null : untaken.feeds().get(route);
        return new Overview.Feed(
                name,
                running == null ? "" : Objects.requireNonNullElse(running.getDescription(), ""),
                route == null ? null : problem(route),
                left == null ? null : left.toString(),
                today.getOrDefault(name, Map.of()),
                states,
                FileLine.first(list.latest(name)),
                waiting);
    }

    private String problem(String route) {
        ServiceStatus status = context.getRouteController().getRouteStatus(route);
        return status == null || !status.isStarted()
                ? "The route " + route + " does not run; the log says why"
                : health.problem(route).orElse(untaken.missing(route));
    }
}
