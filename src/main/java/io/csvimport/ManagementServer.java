package io.csvimport;

import io.netty.handler.codec.TooLongFrameException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.vertx.core.Handler;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.impl.ConnectionBase;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.time.Duration;
import java.util.Comparator;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpRouter;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpServer;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpServerConfiguration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The server of the management port, in place of Camel's own, which leaves every connection open and every body in
 * memory. Closes a connection on which nothing happens for {@link #IDLE}, unless its request is being answered, and one
 * whose request is not whole after {@link #SLOWEST}. Beyond {@link #MOST_CONNECTIONS} the one that has been idle for
 * longest makes room.
 */
final class ManagementServer extends VertxPlatformHttpServer {

    static final int MOST_CONNECTIONS = 64;

    private static final Logger LOG = LoggerFactory.getLogger(ManagementServer.class);

    private static final Duration IDLE = Duration.ofSeconds(30);
    private static final Duration SLOWEST = Duration.ofMinutes(5);
    private static final int LONGEST_LINE = 1 << 16;
    private static final int LARGEST_HEADER = 1 << 15;
    private static final long LOOK_MILLIS = 1000;
    private static final int WORKERS = 20;
    private static final Duration LONGEST_STOP = Duration.ofSeconds(5);

    /** A connection with its latest request; times in nanoseconds. */
    private static final class Connection {

        private HttpServerRequest request;
        private long began;
        private long bytes;
        private long progress = System.nanoTime();

        void begin(HttpServerRequest next) {
            request = next;
            began = System.nanoTime();
            progress = began;
            bytes = 0;
        }

        boolean isIdle() {
            return request == null
                    || request.response().ended()
                    || request.response().closed();
        }

        boolean isOverdue(long now) {
            boolean idle = isIdle();
            boolean answering = !idle && request.isEnded();
            if (answering || !idle && request.bytesRead() > bytes) {
                bytes = request.bytesRead();
                progress = now;
            }
            return now - progress >= IDLE.toNanos() || !idle && !answering && now - began >= SLOWEST.toNanos();
        }
    }

    private final String host;
    private final int port;
    private final PostedBodies bodies;
    private final Map<HttpConnection, Connection> connections = new ConcurrentHashMap<>();
    private Vertx vertx;
    private Router root;
    private HttpServer server;

    ManagementServer(Settings settings, PostedBodies bodies) {
        super(configuration(settings));
        host = settings.get("management.host");
        port = settings.number("management.port");
        this.bodies = bodies;
    }

    private static VertxPlatformHttpServerConfiguration configuration(Settings settings) {
        VertxPlatformHttpServerConfiguration configuration = new VertxPlatformHttpServerConfiguration();
        configuration.setBindHost(settings.get("management.host"));
        configuration.setBindPort(settings.number("management.port"));
        configuration.setServerType(VertxPlatformHttpRouter.SERVER_TYPE_MANAGEMENT);
        return configuration;
    }

    @Override
    public HttpServer getServer() {
        return server;
    }

    @Override
    public Vertx getVertx() {
        return vertx;
    }

    @Override
    public int getPort() {
        return server == null ? port : server.actualPort();
    }

    @Override
    protected void initializeServer() {
        vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1).setWorkerPoolSize(WORKERS));
        root = Router.router(vertx);
        root.route().handler(this::note);
        Router routes = Router.router(vertx);
        root.route("/*").subRouter(routes);
        String name = VertxPlatformHttpRouter.getRouterNameFromPort(port);
        VertxPlatformHttpRouter router =
                new VertxPlatformHttpRouter(this, vertx, routes, name, VertxPlatformHttpRouter.SERVER_TYPE_MANAGEMENT) {
                    @Override
                    public Handler<RoutingContext> bodyHandler() {
                        return new BodyToFile(bodies);
                    }
                };
        getCamelContext().getRegistry().bind(name, router);
    }

    @Override
    protected void startServer() throws Exception {
        server = vertx.createHttpServer(new HttpServerOptions()
                .setHost(host)
                .setPort(port)
                .setHttp2ClearTextEnabled(false)
                .setMaxInitialLineLength(LONGEST_LINE)
                .setMaxHeaderSize(LARGEST_HEADER));
        server.connectionHandler(this::welcome);
        server.invalidRequestHandler(ManagementServer::refuse);
        server.requestHandler(root);
        vertx.setPeriodic(LOOK_MILLIS, timer -> closeOverdue());
        server.listen().toCompletionStage().toCompletableFuture().get();
    }

    private void welcome(HttpConnection connection) {
        if (connections.size() >= MOST_CONNECTIONS) {
            HttpConnection longestIdle = connections.entrySet().stream()
                    .filter(entry -> entry.getValue().isIdle())
                    .min(Comparator.comparingLong(entry -> entry.getValue().progress))
                    .map(Map.Entry::getKey)
                    .orElse(connection);
            close(longestIdle);
            if (longestIdle == connection) {
                return;
            }
        }
        connections.put(connection, new Connection());
        connection.closeHandler(closed -> connections.remove(connection));
    }

    private void note(RoutingContext ctx) {
        Connection connection = connections.get(ctx.request().connection());
        if (connection != null) {
            connection.begin(ctx.request());
        }
        ctx.next();
    }

    private void closeOverdue() {
        long now = System.nanoTime();
        connections.forEach((connection, state) -> {
            if (state.isOverdue(now)) {
                close(connection);
            }
        });
    }

    /** At once: a graceful close would wait for a client that does not read. */
    private void close(HttpConnection connection) {
        connections.remove(connection);
        ((ConnectionBase) connection).channel().close();
    }

    private static void refuse(HttpServerRequest request) {
        Throwable cause = request.decoderResult().cause();
        Problem problem = cause instanceof TooLongHttpLineException
                ? new Problem(414, "The path and its query are longer than " + LONGEST_LINE + " bytes")
                : cause instanceof TooLongFrameException
                        ? new Problem(431, "The headers are longer than " + LARGEST_HEADER + " bytes")
                        : new Problem(400, "The request is no valid HTTP");
        request.response()
                .setStatusCode(problem.status())
                .putHeader(HttpHeaders.CONTENT_TYPE, Problem.CONTENT_TYPE)
                .putHeader(HttpHeaders.CONNECTION, HttpHeaders.CLOSE)
                .end(problem.json());
        request.connection().close();
    }

    @Override
    protected void stopServer() {
        if (server != null) {
            server.close();
        }
    }

    @Override
    protected void stopVertx() {
        try {
            vertx.close().toCompletionStage().toCompletableFuture().get(LONGEST_STOP.toSeconds(), TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (Exception e) {
            LOG.debug("The management port is closed with the process", e);
        }
    }
}
