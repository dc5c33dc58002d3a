package io.csvimport.sandbox;

import io.vertx.core.json.Json;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Consumer;

/** The accepted imports, and how they are listed. */
final class SandboxImports {
    private static final int MOST_STATEMENTS = 100;

    private final Map<String, SandboxImport> imports = new LinkedHashMap<>();
    // Numbers of a restarted sandbox go on above those of the one before.
    private long lastId = System.currentTimeMillis();

    private Duration lag = Duration.ZERO;
    private int mostResults = Integer.MAX_VALUE;
    private boolean countsAll;
    private boolean growing;
    private int lists;
    private boolean rightNames;
    private String failedRowsAs;
    private Consumer<JsonObject> variation = listed -> {};
    private final Deque<String> nextIds = new ArrayDeque<>();

    /** What the rows of a file become: failed are those with the word "invalid". A line is a row. */
    record Rows(Map<String, String> failed, Map<String, String> statements) {

        /** Seed makes the statement ids of one import its own; null content has no rows. */
        static Rows of(byte[] content, String seed) {
            Rows rows = new Rows(new LinkedHashMap<>(), new LinkedHashMap<>());
            String[] lines =
                    content == null ? new String[0] : new String(content, StandardCharsets.UTF_8).split("\r\n|\r|\n");
            for (int i = 1; i < lines.length; i++) {
                String row = String.valueOf(i + 1);
                if (lines[i].contains("invalid")) {
                    rows.failed.put(
                            row,
                            "Statement must include an ID, and the ID must be a UUID. "
                                    + "The current value of the field is: " + lines[i]);
                } else if (!lines[i].isEmpty() && rows.statements.size() < MOST_STATEMENTS) {
                    byte[] name = (seed + "/" + row).getBytes(StandardCharsets.UTF_8);
                    rows.statements.put(row, UUID.nameUUIDFromBytes(name).toString());
                }
            }
            return rows;
        }
    }

    synchronized String accept(
            String template,
            List<String> notify,
            String fileName,
            SandboxRequest.Part file,
            byte[] content,
            Instant now) {
        String id = nextIds.isEmpty() ? String.valueOf(++lastId) : nextIds.poll();
        Rows rows = Rows.of(content, id);
        imports.put(
                id,
                new SandboxImport(
                        id,
                        template,
                        notify,
                        fileName,
                        file.size(),
                        file.sha256(),
                        now.truncatedTo(ChronoUnit.MILLIS),
                        false,
                        Collections.unmodifiableMap(rows.failed),
                        List.copyOf(rows.statements.values())));
        return id;
    }

    /** Whether there was such an import to void. */
    synchronized boolean voidImport(String id) {
        SandboxImport known = imports.get(id);
        if (known == null || known.voided()) {
            return false;
        }
        imports.put(id, known.voidedNow());
        return true;
    }

    synchronized List<SandboxImport> all() {
        return List.copyOf(imports.values());
    }

    synchronized void lag(Duration lag) {
        this.lag = lag;
    }

    synchronized void limit(int mostResults, boolean countsAll) {
        this.mostResults = mostResults;
        this.countsAll = countsAll;
    }

    synchronized void growing(boolean growing) {
        this.growing = growing;
    }

    synchronized void rightNames(boolean rightNames) {
        this.rightNames = rightNames;
    }

    synchronized void variation(Consumer<JsonObject> variation) {
        this.variation = variation;
    }

    synchronized void nextIds(List<String> ids) {
        nextIds.addAll(ids);
    }

    synchronized void tellFailedRowsAs(String json) {
        failedRowsAs = json;
    }

    synchronized Object failedRows(Map<String, String> rows) {
        return failedRowsAs == null ? new JsonObject(new LinkedHashMap<>(rows)) : Json.decodeValue(failedRowsAs);
    }

    /** The documented collection, newest first; null does not filter. */
    synchronized JsonObject list(String id, String template, Instant now) {
        List<SandboxImport> listed = new ArrayList<>(imports.values());
        Collections.reverse(listed);
        listed.removeIf(i -> i.voided()
                || id != null && !id.equals(i.id())
                || template != null && !template.equals(i.template())
                || i.created().plus(lag).isAfter(now));
        List<SandboxImport> shown = listed.subList(0, Math.min(mostResults, listed.size()));
        JsonArray results = new JsonArray();
        shown.forEach(i -> results.add(json(i)));
        return new JsonObject()
                .put("count", countsAll ? listed.size() : shown.size())
                .put("results", results);
    }

    private JsonObject json(SandboxImport i) {
        List<String> statementIds = new ArrayList<>(i.statementIds());
        if (growing) {
            statementIds.addAll(Collections.nCopies(++lists, "00000000-0000-0000-0000-000000000000"));
        }
        JsonObject listed = new JsonObject()
                .put("id", i.id())
                .put("created", i.created().toString())
                .put("version", 1)
                .put("size", i.size())
                .put("originalFilename", i.fileName())
                .put("file", i.fileName())
                .put("mediaType", "text/csv")
                .put("hashFileName", i.id() + ".csv")
                .put("userName", "Sandbox User")
                .put(rightNames ? "statementIds" : "statemenIds", String.join(",", statementIds))
                .put(rightNames ? "allStatementIds" : "alllStatementIds", new JsonArray(statementIds))
                .put("failedRows", failedRows(i.failedRows()))
                .put("template", i.template());
        variation.accept(listed);
        return listed;
    }
}
