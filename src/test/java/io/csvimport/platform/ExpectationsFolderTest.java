package io.csvimport.platform;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.csvimport.expectation.Expectation;
import io.csvimport.expectation.Expectations;
import io.csvimport.settings.Finding;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which expectations are in force, from one look at the folder to the next. */
class ExpectationsFolderTest {

    @TempDir
    private Path routes;

    private final Expectations expectations = new Expectations();
    private Path files;
    private ExpectationsFolder folder;

    @BeforeEach
    void makeFolder() throws IOException {
        files = Files.createDirectories(routes.resolve("expectations"));
        folder = new ExpectationsFolder(routes, expectations);
    }

    private Path write(String name, String text) throws IOException {
        return Files.writeString(files.resolve(name), text);
    }

    private static String of(String template) {
        return "- { template: " + template + ", due: 06:00 }\n";
    }

    /** What changed is taken up when it has stood still. */
    private void look() {
        folder.scan();
        folder.scan();
    }

    private void assertInForce(String... templates) {
        assertEquals(
                List.of(templates),
                expectations.all().stream().map(Expectation::template).toList());
    }

    @Test
    void aFileIsAddedEditedAndRemovedLive() throws Exception {
        folder.load();
        assertInForce();
        Path people = write("people.yaml", of("People"));
        write("courses.yml", of("Courses"));
        look();
        assertInForce("Courses", "People");

        Files.writeString(people, of("People") + of("Persons"));
        look();
        assertInForce("Courses", "People", "Persons");

        Files.delete(people);
        look();
        assertInForce("Courses");
    }

    @Test
    void aFolderThatComesAndGoesIsNoError() throws Exception {
        Files.delete(files);
        folder.load();
        Files.createDirectories(files);
        Path people = write("people.yaml", of("People"));
        look();
        assertInForce("People");
        Files.delete(people);
        Files.delete(files);
        look();
        assertInForce();
    }

    @Test
    void aHalfSavedFileIsNotTaken() throws Exception {
        folder.load();
        Path people = write("people.yaml", of("People"));
        folder.scan();
        Files.writeString(people, of("People") + of("Courses"));
        folder.scan();
        assertInForce();
        folder.scan();
        assertInForce("People", "Courses");
    }

    @Test
    void aFileWithAMistakeLeavesItsPreviousVersionAndAllOthers() throws Exception {
        Path people = write("people.yaml", of("People"));
        write("wrong.yaml", "- { template: Wrong, due: never }\n");
        folder.load();
        assertInForce("People");

        Files.writeString(people, of("People") + "- { template: Others, dew: 06:00 }\n");
        write("courses.yaml", of("Courses"));
        look();
        assertInForce("Courses", "People");

        Files.writeString(people, of("People") + "- { template: Others, due: 06:00 }\n");
        look();
        assertInForce("Courses", "People", "Others");
    }

    @Test
    void namesThatBeginWithADotAndRoutesArePassedOver() throws Exception {
        write(".people.yaml", of("People"));
        write("people.camel.yaml", of("People"));
        write("people.yaml~", of("People"));
        folder.load();
        assertInForce();
    }

    @Test
    void aConfigMapOfKubernetesIsTakenOnceAndFollowed() throws Exception {
        Path first = Files.createDirectories(files.resolve("..2026_01"));
        Files.writeString(first.resolve("people.yaml"), of("People"));
        Files.createSymbolicLink(files.resolve("..data"), Path.of("..2026_01"));
        Files.createSymbolicLink(files.resolve("people.yaml"), Path.of("..data/people.yaml"));
        folder.load();
        assertInForce("People");

        Path second = Files.createDirectories(files.resolve("..2026_02"));
        Files.writeString(second.resolve("people.yaml"), of("Courses"));
        Files.delete(files.resolve("..data"));
        Files.createSymbolicLink(files.resolve("..data"), Path.of("..2026_02"));
        look();
        assertInForce("Courses");
    }

    @Test
    void theSecondOfTwoThatAreTheSameIsTheOneThatCameLaterAndTakesOverWhenTheFirstGoes() throws Exception {
        Path second = write("b.yaml", of("People"));
        folder.load();
        write("a.yaml", of("Courses") + of("People"));
        look();
        assertInForce("People");
        Files.delete(second);
        look();
        assertInForce("Courses", "People");
    }

    @Test
    void aRenamedFileIsTheSame() throws Exception {
        Path people = write("people.yaml", of("People"));
        folder.load();
        Files.move(people, files.resolve("staff.yaml"));
        look();
        assertInForce("People");
        assertEquals("expectations/staff.yaml:1", expectations.all().get(0).place());
    }

    @Test
    void theCheckNamesEachMistakeAndIsSilentWithoutExpectations() throws Exception {
        assertEquals(List.of(), ExpectationsFolder.check(routes));
        write("people.yaml", of("People"));
        assertEquals(List.of(Finding.ok("1 in " + files)), ExpectationsFolder.check(routes));
        write("wrong.yaml", "- { template: Wrong, dew: 06:00 }\n- { due: 06:00 }\n");
        assertEquals(
                List.of(
                        Finding.failed("expectations/wrong.yaml:1: dew is not known; the nearest is due"),
                        Finding.failed("expectations/wrong.yaml:2: template is missing: the one of the CSVs that are"
                                + " expected")),
                ExpectationsFolder.check(routes));
    }
}
