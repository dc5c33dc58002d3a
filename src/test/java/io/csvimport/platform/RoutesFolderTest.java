package io.csvimport.platform;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.csvimport.Distribution;
import io.csvimport.settings.Settings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.camel.Route;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.main.Main;
import org.apache.camel.model.ModelCamelContext;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What runs, of the user's folder on top of the packaged one, from one look at them to the next. */
class RoutesFolderTest {

    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private static Main main;
    private static ModelCamelContext context;

    @TempDir
    private Path directory;

    private Path packaged;
    private Path own;
    private RoutesFolder folder;

    @BeforeAll
    static void startCamel(@TempDir Path data) {
        main = new Main();
        main.setPropertyPlaceholderLocations("false");
        main.configure().withRoutesIncludePattern("false");
        // the module adds no routes of its own
        main.configure().setGlobalOptions(Map.of(CsvImportPlugin.PACKAGED_ROUTES, data.toString()));
        // REST services want a server
        main.addInitialProperty("camel.management.enabled", "true");
        main.addInitialProperty("camel.management.port", "0");
        main.addInitialProperty("camel.rest.component", "platform-http");
        main.addInitialProperty("camel.rest.inlineRoutes", "false");
        // the module is in every context of this class path
        Map.of(
                        "api.url", "http://127.0.0.1:9",
                        "api.organization", "1",
                        "api.key", "key",
                        "api.secret", "secret",
                        "data-dir", data.resolve("data").toString(),
                        "file.directory", data.resolve("inbox").toString())
                .forEach((name, value) -> main.addInitialProperty("csv-import." + name, value));
        main.start();
        context = (ModelCamelContext) main.getCamelContext();
    }

    @AfterAll
    static void stopCamel() {
        main.stop();
    }

    @BeforeEach
    void makeFolders() throws IOException {
        packaged = Files.createDirectories(directory.resolve("packaged"));
        own = Files.createDirectories(directory.resolve("own"));
        folder = new RoutesFolder(context, List.of(own, packaged), Map.of(), PATIENCE, hold -> {});
    }

    @AfterEach
    void removeRoutes() throws Exception {
        for (String id : ids()) {
            context.removeRouteDefinition(context.getRouteDefinition(id));
        }
    }

    /** A route that answers the text. */
    private static String route(String id, String text) {
        return "- route: { id: %s, from: { uri: 'direct:%s', steps: [{ setBody: { constant: '%s' } }] } }\n"
                .formatted(id, id, text);
    }

    private static Path write(Path folder, String name, String text) throws IOException {
        Path file = folder.resolve(name + ".camel.yaml");
        Files.createDirectories(file.getParent());
        return Files.writeString(file, text);
    }

    private static String ask(String id) {
        return context.createFluentProducerTemplate()
                .to("direct:" + id)
                .withBody("")
                .request(String.class);
    }

    private static Set<String> ids() {
        return context.getRoutes().stream().map(Route::getId).collect(Collectors.toSet());
    }

    /** What changed is taken up when it has stood still. */
    private void look() {
        folder.scan();
        folder.scan();
    }

    @Test
    void aFileOfTheUsersReplacesThePackagedOneWithItsIdAndTakingItAwayBringsThatBack() throws Exception {
        write(packaged, "sources/people", route("people", "packaged"));
        write(packaged, "courses", route("courses", "packaged"));
        folder.load();
        assertEquals("packaged", ask("people"));

        Path mine = write(own, "a/b/mine", route("people", "own"));
        look();
        assertEquals("own", ask("people"));
        assertEquals("packaged", ask("courses"));

        Files.delete(mine);
        look();
        assertEquals("packaged", ask("people"));
    }

    @Test
    void aFileOfTheUsersReplacesThePackagedOneAtStartAndAnEditOfThatChangesNothing() throws Exception {
        write(packaged, "people", route("people", "packaged"));
        Path mine = write(own, "people", route("people", "own"));
        folder.load();
        assertEquals("own", ask("people"));

        write(packaged, "people", route("people", "packaged and edited"));
        look();
        assertEquals("own", ask("people"));

        Files.delete(mine);
        look();
        assertEquals("packaged and edited", ask("people"));
    }

    @Test
    void aRouteConfigurationOfTheUsersReplacesThePackagedOneForTheRoutesThatNameIt() throws Exception {
        String configuration = "- routeConfiguration: { id: errors, onException: [ { onException: { exception:"
                + " [java.lang.Exception], handled: { constant: 'true' }, steps: [ { setBody: { constant: '%s' } } ] } } ] }\n";
        write(packaged, "errors", configuration.formatted("packaged"));
        write(
                packaged,
                "failing",
                "- route: { id: failing, routeConfigurationId: errors, from: { uri: 'direct:failing', steps: [ {"
                        + " throwException: { exceptionType: java.io.IOException, message: x } } ] } }\n");
        folder.load();
        assertEquals("packaged", ask("failing"));

        Path mine = write(own, "errors", configuration.formatted("own"));
        look();
        assertEquals("own", ask("failing"));

        Files.delete(mine);
        look();
        assertEquals("packaged", ask("failing"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "- route: [",
                "- route: { id: people, from: { uri: 'file:x?noSuchOption=1', steps: [ { stop: {} } ] } }",
                "route: { id: people, from: { uri: 'direct:people', steps: [ { stop: {} } ] } }",
                "just text",
                "# nothing",
                "",
                "{}",
                "[]",
                "people: 1",
            })
    void aFileOfTheUsersThatCannotBeUsedLeavesWhatRan(String broken) throws Exception {
        write(packaged, "people", route("people", "packaged"));
        Path mine = write(own, "people", broken);
        folder.load();
        assertEquals("packaged", ask("people"), "at start");

        Files.writeString(mine, route("people", "own"));
        look();
        assertEquals("own", ask("people"));

        Files.writeString(mine, broken);
        look();
        assertEquals("own", ask("people"), "the previous version");

        Files.delete(mine);
        look();
        assertEquals("packaged", ask("people"));
        assertEquals(Set.of("people"), ids());
    }

    @Test
    void theSecondFileOfAFolderWithAnIdIsRefusedUntilTheFirstIsGone() throws Exception {
        Path first = write(own, "first", route("people", "first"));
        write(own, "second", route("people", "second"));
        write(packaged, "people", route("people", "packaged"));
        folder.load();
        assertEquals("first", ask("people"));

        // nor does an edit, or a name that comes before, take it over
        write(own, "second", route("people", "second and edited"));
        write(own, "before", route("people", "before"));
        look();
        assertEquals("first", ask("people"));

        Files.delete(first);
        Files.delete(own.resolve("before.camel.yaml"));
        look();
        assertEquals("second and edited", ask("people"));
    }

    @Test
    void namesThatBeginWithADotArePassedOver() throws Exception {
        write(own, ".hidden", route("hidden", ""));
        write(own, "sub/..data/hidden", route("hidden", ""));
        write(own, "sub/seen", route("seen", ""));
        folder.load();
        assertEquals(Set.of("seen"), ids());
    }

    @Test
    void aConfigMapThatIsSwappedForOneWithAMistakeLeavesTheRouteRunning() throws Exception {
        write(own, "..1/people", route("people", "first"));
        Files.createSymbolicLink(own.resolve("..data"), Path.of("..1"));
        Files.createSymbolicLink(own.resolve("people.camel.yaml"), Path.of("..data/people.camel.yaml"));
        folder.load();
        assertEquals("first", ask("people"));

        for (Map.Entry<String, String> swap :
                Map.of("- route: [", "first", route("people", "second"), "second").entrySet().stream()
                        .sorted(Map.Entry.comparingByKey(Comparator.comparing(String::length)))
                        .toList()) {
            write(own, "..2/people", swap.getKey());
            Path link = Files.createSymbolicLink(own.resolve("..data_tmp"), Path.of("..2"));
            Files.move(link, own.resolve("..data"), StandardCopyOption.ATOMIC_MOVE);
            look();
            assertEquals(swap.getValue(), ask("people"));
        }
    }

    @Test
    void anEntryThatCannotBeReadHoldsUpNoOther() throws Exception {
        // root may read any folder; no one may follow these
        Files.createSymbolicLink(own.resolve("a-loop"), own);
        Files.createSymbolicLink(own.resolve("nowhere.camel.yaml"), Path.of("nothing"));
        Path people = write(own, "people", route("people", "first"));
        folder.load();
        assertEquals("first", ask("people"));

        write(own, "people", route("people", "second"));
        look();
        assertEquals("second", ask("people"));

        Files.delete(people);
        Files.createSymbolicLink(people, Path.of("nothing"));
        look();
        assertEquals("second", ask("people"), "what was read from it before");
    }

    @Test
    void aFolderThatIsTakenAwayLeavesItsRoutesRunning() throws Exception {
        write(own, "people", route("people", "own"));
        folder.load();
        Files.move(own, directory.resolve("unmounted"));
        look();
        assertEquals("own", ask("people"));
        Files.move(directory.resolve("unmounted"), own);
        write(own, "people", route("people", "own again"));
        look();
        assertEquals("own again", ask("people"));
    }

    @Test
    void aFolderOfTheUsersWithinThePackagedOneIsReadOnce() throws Exception {
        Path within = Files.createDirectories(packaged.resolve("own"));
        write(packaged, "people", route("people", "packaged"));
        write(within, "people", route("people", "own"));
        new RoutesFolder(context, List.of(within, packaged), Map.of(), PATIENCE, hold -> {}).load();
        assertEquals("own", ask("people"));
    }

    @Test
    void aRestServiceWithoutRouteIdsIsEditedAndRemoved() throws Exception {
        String rest = "- rest: { path: /%s, get: [ { to: 'direct:people' } ] }\n";
        Path file = write(own, "service", rest.formatted("one"));
        folder.load();
        assertEquals(1, ids().size());

        write(own, "service", rest.formatted("another"));
        look();
        assertEquals(1, ids().size());
        assertEquals("/another", context.getRestDefinitions().get(0).getPath());

        Files.delete(file);
        look();
        assertEquals(Set.of(), ids());
        assertEquals(List.of(), context.getRestDefinitions());
    }

    @Test
    void aFileThatWasRenamedAndIsBackAtTheNextLookRunsAgain() throws Exception {
        Path file = write(own, "people", route("people", ""));
        Path renamed = own.resolve("renamed.yaml");
        folder.load();

        Files.move(file, renamed);
        look();
        assertNull(context.getRoute("people"));

        Files.move(renamed, file);
        look();
        assertNotNull(context.getRoute("people"));
    }

    @Test
    void whatIsNeededAndDoesNotRunIsNamed() throws Exception {
        Properties given = new Properties();
        given.setProperty("csv-import.track.enabled", "false");
        PackagedRoutes needed = new PackagedRoutes(context, new Settings(given));
        folder = new RoutesFolder(context, List.of(own, Distribution.routes()), Map.of(), PATIENCE, hold -> {});
        folder.load();
        assertEquals(List.of(), needed.missing());

        // it has the id, and nothing can be sent to it
        write(own, "spine", route("elsewhere", "").replace("id: elsewhere", "id: csv-import"));
        look();
        assertEquals(List.of("csv-import (its from is not direct:csv-import)"), needed.missing());

        Files.delete(own.resolve("spine.camel.yaml"));
        look();
        assertEquals(List.of(), needed.missing());

        context.getRouteController().stopRoute("csv-import-from-folder");
        assertEquals(List.of("csv-import-from-folder"), needed.missing());
    }

    @Test
    void aRouteOfTheApplicationStandsAndAFileWithItsIdIsNotUsed() throws Exception {
        context.addRoutes(new RouteBuilder() {
            @Override
            public void configure() {
                from("direct:people").routeId("people").setBody(constant("the application's"));
            }
        });
        write(own, "people", route("people", "own"));
        write(packaged, "courses", route("courses", "packaged"));
        folder.load();
        look();
        assertEquals("the application's", ask("people"));
        assertEquals("packaged", ask("courses"));
    }

    @Test
    void aFileWithoutAFolderIsReplacedByOneOfTheUsers() throws Exception {
        folder = new RoutesFolder(
                context,
                List.of(own),
                Map.of(Path.of("people.camel.yaml"), route("people", "of the jar")),
                PATIENCE,
                hold -> {});
        folder.load();
        assertEquals("of the jar", ask("people"));

        Path mine = write(own, "mine", route("people", "own"));
        look();
        assertEquals("own", ask("people"));

        Files.delete(mine);
        look();
        assertEquals("of the jar", ask("people"));
    }

    @Test
    void routesThatCamelsOwnReloadHasRemovedRunAgain() throws Exception {
        write(packaged, "people", route("people", "packaged"));
        write(own, "courses", route("courses", "own"));
        folder.load();

        context.getRouteController().removeAllRoutes();
        context.removeRouteTemplates("*");
        context.getEndpointRegistry().clear();
        assertNull(context.getRoute("people"));
        look();
        assertEquals("packaged", ask("people"));
        assertEquals("own", ask("courses"));
    }
}
