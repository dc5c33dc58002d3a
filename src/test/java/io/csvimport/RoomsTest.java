package io.csvimport;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.library.Architectures.LayeredArchitecture;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** Java's rooms: which package may use which. */
class RoomsTest {

    private static final String BASE = "io.csvimport";

    /** Each room, and the rooms that it may use. */
    private static final Map<String, List<String>> ROOMS = new LinkedHashMap<>();

    static {
        room("text");
        room("settings", "text");
        room("file", "text");
        room("job", "text", "file");
        List<String> ground = List.of("text", "settings", "file", "job");
        room("ledger", ground);
        room("api", ground);
        room("expectation", "text", "job");
        room("pipeline", ground, "ledger", "api", "expectation");
        List<String> pipeline = and(ground, "ledger", "api", "expectation", "pipeline");
        room("source", pipeline);
        room("source.file", pipeline, "source");
        room("source.sftp", pipeline, "source");
        room("source.queue", pipeline, "source", "source.file");
        room("tracking", pipeline, "source");
        room("audit", ground, "ledger");
        List<String> sources = and(pipeline, "source", "source.file", "source.sftp", "source.queue");
        room("operations", sources, "tracking", "audit");
        room("operations.desk", sources, "tracking", "audit", "operations");
        room("platform", sources, "tracking", "audit", "operations", "operations.desk");
        room("standalone", sources, "tracking", "audit", "operations", "platform", "sandbox");
        room("sandbox");
    }

    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages(BASE);

    private static void room(String room, String... uses) {
        ROOMS.put(room, List.of(uses));
    }

    private static void room(String room, List<String> uses, String... more) {
        ROOMS.put(room, and(uses, more));
    }

    private static List<String> and(List<String> uses, String... more) {
        List<String> all = new ArrayList<>(uses);
        all.addAll(List.of(more));
        return all;
    }

    @Test
    void aRoomUsesOnlyTheRoomsBelowIt() {
        LayeredArchitecture rooms = layeredArchitecture().consideringOnlyDependenciesInLayers();
        for (String room : ROOMS.keySet()) {
            rooms = rooms.layer(room).definedBy(BASE + "." + room);
        }
        for (Map.Entry<String, List<String>> room : ROOMS.entrySet()) {
            String[] uses = room.getValue().toArray(String[]::new);
            rooms = uses.length == 0
                    ? rooms.whereLayer(room.getKey()).mayNotAccessAnyLayer()
                    : rooms.whereLayer(room.getKey()).mayOnlyAccessLayers(uses);
        }
        rooms.check(CLASSES);
    }

    @Test
    void noRoomsGoInACircle() {
        slices().matching(BASE + ".(**)").should().beFreeOfCycles().check(CLASSES);
    }

    @Test
    void eachPackageIsARoomAndSaysWhatLivesThere() {
        TreeSet<String> packages = new TreeSet<>();
        for (JavaClass type : CLASSES) {
            packages.add(type.getPackageName());
        }
        TreeSet<String> rooms = new TreeSet<>();
        rooms.add(BASE);
        ROOMS.keySet().forEach(room -> rooms.add(BASE + "." + room));
        assertEquals(rooms, packages);
        for (String room : rooms) {
            Path info = Path.of("src/main/java", room.replace('.', '/'), "package-info.java");
            assertTrue(Files.exists(info), info.toString());
        }
    }

    @Test
    void theExceptionsOfTheRootUseNoRoom() {
        noClasses()
                .that()
                .resideInAPackage(BASE)
                .should()
                .dependOnClassesThat()
                .resideInAPackage(BASE + ".*..")
                .check(CLASSES);
    }

    @Test
    void onlyTheLedgerSpeaksSql() {
        noClasses()
                .that()
                .resideOutsideOfPackage(BASE + ".ledger")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("java.sql..", "javax.sql..", "org.jdbi..", "com.zaxxer..")
                .check(CLASSES);
    }

    @Test
    void theJobKnowsNoComponentOfCamel() {
        noClasses()
                .that()
                .resideInAnyPackage(BASE + ".job", BASE + ".text", BASE + ".ledger")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("org.apache.camel.component..", "org.apache.hc..")
                .check(CLASSES);
    }
}
