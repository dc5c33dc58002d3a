package io.csvimport.ledger;

import io.csvimport.CsvImportUnsettledException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** What the ledger knows of the imports that the API lists. */
public final class ListedImports {

    /** An import of a job of ours; template as it was uploaded with. */
    public record Known(String importId, long job, String template, String shown) {}

    private static final int BATCH = 500;

    /** What a list has shown, or the follow-up has found. */
    private static final String LISTED =
            " AND state IN ('accepted', 'completed') AND (shown IS NOT NULL OR listed IS NOT NULL OR state = 'completed')";

    private final Database database;
    private final String organization;

    public ListedImports(Database database, String organization) {
        this.database = database;
        this.organization = organization;
    }

    /** Those of import ids that are jobs of ours, by their ids. */
    public Map<String, List<Known>> known(Collection<String> listed) throws CsvImportUnsettledException {
        Map<String, List<Known>> known = new HashMap<>();
        for (List<Object> some :
                batches(listed.stream().filter(Objects::nonNull).distinct())) {
            String places = places(some);
            some.add(organization);
            database.read(handle -> handle.select(
                                    "SELECT import_id, job, template, shown FROM csv_import_delivery WHERE import_id IN ("
                                            + places + ") AND organization = ? AND state <> 'duplicate'",
                                    some.toArray())
                            .mapTo(Known.class)
                            .list())
                    .forEach(row -> known.computeIfAbsent(row.importId, id -> new ArrayList<>())
                            .add(row));
        }
        return known;
    }

    /** Remembers that a list has shown them; filter null: the list of all. */
    public void show(Collection<Known> known, String filter) throws CsvImportUnsettledException {
        String shown = filter == null ? "list" : "template";
        Stream<Long> jobs = known.stream()
                .filter(row ->
                        filter == null ? row.shown == null : filter.equals(row.template) && !shown.equals(row.shown))
                .map(Known::job);
        for (List<Object> some : batches(jobs)) {
            String places = places(some);
            some.add(0, shown);
            database.durable(handle -> handle.execute(
                    "UPDATE csv_import_delivery SET shown = ? WHERE job IN (" + places + ")", some.toArray()));
        }
    }

    /** Whether a whole list has to show some: it did before. */
    public boolean areExpected() throws CsvImportUnsettledException {
        return has(LISTED);
    }

    /** Whether the list of a template has to show some: it did before. */
    public boolean areExpected(String template) throws CsvImportUnsettledException {
        return has(LISTED + " AND shown = 'template' AND template = ?", template);
    }

    /** Whether the list of a template has ever shown an import of ours: a template that is given by its id may have none. */
    public boolean hasShown(String template) throws CsvImportUnsettledException {
        return has(" AND shown = 'template' AND template = ?", template);
    }

    private boolean has(String where, Object... template) throws CsvImportUnsettledException {
        List<Object> parameters = new ArrayList<>(List.of(organization));
        Collections.addAll(parameters, template);
        return database.read(handle -> handle.select(
                        "SELECT 1 FROM csv_import_delivery WHERE organization = ?" + where + " LIMIT 1",
                        parameters.toArray())
                .mapTo(Integer.class)
                .findFirst()
                .isPresent());
    }

    private static List<List<Object>> batches(Stream<?> values) {
        List<Object> all = new ArrayList<>(values.toList());
        return IntStream.range(0, (all.size() + BATCH - 1) / BATCH)
                .<List<Object>>mapToObj(
                        n -> new ArrayList<>(all.subList(n * BATCH, Math.min((n + 1) * BATCH, all.size()))))
                .toList();
    }

    private static String places(List<Object> parameters) {
        return String.join(", ", Collections.nCopies(parameters.size(), "?"));
    }
}
