package io.csvimport.ledger;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.csvimport.CsvImportUnsettledException;
import io.csvimport.job.Job;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.jdbi.v3.core.Handle;

/** What the imports of a template were like that the next one is compared with. */
public final class EarlierImports {

    /** An import whose rows were counted. */
    public record Counted(long job, String source, String fileName, long csvRows) {}

    private static final ObjectMapper JSON = new ObjectMapper();
    /** Imports that are looked through for one of the same feed and pattern. */
    private static final int MOST = 1000;

    private static final String SET = "INSERT INTO csv_import_header (organization, template, header, set_at)";

    private final Database database;
    private final String organization;

    public EarlierImports(Ledger ledger) {
        database = ledger.database();
        organization = ledger.organization();
    }

    /** The header of the last import without failed rows, or of the first one, or that a person has accepted. */
    public Optional<List<String>> header(String template) throws CsvImportUnsettledException {
        return database.read(handle -> handle.select(
                        "SELECT header FROM csv_import_header WHERE organization = ? AND template = ?",
                        organization,
                        template)
                .mapTo(String.class)
                .findFirst()
                .map(EarlierImports::names));
    }

    /** The last import of the template that is alike. */
    public Optional<Counted> last(String template, Predicate<Counted> alike) throws CsvImportUnsettledException {
        return database
                .read(handle -> handle.select(
                                "SELECT job, source, file_name, csv_rows FROM csv_import_delivery WHERE organization = ?"
                                        + " AND template = ? AND csv_rows IS NOT NULL AND state IN ('accepted', 'completed')"
                                        + " ORDER BY settled_at DESC, job DESC LIMIT " + MOST,
                                organization,
                                template)
                        .mapTo(Counted.class)
                        .list())
                .stream()
                .filter(alike)
                .findFirst();
    }

    /** The header of a job, which a person accepts, is that of its template from now on; false where it is not held for what it is. */
    public boolean accept(long job) throws CsvImportUnsettledException {
        return database.durable(handle -> handle.execute(
                        SET + " SELECT organization, template, csv_header, ? FROM csv_import_delivery WHERE job = ?"
                                + " AND csv_header IS NOT NULL AND state = 'held' AND reason = 'unexpected' ON CONFLICT (organization, template)"
                                + " DO UPDATE SET header = excluded.header, set_at = excluded.set_at",
                        Instant.now(),
                        job)
                == 1);
    }

    /** The names of the columns of a job; empty where it was not looked at. */
    public List<String> headerOf(long job) throws CsvImportUnsettledException {
        return database.look(handle -> handle.select(
                        "SELECT csv_header FROM csv_import_delivery WHERE job = ? AND csv_header IS NOT NULL", job)
                .mapTo(String.class)
                .findFirst()
                .map(EarlierImports::names)
                .orElse(List.of()));
    }

    /** The first import of a template sets the header. */
    static void accepted(Handle handle, String organization, Job job) {
        set(handle, organization, job, "DO NOTHING");
    }

    /** One without failed rows sets the header, unless a later one, or a person, has set it since. */
    static void succeeded(Handle handle, String organization, Job job) {
        set(
                handle,
                organization,
                job,
                "DO UPDATE SET header = excluded.header, set_at = excluded.set_at"
                        + " WHERE csv_import_header.set_at < excluded.set_at");
    }

    private static void set(Handle handle, String organization, Job job, String otherwise) {
        if (job.look().header() != null) {
            handle.execute(
                    SET + " VALUES (?, ?, ?, ?) ON CONFLICT (organization, template) " + otherwise,
                    organization,
                    job.names().template(),
                    job.look().header(),
                    job.outcome().settledAt());
        }
    }

    /** As the ledger has the names of columns. */
    public static String json(List<String> names) {
        try {
            return JSON.writeValueAsString(names);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("Names are plain text", e);
        }
    }

    private static List<String> names(String json) {
        try {
            return JSON.readValue(json, new TypeReference<>() {});
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("The ledger has a header that is no JSON: " + json, e);
        }
    }
}
