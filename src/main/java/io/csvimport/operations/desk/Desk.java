package io.csvimport.operations.desk;

import gg.jte.ContentType;
import gg.jte.TemplateEngine;
import gg.jte.output.StringOutput;
import io.csvimport.CsvImportUnsettledException;
import io.csvimport.api.ApiHealth;
import io.csvimport.expectation.Expectation;
import io.csvimport.expectation.Expectations;
import io.csvimport.file.Sha256;
import io.csvimport.file.SourceFile;
import io.csvimport.file.Sources;
import io.csvimport.file.SpoolFolder;
import io.csvimport.job.CsvImportConstants;
import io.csvimport.ledger.Database;
import io.csvimport.ledger.EarlierImports;
import io.csvimport.ledger.JobCounts;
import io.csvimport.ledger.JobHistory;
import io.csvimport.ledger.JobList;
import io.csvimport.ledger.Ledger;
import io.csvimport.operations.Jobs;
import io.csvimport.operations.Operations;
import io.csvimport.operations.Problem;
import io.csvimport.operations.Readiness;
import io.csvimport.settings.Settings;
import io.csvimport.source.Untaken;
import io.csvimport.text.Visible;
import io.csvimport.tracking.ExpectationStates;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.LocalDate;
import java.time.ZoneId;
import java.time.format.DateTimeParseException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.camel.CamelContext;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.util.function.ThrowingConsumer;
import org.apache.camel.util.function.ThrowingFunction;

/**
 * The steps of the routes {@code csv-import-desk-*}: each answers a page, or does what the form of a page asks for and sends
 * the browser back to it. A form carries the token of the browser's cookie, which no page of another origin knows.
 */
public final class Desk {

    private static final String COOKIE = "csv-import-desk";
    private static final Pattern COOKIE_TOKEN =
            Pattern.compile("(?:^|[;,\\[]\\s*)" + COOKIE + "=([\\w-]{36})(?:[;,\\]]|$)");
    private static final String HTML = "text/html; charset=utf-8";
    private static final Map<String, String> ASSETS = Map.of(
            "desk.css", "text/css; charset=utf-8",
            "desk.js", "text/javascript; charset=utf-8",
            "desk.svg", "image/svg+xml");
    private static final String POLICY = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self';"
            + " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

    /** An exchange property: the path of the request. */
    private static final String PATH = "csvImportDeskPath";
    /** An exchange property: the token of the browser. */
    private static final String TOKEN = "csvImportDeskToken";

    /** Bytes of a download that are read before its answer, so that no slow client holds up their source; more are streamed. */
    private static final int AT_ONCE = 4 << 20;

    private static final String DAY = "2026-01-31";
    private static final int PAGE = 50;
    private static final int SHOWN_ROWS = 100;

    private final TemplateEngine templates = TemplateEngine.createPrecompiled(
            null, ContentType.Html, Desk.class.getClassLoader(), Desk.class.getPackageName());
    private final Jobs jobs;
    private final Expectations expectations;
    private final EarlierImports earlier;
    private final JobList list;
    private final JobHistory history;
    private final Feeds feeds;
    private final StoredFiles files;
    private final boolean isServlet;
    private final SpoolFolder spool;

    /** @param isServlet whether the platform's HTTP server is a servlet container, and not Vert.x */
    public Desk(
            CamelContext context,
            Settings settings,
            Ledger ledger,
            Jobs jobs,
            Expectations expectations,
            ApiHealth health,
            Untaken untaken,
            Readiness readiness,
            ExpectationStates states,
            Sources sources,
            boolean isServlet) {
        Database database = ledger.database();
        this.jobs = jobs;
        this.expectations = expectations;
        earlier = new EarlierImports(ledger);
        this.isServlet = isServlet;
        spool = SpoolFolder.in(settings.path("data-dir"));
        list = new JobList(database);
        history = new JobHistory(database);
        feeds = new Feeds(context, settings, new JobCounts(database), list, health, untaken, readiness, states);
        files = new StoredFiles(sources, history);
    }

    // pages

    public void overview(Exchange exchange) {
        page(exchange, "overview", () -> Map.of("page", feeds.overview()));
    }

    public void files(Exchange exchange) {
        page(exchange, "files", () -> {
            Map<String, String> query =
                    Operations.parameters(exchange, "name", "state", "template", "from", "importId", "day", "before");
            return Map.of(
                    "page",
                    search(query),
                    "states",
                    Jobs.STATES,
                    "feeds",
                    feeds.names(),
                    "templates",
                    feeds.templates());
        });
    }

    private FilesPage search(Map<String, String> query) throws Problem, CsvImportUnsettledException {
        Map<String, String> filters = new LinkedHashMap<>(query);
        filters.keySet().retainAll(List.of("state", "template", "from", "importId"));
        LocalDate day = day(query.get("day"));
        ZoneId zone = ZoneId.systemDefault();
        List<FileLine> found = list
                .search(
                        filters,
                        query.get("name"),
                        day == null ? null : day.atStartOfDay(zone).toInstant(),
                        day == null ? null : day.plusDays(1).atStartOfDay(zone).toInstant(),
                        query.containsKey("before") ? number(query.get("before")) : Long.MAX_VALUE,
                        PAGE + 1)
                .stream()
                .map(job -> new FileLine(jobs.withProgress(job)))
                .toList();
        boolean more = found.size() > PAGE;
        boolean bounded = day == null && JobList.isBounded(filters, query.get("name"));
        return new FilesPage(query, more ? found.subList(0, PAGE) : found, bounded, more);
    }

    private static LocalDate day(String text) throws Problem {
        try {
            // four digits: other years have days that no clock reaches
            return text == null ? null : LocalDate.parse(text.length() == DAY.length() ? text : "");
        } catch (DateTimeParseException e) {
            throw new Problem(400, "The day is '" + Visible.of(text) + "': write it as in " + DAY);
        }
    }

    private static long number(String text) throws Problem {
        if (!text.matches("\\d{1,18}")) {
            throw new Problem(400, "'" + Visible.of(text) + "' is no job");
        }
        return Long.parseLong(text);
    }

    public void file(Exchange exchange) {
        page(exchange, "file", () -> {
            FileLine line = find(exchange);
            Map<String, Object> model = new LinkedHashMap<>();
            model.put("line", line);
            model.put("story", Story.of(line, history.attempts(line.number()), history.events(line.number())));
            String path = line.text("filePath");
            model.put("isInSpool", path.isEmpty() || spool.holds(path));
            model.put("isHere", files.isAtHand(line));
            model.put("rows", files.failedRows(line, SHOWN_ROWS));
            model.put("isNewHeader", isNewHeader(line));
            return model;
        });
    }

    /** Whether it is held for a header that its template may have from now on. */
    private boolean isNewHeader(FileLine line) throws CsvImportUnsettledException {
        if (!line.isUnexpected()
                || !line.is("held")
                || expectations.ofContent(line.template(), line.from(), line.name()).stream()
                        .noneMatch(Expectation::headerOfLast)) {
            return false;
        }
        Optional<List<String>> last = earlier.header(line.template());
        List<String> header = earlier.headerOf(line.number());
        return last.isPresent() && !header.isEmpty() && !last.get().equals(header);
    }

    public void sendForm(Exchange exchange) {
        page(exchange, "send", () -> {
            Map<String, String> query = Operations.parameters(exchange, "template", "notify");
            Map<String, Object> model = new LinkedHashMap<>();
            model.put("query", query);
            model.put("templates", feeds.templates());
            if (query.containsKey("template")) {
                Map<String, String> fields = new LinkedHashMap<>(query);
                fields.put("token", token(exchange));
                model.put("fields", FilesPage.encoded(fields));
            }
            return model;
        });
    }

    /** The style sheet and the script, by the last part of the path. */
    public void asset(Exchange exchange) throws IOException {
        String name = exchange.getMessage().getHeader("name", "", String.class);
        if (!ASSETS.containsKey(name)) {
            fail(exchange, new Problem(404, "There is no such file"));
            return;
        }
        try (InputStream in = Desk.class.getResourceAsStream("/META-INF/csv-import/desk/" + name)) {
            answer(exchange, 200, ASSETS.get(name), in.readAllBytes());
            exchange.getMessage().setHeader("Cache-Control", "max-age=300");
        }
    }

    // files

    /** The CSV as it was taken. */
    public void content(Exchange exchange) {
        download(exchange, line -> {
            SourceFile stored = files.find(line).orElseThrow(() -> new Problem(404, StoredFiles.GONE));
            return new Download(line.name(), stored.open());
        });
    }

    /** The failed rows, with the header of the file, to be corrected and dropped again. */
    public void failedRows(Exchange exchange) {
        download(exchange, line -> {
            InputStream rows = files.failedRowsCsv(line)
                    .orElseThrow(() ->
                            new Problem(404, "There are no failed rows, or the file is not on this machine any more"));
            return new Download("failed rows of " + line.name(), rows);
        });
    }

    private record Download(String name, InputStream bytes) {}

    private void download(Exchange exchange, ThrowingFunction<FileLine, Download, Exception> downloading) {
        try {
            Download download = downloading.apply(find(exchange));
            answer(exchange, 200, "text/csv", null);
            Message message = exchange.getMessage();
            message.setHeader(
                    "Content-Disposition",
                    "attachment; filename*=UTF-8''"
                            + URLEncoder.encode(download.name, StandardCharsets.UTF_8)
                                    .replace("+", "%20"));
            exchange.getExchangeExtension().setStreamCacheDisabled(true);
            Operations.closeWhenDone(exchange, download.bytes);
            byte[] start = download.bytes.readNBytes(AT_ONCE);
            if (start.length < AT_ONCE) {
                message.setBody(start);
            } else {
                message.setBody(new SequenceInputStream(new ByteArrayInputStream(start), download.bytes));
                if (!isServlet) {
                    VertxForm.closeWithResponse(message, download.bytes);
                }
            }
        } catch (Exception e) {
            fail(exchange, e);
        }
    }

    // what a person decides

    public void retry(Exchange exchange) {
        act(exchange, line -> jobs.retry(line.number()));
    }

    /** Asks once more; then the header of the file is that of its template, and the file goes on. */
    public void acceptHeader(Exchange exchange) {
        act(exchange, line -> {
            if (isSure(exchange, line, "header")) {
                jobs.acceptHeader(line.number());
            }
        });
    }

    public void settle(Exchange exchange) {
        String importId = exchange.getMessage().getHeader("importId", String.class);
        act(exchange, line -> jobs.settle(line.number(), importId));
    }

    /** Asks once more, unless the form says that it is sure; then names the job to void. */
    public void toVoid(Exchange exchange) throws Problem, CsvImportUnsettledException {
        checkToken(exchange);
        FileLine line = find(exchange);
        if (isSure(exchange, line, "void")) {
            Message message = exchange.getMessage();
            message.removeHeaders("*");
            message.setHeader(CsvImportConstants.JOB, line.number());
        }
    }

    public void voided(Exchange exchange) {
        show(exchange, exchange.getMessage().getHeader(CsvImportConstants.JOB, String.class));
    }

    /** Asks once more; then the bytes of the file are the body, and go the way of any other, but as no duplicate. */
    public void toImportAgain(Exchange exchange) throws Problem, CsvImportUnsettledException, IOException {
        checkToken(exchange);
        FileLine line = find(exchange);
        if (!line.is("completed", "accepted", "duplicate", "rejected", "voided", "withdrawn")) {
            throw new Problem(409, "The file is " + line.state() + ": its own job goes on");
        }
        SourceFile stored = files.find(line).orElseThrow(() -> new Problem(404, StoredFiles.GONE));
        if (isSure(exchange, line, "again")) {
            if (!Sha256.of(stored).equals(line.text("sha256"))) {
                throw new Problem(409, "Another file has taken the place of this one: " + stored.location());
            }
            Message message = exchange.getMessage();
            message.removeHeaders("*");
            message.setHeader("template", line.template());
            message.setHeader("notify", String.join(",", notify(line)));
            message.setHeader("fileName", line.name());
            message.setHeader("csvImportDuplicates", "import");
            exchange.getExchangeExtension().setStreamCacheDisabled(true);
            InputStream bytes = stored.open();
            Operations.closeWhenDone(exchange, bytes);
            message.setBody(bytes);
        }
    }

    private static List<String> notify(FileLine line) {
        return line.job().get("notify") instanceof List<?> addresses
                ? addresses.stream().map(String::valueOf).toList()
                : List.of();
    }

    private boolean isSure(Exchange exchange, FileLine line, String what) {
        if ("yes".equals(exchange.getMessage().getHeader("sure"))) {
            return true;
        }
        page(exchange, "sure", () -> Map.of("line", line, "what", what));
        exchange.setRouteStop(true);
        return false;
    }

    /**
     * A CSV from the browser is the body: of a form, or sent by a script, with its name in the query. Its template and its
     * addresses are in the query; they come before the file.
     */
    public void receive(Exchange exchange) throws Problem, IOException {
        enter(exchange);
        boolean isForm = Operations.contentType(exchange.getMessage()).startsWith("multipart/form-data");
        if (isForm && isServlet) {
            throw new Problem(415, "Without JavaScript this server takes no file: put it into the inbox");
        }
        // before the checks: the body of a refused request is read, too
        VertxForm.Part file =
                isForm ? VertxForm.read(exchange) : new VertxForm.Part(null, Operations.open(exchange, isServlet));
        Map<String, String> query = Operations.query(exchange, "template", "notify", "token", "fileName");
        checkToken(exchange, query.remove("token"));
        query.putIfAbsent("fileName", file.name());
        Operations.setCsv(exchange, file.bytes(), query);
    }

    /** The job has its page. */
    public void sent(Exchange exchange) {
        show(exchange, exchange.getProperty(CsvImportConstants.JOB, String.class));
    }

    public void previewed(Exchange exchange) throws IOException {
        PreviewResult result = PreviewResult.read(exchange.getMessage().getBody(InputStream.class), SHOWN_ROWS);
        page(exchange, "previewed", () -> Map.of("result", result));
    }

    /** Shows the file afterwards, unless there is a question first. */
    private void act(Exchange exchange, ThrowingConsumer<FileLine, Exception> action) {
        try {
            checkToken(exchange);
            FileLine line = find(exchange);
            action.accept(line);
            if (!exchange.isRouteStop()) {
                show(exchange, line.id());
            }
        } catch (Exception e) {
            fail(exchange, e);
        }
    }

    /** Sends the browser to the page of a job. */
    private static void show(Exchange exchange, String job) {
        answer(exchange, 303, HTML, "");
        exchange.getMessage().setHeader("Location", root(exchange) + "desk/files/" + job);
    }

    private FileLine find(Exchange exchange) throws Problem, CsvImportUnsettledException {
        long id = number(exchange.getMessage().getHeader("id", "", String.class));
        return new FileLine(jobs.json(jobs.find(String.valueOf(id), "job")));
    }

    /** Answers a failure as a page. */
    public void fail(Exchange exchange) {
        fail(exchange, exchange.getProperty(Exchange.EXCEPTION_CAUGHT, Throwable.class));
    }

    private void fail(Exchange exchange, Throwable failure) {
        Problem problem = Operations.problem(exchange, failure);
        page(exchange, "problem", () -> Map.of("problem", problem));
        exchange.getMessage().setHeader(Exchange.HTTP_RESPONSE_CODE, problem.status());
    }

    /** From the request's path up to where the desk is: its links work behind a proxy with a path of its own. */
    private static String root(Exchange exchange) {
        String path = exchange.getProperty(PATH, "", String.class);
        int levels = path.substring(path.lastIndexOf("/desk") + 1).split("/", -1).length - 1;
        return "../".repeat(levels);
    }

    /** Keeps what later steps need of the request. */
    private static void enter(Exchange exchange) {
        if (exchange.getProperty(PATH) == null) {
            exchange.setProperty(PATH, exchange.getMessage().getHeader(Exchange.HTTP_PATH));
            Matcher token = COOKIE_TOKEN.matcher(exchange.getMessage().getHeader("Cookie", "", String.class));
            exchange.setProperty(TOKEN, token.find() ? token.group(1) : null);
        }
    }

    // tokens

    private static String token(Exchange exchange) {
        return exchange.getProperty(TOKEN, String.class);
    }

    private static void checkToken(Exchange exchange) throws Problem {
        checkToken(exchange, exchange.getMessage().getHeader("token", String.class));
    }

    private static void checkToken(Exchange exchange, String given) throws Problem {
        enter(exchange);
        Operations.checkOrigin(exchange.getMessage());
        String own = token(exchange);
        if (own == null || !own.equals(given)) {
            throw new Problem(
                    403,
                    "The form is not of this browser, or its cookie is gone. Load the page again, and repeat what you did");
        }
    }

    // answers

    /** @param page answers the parameters of the template, by their names */
    private void page(Exchange exchange, String template, Callable<Map<String, Object>> page) {
        enter(exchange);
        boolean isNew = token(exchange) == null;
        if (isNew) {
            exchange.setProperty(TOKEN, UUID.randomUUID().toString());
        }
        StringOutput html = new StringOutput();
        try {
            Map<String, Object> model = new LinkedHashMap<>(page.call());
            model.put("root", root(exchange));
            model.put("token", token(exchange));
            templates.render(template + ".jte", model, html);
        } catch (Exception e) {
            if (template.equals("problem")) {
                throw new IllegalStateException(e);
            }
            fail(exchange, e);
            return;
        }
        answer(exchange, 200, HTML, html.toString().getBytes(StandardCharsets.UTF_8));
        if (isNew) {
            exchange.getMessage()
                    .setHeader("Set-Cookie", COOKIE + "=" + token(exchange) + "; Path=/; HttpOnly; SameSite=Lax");
        }
    }

    private static void answer(Exchange exchange, int status, String type, Object body) {
        Message message = exchange.getMessage();
        message.setBody(body);
        message.removeHeaders("*");
        message.setHeader(Exchange.HTTP_RESPONSE_CODE, status);
        message.setHeader(Exchange.CONTENT_TYPE, type);
        message.setHeader("Content-Security-Policy", POLICY);
        message.setHeader("X-Content-Type-Options", "nosniff");
        message.setHeader("Referrer-Policy", "same-origin");
        message.setHeader("Cache-Control", "no-store");
    }
}
