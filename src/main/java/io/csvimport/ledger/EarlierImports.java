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

/** The header and the row count of a template's last imports: the next CSV is compared with them. */
public final class EarlierImports {

    /** An import whose rows were counted. */
    public record Counted(long job, String fileName, long csvRows) {}

    private static final ObjectMapper JSON = new ObjectMapper();
    /** Imports that are looked through for one with a name that is meant. */
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

    /**
     * The last import of the template.
     *
     * @param feed null: any
     * @param names which file names are meant; null: any
     */
    public Optional<Counted> last(String template, String feed, Predicate<String> names)
            throws CsvImportUnsettledException {
        return database
                .read(handle -> handle.select(
                                "SELECT job, file_name, csv_rows FROM csv_import_delivery WHERE organization = ?"
                                        + " AND template = ? AND source = COALESCE(?, source)"
                                        + " AND csv_rows IS NOT NULL AND state IN ('accepted', 'completed')"
                                        + " ORDER BY settled_at DESC, job DESC LIMIT " + (names == null ? 1 : MOST),
                                organization,
                                template,
                                feed)
                        .mapTo(Counted.class)
                        .list())
                .stream()
                .filter(row -> names == null || names.test(row.fileName))
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

    /** The first import of a template sets the header, until it is known whether it had failed rows. */
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

    /**
     * One that had failed rows after all, or was voided, does not set the header any more: the last of the others without failed
     * rows does.
     */
    static void failed(Handle handle, String organization, Job job) {
        int deleted = handle.execute(
                "DELETE FROM csv_import_header WHERE organization = ? AND template = ? AND header = ? AND set_at = ?",
                organization,
                job.names().template(),
                job.look().header(),
                job.outcome().settledAt());
        if (deleted == 1) {
            handle.execute(
                    SET + " SELECT organization, template, csv_header, settled_at FROM csv_import_delivery"
                            + " WHERE organization = ? AND template = ? AND job <> ? AND state = 'completed' AND failed_rows = 0"
                            + " AND csv_header IS NOT NULL ORDER BY settled_at DESC LIMIT 1",
                    organization,
                    job.names().template(),
                    job.id());
        }
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
