package io.csvimport.tracking;

import io.csvimport.api.CsvUpload;
import io.csvimport.api.ImportList;
import io.csvimport.api.ListedName;
import io.csvimport.api.ListedTime;
import io.csvimport.job.Job;
import io.csvimport.ledger.ListedImports;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Which of the imports of a list is a delivery's, or could be. */
final class ImportSearch {

    /** Between the API's clock, which is to the second, and the times that it lists. */
    private static final Duration TOLERANCE = Duration.ofSeconds(5);
    /** The most that the clocks of the API's machines differ: what is older than that is surely older. */
    private static final Duration CLOCKS = Duration.ofMinutes(5);
    /** What lies so far ahead is no time. */
    private static final Duration AHEAD = Duration.ofDays(2);
    /** Around the bytes of a file in its multipart request: boundaries and headers, the name more than once. */
    private static final int MULTIPART = 4096;

    private final Job job;
    private final Instant created;
    private final Instant began;
    private final Instant now;
    private final String tag;
    private final ListedName tagged;
    private final List<ListedName> names;
    private final List<ListedName> stems;
    private final ListedName template;
    private final Set<String> templates;
    private final List<ImportList.Entry> candidates;

    /**
     * @param began when sending began, by the API's clock
     * @param known the imports of the list that are jobs of ours, by id
     */
    ImportSearch(Job job, Instant began, Instant now, ImportList list, Map<String, List<ListedImports.Known>> known) {
        this.job = job;
        this.began = began;
        this.now = now;
        Duration age = Duration.between(job.createdAt(), job.attempt().began());
        created = age.isNegative() ? began : began.minus(age);
        String name = job.names().fileName();
        tag = "~" + job.id();
        String taggedName = CsvUpload.tagged(name, job.id());
        tagged = new ListedName(taggedName);
        names = Stream.of(new ListedName(name), tagged).toList();
        stems = Stream.of(name, taggedName)
                .map(ListedName::stem)
                .map(ListedName::new)
                .toList();
        template = new ListedName(job.names().template());
        templates = templates(list, known);
        candidates = list.entries().stream()
                .filter(entry -> !isOfAnother(known.get(entry.id())))
                .filter(this::couldBe)
                .toList();
    }

    private boolean isOfAnother(List<ListedImports.Known> jobs) {
        return jobs != null && jobs.stream().anyMatch(other -> other.job() != job.id());
    }

    /** What the API lists as the template of the delivery: it may be given by its id; empty where that is not known. */
    private Set<String> templates(ImportList list, Map<String, List<ListedImports.Known>> known) {
        return list.entries().stream()
                .filter(entry -> entry.template() != null)
                .filter(entry -> entry.template().equals(job.names().template())
                        || known.getOrDefault(entry.id(), List.of()).stream()
                                .anyMatch(other -> job.names().template().equals(other.template())))
                .map(ImportList.Entry::template)
                .collect(Collectors.toSet());
    }

    /** The imports of no other job that are not surely older, and agree in template and in name or size. */
    List<ImportList.Entry> candidates() {
        return candidates;
    }

    /** The import that is the delivery's beyond doubt; null where there is none. */
    ImportList.Entry certain() {
        ImportList.Entry certain = null;
        for (ImportList.Entry entry : candidates) {
            if (entry.id() == null) {
                continue;
            }
            if (isTagged(entry)) {
                return entry;
            }
            boolean same = entry.names().anyMatch(job.names().fileName()::equals)
                    && entry.template() != null
                    && templates.contains(entry.template())
                    && (entry.size() == job.content().size() || entry.size() < 0)
                    && hasTime(entry)
                    && entry.created().unsure().compareTo(ListedTime.ZONES) < 0
                    && !entry.created().at().isBefore(began.minus(TOLERANCE))
                    && !entry.created().at().isAfter(now.plus(CLOCKS));
            if (same
                    && (certain == null
                            || entry.created().at().isBefore(certain.created().at()))) {
                certain = entry;
            }
        }
        return certain;
    }

    /**
     * The import that alone of all has the size and the template, and a name like the delivery's; null where there is
     * none. It is the delivery's where the list is whole, and no other of that size is looked for.
     */
    ImportList.Entry only() {
        if (candidates.size() != 1) {
            return null;
        }
        ImportList.Entry entry = candidates.get(0);
        boolean like = entry.id() != null
                && (entry.size() == job.content().size() || entry.size() < 0)
                && hasTime(entry)
                && entry.names().anyMatch(name -> isAlike(names, name));
        return like ? entry : null;
    }

    private boolean couldBe(ImportList.Entry entry) {
        if (isTagged(entry)) {
            return !isOlder(entry, created);
        }
        return !isOlder(entry, began) && agreesInTemplate(entry) && agreesInNameOrSize(entry);
    }

    private boolean isTagged(ImportList.Entry entry) {
        return entry.names().anyMatch(name -> name.contains(tag) && tagged.isAlike(name));
    }

    private boolean isOlder(ImportList.Entry entry, Instant than) {
        return hasTime(entry)
                && entry.created()
                        .at()
                        .plus(entry.created().unsure())
                        .plus(CLOCKS)
                        .isBefore(than);
    }

    private boolean hasTime(ImportList.Entry entry) {
        return entry.created() != null && entry.created().at().isBefore(now.plus(AHEAD));
    }

    private boolean agreesInTemplate(ImportList.Entry entry) {
        return entry.template() == null
                || templates.isEmpty()
                || templates.contains(entry.template())
                || template.isAlike(entry.template());
    }

    private boolean agreesInNameOrSize(ImportList.Entry entry) {
        boolean hasSize = entry.size() > 0
                && (entry.size() <= job.content().size()
                        || entry.size() > job.content().size() + MULTIPART);
        return entry.size() == job.content().size()
                || entry.name() == null && !hasSize
                || entry.names()
                        .anyMatch(name ->
                                isAlike(names, name) || isAlike(stems, name) || isAlike(stems, ListedName.stem(name)));
    }

    private static boolean isAlike(List<ListedName> ours, String listed) {
        return ours.stream().anyMatch(name -> name.isAlike(listed));
    }
}
