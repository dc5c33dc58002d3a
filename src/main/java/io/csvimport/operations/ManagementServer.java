package io.csvimport.operations;

import io.csvimport.settings.Settings;
import io.netty.handler.codec.TooLongFrameException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.Router;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpRouter;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpServer;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpServerConfiguration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The server of the management port, in place of Camel's own, which does not limit its connections: see {@link
 * ConnectionLimits}. Without HTTP/2, a body that is not read yet stays with the client.
 */
public final class ManagementServer extends VertxPlatformHttpServer {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");

    private static final int LONGEST_LINE = 1 << 16;
    private static final int LARGEST_HEADER = 1 << 15;
    private static final int WORKERS = 20;
    private static final Duration LONGEST_STOP = Duration.ofSeconds(5);

    private final String host;
    private final int port;
    private final ConnectionLimits limits = new ConnectionLimits();
    private Vertx vertx;
    private Router root;
    private HttpServer server;

    public ManagementServer(Settings settings) {
        super(configuration(settings));
        host = settings.get("management.host");
        port = settings.number("management.port");
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
        root.route().handler(ctx -> {
            limits.requested(ctx.request());
            ctx.next();
        });
        Router routes = Router.router(vertx);
        root.route("/*").subRouter(routes);
        String name = VertxPlatformHttpRouter.getRouterNameFromPort(port);
        getCamelContext()
                .getRegistry()
                .bind(
                        name,
                        new VertxPlatformHttpRouter(
                                this, vertx, routes, name, VertxPlatformHttpRouter.SERVER_TYPE_MANAGEMENT));
    }

    @Override
    protected void startServer() throws Exception {
        server = vertx.createHttpServer(new HttpServerOptions()
                .setHost(host)
                .setPort(port)
                .setHttp2ClearTextEnabled(false)
                .setMaxInitialLineLength(LONGEST_LINE)
                .setMaxHeaderSize(LARGEST_HEADER));
        server.connectionHandler(limits::connected);
        server.invalidRequestHandler(ManagementServer::refuse);
        server.requestHandler(root);
        vertx.setPeriodic(ConnectionLimits.PERIOD.toMillis(), timer -> limits.closeOverdue());
        server.listen().toCompletionStage().toCompletableFuture().get();
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
