package io.csvimport;

import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.apache.camel.CamelContext;
import org.apache.camel.main.Main;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What no eye can time: that which happens from one look at the folder to the next. */
class RoutesFolderTest {

    @TempDir
    private Path folder;

    @TempDir
    private Path data;

    @Test
    void aFileThatWasRenamedAndIsBackAtTheNextLookRunsAgain() throws Exception {
        Path file = Files.writeString(
                folder.resolve("people.camel.yaml"),
                "- route: { id: people, from: { uri: 'direct:people', steps: [{ stop: {} }] } }");
        Path renamed = folder.resolve("renamed.camel.yaml");
        Main main = main();
        main.start();
        try {
            CamelContext context = main.getCamelContext();
            RoutesFolder routes = new RoutesFolder(context, folder);
            routes.load();
            routes.scan();
            assertNotNull(context.getRoute("people"));

            Files.move(file, renamed);
            routes.scan();
            assertNull(context.getRoute("people"));

            Files.move(renamed, file);
            routes.scan();
            routes.scan();
            assertNotNull(context.getRoute("people"));
        } finally {
            main.stop();
        }
    }

    private Main main() {
        Main main = new Main();
        main.setPropertyPlaceholderLocations("false");
        main.configure().withRoutesIncludePattern("false");
        // the module is in every context of this class path
        Map.of(
                        "api.url", "http://127.0.0.1:9",
                        "api.organization", "1",
                        "api.key", "key",
                        "api.secret", "secret",
                        "data-dir", data.toString())
                .forEach((name, value) -> main.addInitialProperty("csv-import." + name, value));
        return main;
    }
}
