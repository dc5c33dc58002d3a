package io.csvimport;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import io.csvimport.operations.Operator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A week of two nightly feeds, in which the clock springs forward: what is told, by the built distribution. */
@Tag("long")
class WeekTest {

    private static final ZoneId BERLIN = ZoneId.of("Europe/Berlin");

    private static final String EXPECTATIONS =
            """
            - template: People
              due: "02:30"
              zone: Europe/Berlin
              grace: PT1H
              header: same-as-last
              rows: { min: 2, max-drop: 30% }
              encoding: UTF-8
              otherwise: hold
            - template: Courses
              due: "06:00"
              days: MON-FRI
              zone: Europe/Berlin
              grace: PT2H
            """;

    private FakeClock clock;
    private Installation product;
    private Distribution process;
    private int days;
    private final List<String> told = new ArrayList<>();

    @Test
    void aWeekIsToldOnceWhateverComesAndWhateverDies(@TempDir Path directory) throws Exception {
        clock = new FakeClock(directory.resolve("clock"));
        try (Installation installation = new Installation(directory).withRoutes()) {
            product = installation;
            clock.environment().forEach(product::with);
            product.with("CSV_IMPORT_TRACK_INTERVAL", "PT1S");
            product.write("routes/expectations/feeds.yaml", EXPECTATIONS);
            at("2027-03-22T00:30");
            start();

            // Monday: early, and in time
            arrives("People", "monday.csv", people("id,name,email", 10));
            at("2027-03-22T05:40");
            arrives("Courses", "monday courses.csv", "id,course\n1,Safety\n");
            at("2027-03-22T23:00");
            tells();

            // Tuesday: late, within the grace; the other one never comes
            at("2027-03-23T02:40");
            tells("late People 2027-03-23T02:30");
            arrives("People", "tuesday.csv", people("id,name,email", 11));
            tells("arrived People 2027-03-23T02:30 tuesday.csv");
            at("2027-03-23T06:30");
            tells("late Courses 2027-03-23T06:00");
            process.kill();
            at("2027-03-23T08:30");
            start();
            tells("missing Courses 2027-03-23T06:00");

            // Wednesday: one comes at night, for yesterday and today; one comes twice
            at("2027-03-24T01:00");
            arrives("People", "wednesday.csv", people("id,name,email", 12));
            arrives("Courses", "wednesday courses.csv", "id,course\n2,Safety\n");
            tells("arrived Courses 2027-03-23T06:00 wednesday courses.csv");
            at("2027-03-24T11:00");
            arrives("People", "wednesday again.csv", people("id,name,email", 13));
            at("2027-03-24T20:00");
            tells();

            // Thursday: short, sent all the same by a person
            at("2027-03-25T02:00");
            held("thursday.csv", people("id,name,email", 4), "no more than 30 % fewer rows than the 13", "4 rows");
            arrives("Courses", "thursday courses.csv", "id,course\n3,Safety\n");
            at("2027-03-25T02:45");
            tells("late People 2027-03-25T02:30");
            retry("thursday.csv");
            tells("arrived People 2027-03-25T02:30 thursday.csv");

            // Friday: a column swapped, mended and sent again
            at("2027-03-26T02:00");
            held(
                    "friday.csv",
                    people("id,email,name", 9),
                    "the header of the last import id, name, email",
                    "the header id, email, name");
            arrives("Courses", "friday courses.csv", "id,course\n4,Safety\n");
            process.kill();
            at("2027-03-26T05:00");
            start();
            tells("late People 2027-03-26T02:30", "missing People 2027-03-26T02:30");
            Files.delete(product.path("inbox/People/friday.csv"));
            arrives("People", "friday mended.csv", people("id,name,email", 9));
            tells("arrived People 2027-03-26T02:30 friday mended.csv");

            // Saturday: nobody expects courses, people do not come; a clock that is set back tells nothing twice
            at("2027-03-27T04:00");
            tells("late People 2027-03-27T02:30", "missing People 2027-03-27T02:30");
            at("2027-03-27T02:00");
            process.kill();
            start();
            at("2027-03-27T12:00");
            tells();

            // Sunday: there is no 02:30, so 03:30 is meant
            at("2027-03-28T01:50");
            at("2027-03-28T03:20");
            tells();
            arrives("People", "sunday.csv", people("id,name,email", 9));
            tells("arrived People 2027-03-27T02:30 sunday.csv");
            at("2027-03-28T12:00");
            tells();

            // Monday: the process was down
            process.kill();
            at("2027-03-29T03:00");
            start();
            tells("late People 2027-03-29T02:30");
            at("2027-03-29T04:00");
            tells("missing People 2027-03-29T02:30");
            at("2027-03-29T09:00");
            tells("late Courses 2027-03-29T06:00", "missing Courses 2027-03-29T06:00");
            assertEquals(11, product.uploads().size(), "each file once, but for the one with a column swapped");
        }
    }

    private void start() throws IOException {
        process = product.start();
        product.awaitReady();
    }

    private void at(String local) throws IOException {
        clock.set(LocalDateTime.parse(local).atZone(BERLIN).toInstant());
    }

    /** Bytes like those of no other day. */
    private String people(String header, int rows) {
        days++;
        return header + "\n"
                + IntStream.range(0, rows)
                        .mapToObj(row -> row + ",Anna Müller,day" + days + "@example.com\n")
                        .collect(Collectors.joining());
    }

    private void arrives(String template, String name, String csv) throws IOException {
        product.drop("inbox/" + template + "/" + name, csv);
        product.awaitJob(name, "completed");
    }

    private void held(String name, String csv, String expected, String found) throws IOException {
        product.drop("inbox/People/" + name, csv);
        JsonNode job = product.awaitJob(name, "held");
        assertEquals("unexpected", job.path("reason").asText());
        assertEquals(expected, job.path("expected").asText().replaceAll(" of the last import \\(job.*", ""));
        assertEquals(found, job.path("found").asText().replaceAll(" \\(.*", ""));
        assertEquals(List.of(), product.imports(name));
    }

    private void retry(String name) throws Exception {
        long job = product.awaitJob(name, "held").path("job").asLong();
        assertEquals(
                202,
                new Operator(product.managementPort())
                        .post("/csv-imports/" + job + "/retry")
                        .status());
        product.awaitJob(name, "completed");
    }

    /** Waits for these events of due times. All that was told so far is compared: one that comes too much is found by the next. */
    private void tells(String... more) throws IOException {
        told.addAll(List.of(more));
        product.awaitUntil("events " + told, () -> events().size() >= told.size());
        assertEquals(told, events());
    }

    private List<String> events() throws IOException {
        Path trail = product.path("data/audit/csv-import-audit.jsonl");
        List<String> events = new ArrayList<>();
        if (Files.exists(trail)) {
            for (JsonNode event : CsvImportTestSupport.events(Files.readString(trail))) {
                JsonNode data = event.path("data");
                if (data.has("due")) {
                    events.add(String.join(
                                    " ",
                                    event.path("type").asText().replace("csv-import.", ""),
                                    data.path("template").asText(),
                                    LocalDateTime.ofInstant(
                                                    Instant.parse(
                                                            data.path("due").asText()),
                                                    BERLIN)
                                            .toString(),
                                    data.path("fileName").asText())
                            .strip());
                }
            }
        }
        return events;
    }
}
