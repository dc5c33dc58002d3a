package io.csvimport.operations.desk;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.csvimport.Installation;
import io.csvimport.operations.Operator;
import io.csvimport.sandbox.SandboxFault;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** The desk in a real browser: by the mouse, by the keyboard alone, without a script, on a phone. */
@Tag("long")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DeskBrowserTest {

    private static final String TAB = "\uE004";
    private static final String ENTER = "\uE007";
    private static final String MARKUP = "<b onmouseover=alert(1)>bold.csv";
    /** Where the pictures go. */
    private static final Path PICTURES = Path.of("target/desk");

    private Path home;
    private Installation product;
    private Operator operator;
    private String site;
    private Browser browser;

    @BeforeAll
    void start(@TempDir Path directory) throws Exception {
        assumeTrue(Browser.isInstalled() || System.getenv("CI") != null, "chromium-driver is not installed");
        home = directory;
        product = new Installation(directory)
                .with("CSV_IMPORT_RECONCILE_WAIT", "PT0S")
                .with("CSV_IMPORT_RECONCILE_NOT_FOUND", "hold")
                .with("CSV_IMPORT_TRACK_INTERVAL", "PT1S");
        product.start("-Xmx192m");
        product.awaitReady();
        operator = new Operator(product.managementPort());
        site = "http://127.0.0.1:" + product.managementPort();
        browser = new Browser(directory, site, true, "--window-size=1280,900");
        Files.createDirectories(PICTURES);
    }

    @AfterAll
    void stop() throws Exception {
        if (browser != null) {
            browser.close();
        }
        if (product != null) {
            product.close();
        }
    }

    @AfterEach
    void mend() {
        product.sandbox().failAll(null);
        product.sandbox().failList(null);
    }

    private String awaitJob(String fileName, String state) {
        return product.awaitJob(fileName, state).path("job").asText();
    }

    /** Nothing that axe-core finds. */
    private static void assertAccessible(Browser browser, String where) throws Exception {
        try (InputStream script = DeskBrowserTest.class.getResourceAsStream("/axe.min.js")) {
            browser.run(new String(script.readAllBytes(), StandardCharsets.UTF_8));
        }
        JsonNode found = browser.run("return axe.run().then(result => result.violations.map("
                + "found => found.id + ': ' + found.nodes.map(node => node.html).join(' ')))");
        assertEquals("[]", found.toString(), where);
    }

    /** No part of the page is wider than the window. */
    private static void assertFits(Browser browser, String where) throws Exception {
        assertEquals(
                0,
                browser.run("return Math.max(0, document.documentElement.scrollWidth - innerWidth)")
                        .asInt(),
                where);
    }

    /** A day in small: what the pictures of the README show. */
    private Installation day() throws Exception {
        Installation day = new Installation(home.resolve("day"))
                .with("CSV_IMPORT_RECONCILE_WAIT", "PT0S")
                .with("CSV_IMPORT_RECONCILE_NOT_FOUND", "hold")
                .with("CSV_IMPORT_TRACK_INTERVAL", "PT1S")
                .withRoutes();
        day.write(
                "routes/people-from-hr.camel.yaml",
                """
                - route:
                    id: people-from-hr
                    description: The HR system's folder
                    from:
                      uri: kamelet:csv-import-folder-source
                      parameters: { directory: hr, template: People }
                      steps:
                        - to: { uri: direct:csv-import }
                """);
        day.start("-Xmx192m");
        day.awaitReady();
        for (int i = 1; i <= 9; i++) {
            day.drop("hr/people-" + i + ".csv");
        }
        Files.createDirectories(day.path("inbox/Course completions"));
        day.write("part", "name,course\nAnna,Safety\nBen,invalid date\nCem,First aid\nDora,invalid date\n");
        Files.move(day.path("part"), day.path("inbox/Course completions/completions.csv"));
        day.write("inbox/unnamed.csv", "name,course\n");
        day.awaitFile("inbox/Course completions/.imported/completions.csv.failed-rows.csv");
        day.awaitFile("inbox/.rejected/unnamed.csv");
        for (int i = 1; i <= 9; i++) {
            day.awaitAudit("csv-import.completed", "people-" + i + ".csv");
        }
        day.sandbox().failNext(SandboxFault.status(503, false, Map.of("Retry-After", "600")));
        day.drop("inbox/Evaluations/evaluations.csv");
        day.awaitUntil(
                "a file that waits",
                () -> day.get("/csv-imports?state=waiting").body().contains("\"count\":1"));
        return day;
    }

    @Test
    void eachPageIsReadableByEverybody() throws Exception {
        try (Installation day = day()) {
            assertTrue(
                    day.get("/").body().contains("The HR system's folder"),
                    day.get("/").body());
            String sent = day.get("/csv-imports?fileName=completions.csv").body();
            Map<String, String> pages = Map.of(
                    "overview", "/",
                    "files", "/desk/files",
                    "file", "/desk/files/" + sent.replaceFirst(".*\"job\":(\\d+).*", "$1"),
                    "send", "/desk/send?template=People",
                    "problem", "/desk/files/999999");
            for (String look : List.of("", "-dark")) {
                try (Browser other = new Browser(
                        home,
                        "http://127.0.0.1:" + day.managementPort(),
                        true,
                        look.isEmpty() ? "--disable-extensions" : "--force-dark-mode")) {
                    for (Map.Entry<String, String> page : pages.entrySet()) {
                        String where = page.getKey() + look;
                        look(other, page.getValue(), 1280, where);
                        look(other, page.getValue(), 500, where + "-phone");
                    }
                }
            }
        }
    }

    private void look(Browser browser, String page, int width, String where) throws Exception {
        browser.resize(width, 780);
        browser.open(page);
        assertAccessible(browser, where);
        assertFits(browser, where);
        browser.screenshot(PICTURES.resolve(where + ".png"));
    }

    @Test
    void aNameWithMarkupIsText() throws Exception {
        product.drop("inbox/People/" + MARKUP);
        awaitJob(MARKUP, "completed");
        browser.open("/desk/files?name=bold");
        assertEquals(MARKUP, browser.text("tbody th"));
        assertEquals(
                0,
                browser.run("return document.querySelectorAll('main b').length").asInt());
    }

    @Test
    void aHeldFileIsUnderstoodAndSettled() throws Exception {
        product.sandbox().failNext(SandboxFault.resetAtEnd(false));
        product.drop("inbox/Held/held.csv");
        String job = awaitJob("held.csv", "held");
        browser.open("/");
        browser.click("a[href$='desk/files?from=file&state=held']");
        browser.await("h1", "Files");
        browser.click("tbody th a");
        browser.await("h1", "held.csv");
        assertEquals("/desk/files/" + job, browser.path());
        assertTrue(browser.text(".lead").contains("held"), browser.text(".lead"));
        browser.type("input[name=importId]", "4711");
        browser.click("form[action$='/settle'] button");
        browser.await(".lead", "accepted");
        assertEquals("accepted", operator.get("/csv-imports/" + job).text("state"));
    }

    @Test
    void aWaitingFileGoesOnByTheKeyboardAlone() throws Exception {
        product.sandbox().failNext(SandboxFault.status(503, false, Map.of("Retry-After", "600")));
        product.drop("inbox/Keys/keys.csv");
        String job = awaitJob("keys.csv", "waiting");
        browser.open("/desk/files/" + job);
        List<String> passed = new ArrayList<>();
        String focus = "";
        while (!focus.equals("Try again now") && passed.size() < 30) {
            browser.press(TAB);
            focus = browser.run("return document.activeElement.textContent").asText();
            passed.add(focus);
        }
        assertEquals("Try again now", focus, passed::toString);
        browser.press(ENTER);
        awaitJob("keys.csv", "completed");
        browser.open("/desk");
        browser.press(TAB + ENTER);
        assertEquals("main", browser.run("return document.activeElement.id").asText());
    }

    @Test
    void aFileIsPreviewedSentAndVoided() throws Exception {
        Path csv = Files.writeString(home.resolve("from the browser.csv"), "name,course\nAnna,Safety\ninvalid,row\n");
        browser.open("/desk/send");
        browser.type("input[name=template]", "Browser");
        browser.click("form.steps button");
        browser.type("input[type=file]", csv.toString());
        browser.click("button[formaction]");
        browser.await("#result", "1 row fails");
        assertEquals(List.of(), product.imports("from the browser.csv"));
        browser.click("button.primary");
        awaitJob("from the browser.csv", "completed");
        assertEquals("Browser", product.awaitImport("from the browser.csv").template());
        browser.await("h1", "from the browser.csv");
        // the page looks by itself
        browser.await("main", "1 row failed");
        browser.click("form[action$='/void'] button");
        browser.await("h1", "Void the import?");
        browser.click("button.danger");
        browser.await(".lead", "voided");
        assertTrue(product.awaitImport("from the browser.csv").voided());
    }

    @Test
    void withoutAScriptAllWorks() throws Exception {
        Path csv = Files.writeString(home.resolve("plain.csv"), "name,course\nAnna,plain\n");
        try (Browser plain = new Browser(home, site, false)) {
            plain.open("/desk/send");
            plain.type("input[name=template]", "Plain");
            plain.click("form.steps button");
            plain.type("input[type=file]", csv.toString());
            plain.click("button[formaction]");
            plain.await("h1", "No row fails");
            plain.open("/desk/send?template=Plain");
            plain.type("input[type=file]", csv.toString());
            plain.click("button.primary");
            plain.await("h1", "plain.csv");
            String job = awaitJob("plain.csv", "completed");
            product.drop("inbox/Plain/again.csv");
            plain.open("/desk/files/" + awaitJob("again.csv", "completed"));
            plain.click("form[action$='/again'] button");
            plain.await("h1", "Import it again?");
            plain.click("button.danger");
            product.awaitUntil(
                    "the second import", () -> product.imports("again.csv").size() == 2);
            plain.open("/desk/files?state=completed&template=Plain");
            assertFalse(plain.text("tbody").isEmpty());
        }
    }
}
