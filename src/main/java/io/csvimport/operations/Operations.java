package io.csvimport.operations;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.csvimport.CsvImportUnsettledException;
import io.csvimport.job.CsvImportConstants;
import io.csvimport.job.FatalErrors;
import io.csvimport.settings.SettingChecks;
import io.csvimport.text.Visible;
import io.vertx.core.http.HttpServerRequest;
import java.io.Closeable;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.support.SynchronizationAdapter;
import org.apache.camel.util.IOHelper;
import org.apache.hc.core5.http.NameValuePair;
import org.apache.hc.core5.net.WWWFormCodec;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The steps of {@code csv-import-from-http} and of the routes {@code csv-import-jobs-*}: reads the parameters of a request
 * and answers JSON. A parameter that is not known is refused: it may be misspelt. No other part of the request
 * reaches the pipeline.
 */
public final class Operations {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");
    private static final ObjectMapper JSON = new ObjectMapper();

    /** The types of parameters, as {@link SettingChecks} has them; another one may have any text. */
    private static final Map<String, String> TYPES = Map.of(
            "by", "job|import",
            "force", "true|false",
            "page", "1..100000000",
            "size", "1..1000",
            "state", String.join("|", Jobs.STATES));

    private static final String FORM = "application/x-www-form-urlencoded";
    private static final String TOO_LARGE = "The CSV is larger than 10 MB: put it into the inbox";

    /** An exchange property: the {@link PostedCsv}. */
    private static final String POSTED = "csvImportPostedCsv";

    private final Jobs jobs;
    private final boolean isServlet;

    /** @param isServlet whether the platform's HTTP server is a servlet container, and not Vert.x */
    public Operations(Jobs jobs, boolean isServlet) {
        this.jobs = jobs;
        this.isServlet = isServlet;
    }

    public boolean isServlet() {
        return isServlet;
    }

    public void list(Exchange exchange) {
        answer(exchange, 200, () -> {
            Map<String, String> query =
                    query(exchange, "state", "template", "importId", "fileName", "from", "page", "size");
            int page = Integer.parseInt(query.getOrDefault("page", "1"));
            return jobs.list(query, page, Integer.parseInt(query.getOrDefault("size", "50")));
        });
    }

    public void get(Exchange exchange) {
        answer(exchange, 200, () -> jobs.json(find(exchange, query(exchange, "by"))));
    }

    public void retry(Exchange exchange) {
        answer(exchange, 202, () -> jobs.json(jobs.retry(find(exchange, query(exchange, "by")))));
    }

    public void settle(Exchange exchange) {
        answer(exchange, 200, () -> {
            Map<String, String> query = query(exchange, "importId", "by");
            return jobs.json(jobs.settle(find(exchange, query), query.get("importId")));
        });
    }

    /** The parameters of a posted CSV become its only headers. */
    public void receive(Exchange exchange) throws Problem {
        receive(exchange, "template", "notify", "fileName");
    }

    private void receive(Exchange exchange, String... known) throws Problem {
        setCsv(exchange, open(exchange, isServlet), query(exchange, known));
    }

    /**
     * The body of a request that is the CSV itself. What is left of it is dropped when the exchange is done: the
     * connection can be used again.
     *
     * @param isServlet whether the platform's HTTP server is a servlet container, and not Vert.x
     * @throws Problem if it is a form, is compressed, or is larger than 10 MB
     */
    public static InputStream open(Exchange exchange, boolean isServlet) throws Problem {
        Message message = exchange.getMessage();
        Object body = message.getBody();
        // on a servlet container it is a stream; else there is none, or the container has read a form
        InputStream stream = body instanceof InputStream servlet
                ? servlet
                : body == null || isServlet ? InputStream.nullInputStream() : new VertxBody((HttpServerRequest) body);
        closeWhenDone(exchange, stream);
        String type = contentType(message);
        if (type.startsWith("multipart/")
                || isServlet && type.startsWith(FORM)
                || message.getHeader(Exchange.CONTENT_ENCODING) != null) {
            throw new Problem(
                    415,
                    "The body must be the CSV itself: send it as text/csv, neither in a form, which is multipart or"
                            + " urlencoded, nor compressed");
        }
        if (message.getHeader(Exchange.CONTENT_LENGTH, 0L, Long.class) > PostedCsv.LARGEST) {
            throw new Problem(413, TOO_LARGE);
        }
        return stream;
    }

    /** In lower case; empty where there is none. */
    public static String contentType(Message message) {
        return message.getHeader(Exchange.CONTENT_TYPE, "", String.class).toLowerCase(Locale.ROOT);
    }

    public static void closeWhenDone(Exchange exchange, Closeable stream) {
        exchange.getExchangeExtension().addOnCompletion(new SynchronizationAdapter() {
            @Override
            public void onDone(Exchange done) {
                IOHelper.close(stream);
            }
        });
    }

    /** The CSV is the body, and no header is there but these. */
    public static void setCsv(Exchange exchange, InputStream stream, Map<String, String> names) {
        PostedCsv csv = new PostedCsv(stream);
        Message message = exchange.getMessage();
        exchange.setProperty(POSTED, csv);
        // a stream cache would hold it in memory
        exchange.getExchangeExtension().setStreamCacheDisabled(true);
        message.setBody(csv);
        message.removeHeaders("*");
        names.forEach(message::setHeader);
    }

    /** Bad input is refused at once, and has a job and an audit event nevertheless. */
    public void received(Exchange exchange) throws Problem, CsvImportUnsettledException {
        long job = exchange.getProperty(CsvImportConstants.JOB, Long.class);
        if ("rejected".equals(exchange.getProperty(CsvImportConstants.OUTCOME))) {
            throw new Problem(
                    422,
                    exchange.getProperty(CsvImportConstants.DETAIL, String.class),
                    Map.of("reason", exchange.getProperty(CsvImportConstants.REASON), "job", job));
        }
        answer(exchange, 202, jobs.json(jobs.find(String.valueOf(job), "job")));
        exchange.getMessage().setHeader("Location", "/csv-imports/" + job);
    }

    /** As {@link #receive}, for a preview. */
    public void toPreview(Exchange exchange) throws Problem {
        receive(exchange, "template", "fileName");
    }

    /** Finds the job, or takes an import that the ledger does not know if that is forced. */
    public void toVoid(Exchange exchange) throws Problem, CsvImportUnsettledException {
        Map<String, String> query = query(exchange, "force", "by");
        Message message = exchange.getMessage();
        String id = message.getHeader("id", String.class);
        try {
            long job = find(exchange, query);
            message.removeHeaders("*");
            message.setHeader(CsvImportConstants.JOB, job);
        } catch (Problem problem) {
            if (!"true".equals(query.get("force")) || problem.status() != 404 || "job".equals(query.get("by"))) {
                throw problem;
            }
            message.removeHeaders("*");
            message.setHeader(CsvImportConstants.IMPORT_ID, id);
            message.setHeader("csvImportForce", true);
        }
    }

    public void voided(Exchange exchange) throws CsvImportUnsettledException {
        Message message = exchange.getMessage();
        boolean done = !"voiding".equals(message.getHeader(CsvImportConstants.OUTCOME));
        answer(exchange, done ? 200 : 202, jobs.json(message.getHeader(CsvImportConstants.JOB, Long.class)));
    }

    /** Answers a failure as problem details; the details of an unexpected one are only logged. */
    public void fail(Exchange exchange) {
        fail(exchange, exchange.getProperty(Exchange.EXCEPTION_CAUGHT, Throwable.class));
    }

    /** What a failure means to who has asked. */
    public static Problem problem(Exchange exchange, Throwable failure) {
        FatalErrors.endIfOutOfMemory(failure);
        PostedCsv csv = exchange.getProperty(POSTED, PostedCsv.class);
        Problem problem = csv != null && csv.isTooLarge() ? new Problem(413, TOO_LARGE) : Problem.of(failure);
        if (problem == null) {
            LOG.error("An operation over HTTP failed", failure);
            problem = new Problem(500, "The operation failed; the log says why");
        }
        return problem;
    }

    private static void fail(Exchange exchange, Throwable failure) {
        Problem problem = problem(exchange, failure);
        answer(exchange, problem.status(), problem.json(), Problem.CONTENT_TYPE);
        if (failure instanceof CsvImportUnsettledException unsettled) {
            long seconds =
                    Duration.between(Instant.now(), unsettled.getNextAttempt()).toSeconds();
            exchange.getMessage().setHeader("Retry-After", Math.max(1, seconds));
        }
    }

    private static void answer(Exchange exchange, int status, Callable<Object> call) {
        try {
            answer(exchange, status, call.call());
        } catch (Exception e) {
            fail(exchange, e);
        }
    }

    private long find(Exchange exchange, Map<String, String> query) throws Problem, CsvImportUnsettledException {
        return jobs.find(exchange.getMessage().getHeader("id", String.class), query.get("by"));
    }

    /**
     * The parameters of the request's query; blank ones are left out.
     *
     * @throws Problem if one is not known, has a wrong value, or is given twice, and if a web page of another origin asks
     */
    public static Map<String, String> query(Exchange exchange, String... known) throws Problem {
        checkOrigin(exchange.getMessage());
        return parameters(exchange, known);
    }

    /** The same for a page, to which any other may link. */
    public static Map<String, String> parameters(Exchange exchange, String... known) throws Problem {
        Message request = exchange.getMessage();
        Map<String, String> query = new LinkedHashMap<>();
        // a servlet container has the other one alone, and has not decoded it
        String raw = request.getHeader(
                Exchange.HTTP_RAW_QUERY, request.getHeader(Exchange.HTTP_QUERY, "", String.class), String.class);
        for (NameValuePair parameter : WWWFormCodec.parse(raw, StandardCharsets.UTF_8)) {
            String name = parameter.getName();
            if (!List.of(known).contains(name)) {
                throw new Problem(
                        400,
                        "There is no parameter '" + Visible.of(name) + "' here: expected is "
                                + (known.length == 0 ? "none" : "any of " + String.join(", ", known)));
            }
            String value = Objects.requireNonNullElse(parameter.getValue(), "");
            String problem = TYPES.containsKey(name) && !value.isBlank()
                    ? SettingChecks.check(TYPES.get(name)).apply(value)
                    : null;
            if (problem != null) {
                throw new Problem(400, "The parameter " + name + " is '" + Visible.of(value) + "': " + problem);
            }
            if (query.putIfAbsent(name, value) != null) {
                throw new Problem(400, "The parameter " + name + " is given twice");
            }
        }
        query.values().removeIf(String::isBlank);
        return query;
    }

    /** @throws Problem if a web page of another origin asks */
    public static void checkOrigin(Message request) throws Problem {
        if (isOfAnotherOrigin(request)) {
            throw new Problem(403, "Requests from web pages of other origins are refused");
        }
    }

    /** A proxy in front may change the host; then the browser's own word counts. */
    private static boolean isOfAnotherOrigin(Message request) {
        String site = request.getHeader("Sec-Fetch-Site", String.class);
        String host = request.getHeader(Exchange.HTTP_URL, "", String.class).replaceFirst("^https?://([^/]*).*", "$1");
        return site != null
                ? !List.of("same-origin", "none").contains(site)
                : isOfAnotherOrigin(request.getHeader("Origin", String.class), host);
    }

    /**
     * @param origin of the page that asks; null where it is no page
     * @param host that is asked, with its port where that is not the scheme's own
     */
    static boolean isOfAnotherOrigin(String origin, String host) {
        return origin != null && !origin.replaceFirst("^https?://", "").equals(host);
    }

    static void answer(Exchange exchange, int status, Object body) {
        answer(exchange, status, JSON.valueToTree(body).toString(), "application/json");
    }

    private static void answer(Exchange exchange, int status, String json, String contentType) {
        Message message = exchange.getMessage();
        message.removeHeaders("*");
        message.setHeader(Exchange.HTTP_RESPONSE_CODE, status);
        message.setHeader(Exchange.CONTENT_TYPE, contentType);
        message.setBody(json.getBytes(StandardCharsets.UTF_8));
    }
}
