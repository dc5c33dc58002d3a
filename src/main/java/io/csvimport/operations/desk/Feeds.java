package io.csvimport.operations.desk;

import io.csvimport.CsvImportUnsettledException;
import io.csvimport.api.ApiHealth;
import io.csvimport.ledger.JobCounts;
import io.csvimport.ledger.JobList;
import io.csvimport.operations.Readiness;
import io.csvimport.settings.Settings;
import io.csvimport.source.Untaken;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.apache.camel.CamelContext;
import org.apache.camel.Route;
import org.apache.camel.ServiceStatus;

/** What the overview says: of each feed, and of what the product needs. */
final class Feeds {

    /** The routes whose files have another name in the ledger than their own. */
    private static final Map<String, String> NAMES = Map.of(
            "csv-import-from-folder", "file",
            "csv-import-from-sftp", "sftp",
            "csv-import-from-queue", "jms");

    private static final int HOURS = 24;

    private final CamelContext context;
    private final Settings settings;
    private final JobCounts counts;
    private final JobList list;
    private final ApiHealth health;
    private final Untaken untaken;
    private final Readiness readiness;

    Feeds(
            CamelContext context,
            Settings settings,
            JobCounts counts,
            JobList list,
            ApiHealth health,
            Untaken untaken,
            Readiness readiness) {
        this.context = context;
        this.settings = settings;
        this.counts = counts;
        this.list = list;
        this.health = health;
        this.untaken = untaken;
        this.readiness = readiness;
    }

    /** The routes of the feeds, by the names of the feeds in the ledger. */
    private Map<String, Route> routes() {
        Map<String, Route> feeds = new LinkedHashMap<>();
        NAMES.forEach((id, name) -> feeds.computeIfAbsent(name, any -> context.getRoute(id)));
        for (Route route : context.getRoutes()) {
            String id = route.getRouteId();
            boolean isOwn = !id.startsWith("csv-import-")
                    && route.getEndpoint().getEndpointUri().startsWith("kamelet://csv-import-");
            if (isOwn) {
                feeds.put(id, route);
            }
        }
        return feeds;
    }

    List<String> names() throws CsvImportUnsettledException {
        List<String> names = new ArrayList<>(routes().keySet());
        names.add("http");
        return names;
    }

    List<String> templates() throws CsvImportUnsettledException {
        return counts.templates();
    }

    Overview overview() throws CsvImportUnsettledException {
        ZoneId zone = ZoneId.systemDefault();
        Map<String, Map<String, Long>> today = new TreeMap<>();
        List<Map<String, Long>> hours = new ArrayList<>();
        for (int hour = 0; hour < HOURS; hour++) {
            hours.add(new TreeMap<>());
        }
        Instant midnight = LocalDate.now(zone).atStartOfDay(zone).toInstant();
        for (JobCounts.Hour hour : counts.since(midnight)) {
            today.computeIfAbsent(hour.from(), any -> new TreeMap<>()).merge(hour.state(), hour.count(), Long::sum);
            int of = Instant.parse(hour.hour() + ":00:00Z").atZone(zone).getHour();
            hours.get(of).merge(hour.state(), hour.count(), Long::sum);
        }
        List<JobCounts.Open> open = counts.open();
        Map<String, Route> routes = routes();
        open.forEach(jobs -> routes.putIfAbsent(jobs.from(), null));
        today.keySet().forEach(from -> routes.putIfAbsent(from, null));
        List<Overview.Feed> feeds = new ArrayList<>();
        for (Map.Entry<String, Route> feed : routes.entrySet()) {
            feeds.add(feed(feed.getKey(), feed.getValue(), today, open));
        }
        JobList.Count events = list.unsentEvents();
        return new Overview(
                readiness.reasons(),
                health.problem(ApiHealth.API).or(health::refusal).orElse(null),
                settings.flag("file.enabled") ? settings.path("file.directory").toString() : null,
                feeds,
                hours,
                events.count(),
                events.oldest() == null ? null : events.oldest().toString(),
                settings.path("data-dir").toFile().getUsableSpace());
    }

    private Overview.Feed feed(
            String name, Route route, Map<String, Map<String, Long>> today, List<JobCounts.Open> open)
            throws CsvImportUnsettledException {
        Map<String, Long> states = new LinkedHashMap<>();
        FileLine waiting = null;
        for (JobCounts.Open jobs : open) {
            if (jobs.from().equals(name)) {
                states.put(jobs.state(), jobs.count());
                List<Map<String, Object>> oldest = waiting == null ? list.numbered(jobs.oldest()) : List.of();
                waiting = oldest.isEmpty() ? waiting : new FileLine(oldest.get(0));
            }
        }
        List<Map<String, Object>> latest = counts.latest(name);
        String id = route == null ? name : route.getRouteId();
        Untaken.Files left = untaken.feeds().get(id);
        return new Overview.Feed(
                name,
                route == null ? "" : Objects.requireNonNullElse(route.getDescription(), ""),
                route == null ? null : problem(id),
                left == null ? null : left.toString(),
                today.getOrDefault(name, Map.of()),
                states,
                latest.isEmpty() ? null : new FileLine(latest.get(0)),
                waiting);
    }

    private String problem(String route) {
        ServiceStatus status = context.getRouteController().getRouteStatus(route);
        String problem = health.problem(route).orElse(untaken.missing(route));
        return status == null || !status.isStarted() ? "The route is stopped" : problem;
    }
}
