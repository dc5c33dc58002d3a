package io.csvimport.operations;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.csvimport.CsvImportRefusedException;
import io.csvimport.CsvImportUnsettledException;
import io.csvimport.CsvRejectedException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.hc.core5.http.impl.EnglishReasonPhraseCatalog;

/** Why an operation over HTTP is refused: problem details by RFC 9457, with the type {@code about:blank}. */
public final class Problem extends Exception {

    static final String CONTENT_TYPE = "application/problem+json";

    private static final long serialVersionUID = 1L;
    private static final ObjectMapper JSON = new ObjectMapper();

    /** The phrases of RFC 9110 that are not those of the catalog. */
    private static final Map<Integer, String> TITLES =
            Map.of(413, "Content Too Large", 414, "URI Too Long", 422, "Unprocessable Content");

    private final int status;
    private final transient Map<String, Object> more;

    public Problem(int status, String detail) {
        this(status, detail, Map.of());
    }

    /** @param more members beside the standard ones */
    public Problem(int status, String detail, Map<String, Object> more) {
        super(detail);
        this.status = status;
        this.more = more;
    }

    /** The problem to answer for a failure; null for an unexpected one. */
    static Problem of(Throwable failure) {
        if (failure instanceof Problem problem) {
            return problem;
        } else if (failure instanceof CsvRejectedException rejected) {
            int status = List.of("too-large", "http-413").contains(rejected.getReason()) ? 413 : 422;
            return new Problem(status, rejected.getMessage(), Map.of("reason", rejected.getReason()));
        } else if (failure instanceof CsvImportRefusedException refused) {
            return new Problem(refused.getStatus(), refused.getMessage(), Map.of("reason", refused.getReason()));
        } else if (failure instanceof CsvImportUnsettledException) {
            return new Problem(503, failure.getMessage() + ": try again in some seconds");
        }
        return null;
    }

    public int status() {
        return status;
    }

    String json() {
        Map<String, Object> members = new LinkedHashMap<>();
        members.put("type", "about:blank");
        members.put(
                "title",
                TITLES.getOrDefault(status, EnglishReasonPhraseCatalog.INSTANCE.getReason(status, Locale.ENGLISH)));
        members.put("status", status);
        members.put("detail", getMessage());
        members.putAll(more);
        return JSON.valueToTree(members).toString();
    }
}
