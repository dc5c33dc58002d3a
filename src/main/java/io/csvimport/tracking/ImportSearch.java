package io.csvimport.tracking;

import io.csvimport.api.CsvUpload;
import io.csvimport.api.ImportList;
import io.csvimport.api.ImportList.Entry;
import io.csvimport.api.ListedName;
import io.csvimport.api.ListedTime;
import io.csvimport.job.Job;
import io.csvimport.ledger.Imports.Known;
import io.csvimport.text.FileNames;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** Which of the imports of a list is a job's, or could be. */
final class ImportSearch {

    /** Between the API's clock, which is to the second, and the times that it lists. */
    private static final Duration TOLERANCE = Duration.ofSeconds(5);
    /** The most that the clocks of the API's machines differ: what is older than that is surely older. */
    private static final Duration CLOCKS = Duration.ofMinutes(5);
    /** A listed time so far ahead is no time. */
    private static final Duration AHEAD = Duration.ofDays(2);
    /** Bytes around a file in its multipart request: boundaries and headers, the name more than once. */
    private static final int MULTIPART = 4096;

    private final Job job;
    private final Instant created;
    private final Instant began;
    private final Instant now;
    private final ListedName tagged;
    private final List<ListedName> names;
    private final List<ListedName> stems;
    private final ListedName template;
    private final Set<String> templates;
    private final List<Entry> candidates;

    /**
     * @param began when sending began, by the API's clock
     * @param known the imports of the list that are jobs of this ledger, by id
     */
    ImportSearch(Job job, Instant began, Instant now, ImportList list, Map<String, List<Known>> known) {
        this.job = job;
        this.began = began;
        this.now = now;
        Duration age = Duration.between(job.createdAt(), job.attempt().began());
        created = age.isNegative() ? began : began.minus(age);
        String name = job.names().fileName();
        String taggedName = CsvUpload.tagged(name, job.id());
        tagged = new ListedName(taggedName);
        names = List.of(new ListedName(name), tagged);
        stems = List.of(new ListedName(FileNames.stem(name)), new ListedName(FileNames.stem(taggedName)));
        template = new ListedName(job.names().template());
        templates = templates(list, known);
        candidates = list.entries().stream()
                .filter(entry ->
                        known.getOrDefault(entry.id(), List.of()).stream().allMatch(other -> other.job() == job.id()))
                .filter(this::couldBe)
                .toList();
    }

    /** What the API lists as the template of the job, which may be given by its id; empty where that is not known. */
    private Set<String> templates(ImportList list, Map<String, List<Known>> known) {
        String own = job.names().template();
        return list.entries().stream()
                .filter(entry -> entry.template() != null)
                .filter(entry -> entry.template().equals(own)
                        || known.getOrDefault(entry.id(), List.of()).stream()
                                .anyMatch(other -> own.equals(other.template())))
                .map(Entry::template)
                .collect(Collectors.toSet());
    }

    /** The imports of no other job that are not surely older, and agree in template and in name or size. */
    List<Entry> candidates() {
        return candidates;
    }

    /** The import that is surely the job's; null where there is none. */
    Entry certain() {
        return candidates.stream()
                .filter(entry -> entry.id() != null && isTagged(entry))
                .findFirst()
                .or(() -> candidates.stream().filter(this::isSame).min(Comparator.comparing(entry -> entry.created()
                        .at())))
                .orElse(null);
    }

    private boolean isSame(Entry entry) {
        return entry.id() != null
                && entry.names().anyMatch(job.names().fileName()::equals)
                && entry.template() != null
                && templates.contains(entry.template())
                && agreesInSize(entry)
                && hasTime(entry)
                && entry.created().unsure().compareTo(ListedTime.ZONES) < 0
                && !entry.created().at().isBefore(began.minus(TOLERANCE))
                && !entry.created().at().isAfter(now.plus(CLOCKS));
    }

    /**
     * The only import of all that has the size, the template and a name like the job's; null where there is none. It is the
     * job's where the list is whole, and no other job of that size is looked for.
     */
    Entry only() {
        return candidates.stream()
                .filter(entry -> candidates.size() == 1)
                .filter(entry -> entry.id() != null && agreesInSize(entry) && hasTime(entry))
                .filter(entry -> entry.names().anyMatch(name -> isAlike(names, name)))
                .findFirst()
                .orElse(null);
    }

    private boolean agreesInSize(Entry entry) {
        return entry.size() == job.content().size() || entry.size() < 0;
    }

    private boolean couldBe(Entry entry) {
        return isTagged(entry)
                ? !isOlder(entry, created)
                : !isOlder(entry, began) && agreesInTemplate(entry) && agreesInNameOrSize(entry);
    }

    private boolean isTagged(Entry entry) {
        return entry.names().anyMatch(name -> name.contains("~" + job.id()) && tagged.isAlike(name));
    }

    private boolean isOlder(Entry entry, Instant than) {
        return hasTime(entry)
                && entry.created()
                        .at()
                        .plus(entry.created().unsure())
                        .plus(CLOCKS)
                        .isBefore(than);
    }

    private boolean hasTime(Entry entry) {
        return entry.created() != null && entry.created().at().isBefore(now.plus(AHEAD));
    }

    private boolean agreesInTemplate(Entry entry) {
        return entry.template() == null
                || templates.isEmpty()
                || templates.contains(entry.template())
                || template.isAlike(entry.template());
    }

    private boolean agreesInNameOrSize(Entry entry) {
        long size = job.content().size();
        boolean hasOtherSize = entry.size() > 0 && (entry.size() <= size || entry.size() > size + MULTIPART);
        return entry.size() == size
                || entry.name() == null && !hasOtherSize
                || entry.names()
                        .anyMatch(name ->
                                isAlike(names, name) || isAlike(stems, name) || isAlike(stems, FileNames.stem(name)));
    }

    private static boolean isAlike(List<ListedName> ours, String listed) {
        return ours.stream().anyMatch(name -> name.isAlike(listed));
    }
}
