package io.csvimport.sandbox;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.file.FileSystemOptions;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/**
 * The documented csv-import API in miniature, on a port of its own on the loopback interface: strict about every rule
 * of the document, remembers what it saw, and fails on demand. Errors are JSON, {@code {"error": "…"}}. All methods
 * may be called from any thread but the sandbox's own.
 */
public final class Sandbox implements AutoCloseable {
    /** How the answer to an upload carries the id: {@code {"id": "1"}}, {@code "1"}, {@code 1}, or 1 as plain text. */
    public enum IdForm {
        OBJECT,
        STRING,
        NUMBER,
        TEXT
    }

    private static final DateTimeFormatter HTTP_DATE = DateTimeFormatter.ofPattern(
                    "EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.US)
            .withZone(ZoneOffset.UTC);
    private static final long MOST_KEPT = Runtime.getRuntime().maxMemory() / 4;

    private final Vertx vertx = Vertx.vertx(new VertxOptions()
            .setEventLoopPoolSize(1)
            .setWorkerPoolSize(1)
            .setFileSystemOptions(
                    new FileSystemOptions().setFileCachingEnabled(false).setClassPathResolvingEnabled(false)));
    final String organization;
    final String key;
    final String secret;
    private final Set<String> templates;
    private final Map<String, String> templateNames = new HashMap<>();
    final SandboxImports imports = new SandboxImports();
    private final List<SandboxExchange> exchanges = new ArrayList<>();
    private final Deque<SandboxExchange> kept = new ArrayDeque<>();
    private final Deque<SandboxFault> nextFaults = new ArrayDeque<>();
    private final Map<SandboxCall.Kind, SandboxFault> standingFaults = new EnumMap<>(SandboxCall.Kind.class);
    private final Map<SandboxCall.Kind, UnaryOperator<SandboxAnswer>> variations =
            new EnumMap<>(SandboxCall.Kind.class);
    private final int port;
    private long keptBytes;
    private IdForm idForm = IdForm.OBJECT;
    private Duration skew = Duration.ZERO;
    private HttpServer server;

    private Sandbox(int port, String organization, String key, String secret, Set<String> templates) {
        this.organization = organization;
        this.key = key;
        this.secret = secret;
        this.templates = Set.copyOf(templates);
        this.port = listen(port);
    }

    /**
     * Starts a sandbox on 127.0.0.1.
     *
     * @param port 0 for any free one
     * @param templates the names of the known templates; none: every template is known
     * @throws UncheckedIOException when the port is taken
     */
    public static Sandbox start(int port, String organization, String key, String secret, Set<String> templates) {
        return new Sandbox(port, organization, key, secret, templates);
    }

    /** {@return scheme, host and port, as in the setting api.url} */
    public String url() {
        return "http://127.0.0.1:" + port;
    }

    /** {@return the port it listens on} */
    public int port() {
        return port;
    }

    /** Goes away as an API does that is down: cuts all connections, frees the port, forgets nothing. */
    public void disconnect() {
        await(server.close());
    }

    /** Comes back on the same port, after {@link #disconnect()}. */
    public void reconnect() {
        listen(port);
    }

    /** Ends it: the port is free once this returns, and whatever hung is cut. */
    @Override
    public void close() {
        await(vertx.close());
    }

    /** Lets a known template be given by this id, too; its imports are listed by the template's name only. */
    public synchronized void nameTemplate(String id, String name) {
        templateNames.put(id, name);
    }

    /** Sets how the answer to an upload carries the id. */
    public synchronized void answerIdAs(IdForm form) {
        idForm = form;
    }

    /** Gives the imports to come these ids, in order; afterwards they are numbers again. */
    public void nextIds(String... ids) {
        imports.nextIds(List.of(ids));
    }

    /** Varies the documented answer to accepted uploads. */
    public void answerUploadsWith(UnaryOperator<SandboxAnswer> variation) {
        vary(SandboxCall.Kind.UPLOAD, variation);
    }

    /** Varies the documented answer to lists of imports. */
    public void answerListsWith(UnaryOperator<SandboxAnswer> variation) {
        vary(SandboxCall.Kind.LIST, variation);
    }

    /** Varies each import, as it is listed. */
    public void listImportsWith(Consumer<JsonObject> variation) {
        imports.variation(variation);
    }

    /** Sets the sandbox's clock, seen in {@code Date} and {@code created}, so far ahead of the machine's. */
    public synchronized void skewClock(Duration ahead) {
        skew = ahead;
    }

    /** Lets imports be listed only so long after they were accepted. */
    public void listLag(Duration lag) {
        imports.lag(lag);
    }

    /** Cuts the list to so many results, while its count tells them all; {@link Integer#MAX_VALUE} for no cut. */
    public void listCutShort(int results) {
        imports.limit(results, true);
    }

    /** Lists a page of so many results, and counts only these; {@link Integer#MAX_VALUE} for the whole list. */
    public void listPage(int results) {
        imports.limit(results, false);
    }

    /** Lists more statements of an import each time it is listed, as while it is still at work, until that is lifted. */
    public void listGrowing(boolean growing) {
        imports.growing(growing);
    }

    /** Lists statementIds and allStatementIds in place of the names that the document misspells. */
    public void listRightNames(boolean rightNames) {
        imports.rightNames(rightNames);
    }

    /** Tells failed rows, in lists and previews, as this JSON value in place of the documented object; null for that. */
    public void tellFailedRowsAs(String json) {
        imports.tellFailedRowsAs(json);
    }

    /** Queues faults: each strikes one of the uploads to come; they come before that of {@link #failAll}. */
    public synchronized void failNext(SandboxFault... faults) {
        nextFaults.addAll(List.of(faults));
    }

    /** Takes back the faults that no upload has met yet. */
    public synchronized void failNoMore() {
        nextFaults.clear();
    }

    /** Lets all uploads fail, until it is lifted with null. */
    public void failAll(SandboxFault fault) {
        fail(SandboxCall.Kind.UPLOAD, fault);
    }

    /** Lets all lists of imports fail, until it is lifted with null. */
    public void failList(SandboxFault fault) {
        fail(SandboxCall.Kind.LIST, fault);
    }

    /** Lets all previews fail, until it is lifted with null. */
    public void failPreview(SandboxFault fault) {
        fail(SandboxCall.Kind.PREVIEW, fault);
    }

    /** Lets all voids fail, until it is lifted with null; accepted means that the import is voided nonetheless. */
    public void failVoid(SandboxFault fault) {
        fail(SandboxCall.Kind.VOID, fault);
    }

    /**
     * {@return all requests in order of arrival, those on their way, too} When the kept bytes fill a quarter of the
     * heap, the bodies of the oldest are let go.
     */
    public synchronized List<SandboxRequest> requests() {
        return exchanges.stream().map(SandboxExchange::snapshot).toList();
    }

    /** {@return all accepted imports in order, the voided ones, too} */
    public List<SandboxImport> imports() {
        return imports.all();
    }

    private synchronized void vary(SandboxCall.Kind kind, UnaryOperator<SandboxAnswer> variation) {
        variations.put(kind, variation);
    }

    synchronized SandboxAnswer vary(SandboxCall.Kind kind, SandboxAnswer answer) {
        return variations.getOrDefault(kind, UnaryOperator.identity()).apply(answer);
    }

    synchronized IdForm idForm() {
        return idForm;
    }

    synchronized Instant now() {
        return Instant.now().plus(skew);
    }

    String date() {
        return HTTP_DATE.format(now());
    }

    synchronized String templateName(String nameOrId) {
        return templateNames.getOrDefault(nameOrId, nameOrId);
    }

    boolean knowsTemplate(String nameOrId) {
        return templates.isEmpty() || templates.contains(templateName(nameOrId));
    }

    synchronized SandboxFault takeFault(SandboxCall.Kind kind) {
        SandboxFault next = kind == SandboxCall.Kind.UPLOAD ? nextFaults.poll() : null;
        return next != null ? next : standingFaults.getOrDefault(kind, SandboxFault.none());
    }

    /** Its body counts as kept from now on. */
    synchronized void finished(SandboxExchange exchange) {
        kept.add(exchange);
        keptBytes += exchange.snapshot().body().length;
        while (keptBytes > MOST_KEPT) {
            SandboxExchange oldest = kept.remove();
            keptBytes -= oldest.snapshot().body().length;
            oldest.forgetBody();
        }
    }

    private synchronized void fail(SandboxCall.Kind kind, SandboxFault fault) {
        if (fault == null) {
            standingFaults.remove(kind);
        } else {
            standingFaults.put(kind, fault);
        }
    }

    private int listen(int wanted) {
        server = vertx.createHttpServer(new HttpServerOptions()
                .setHost("127.0.0.1")
                .setPort(wanted)
                .setHttp2ClearTextEnabled(false)
                .setMaxInitialLineLength(1 << 16)
                .setMaxHeaderSize(1 << 16)
                .setMaxChunkSize(1 << 16));
        server.requestHandler(this::handle);
        server.invalidRequestHandler(request -> request.response()
                .setStatusCode(400)
                .putHeader("Date", date())
                .end(new JsonObject()
                        .put("error", "no HTTP/1.1: " + request.decoderResult().cause())
                        .encode()));
        try {
            await(server.listen());
        } catch (UncheckedIOException e) {
            vertx.close();
            throw e;
        }
        return server.actualPort();
    }

    private void handle(HttpServerRequest request) {
        SandboxExchange exchange = new SandboxExchange(this, vertx, request);
        synchronized (this) {
            exchanges.add(exchange);
        }
        exchange.begin();
    }

    private static void await(Future<?> future) {
        try {
            future.toCompletionStage().toCompletableFuture().get(10, TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new UncheckedIOException(new IOException("sandbox: " + e.getMessage(), e));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
