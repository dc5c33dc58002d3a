package io.csvimport.sandbox;

import static io.csvimport.sandbox.SandboxRefusal.bad;

import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** One of the documented calls: checks its head, then its body, then does it. */
final class SandboxCall {
    enum Kind {
        UPLOAD,
        PREVIEW,
        LIST,
        VOID
    }

    private static final Pattern PATH =
            Pattern.compile("/api/organizations/([^/]+)/(csv-import|(csv-import|statement-import)/([^/]+))");
    private static final Pattern FILE_HEADER =
            Pattern.compile("Content-Disposition: form-data; name=\"file\"; filename=\"([^\"/\\\\\\p{Cntrl}]+)\"");
    private static final String SIZE_HEADER = "Content-Disposition: form-data; name=\"filesize\"";
    private static final String ADDRESS = "[^\\s\\p{Cntrl}@,;<>\"()]+@[^\\s\\p{Cntrl}@,;<>\"()]+";
    private static final Set<String> UPLOAD_QUERY = Set.of("template", "fileSize", "notify");

    private final Sandbox sandbox;
    private final Kind kind;
    private final String importId;
    private final Map<String, String> query;
    private final SandboxMultipart multipart;

    /** Checks all that is known before the body. */
    SandboxCall(Sandbox sandbox, HttpServerRequest request) {
        this.sandbox = sandbox;
        checkCredentials(request.headers().getAll("Authorization"));
        String[] target = request.uri().split("\\?", 2);
        Matcher path = PATH.matcher(target[0]);
        if (!path.matches()) {
            throw new SandboxRefusal(404, "unknown path " + target[0]);
        }
        if (!SandboxQuery.decode(path.group(1)).equals(sandbox.organization)) {
            throw new SandboxRefusal(404, "unknown organization " + path.group(1));
        }
        importId = path.group(4) == null ? null : SandboxQuery.decode(path.group(4));
        kind = kind(path.group(2), request.method());
        query = SandboxQuery.parse(
                target.length > 1 ? target[1] : null,
                switch (kind) {
                    case UPLOAD, PREVIEW -> UPLOAD_QUERY;
                    case LIST -> Set.of("id", "template");
                    case VOID -> path.group(3).equals("csv-import") ? Set.of() : Set.of("deleteLrsStatements");
                });
        if (kind == Kind.UPLOAD || kind == Kind.PREVIEW) {
            checkUploadQuery();
            List<String> types = request.headers().getAll("Content-Type");
            multipart = new SandboxMultipart(String.join(", ", types), kind == Kind.UPLOAD ? 1 : 2);
        } else {
            multipart = null;
        }
        if (kind == Kind.VOID
                && path.group(3).equals("statement-import")
                && !"true".equals(query.get("deleteLrsStatements"))) {
            throw bad("query parameter deleteLrsStatements must be true");
        }
    }

    /** Tells which fault strikes it. */
    Kind kind() {
        return kind;
    }

    /** The reader of its body, null where none is documented. */
    SandboxMultipart multipart() {
        return multipart;
    }

    /** Checks the body, once it is over. */
    void checkBody() {
        if (multipart == null) {
            return;
        }
        multipart.end();
        List<SandboxRequest.Part> parts = multipart.parts();
        SandboxRequest.Part file = parts.get(0);
        if (file.headers().size() != 2
                || fileName(file) == null
                || !file.headers().get(1).equals("Content-Type: text/csv")) {
            throw bad("the file's headers must be Content-Disposition: form-data; name=\"file\"; filename=\"…\" "
                    + "with a name without path, and Content-Type: text/csv, but are " + file.headers());
        }
        String size = String.valueOf(file.size());
        if (!query.getOrDefault("fileSize", size).equals(size)) {
            throw bad("fileSize is '" + query.get("fileSize") + "', but the file has " + size + " bytes");
        }
        if (kind == Kind.PREVIEW
                && (parts.size() != 2
                        || !parts.get(1).headers().equals(List.of(SIZE_HEADER))
                        || !parts.get(1).sha256().equals(SandboxMultipart.sha256(size)))) {
            throw bad("the second part must be the form parameter filesize with the file's size, " + size);
        }
    }

    /** Does what was asked for; the body was checked. */
    SandboxAnswer perform(byte[] body) {
        return switch (kind) {
            case UPLOAD -> upload(body);
            case PREVIEW -> preview(multipart.parts().get(0).content(body));
            case LIST ->
                SandboxAnswer.json(200, sandbox.imports.list(query.get("id"), query.get("template"), sandbox.now()));
            case VOID -> {
                if (!sandbox.imports.voidImport(importId)) {
                    throw new SandboxRefusal(404, "no import " + importId + " to void");
                }
                yield SandboxAnswer.of(200, null, "");
            }
        };
    }

    /** The unescaped file name of a part, or null where it has no plain one. */
    static String fileName(SandboxRequest.Part part) {
        Matcher header = FILE_HEADER.matcher(part.headers().get(0));
        return !header.matches()
                ? null
                : header.group(1).replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n");
    }

    private SandboxAnswer upload(byte[] body) {
        SandboxRequest.Part file = multipart.parts().get(0);
        List<String> notify =
                query.containsKey("notify") ? List.of(query.get("notify").split(",")) : List.of();
        String id = sandbox.imports.accept(
                sandbox.templateName(query.get("template")),
                notify,
                fileName(file),
                file,
                file.content(body),
                sandbox.now());
        return switch (sandbox.idForm()) {
            case OBJECT -> SandboxAnswer.json(202, new JsonObject().put("id", id));
            case STRING -> SandboxAnswer.of(202, "application/json", '"' + id + '"');
            case NUMBER -> SandboxAnswer.of(202, "application/json", id);
            case TEXT -> SandboxAnswer.of(202, "text/plain", id);
        };
    }

    private SandboxAnswer preview(byte[] content) {
        SandboxImports.Rows rows = SandboxImports.Rows.of(content, "preview");
        JsonObject statements = new JsonObject();
        rows.statements()
                .forEach((row, id) -> statements.put(row, new JsonArray().add(new JsonObject().put("id", id))));
        return SandboxAnswer.json(
                200,
                new JsonObject()
                        .put("failedRows", sandbox.imports.failedRows(rows.failed()))
                        .put("statements", statements));
    }

    private void checkCredentials(List<String> sent) {
        String expected = sandbox.key + ":" + sandbox.secret;
        String basic = "Basic " + Base64.getEncoder().encodeToString(expected.getBytes(StandardCharsets.UTF_8));
        if (!sent.equals(List.of(basic))) {
            throw new SandboxRefusal(
                    401,
                    sent.isEmpty()
                            ? "HTTP Basic credentials are missing"
                            : "these are not the key and secret, as HTTP Basic in UTF-8");
        }
    }

    private static Kind kind(String resource, HttpMethod method) {
        Map<String, Kind> allowed =
                switch (resource) {
                    case "csv-import" -> Map.of("POST", Kind.UPLOAD, "GET", Kind.LIST);
                    case "statement-import/preview" -> Map.of("POST", Kind.PREVIEW);
                    default -> Map.of("DELETE", Kind.VOID);
                };
        if (!allowed.containsKey(method.name())) {
            throw new SandboxRefusal(
                    405,
                    method + " is none of " + allowed.keySet().stream().sorted().toList());
        }
        return allowed.get(method.name());
    }

    private void checkUploadQuery() {
        String template = query.getOrDefault("template", "");
        if (template.isEmpty() || !sandbox.knowsTemplate(template)) {
            throw bad(template.isEmpty() ? "template is missing" : "unknown template '" + template + "'");
        }
        if (kind == Kind.UPLOAD && !query.containsKey("fileSize")) {
            throw bad("fileSize is missing");
        }
        for (String address : query.getOrDefault("notify", "a@b").split(",", -1)) {
            if (!address.matches(ADDRESS)) {
                throw bad("notify: '" + address + "' is no address");
            }
        }
    }
}
