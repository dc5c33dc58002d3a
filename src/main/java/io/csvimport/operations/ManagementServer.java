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
 * ConnectionLimits}. HTTP/2 is off, so that a body that is not read yet stays with the client.
 */
public final class ManagementServer extends VertxPlatformHttpServer {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");

    private static final int LONGEST_LINE = 1 << 16;
    private static final int LARGEST_HEADER = 1 << 15;
    private static final int WORKERS = 20;
    private static final Duration LONGEST_STOP = Duration.ofSeconds(5);

    private final ConnectionLimits limits = new ConnectionLimits();
    private HttpServer server;

    public ManagementServer(Settings settings) {
        super(configuration(settings));
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
    public int getPort() {
        return server == null ? getConfigurationPort() : server.actualPort();
    }

    @Override
    protected Vertx createVertxInstance() {
        return Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1).setWorkerPoolSize(WORKERS));
    }

    @Override
    protected void startServer() throws Exception {
        String name = VertxPlatformHttpRouter.getRouterNameFromPort(getConfigurationPort());
        Router router = VertxPlatformHttpRouter.lookup(getCamelContext(), name);
        router.route().order(Integer.MIN_VALUE).handler(ctx -> {
            limits.requested(ctx.request());
            ctx.next();
        });
        server = getVertx()
                .createHttpServer(new HttpServerOptions()
                        .setHost(getHost())
                        .setPort(getConfigurationPort())
                        .setHttp2ClearTextEnabled(false)
                        .setMaxInitialLineLength(LONGEST_LINE)
                        .setMaxHeaderSize(LARGEST_HEADER));
        server.connectionHandler(limits::connected);
        server.invalidRequestHandler(ManagementServer::refuse);
        server.requestHandler(router);
        getVertx().setPeriodic(ConnectionLimits.PERIOD.toMillis(), timer -> limits.closeOverdue());
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
            getVertx()
                    .close()
                    .toCompletionStage()
                    .toCompletableFuture()
                    .get(LONGEST_STOP.toSeconds(), TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (Exception e) {
            LOG.debug("The management port is closed with the process", e);
        }
    }
}
