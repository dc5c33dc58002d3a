package io.csvimport.tracking;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.csvimport.CsvImportTestSupport;
import io.csvimport.sandbox.SandboxAnswer;
import io.csvimport.sandbox.SandboxFault;
import io.vertx.core.json.JsonObject;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.Normalizer;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What the import list shows of an upload whose outcome is unknown, and what is concluded from it. */
class UnknownOutcomeTest extends CsvImportTestSupport {

    @Test
    @With("tag-file-name=true")
    void anImportIsFoundByItsTaggedNameAlone() throws Exception {
        sandbox.listImportsWith(
                listed -> listed.put("template", "Other").put("size", 0).putNull("created"));
        sandbox.failNext(SandboxFault.resetAtEnd(true));
        awaitIn(".imported", drop("People/people.csv", CSV));
        assertEquals(1, uploads().size());
    }

    @Test
    @Tag("long")
    @With("parallel=20")
    void anImportThatIsListedOtherwiseIsFoundOrStopsTheSecondUpload() throws Exception {
        String name = "Überblick März.csv";
        Map<String, UnaryOperator<JsonObject>> found = new LinkedHashMap<>();
        found.put(
                "mojibake",
                listed ->
                        rename(listed, new String(name.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1)));
        found.put("decomposed", listed -> rename(listed, Normalizer.normalize(name, Normalizer.Form.NFD)));
        found.put("replaced", listed -> rename(listed, "?berblick_M\uFFFDrz.csv"));
        found.put("path", listed -> rename(listed, "/tmp/ÜBERBLICK MÄRZ.CSV"));
        found.put(
                "to the minute",
                listed -> created(listed, listed.getString("created").substring(0, 16) + "Z"));
        found.put(
                "local",
                listed -> created(
                        listed,
                        Instant.parse(listed.getString("created"))
                                .minusSeconds(6 * 3600)
                                .toString()
                                .replace("Z", "")));
        found.put(
                "seconds",
                listed -> listed.put(
                        "created", Instant.parse(listed.getString("created")).getEpochSecond()));
        found.put(
                "slow",
                listed -> created(
                        listed,
                        Instant.parse(listed.getString("created"))
                                .minusSeconds(10)
                                .toString()));
        Map<String, UnaryOperator<JsonObject>> open = new LinkedHashMap<>();
        open.put("nameless", listed -> rename(listed, null));
        open.put("empty", listed -> listed.put("size", 0));
        open.put("multipart", listed -> listed.put("size", listed.getLong("size") + 200));
        open.put("timeless", listed -> created(listed, "a moment ago"));
        open.put("without id", listed -> listed.putNull("id"));
        sandbox.listImportsWith(listed -> {
            String template = listed.getString("template");
            found.getOrDefault(template, open.getOrDefault(template, UnaryOperator.identity()))
                    .apply(listed);
        });
        sandbox.failList(SandboxFault.status(503));
        List<Path> files = new ArrayList<>();
        List<String> templates = new ArrayList<>(found.keySet());
        templates.addAll(open.keySet());
        for (String template : templates) {
            sandbox.failNext(SandboxFault.resetAtEnd(true));
            files.add(drop(template + "/" + name, CSV + "x".repeat(files.size() + 1)));
            awaitThat(() -> sandbox.imports().size() == files.size());
        }
        sandbox.failList(null);
        files.subList(0, found.size()).forEach(file -> awaitIn(".imported", file));
        int lists = lists().size();
        awaitThat(() -> lists().size() >= lists + 2);
        assertEquals(
                open.size(),
                rows("SELECT job FROM csv_import_delivery WHERE state = 'unknown'")
                        .size());
        assertEquals(files.size(), uploads().size());
    }

    private static JsonObject rename(JsonObject listed, String name) {
        return listed.put("originalFilename", name).put("file", name);
    }

    private static JsonObject created(JsonObject listed, String time) {
        return listed.put("created", time);
    }

    @Test
    void aListThatIsNoProofIsAskedForAgain() throws Exception {
        Deque<UnaryOperator<SandboxAnswer>> answers = new ArrayDeque<>(List.of(
                list -> list.withHeader("Link", "</csv-import?page=2>; rel=\"next\""),
                // that of the template, which has never shown one
                UnaryOperator.identity(),
                list -> new SandboxAnswer(204, Map.of(), new byte[0])));
        int odd = answers.size();
        sandbox.answerListsWith(
                list -> answers.isEmpty() ? list : answers.poll().apply(list));
        sandbox.failNext(SandboxFault.resetAtEnd(false));
        awaitIn(".imported", drop("People/people.csv", CSV));
        assertEquals(2, uploads().size());
        assertTrue(lists().size() > odd, "absence was concluded from a list that proves nothing");
    }

    @Test
    @Tag("long")
    void aListThatShowsNoneOfTheImportsThatItShowedBeforeProvesNothing() throws Exception {
        sandbox.failNext(SandboxFault.resetAtEnd(true));
        awaitIn(".imported", drop("People/known.csv", CSV));
        sandbox.answerListsWith(list -> list.withBody("{\"count\":0,\"results\":[]}"));
        int lists = lists().size();
        sandbox.failNext(SandboxFault.resetAtEnd(false));
        Path file = drop("People/people.csv", CSV + 2);
        awaitThat(() -> lists().size() >= lists + 2);
        assertEquals("unknown", job("people.csv").get("state"));
        assertTrue(Files.exists(file));
        sandbox.answerListsWith(UnaryOperator.identity());
        awaitIn(".imported", file);
        assertEquals(2, uploads("people.csv").size());
    }
}
