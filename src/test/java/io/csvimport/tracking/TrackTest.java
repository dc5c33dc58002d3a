package io.csvimport.tracking;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.csvimport.CsvImportTestSupport;
import io.csvimport.CsvImportTestSupport.With;
import io.csvimport.ledger.LedgerValues;
import io.csvimport.sandbox.SandboxFault;
import io.csvimport.sandbox.SandboxImport;
import io.csvimport.sandbox.SandboxRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** An accepted import is followed until the API lists it twice alike. */
@With({"track.enabled=true", "track.interval=PT0.1S"})
class TrackTest extends CsvImportTestSupport {

    private static final String BAD = "name,course\nAnna,First aid\ninvalid \"Åke\",x\nOla,y\ninvalid,z\n";
    private static final String ERROR =
            "Statement must include an ID, and the ID must be a UUID. The current value of the field is: ";
    private static final String ROWS =
            "row,error\n3,\"" + ERROR + "invalid \"\"Åke\"\",x\"\n5,\"" + ERROR + "invalid,z\"\n";

    @Test
    void anImportThatIsListedTwiceAlikeIsCompletedAndItsFailedRowsLieBesideTheFile() throws Exception {
        Path imported = awaitIn(".imported", drop("People/people.csv", BAD));
        Map<String, String> job = awaitState("people.csv", "completed");
        Path rows = imported.resolveSibling("people.csv.failed-rows.csv");
        assertEquals(ROWS, Files.readString(rows));
        assertEquals(rows.toString(), job.get("failed_rows_file"));
        assertEquals("2", job.get("failed_rows"));
        assertNull(job.get("track_at"));
        JsonNode event = awaitEvent("completed", "people.csv");
        assertEquals(2, event.at("/data/failedRows").asInt());
        String id = importOf("people.csv").id();
        assertEquals(id, event.get("subject").asText());
        assertEquals(2, lists().size());
        lists().forEach(list -> assertTrue(list.target().endsWith("/csv-import?id=" + id), list.target()));
        assertEquals(List.of("people.csv", "people.csv.failed-rows.csv"), names(imported.getParent()));
        awaitThat(() -> names(home.resolve("data/failed-rows/unfinished")).isEmpty());
    }

    @Test
    void anIdIsOpaqueToTheUploadTheListAndTheVoid() throws Exception {
        List<String> ids = List.of("{uuid}", "2026$1", "a/b c?d1&e=%2F+", "${body}", "x".repeat(251), "größe");
        sandbox.nextIds(ids.toArray(String[]::new));
        for (int i = 0; i < ids.size(); i++) {
            drop("Template " + i + "/" + i + ".csv", CSV + i);
        }
        Set<String> completed = new HashSet<>();
        for (int i = 0; i < ids.size(); i++) {
            completed.add(awaitEvent("completed", i + ".csv").get("subject").asText());
        }
        assertEquals(Set.copyOf(ids), completed);
        ids.forEach(id -> template.sendBodyAndHeader("direct:csv-import-void", null, "csvImportId", id));
        assertEquals(ids.size(), uploads().size());
        assertTrue(sandbox.imports().stream().allMatch(SandboxImport::voided));
    }

    @Test
    void anImportWithoutFailedRowsIsCompletedWithTheNumberZeroAndNoFile() throws Exception {
        Path imported = awaitIn(".imported", drop("People/people.csv", CSV));
        JsonNode event = awaitEvent("completed", "people.csv");
        assertEquals("0", event.at("/data/failedRows").asText());
        assertEquals(List.of("people.csv"), names(imported.getParent()));
        assertNull(job("people.csv").get("failed_rows_file"));
        assertTrue(
                events("accepted", "people.csv").get(0).at("/data/failedRows").isMissingNode());
    }

    @Test
    void anImportThatIsStillAtWorkIsNotCompleted() throws Exception {
        sandbox.listRightNames(true);
        sandbox.listGrowing(true);
        drop("People/people.csv", BAD);
        awaitThat(() -> lists().size() >= 4);
        assertEquals("accepted", awaitState("people.csv", "accepted").get("state"));
        sandbox.listGrowing(false);
        awaitEvent("completed", "people.csv");
    }

    @Test
    @With("track.quiet=PT10M")
    void anImportWithoutStatementsAndWithoutFailedRowsIsCompletedOnlyOnceItHasLookedSoForTheQuietTime()
            throws Exception {
        drop("People/people.csv", "name,course\n");
        awaitThat(() -> lists().size() >= 3);
        assertEquals("accepted", awaitState("people.csv", "accepted").get("state"));
        assertEquals(List.of(), events("completed", "people.csv"));
    }

    @Test
    @With("track.quiet=PT0.5S")
    void anImportThatStaysWithoutStatementsIsCompletedAfterTheQuietTime() throws Exception {
        drop("People/people.csv", "name,course\n");
        assertEquals(
                0, awaitEvent("completed", "people.csv").at("/data/failedRows").asInt());
    }

    @Test
    @With("track.quiet=PT0.3S")
    void failedRowsThatCannotBeReadAreSaidToBeSoAndNothingIsCompleted() throws Exception {
        sandbox.tellFailedRowsAs("[{\"row\":3}]");
        drop("People/people.csv", BAD);
        JsonNode event = awaitEvent("unlisted", "people.csv");
        assertEquals("failed-rows-unreadable", event.at("/data/reason").asText());
        assertTrue(event.at("/data/failedRows").isMissingNode());
        assertEquals("accepted", job("people.csv").get("state"));
        assertNull(job("people.csv").get("track_at"));
    }

    @Test
    void failedRowsAreNoFormulasToASpreadsheetAndNothingInThemIsUnseen() throws Exception {
        Path imported = awaitIn(".imported", drop("People/people.csv", BAD));
        sandbox.tellFailedRowsAs(JSON.writeValueAsString(JSON.createObjectNode()
                .put("2", "=HYPERLINK(\"http://x\")")
                .put("3", " \"+1")
                .put("4", "\uFF1D1,2")
                .put("5", "\t-1")
                .put("6", "a\u0000b\u202e")
                .put("7", "a-b@c\nd")));
        awaitState("people.csv", "completed");
        assertEquals(
                "row,error\n2,\"'=HYPERLINK(\"\"http://x\"\")\"\n3,\"' \"\"+1\"\n4,\"'\uFF1D1,2\"\n5,\"'\t-1\"\n"
                        + "6,a\\u0000b\\u202e\n7,\"a-b@c\nd\"\n",
                Files.readString(imported.resolveSibling("people.csv.failed-rows.csv")));
    }

    @Test
    void anImportThatIsListedLateIsWaitedFor() throws Exception {
        sandbox.listLag(Duration.ofSeconds(2));
        drop("People/people.csv", CSV);
        awaitEvent("completed", "people.csv");
    }

    @Test
    void manyOpenImportsAreLookedUpInOneList() throws Exception {
        sandbox.failList(SandboxFault.status(503));
        dropMany(20);
        int before = lists().size();
        sandbox.failList(null);
        for (int i = 0; i < 20; i++) {
            awaitEvent("completed", i + ".csv");
        }
        List<SandboxRequest> since = lists().subList(before, lists().size());
        assertTrue(since.size() <= 4, () -> since.size() + " lists");
        since.forEach(list -> assertFalse(list.target().contains("?"), list.target()));
    }

    @Test
    void whatAListThatIsCutShortDoesNotShowIsLookedUpByItself() throws Exception {
        sandbox.failList(SandboxFault.status(503));
        dropMany(10);
        sandbox.listCutShort(1);
        sandbox.failList(null);
        for (int i = 0; i < 10; i++) {
            awaitEvent("completed", i + ".csv");
        }
    }

    @Test
    void anImportThatIsNotListedForADayStaysAcceptedAndIsSaidToBeUnlisted() throws Exception {
        sandbox.listLag(Duration.ofDays(10));
        drop("People/people.csv", CSV);
        awaitThat(() -> !lists().isEmpty());
        update("UPDATE csv_import_delivery SET settled_at = '"
                + LedgerValues.text(Instant.now().minus(Duration.ofHours(25))) + "', track_at = settled_at");
        JsonNode event = awaitEvent("unlisted", "people.csv");
        assertEquals("unlisted", event.at("/data/reason").asText());
        assertEquals("accepted", job("people.csv").get("state"));
        assertNull(job("people.csv").get("track_at"));
        sandbox.listLag(Duration.ZERO);
        // its bytes are a duplicate as before
        awaitIn(".duplicate", drop("People/again.csv", CSV));
        assertEquals(List.of(), events("completed", "people.csv"));
    }

    @Test
    void theBytesOfACompletedImportAreADuplicate() throws Exception {
        drop("People/people.csv", CSV);
        awaitEvent("completed", "people.csv");
        awaitIn(".duplicate", drop("People/again.csv", CSV));
    }

    @Test
    void theFailedRowsOfWhatWasNoFileLieInTheDataDir() throws Exception {
        assertFalse(sendCsv("People", "people.csv", BAD, Map.of()).isFailed());
        Map<String, String> job = awaitState("people.csv", "completed");
        Path rows = home.resolve("data/failed-rows/" + job.get("job") + "-people.csv.failed-rows.csv");
        assertEquals(ROWS, Files.readString(rows));
        assertEquals(rows.toString(), job.get("failed_rows_file"));
    }

    @Test
    void aFailedRowsFileOverwritesNone() throws Exception {
        sandbox.listLag(Duration.ofSeconds(1));
        Path imported = awaitIn(".imported", drop("People/people.csv", BAD));
        Files.writeString(imported.resolveSibling("people.csv.failed-rows.csv"), "another's");
        Map<String, String> job = awaitState("people.csv", "completed");
        assertEquals("another's", Files.readString(imported.resolveSibling("people.csv.failed-rows.csv")));
        Path rows = Path.of(job.get("failed_rows_file"));
        assertEquals(imported.getParent().resolve("people.csv.failed-rows~" + job.get("job") + ".csv"), rows);
        assertEquals(ROWS, Files.readString(rows));
    }

    @Test
    void theFailedRowsOfAFileWithALongNameHaveAShorterOne() throws Exception {
        String name = "ü".repeat(125) + "x.csv";
        Path imported = awaitIn(".imported", drop("People/" + name, BAD));
        Path rows = Path.of(awaitState(name, "completed").get("failed_rows_file"));
        assertEquals(imported.getParent(), rows.getParent());
        assertTrue(rows.toString().endsWith("ü.failed-rows.csv"), rows.toString());
        assertEquals(ROWS, Files.readString(rows));
    }

    @Test
    @With({"track.enabled=true", "track.interval=PT10M"})
    void thePauseAfterALookGrowsWithTheirNumber() throws Exception {
        sandbox.listLag(Duration.ofDays(10));
        drop("People/people.csv", CSV);
        awaitState("people.csv", "accepted");
        update("UPDATE csv_import_delivery SET track_at = '2026-01-01T00:00:00.000Z', track_looks = 2");
        awaitThat(() -> "3".equals(job("people.csv").get("track_looks")));
        Instant next = Instant.parse(job("people.csv").get("track_at"));
        assertTrue(next.isAfter(Instant.now().plus(Duration.ofMinutes(30))), next.toString());
    }

    @Test
    @With({"track.enabled=false", "track.interval=PT0.1S"})
    void whereTrackingIsOffNothingIsFollowed() throws Exception {
        awaitIn(".imported", drop("People/people.csv", BAD));
        assertNull(awaitState("people.csv", "accepted").get("track_at"));
        assertNull(context.getRoute("csv-import-track"));
    }

    @Test
    void aLedgerOfManyCompletedJobsDoesNotSlowARound() throws Exception {
        awaitEvent("completed", dropped("people.csv"));
        List<String> plan = new ArrayList<>();
        for (Map<String, String> step : rows(
                "EXPLAIN QUERY PLAN SELECT * FROM csv_import_delivery WHERE track_at IS NOT NULL AND (track_at <= 'x' OR track_at > 'y')"
                        + " AND state <> 'voiding' AND organization = '5664' ORDER BY track_at LIMIT 5000")) {
            plan.add(step.get("detail"));
        }
        assertTrue(plan.toString().contains("USING INDEX csv_import_delivery_followed"), plan.toString());
        assertEquals(List.of(), rows("SELECT 1 FROM csv_import_delivery WHERE track_at IS NOT NULL"));
    }

    private String dropped(String name) {
        drop("People/" + name, CSV);
        return name;
    }

    /** All accepted, and looked for at least once. */
    private void dropMany(int files) throws Exception {
        IntStream.range(0, files).forEach(i -> drop("People/" + i + ".csv", "name\nAnna " + i + "\n"));
        for (int i = 0; i < files; i++) {
            assertNotNull(awaitState(i + ".csv", "accepted").get("track_at"));
        }
        assertEquals(
                files,
                sandbox.imports().stream().map(SandboxImport::id).distinct().count());
        String due = LedgerValues.text(Instant.now());
        awaitThat(() -> Instant.now().isAfter(Instant.parse(due).plusMillis(100)));
    }

    private static List<String> names(Path folder) throws Exception {
        if (!Files.exists(folder)) {
            return List.of();
        }
        try (var files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }
}
