package io.csvimport;

import static io.csvimport.Database.query;
import static io.csvimport.Database.update;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** What the ledger knows of the imports that the API lists. */
final class ListedImports {

    /** An import of a job of ours; template as it was uploaded with. */
    record Known(String importId, long job, String template, String shown) {}

    private static final int BATCH = 500;

    /** What a list has shown, or the follow-up has found. */
    private static final String LISTED =
            " AND state IN ('accepted', 'completed') AND (shown IS NOT NULL OR listed IS NOT NULL OR state = 'completed')";

    private final Database database;
    private final String organization;

    ListedImports(Database database, String organization) {
        this.database = database;
        this.organization = organization;
    }

    /** Those of import ids that are jobs of ours, by their ids. */
    Map<String, List<Known>> known(Collection<String> listed) throws CsvImportUnsettledException {
        List<Object> ids = new ArrayList<>();
        listed.stream().filter(Objects::nonNull).distinct().forEach(ids::add);
        Map<String, List<Known>> known = new HashMap<>();
        for (int from = 0; from < ids.size(); from += BATCH) {
            List<Object> some = ids.subList(from, Math.min(from + BATCH, ids.size()));
            List<Object> parameters = new ArrayList<>(some);
            parameters.add(organization);
            List<Known> rows = database.read(c -> query(
                    c,
                    row -> new Known(
                            row.getString("import_id"),
                            row.getLong("job"),
                            row.getString("template"),
                            row.getString("shown")),
                    "SELECT import_id, job, template, shown FROM csv_import_delivery WHERE import_id IN ("
                            + places(some) + ") AND organization = ? AND state <> 'duplicate'",
                    parameters.toArray()));
            rows.forEach(row ->
                    known.computeIfAbsent(row.importId, id -> new ArrayList<>()).add(row));
        }
        return known;
    }

    /** Remembers that a list has shown them; filter null: the list of all. */
    void show(Collection<Known> known, String filter) throws CsvImportUnsettledException {
        String shown = filter == null ? "list" : "template";
        List<Object> jobs = new ArrayList<>();
        known.stream()
                .filter(row ->
                        filter == null ? row.shown == null : filter.equals(row.template) && !shown.equals(row.shown))
                .forEach(row -> jobs.add(row.job));
        for (int from = 0; from < jobs.size(); from += BATCH) {
            List<Object> some = jobs.subList(from, Math.min(from + BATCH, jobs.size()));
            List<Object> parameters = new ArrayList<>(List.of(shown));
            parameters.addAll(some);
            database.durable(c -> update(
                    c,
                    "UPDATE csv_import_delivery SET shown = ? WHERE job IN (" + places(some) + ")",
                    parameters.toArray()));
        }
    }

    /** Whether a whole list has to show some: it did before. */
    boolean areExpected() throws CsvImportUnsettledException {
        return has(LISTED);
    }

    /** Whether the list of a template has to show some: it did before. */
    boolean areExpected(String template) throws CsvImportUnsettledException {
        return has(LISTED + " AND shown = 'template' AND template = ?", template);
    }

    /** Whether the list of a template has ever shown an import of ours: a template that is given by its id may have none. */
    boolean hasShown(String template) throws CsvImportUnsettledException {
        return has(" AND shown = 'template' AND template = ?", template);
    }

    private boolean has(String where, String... template) throws CsvImportUnsettledException {
        List<Object> parameters = new ArrayList<>(List.of(organization));
        Collections.addAll(parameters, (Object[]) template);
        return !database.read(c -> query(
                        c,
                        row -> 1,
                        "SELECT 1 FROM csv_import_delivery WHERE organization = ?" + where + " LIMIT 1",
                        parameters.toArray()))
                .isEmpty();
    }

    private static String places(List<Object> parameters) {
        return String.join(", ", Collections.nCopies(parameters.size(), "?"));
    }
}
