package io.csvimport.operations.desk;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.csvimport.Distribution;
import io.csvimport.Installation;
import io.csvimport.operations.Operator;
import io.csvimport.operations.Operator.Answer;
import io.csvimport.sandbox.SandboxFault;
import java.io.IOException;
import java.io.StringReader;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import nu.validator.htmlparser.common.XmlViolationPolicy;
import nu.validator.htmlparser.sax.HtmlParser;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.xml.sax.InputSource;
import org.xml.sax.SAXParseException;
import org.xml.sax.helpers.DefaultHandler;

/** The pages of the desk, as a browser without a script gets and sends them. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DeskTest {

    private static final String MARKUP = "<img src=x onerror=alert(1)>&\"'.csv";
    private static final Pattern TOKEN = Pattern.compile("name=\"token\" value=\"([\\w-]+)\"");
    private static final String FORM = "application/x-www-form-urlencoded";

    private Installation product;
    private Distribution process;
    private Operator operator;

    @BeforeAll
    void start(@TempDir Path directory) throws IOException {
        product = new Installation(directory)
                .withRoutes()
                .with("CSV_IMPORT_RECONCILE_WAIT", "PT0S")
                .with("CSV_IMPORT_RECONCILE_NOT_FOUND", "hold")
                .with("CSV_IMPORT_TRACK_INTERVAL", "PT1S");
        process = product.start("-Xmx192m");
        product.awaitReady();
        operator = new Operator(product.managementPort());
    }

    @AfterAll
    void stop() {
        product.close();
    }

    @AfterEach
    void mend() {
        product.sandbox().failAll(null);
        product.sandbox().failList(null);
        product.sandbox().failPreview(null);
        product.sandbox().failVoid(null);
    }

    private Answer page(String path) throws Exception {
        Answer page = operator.get(path);
        assertEquals(200, page.status(), page.http().body());
        assertNoErrors(path, page.http().body());
        return page;
    }

    /** The parser of the Nu HTML checker finds nothing. */
    private static void assertNoErrors(String path, String html) throws Exception {
        List<String> errors = new ArrayList<>();
        HtmlParser parser = new HtmlParser(XmlViolationPolicy.FATAL);
        DefaultHandler all = new DefaultHandler() {
            @Override
            public void warning(SAXParseException e) {
                errors.add(e.getMessage());
            }

            @Override
            public void error(SAXParseException e) {
                errors.add(e.getMessage());
            }
        };
        parser.setContentHandler(all);
        parser.setErrorHandler(all);
        parser.parse(new InputSource(new StringReader(html)));
        assertEquals(List.of(), errors, () -> path + "\n" + html);
    }

    private long awaitJob(String fileName, String state) {
        return product.awaitJob(fileName, state).path("job").asLong();
    }

    private static String cookie(Answer page) {
        return page.header("Set-Cookie").replaceFirst(";.*", "");
    }

    private static String token(Answer page) {
        Matcher token = TOKEN.matcher(page.http().body());
        assertTrue(token.find(), page.http().body());
        return token.group(1);
    }

    /** Sends a form of the page of a job. */
    private Answer act(long job, String action, String more) throws Exception {
        Answer page = page("/desk/files/" + job);
        String form = "token=" + token(page) + more;
        return operator.call(
                "POST",
                "/desk/files/" + job + "/" + action,
                form.getBytes(StandardCharsets.UTF_8),
                "Content-Type",
                FORM,
                "Cookie",
                cookie(page));
    }

    @Test
    void theFirstPageOfThePortIsTheOverview() throws Exception {
        product.drop("inbox/People/overview.csv");
        awaitJob("overview.csv", "completed");
        for (String path : List.of("/", "/desk")) {
            String html = page(path).http().body();
            assertTrue(html.contains("Everything runs"), html);
            assertTrue(html.contains(">overview.csv</a>"), html);
        }
        assertTrue(page("/desk/").http().body().contains("href=\"../desk/files\""));
        assertTrue(page("/").header("Content-Security-Policy").startsWith("default-src 'none'"));
        page("/desk/files");
        page("/desk/send");
    }

    @Test
    void theOverviewShowsWhatIsExpectedByWhenAndWhatCameLast() throws Exception {
        assertFalse(page("/").http().body().contains("Expectations"));
        product.drop("inbox/Expected/expected.csv");
        awaitJob("expected.csv", "completed");
        String file = "routes/expectations/expected.yaml";
        product.write(
                file,
                "- { template: Expected, feed: file, files: '*.csv', due: '06:00', days: MON-FRI, zone: Europe/Berlin }\n"
                        + "- { template: <Others>, rows: { min: 1 } }\n");
        product.awaitUntil("expectations", () -> page("/").http().body().contains(">Expectations</h2>"));
        String html = page("/").http().body();
        String section = html.substring(html.indexOf(">Expectations</h2>"), html.indexOf("What it needs"));
        assertTrue(section.contains("by 06:00 MON-FRI Europe/Berlin"), section);
        assertTrue(section.contains("<small>file, *.csv</small>"), section);
        assertTrue(section.matches("(?s).*next: \\d{4}-\\d\\d-\\d\\d 06:00, .*"), section);
        assertTrue(section.contains(">expected.csv</a>"), section);
        assertTrue(section.contains("&lt;Others>") || section.contains("&lt;Others&gt;"), section);
        assertTrue(section.contains(">awaited</span>"), section);
        Files.delete(product.path(file));
        product.awaitUntil("no expectations", () -> !page("/").http().body().contains("Expectations"));
    }

    @Test
    void aHeaderThatIsNotTheLastOneIsShownAndMayBeAccepted() throws Exception {
        String file = "routes/expectations/header.yaml";
        product.write(file, "- { template: Header, header: same-as-last, otherwise: hold }\n");
        product.awaitUntil("expectations", () -> page("/").http().body().contains(">Expectations</h2>"));
        product.write("inbox/Header/.first.csv", "name,course\nAnna,x\n");
        Files.move(product.path("inbox/Header/.first.csv"), product.path("inbox/Header/first.csv"));
        awaitJob("first.csv", "completed");
        for (String name : List.of("second.csv", "third.csv")) {
            product.write("inbox/Header/." + name, "name,<b>\nAnna," + name + "\n");
            Files.move(product.path("inbox/Header/." + name), product.path("inbox/Header/" + name));
        }
        long job = awaitJob("second.csv", "held");
        long other = awaitJob("third.csv", "held");
        String html = page("/desk/files/" + job).http().body();
        assertTrue(html.contains("Not as expected"), html);
        assertTrue(html.contains("the header of the last import name, course"), html);
        assertTrue(html.contains("the header name, &lt;b>") || html.contains("the header name, &lt;b&gt;"), html);
        assertTrue(html.contains("Send it all the same"), html);
        assertTrue(html.contains("Accept this header from now on"), html);
        assertEquals("the header name, <b>", operator.get("/csv-imports/" + job).text("found"));

        Answer sure = act(job, "header", "");
        assertTrue(
                sure.http().body().contains("Accept this header?"), sure.http().body());
        assertNoErrors("sure", sure.http().body());
        assertEquals(303, act(job, "header", "&sure=yes").status());
        awaitJob("second.csv", "completed");
        assertFalse(page("/desk/files/" + other).http().body().contains("Accept this header"));
        assertEquals(303, act(other, "retry", "").status());
        awaitJob("third.csv", "completed");
        assertEquals(409, act(other, "header", "&sure=yes").status());
        Files.delete(product.path(file));
        product.awaitUntil("no expectations", () -> !page("/").http().body().contains("Expectations"));
    }

    @Test
    void anEmptyDeskSaysWhatToDo() throws Exception {
        String html = page("/desk/files?name=nothing-like-this").http().body();
        assertTrue(html.contains("No file is like this"), html);
    }

    @Test
    void aNameWithMarkupIsText() throws Exception {
        product.drop("inbox/People/" + MARKUP);
        long job = awaitJob(MARKUP, "completed");
        for (String path : List.of("/desk", "/desk/files", "/desk/files/" + job)) {
            String html = page(path).http().body();
            assertFalse(html.contains("<img"), html);
            assertTrue(html.contains("&lt;img src=x onerror=alert(1)&gt;"), html);
        }
        Answer download = operator.get("/desk/files/" + job + "/content");
        assertTrue(
                download.header("Content-Disposition")
                        .endsWith("%3Cimg%20src%3Dx%20onerror%3Dalert%281%29%3E%26%22%27.csv"),
                download.header("Content-Disposition"));
        assertEquals("nosniff", download.header("X-Content-Type-Options"));
    }

    @Test
    void aFormOfAnotherPageDoesNothing() throws Exception {
        product.sandbox().failNext(SandboxFault.status(503, false, Map.of("Retry-After", "600")));
        product.drop("inbox/Forged/forged.csv");
        long job = awaitJob("forged.csv", "waiting");
        Answer page = page("/desk/files/" + job);
        byte[] form = "token=AAAAAAAAAAAAAAAAAAAAAA".getBytes(StandardCharsets.UTF_8);
        String path = "/desk/files/" + job + "/retry";
        assertEquals(
                403, operator.call("POST", path, form, "Content-Type", FORM).status());
        assertEquals(
                403,
                operator.call("POST", path, form, "Content-Type", FORM, "Cookie", cookie(page))
                        .status());
        assertEquals("waiting", operator.get("/csv-imports/" + job).text("state"));
        assertEquals(303, act(job, "retry", "").status());
        awaitJob("forged.csv", "completed");
    }

    @Test
    void theStoryTellsEachAttempt() throws Exception {
        product.sandbox().failNext(SandboxFault.status(503, false, Map.of("Retry-After", "0")));
        product.sandbox().failNext(SandboxFault.status(429, false, Map.of("Retry-After", "0")));
        product.drop("inbox/Story/story.csv");
        long job = awaitJob("story.csv", "completed");
        String story = page("/desk/files/" + job).http().body().replaceFirst("(?s).*What happened", "");
        List<String> parts = List.of("Arrived", "503", "429", "Imported", "Moved", "Checked by the API");
        int from = 0;
        for (String part : parts) {
            int found = story.indexOf(part, from);
            assertTrue(found >= 0, () -> part + " in " + story);
            from = found;
        }
    }

    @Test
    void aHeldFileIsSettledByHand() throws Exception {
        product.sandbox().failNext(SandboxFault.resetAtEnd(false));
        product.drop("inbox/Held/held.csv");
        long job = awaitJob("held.csv", "held");
        assertEquals(400, act(job, "settle", "&importId=").status());
        assertEquals(303, act(job, "settle", "&importId=4711").status());
        assertEquals("accepted", operator.get("/csv-imports/" + job).text("state"));
        product.awaitFile("inbox/Held/.imported/held.csv");
    }

    @Test
    void anImportIsVoidedOnceItWasAskedTwice() throws Exception {
        product.drop("inbox/Wrong/wrong.csv");
        long job = awaitJob("wrong.csv", "completed");
        String id = product.awaitImport("wrong.csv").id();
        Answer asked = act(job, "void", "");
        assertEquals(200, asked.status());
        assertTrue(asked.http().body().contains("Void the import?"));
        assertNoErrors("void", asked.http().body());
        assertEquals("completed", operator.get("/csv-imports/" + job).text("state"));
        assertEquals(303, act(job, "void", "&sure=yes").status());
        awaitJob("wrong.csv", "voided");
        assertTrue(product.sandbox().imports().stream()
                .anyMatch(found -> found.id().equals(id) && found.voided()));

        assertEquals(200, act(job, "again", "").status());
        Answer again = act(job, "again", "&sure=yes");
        assertEquals(303, again.status(), again.http().body());
        product.awaitUntil(
                "the second import", () -> product.imports("wrong.csv").size() == 2);
        assertEquals(
                200,
                operator.get(again.header("Location").replaceFirst("^(\\.\\./)+", "/"))
                        .status());
    }

    @Test
    void failedRowsAreShownWithTheirOwnText() throws Exception {
        // the sandbox refuses a line with this word, and counts lines
        byte[] failing =
                "name;note\nAnna;fine\nBen;\"invalid; \"\"\u00e9\"\"\"\nCem;ok\n".getBytes(StandardCharsets.ISO_8859_1);
        Files.createDirectories(product.path("inbox/Rows"));
        Files.write(product.path("rows.part"), failing);
        Files.move(product.path("rows.part"), product.path("inbox/Rows/rows.csv"));
        long job = awaitJob("rows.csv", "completed");
        String html = page("/desk/files/" + job).http().body();
        assertTrue(html.contains("1 row failed"), html);
        assertTrue(html.contains("Statement must include an ID"), html);
        assertTrue(html.contains("Ben; invalid; "), html);
        Answer rows = operator.get("/desk/files/" + job + "/failed-rows");
        assertEquals(200, rows.status(), rows.http().body());
        assertEquals(
                "name;note\r\nBen;\"invalid; \"\"\ufffd\"\"\"\r\n", rows.http().body());
    }

    @Test
    void aFileOfAFormIsPreviewedAndImported() throws Exception {
        Answer form = page("/desk/send?template=Sent&notify=a%40example.com");
        Matcher action = Pattern.compile("action=\"../(desk/send/file[^\"]*)\"")
                .matcher(form.http().body());
        assertTrue(action.find(), form.http().body());
        String path = "/" + action.group(1).replace("&amp;", "&");
        String body = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"sent.csv\"\r\n"
                + "Content-Type: text/csv\r\n\r\nname,course\nAnna,Safety\ninvalid,row\n\r\n--x--\r\n";
        String[] headers = {"Content-Type", "multipart/form-data; boundary=x", "Cookie", cookie(form)};
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        Answer preview = operator.call("POST", path.replace("/send/file", "/send/preview"), bytes, headers);
        assertEquals(200, preview.status(), preview.http().body());
        assertNoErrors("preview", preview.http().body());
        assertTrue(preview.http().body().contains("1 row fails"), preview.http().body());
        assertTrue(preview.http().body().contains("1 statement"), preview.http().body());
        assertEquals(List.of(), product.imports("sent.csv"));

        Answer sent = operator.call("POST", path, bytes, headers);
        assertEquals(303, sent.status(), sent.http().body());
        assertEquals("Sent", product.awaitImport("sent.csv").template());
        assertEquals(List.of("a@example.com"), product.awaitImport("sent.csv").addresses());
        assertEquals(
                403, operator.call("POST", path, bytes, headers[0], headers[1]).status());
    }

    /** The path to which the form of this page sends its file. */
    private static String path(Answer form) {
        Matcher action = Pattern.compile("action=\"../(desk/send/file[^\"]*)\"")
                .matcher(form.http().body());
        assertTrue(action.find(), form.http().body());
        return "/" + action.group(1).replace("&amp;", "&");
    }

    @Test
    void aFormThatIsNoneIsRefusedAndImportsNothing() throws Exception {
        Answer form = page("/desk/send?template=Broken");
        String path = path(form);
        String part = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"broken.csv\"\r\n\r\na,b\n1,2\n";
        Map<String, String> bodies = Map.of(
                "without its end",
                part,
                "without a boundary",
                "zzzzzz".repeat(1000),
                "without a file",
                "--x\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\n1\r\n--x--\r\n");
        for (Map.Entry<String, String> body : bodies.entrySet()) {
            Answer answer = operator.call(
                    "POST",
                    path,
                    body.getValue().getBytes(StandardCharsets.UTF_8),
                    "Content-Type",
                    "multipart/form-data; boundary=x",
                    "Cookie",
                    cookie(form));
            assertTrue(answer.status() == 400 || answer.status() == 503, () -> body.getKey() + " " + answer.status());
        }
        byte[] zipped = {31, -117, 8, 0};
        assertEquals(
                415,
                operator.call("POST", path, zipped, "Content-Encoding", "gzip", "Cookie", cookie(form))
                        .status());
        assertEquals(
                415,
                operator.call(
                                "POST",
                                path,
                                zipped,
                                "Content-Type",
                                "Multipart/Mixed; boundary=x",
                                "Cookie",
                                cookie(form))
                        .status());
        byte[] whole = (part + "\r\n--x--\r\n").getBytes(StandardCharsets.UTF_8);
        for (String type : List.of("Multipart/Form-Data; boundary=x", "multipart/form-data; boundary=x")) {
            int status = operator.call("POST", path, whole, "Content-Type", type, "Cookie", cookie(form))
                    .status();
            // Vert.x reads no form of a type in capitals
            assertEquals(type.startsWith("M") ? 400 : 303, status);
        }
        assertEquals("a,b\n1,2\n".length(), product.awaitImport("broken.csv").size());
        assertEquals(
                1,
                product.sandbox().imports().stream()
                        .filter(accepted -> accepted.template().equals("Broken"))
                        .count());
    }

    @Test
    void aRefusedFormLeavesItsConnectionToTheNextRequest() throws Exception {
        byte[] large = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"n.csv\"\r\n\r\n%s\r\n--x--\r\n"
                .formatted("a".repeat(300_000))
                .getBytes(StandardCharsets.UTF_8);
        for (int i = 0; i < 5; i++) {
            assertEquals(
                    403,
                    operator.call(
                                    "POST",
                                    "/desk/send/file?template=T&token=forged",
                                    large,
                                    "Content-Type",
                                    "multipart/form-data; boundary=x")
                            .status());
            assertEquals(200, operator.get("/desk/send").status());
        }
    }

    @Test
    void aDownloadThatIsGivenUpLeavesTheFileClosed() throws Exception {
        Files.createDirectories(product.path("inbox/Large"));
        Files.writeString(product.path("large.part"), "name\n" + ("x".repeat(1_000_000) + "\n").repeat(24));
        Files.move(product.path("large.part"), product.path("inbox/Large/large.csv"));
        long job = awaitJob("large.csv", "accepted");
        try (Socket browser = new Socket("127.0.0.1", product.managementPort())) {
            browser.getOutputStream()
                    .write("GET /desk/files/%d/content HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
                            .formatted(job)
                            .getBytes(StandardCharsets.US_ASCII));
            browser.getInputStream().readNBytes(1 << 16);
        }
        Path opened = Path.of("/proc/" + process.process().pid() + "/fd");
        product.awaitUntil("the file to be closed", () -> {
            try (Stream<Path> files = Files.list(opened)) {
                return files.noneMatch(file -> target(file).endsWith("large.csv"));
            }
        });
    }

    private static String target(Path link) {
        try {
            return Files.readSymbolicLink(link).toString();
        } catch (IOException e) {
            return "";
        }
    }

    @Test
    void anotherPageMayLinkToTheDesk() throws Exception {
        for (String path : List.of("/desk", "/desk/files?state=held", "/desk/send?template=T")) {
            assertEquals(200, operator.get(path, "Sec-Fetch-Site", "cross-site").status(), path);
        }
    }

    @Test
    void theHeaderOfFailedRowsKeepsItsByteOrderMark() throws Exception {
        Files.createDirectories(product.path("inbox/Rows"));
        Files.writeString(product.path("mark.part"), "\ufeff\"a, x\",b\r\n1,invalid\r\n2,ok\r\n");
        Files.move(product.path("mark.part"), product.path("inbox/Rows/mark.csv"));
        long job = awaitJob("mark.csv", "completed");
        assertEquals(
                "\ufeff\"a, x\",b\r\n1,invalid\r\n",
                operator.get("/desk/files/" + job + "/failed-rows").http().body());
    }

    @Test
    void whatIsNotThereIsAPage() throws Exception {
        Answer missing = operator.get("/desk/files/999999");
        assertEquals(404, missing.status());
        assertNoErrors("missing", missing.http().body());
        assertEquals(400, operator.get("/desk/files/none").status());
        assertEquals(400, operator.get("/desk/files?day=yesterday").status());
        assertEquals(400, operator.get("/desk/files?day=%2B999999999-12-31").status());
        assertEquals(404, operator.get("/desk/assets/Desk.class").status());
    }
}
