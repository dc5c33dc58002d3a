package io.csvimport.tracking;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.csvimport.expectation.Expectations;
import io.csvimport.expectation.ExpectationsFile;
import io.csvimport.ledger.AuditEvents;
import io.csvimport.ledger.Database;
import io.csvimport.ledger.DueTimes;
import io.csvimport.ledger.Ledger;
import io.csvimport.ledger.LedgerRows;
import io.csvimport.ledger.Owner;
import io.csvimport.ledger.PostgresRig;
import io.csvimport.ledger.Retention;
import io.csvimport.settings.Settings;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is told of due times by a clock that is moved; the ledger is a real one. */
class PunctualityTest {

    private static final ZoneId BERLIN = ZoneId.of("Europe/Berlin");
    private static final ObjectMapper JSON = new ObjectMapper();

    /** A process with its ledger. */
    private final class Process implements AutoCloseable {
        private final ScheduledExecutorService timer = Executors.newScheduledThreadPool(1);
        private final Expectations expectations = new Expectations();
        private final Database database;
        private final Owner owner;
        private final Ledger ledger;
        private final AuditEvents events;
        private final DueTimes dueTimes;
        private final Punctuality punctuality;

        Process(String dataDir) throws Exception {
            Properties own = new Properties();
            own.putAll(given);
            own.setProperty("csv-import.data-dir", directory.resolve(dataDir).toString());
            database = new Database(new Settings(own));
            owner = new Owner(database, directory.resolve(dataDir), timer);
            ledger = new Ledger(database, owner, "5664");
            events = new AuditEvents(ledger, (job, what) -> {});
            dueTimes = new DueTimes(ledger, events);
            punctuality = new Punctuality(expectations, dueTimes, owner, () -> now);
            expect(text);
        }

        void expect(String yaml) {
            ExpectationsFile file =
                    ExpectationsFile.read("expectations/people.yaml", yaml.getBytes(StandardCharsets.UTF_8), Map.of());
            assertEquals(List.of(), file.mistakes());
            expectations.replace(file.entries());
        }

        @Override
        public void close() {
            timer.shutdownNow();
            owner.leave();
            database.close();
        }
    }

    @TempDir
    private Path directory;

    private final Properties given = new Properties();
    private String text = "- { template: People, due: '06:00', days: MON-FRI, zone: Europe/Berlin, grace: PT1H }\n";
    private Instant now;
    private Process process;
    private EmbeddedPostgres server;
    private int jobs;

    @AfterEach
    void close() throws Exception {
        if (process != null) {
            process.close();
        }
        if (server != null) {
            server.close();
        }
    }

    private void startPostgres() throws Exception {
        server = EmbeddedPostgres.start();
        given.setProperty("csv-import.ledger.url", PostgresRig.ledgerUrl(server.getPort()));
        given.setProperty("csv-import.ledger.username", "postgres");
        given.setProperty("csv-import.ledger.password", "postgres");
    }

    private Connection connect() throws SQLException {
        return server == null
                ? DriverManager.getConnection("jdbc:sqlite:" + directory.resolve("data/csv-import-ledger.db"))
                : DriverManager.getConnection(PostgresRig.ledgerUrl(server.getPort()), "postgres", "postgres");
    }

    private List<Map<String, String>> rows(String sql) throws SQLException {
        try (Connection connection = connect()) {
            return LedgerRows.query(connection, sql);
        }
    }

    private static Instant at(String local) {
        return LocalDateTime.parse(local).atZone(BERLIN).toInstant();
    }

    private void start(String local) throws Exception {
        now = at(local);
        process = new Process("data");
        process.punctuality.look();
    }

    private void restart() throws Exception {
        process.close();
        process = new Process("data");
    }

    /** The clock goes on, and is looked at on its way each half an hour and at the end. */
    private void until(String local) throws Exception {
        Instant end = at(local);
        while (now.isBefore(end)) {
            Instant next = now.plus(Duration.ofMinutes(30));
            now = next.isBefore(end) ? next : end;
            process.punctuality.look();
        }
    }

    private void jump(String local) throws Exception {
        now = at(local);
        process.punctuality.look();
    }

    private void job(String state, String template, String feed, String name, String local) throws SQLException {
        String time = at(local).toString().replace("Z", ".000Z");
        try (Connection connection = connect();
                Statement statement = connection.createStatement()) {
            statement.executeUpdate(
                    "INSERT INTO csv_import_delivery (source_key, source, state, organization, template,"
                            + " file_name, file_size, sha256, duplicates, owner, created_at, settled_at, import_id, reason)"
                            + " VALUES ('" + ++jobs + "', '" + feed + "', '" + state + "', '5664', '" + template
                            + "', '" + name
                            + "', 7, 'x', 'skip', 'x', '" + time + "', '" + time + "', 'import" + jobs
                            + "', 'no-reason')");
        }
    }

    private void imported(String local) throws SQLException {
        job("accepted", "People", "file", "people.csv", local);
    }

    private List<JsonNode> events() throws Exception {
        List<JsonNode> events = new ArrayList<>();
        for (Map<String, String> row : rows("SELECT payload FROM csv_import_event ORDER BY sequence")) {
            events.add(JSON.readTree(row.get("payload")));
        }
        return events;
    }

    /** What was told, each with the due time in Berlin. */
    private List<String> told() throws Exception {
        List<String> told = new ArrayList<>();
        for (JsonNode event : events()) {
            Instant due = Instant.parse(event.at("/data/due").asText());
            told.add(event.path("type").asText().replace("csv-import.", "") + " "
                    + due.atZone(BERLIN).toLocalDateTime());
        }
        return told;
    }

    private void assertTold(String... expected) throws Exception {
        assertEquals(List.of(expected), told());
    }

    @Test
    void anImportInTimeIsNoNews() throws Exception {
        start("2026-03-23T12:00");
        imported("2026-03-23T20:00");
        imported("2026-03-25T05:59:59");
        until("2026-03-25T12:00");
        assertTold();
    }

    @ParameterizedTest
    @ValueSource(strings = {"sqlite", "postgresql"})
    void aLateImportIsToldLateAndArrivedOnceEach(String kind) throws Exception {
        if (kind.equals("postgresql")) {
            startPostgres();
        }
        start("2026-03-23T12:00");
        until("2026-03-24T06:30");
        assertTold("late 2026-03-24T06:00");
        imported("2026-03-24T06:42");
        until("2026-03-24T23:00");
        assertTold("late 2026-03-24T06:00", "arrived 2026-03-24T06:00");

        JsonNode late = events().get(0);
        long expectation = Long.parseLong(
                rows("SELECT expectation FROM csv_import_expectation").get(0).get("expectation"));
        assertEquals(
                "expectation-" + expectation + "/csv-import.late/2026-03-24T05:00:00Z",
                late.path("id").asText());
        assertEquals("/csv-import/5664", late.path("source").asText());
        assertTrue(late.path("subject").isMissingNode());
        assertEquals(
                JSON.readTree(
                        "{\"organization\": \"5664\", \"template\": \"People\", \"due\": \"2026-03-24T05:00:00Z\","
                                + " \"expected\": \"by 2026-03-24 06:00 (06:00 MON-FRI Europe/Berlin)\","
                                + " \"found\": \"no import since 2026-03-23 18:00\"}"),
                late.path("data"));
        JsonNode arrived = events().get(1);
        String job = rows("SELECT job FROM csv_import_delivery").get(0).get("job");
        assertEquals("import1", arrived.path("subject").asText());
        assertEquals("people.csv", arrived.at("/data/fileName").asText());
        assertEquals(job, arrived.at("/data/job").asText());
        assertEquals(
                "job " + job + " (people.csv) was imported at 2026-03-24 06:42",
                arrived.at("/data/found").asText());
        assertEquals(
                List.of(-expectation + ""),
                rows("SELECT DISTINCT job FROM csv_import_event").stream()
                        .map(row -> row.get("job"))
                        .toList());
    }

    @Test
    void anImportThatDoesNotComeIsLateThenMissingAndArrivedWhenItComesDaysLater() throws Exception {
        start("2026-03-23T12:00");
        until("2026-03-24T12:00");
        assertTold("late 2026-03-24T06:00", "missing 2026-03-24T06:00");
        until("2026-03-25T12:00");
        imported("2026-03-25T13:00");
        until("2026-03-25T14:00");
        assertTold(
                "late 2026-03-24T06:00",
                "missing 2026-03-24T06:00",
                "late 2026-03-25T06:00",
                "missing 2026-03-25T06:00",
                "arrived 2026-03-25T06:00");
        assertEquals(List.of(), rows("SELECT 1 FROM csv_import_due WHERE state IN ('late', 'missing')"));
    }

    @Test
    void withoutAGraceItIsMissingAtOnce() throws Exception {
        text = "- { template: People, due: '06:00', zone: Europe/Berlin }\n";
        start("2026-03-23T12:00");
        jump("2026-03-24T06:00:04");
        assertTold("late 2026-03-24T06:00", "missing 2026-03-24T06:00");
    }

    @Test
    void aSecondImportIsNoNewsAndDoesNotCountForTheNextDay() throws Exception {
        start("2026-03-23T12:00");
        until("2026-03-24T06:30");
        imported("2026-03-24T06:40");
        imported("2026-03-24T06:50");
        until("2026-03-25T06:30");
        assertTold("late 2026-03-24T06:00", "arrived 2026-03-24T06:00", "late 2026-03-25T06:00");
    }

    @Test
    void anImportAfterTheMiddleCountsForTheNextDayToo() throws Exception {
        start("2026-03-23T12:00");
        until("2026-03-24T20:00");
        imported("2026-03-24T20:30");
        until("2026-03-25T20:00");
        assertTold("late 2026-03-24T06:00", "missing 2026-03-24T06:00", "arrived 2026-03-24T06:00");
    }

    @ParameterizedTest
    @ValueSource(strings = {"2026-03-24T05:00", "2026-03-24T06:30", "2026-03-24T12:00", "2026-03-25T05:00"})
    void aRestartTellsNothingTwiceAndWhatItMissed(String stop) throws Exception {
        start("2026-03-23T12:00");
        until(stop);
        process.close();
        process = new Process("data");
        until("2026-03-24T12:00");
        jump("2026-03-25T05:30");
        assertTold("late 2026-03-24T06:00", "missing 2026-03-24T06:00");
        imported("2026-03-25T05:40");
        until("2026-03-25T05:50");
        restart();
        until("2026-03-25T12:00");
        assertTold("late 2026-03-24T06:00", "missing 2026-03-24T06:00", "arrived 2026-03-24T06:00");
    }

    @Test
    void whatPassedWhileNothingRanIsToldAtTheNextStart() throws Exception {
        start("2026-03-23T12:00");
        process.close();
        now = at("2026-03-25T06:30");
        process = new Process("data");
        process.punctuality.look();
        assertTold("late 2026-03-24T06:00", "late 2026-03-25T06:00", "missing 2026-03-24T06:00");
    }

    @Test
    void aYearWithoutAProcessIsNotToldWhole() throws Exception {
        text = "- { template: People, due: '0 0 * * * ?', zone: Europe/Berlin }\n";
        start("2026-03-23T12:30");
        jump("2027-03-23T12:30");
        long late = told().stream().filter(event -> event.startsWith("late")).count();
        assertTrue(late >= 50 && late <= 100, late + " events");
        assertTrue(told().contains("late 2027-03-23T12:00"));
    }

    @Test
    void nothingIsToldOfTheTimeBeforeAnExpectationWasWritten() throws Exception {
        start("2026-03-24T06:30");
        until("2026-03-24T20:00");
        assertTold();
    }

    @Test
    void anExpectationThatWasAwayIsToldOnlyFromItsReturnOn() throws Exception {
        start("2026-03-23T12:00");
        until("2026-03-24T06:30");
        process.expect("");
        until("2026-03-25T12:00");
        process.expect(text);
        until("2026-03-26T06:30");
        assertTold("late 2026-03-24T06:00", "late 2026-03-26T06:00");
    }

    @Test
    void anExpectationThatWasTakenAwayWhileNothingRanIsNotToldEither() throws Exception {
        start("2026-03-23T12:00");
        String before = text;
        text = "";
        restart();
        until("2026-03-24T12:00");
        text = before;
        restart();
        until("2026-03-25T06:30");
        assertTold("late 2026-03-25T06:00");
    }

    @Test
    void aClockThatIsSetBackTellsNothingTwice() throws Exception {
        start("2026-03-23T12:00");
        until("2026-03-24T06:30");
        jump("2026-03-24T05:00");
        until("2026-03-24T06:30");
        assertTold("late 2026-03-24T06:00");
        imported("2026-03-24T06:40");
        until("2026-03-24T07:30");
        jump("2026-03-23T12:00");
        until("2026-03-24T12:00");
        assertTold("late 2026-03-24T06:00", "arrived 2026-03-24T06:00");
    }

    @Test
    void aClockThatWasYearsAheadLeavesNothingOpen() throws Exception {
        start("2026-03-23T12:00");
        jump("2028-03-23T12:00");
        int before = told().size();
        assertTrue(before > 0);
        jump("2026-03-23T12:01");
        assertEquals(List.of(), rows("SELECT 1 FROM csv_import_due WHERE state IN ('late', 'missing')"));
        until("2026-03-24T06:30");
        assertEquals(before + 1, told().size());
        assertEquals("late 2026-03-24T06:00", told().get(before));
    }

    @Test
    void whatIsOpenStaysSoWhileAFileOfExpectationsCannotBeRead() throws Exception {
        start("2026-03-23T12:00");
        until("2026-03-24T07:30");
        process.expectations.isWhole(false);
        process.expect("");
        until("2026-03-24T08:00");
        process.expect(text);
        process.expectations.isWhole(true);
        until("2026-03-24T08:10");
        assertState("missing");
        imported("2026-03-24T08:20");
        until("2026-03-24T09:00");
        assertTold("late 2026-03-24T06:00", "missing 2026-03-24T06:00", "arrived 2026-03-24T06:00");
    }

    @Test
    void whatAClockThatWasAheadHasToldIsLookedAtWhenItsTimeComes() throws Exception {
        start("2026-03-23T12:00");
        jump("2026-03-24T12:00");
        assertTold("late 2026-03-24T06:00", "missing 2026-03-24T06:00");
        jump("2026-03-23T12:01");
        assertState("awaited");
        until("2026-03-24T06:30");
        assertState("late");
        until("2026-03-24T07:30");
        assertState("missing");
        imported("2026-03-24T08:00");
        until("2026-03-24T09:00");
        assertTold("late 2026-03-24T06:00", "missing 2026-03-24T06:00", "arrived 2026-03-24T06:00");
    }

    @Test
    void anExpectationThatIsWrittenInTheHourAfterTheClockHasJumpedHasItsDueTimeToday() throws Exception {
        text = "- { template: People, due: '02:30', zone: Europe/Berlin, grace: P1D }\n";
        start("2026-03-29T03:10");
        until("2026-03-29T04:00");
        assertEquals("late 2026-03-29T03:30", String.join(", ", told()));
    }

    /** The hour that is missing, the hour that comes twice, and the days around them. */
    @ParameterizedTest
    @CsvSource({
        "06:00, 2026-03-28T12:00, 2026-03-29T04:00:00Z 2026-03-30T04:00:00Z",
        "02:30, 2026-03-28T12:00, 2026-03-29T01:30:00Z 2026-03-30T00:30:00Z",
        "06:00, 2026-10-24T12:00, 2026-10-25T05:00:00Z 2026-10-26T05:00:00Z",
        "02:30, 2026-10-24T12:00, 2026-10-25T00:30:00Z 2026-10-26T01:30:00Z"
    })
    void eachDayHasOneDueTimeWhateverDaylightSavingDoes(String due, String from, String expected) throws Exception {
        text = "- { template: People, due: '" + due + "', zone: Europe/Berlin, grace: P1D }\n";
        start(from);
        until(from.substring(0, 8) + (Integer.parseInt(from.substring(8, 10)) + 2) + "T12:00");
        List<String> late = new ArrayList<>();
        for (JsonNode event : events()) {
            if (event.path("type").asText().equals("csv-import.late")) {
                late.add(event.at("/data/due").asText());
            }
        }
        assertEquals(expected, String.join(" ", late));
    }

    @Test
    void aWeekendHasNoDueTimesAndMondaysFileMayComeOnSunday() throws Exception {
        start("2026-03-27T12:00");
        imported("2026-03-29T19:00");
        until("2026-03-31T05:00");
        assertTold();
        until("2026-03-31T06:30");
        assertTold("late 2026-03-31T06:00");
    }

    @Test
    void anHourlyExpectationWantsAnImportEachHour() throws Exception {
        text = "- { template: People, due: '0 0 8-10 ? * MON-FRI', zone: Europe/Berlin, grace: PT30M }\n";
        start("2026-03-24T07:10");
        imported("2026-03-24T07:45");
        until("2026-03-24T08:10");
        imported("2026-03-24T09:10");
        until("2026-03-24T12:00");
        assertTold(
                "late 2026-03-24T09:00",
                "arrived 2026-03-24T09:00",
                "late 2026-03-24T10:00",
                "missing 2026-03-24T10:00");
    }

    @Test
    void onlyImportsOfItsTemplateFeedAndNamesCount() throws Exception {
        text =
                "- { template: People, feed: hr, files: 'people-*.csv', due: '06:00', zone: Europe/Berlin, grace: P1D }\n";
        start("2026-03-23T12:00");
        job("accepted", "Courses", "hr", "people-1.csv", "2026-03-24T05:00");
        job("accepted", "People", "file", "people-1.csv", "2026-03-24T05:00");
        job("accepted", "People", "hr", "others.csv", "2026-03-24T05:00");
        job("duplicate", "People", "hr", "people-1.csv", "2026-03-24T05:00");
        until("2026-03-24T06:30");
        assertTold("late 2026-03-24T06:00");
        assertEquals("hr", events().get(0).at("/data/from").asText());
        job("completed", "People", "hr", "people-2.csv", "2026-03-24T06:40");
        until("2026-03-24T07:00");
        assertTold("late 2026-03-24T06:00", "arrived 2026-03-24T06:00");
    }

    @Test
    void aFileThatIsThereAndNotImportedIsNamed() throws Exception {
        start("2026-03-23T12:00");
        job("held", "People", "file", "people.csv", "2026-03-24T05:00");
        until("2026-03-24T06:30");
        String job = rows("SELECT job FROM csv_import_delivery").get(0).get("job");
        assertEquals(
                "no import since 2026-03-23 18:00; job " + job + " (people.csv) is held, no-reason",
                events().get(0).at("/data/found").asText());
    }

    @Test
    void processesThatShareALedgerTellOnceAndTheNextGoesOnWhenOneDies() throws Exception {
        startPostgres();
        start("2026-03-23T12:00");
        ExecutorService pool = Executors.newFixedThreadPool(2);
        try (Process other = new Process("other")) {
            for (String time : List.of("2026-03-24T06:30", "2026-03-24T08:00", "2026-03-25T06:30")) {
                now = at(time);
                List<Future<?>> looks = new ArrayList<>();
                for (Process each : List.of(process, other, process, other)) {
                    looks.add(pool.submit(() -> {
                        each.punctuality.look();
                        return null;
                    }));
                }
                for (Future<?> look : looks) {
                    look.get();
                }
            }
            assertTold("late 2026-03-24T06:00", "missing 2026-03-24T06:00", "late 2026-03-25T06:00");
            process.owner.leave();
            imported("2026-03-25T06:40");
            now = at("2026-03-25T06:45");
            other.punctuality.look();
            assertEquals("arrived 2026-03-25T06:00", told().get(3));
        } finally {
            pool.shutdownNow();
        }
    }

    private void assertState(String expected) throws Exception {
        ExpectationStates states = new ExpectationStates(process.expectations, process.dueTimes, () -> now);
        assertEquals(
                expected,
                states.lines().stream()
                        .map(line -> line.state() + (line.isSuspicious() ? ", suspicious" : ""))
                        .collect(Collectors.joining("; ")));
    }

    @Test
    void theStateIsThatOfTheLastDueTimeUntilTheNextOneIsAskedFor() throws Exception {
        start("2026-03-23T12:00");
        assertState("awaited");
        imported("2026-03-24T05:00");
        until("2026-03-24T05:30");
        assertState("arrived");
        until("2026-03-24T12:00");
        assertState("arrived");
        until("2026-03-24T19:00");
        assertState("awaited");
        until("2026-03-25T06:30");
        assertState("late");
        until("2026-03-25T07:30");
        assertState("missing");
        until("2026-03-26T06:30");
        assertState("missing");
        imported("2026-03-26T06:40");
        until("2026-03-26T08:30");
        assertState("arrived");
        until("2026-03-26T19:00");
        assertState("awaited");
        process.expect("");
        assertState("");
    }

    @Test
    void theNewestFileThatBreaksWhatIsExpectedIsSuspiciousUntilAPersonLetsItThroughOrABetterOneComes()
            throws Exception {
        text =
                "- { template: People, rows: { min: 100 } }\n- { template: People, due: '06:00', zone: Europe/Berlin }\n";
        start("2026-03-23T12:00");
        assertState("awaited; awaited");
        job("held", "People", "file", "people.csv", "2026-03-23T13:00");
        update("UPDATE csv_import_delivery SET csv_header = '[\"id\"]', csv_rows = 7, expected = 'x', found = 'y'");
        assertState("awaited, suspicious; awaited");
        update("UPDATE csv_import_delivery SET waived = 1");
        assertState("awaited; awaited");
        update("UPDATE csv_import_delivery SET waived = 0");
        imported("2026-03-23T14:00");
        assertState("awaited, suspicious; awaited");
        job("duplicate", "People", "file", "again.csv", "2026-03-23T14:30");
        update("UPDATE csv_import_delivery SET csv_header = '[\"id\"]', csv_rows = 7 WHERE state = 'duplicate'");
        assertState("awaited, suspicious; awaited");
        update("UPDATE csv_import_delivery SET csv_header = '[\"id\"]', csv_rows = 700 WHERE state = 'accepted'");
        assertState("arrived; awaited");
    }

    private void update(String sql) throws SQLException {
        try (Connection connection = connect();
                Statement statement = connection.createStatement()) {
            statement.executeUpdate(sql);
        }
    }

    @Test
    void theEventsOfAnExpectationAreSentInTheirOrderAndThoseOfOthersDoNotWait() throws Exception {
        text = text + text.replace("People", "Courses");
        start("2026-03-23T12:00");
        until("2026-03-24T12:00");
        List<AuditEvents.Event> first = process.events.due(Duration.ofMinutes(1));
        assertEquals(2, first.size());
        assertTrue(first.stream().allMatch(event -> event.id().contains("/csv-import.late/")), first.toString());
        process.events.sent(List.of(first.get(0).id()));
        List<String> then = process.events.due(Duration.ofMinutes(1)).stream()
                .map(AuditEvents.Event::id)
                .toList();
        assertEquals(
                Set.of(
                        first.get(0).id().replace("late", "missing"),
                        first.get(1).id()),
                Set.copyOf(then));
    }

    @Test
    void whatIsOldAndToldIsForgottenAndWhatIsOpenIsKept() throws Exception {
        start("2026-03-23T12:00");
        until("2026-03-24T06:30");
        imported("2026-03-24T06:40");
        until("2026-03-25T06:30");
        update("UPDATE csv_import_event SET sent_at = '2026-03-24T12:00:00.000Z' WHERE id NOT LIKE '%/2026-03-25T%'");
        restart();
        new Retention(process.ledger).forgetDueTimes(at("2026-06-01T00:00"));
        assertTold("late 2026-03-25T06:00");
        assertEquals(List.of(Map.of("state", "late")), rows("SELECT state FROM csv_import_due"));
    }

    @Test
    void whatTwoTellAtTheSameMomentIsToldOnce() throws Exception {
        startPostgres();
        start("2026-03-23T12:00");
        ExecutorService pool = Executors.newFixedThreadPool(4);
        try (Process other = new Process("other")) {
            long expectation = process.dueTimes
                    .know(process.expectations.all().get(0).key(), now)
                    .expectation();
            Instant due = at("2026-03-24T06:00");
            List<Future<Boolean>> tellings = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                DueTimes teller = (i % 2 == 0 ? process : other).dueTimes;
                tellings.add(pool.submit(() -> teller.late(expectation, due, Map.of())));
            }
            int told = 0;
            for (Future<Boolean> telling : tellings) {
                told += telling.get() ? 1 : 0;
            }
            assertEquals(1, told);
            assertTold("late 2026-03-24T06:00");
        } finally {
            pool.shutdownNow();
        }
    }
}
