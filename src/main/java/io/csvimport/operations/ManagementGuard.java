package io.csvimport.operations;

import io.csvimport.settings.Settings;
import io.vertx.core.Handler;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.HostAndPort;
import io.vertx.ext.web.Route;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.camel.CamelContext;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpRouter;

/**
 * Checks each request to the management port except those for health and metrics: its credential, its host and its
 * origin. Camel's own authentication needs a file of passwords, and does not stop a web page in the operator's browser
 * from sending requests to the loopback interface. Requests without a route are answered as problem details, too.
 */
public final class ManagementGuard implements Handler<RoutingContext> {

    private static final String NAME = "csv-import-guard";
    /** What the management port serves to everybody. */
    private static final Pattern OPEN = Pattern.compile("/observe/(health(/.*)?|metrics)");
    /** What is checked on a server of the user's own, below any path. */
    private static final Pattern GUARDED = Pattern.compile("(?i).*/(csv-imports|desk|openapi\\.json)(\\W.*)?");

    private static final String LOOPBACK = "(?i)localhost|127(\\.\\d{1,3}){3}|\\[?::1]?";

    private static final Map<Integer, String> PROBLEMS = Map.of(
            400, "The request is no valid HTTP",
            404, "Nothing is served at this path: /openapi.json lists the paths",
            405, "The path has other methods: see the header Allow",
            406, "The answer is JSON: ask for application/json",
            500, "The request failed; the log says why");

    private final String host;
    private final boolean loopback;
    private final byte[] credential;
    private final VertxPlatformHttpRouter router;
    private final BooleanSupplier started;

    private ManagementGuard(Settings settings, BooleanSupplier started, VertxPlatformHttpRouter router) {
        this.started = started;
        this.router = router;
        host = router.getServer().getHost();
        loopback = isLoopback(host);
        credential = settings.find("management.username")
                .map(username ->
                        (username + ":" + settings.get("management.password")).getBytes(StandardCharsets.UTF_8))
                .orElse(null);
    }

    /**
     * Puts a guard before all routes of each HTTP server: Camel serves REST on a server of the user's own, too.
     *
     * @param started until this is true, requests are answered with 503
     */
    public static void install(CamelContext context, Settings settings, BooleanSupplier started) {
        for (VertxPlatformHttpRouter router : context.getRegistry().findByType(VertxPlatformHttpRouter.class)) {
            if (router.getRoutes().stream().anyMatch(route -> NAME.equals(route.getName()))) {
                continue;
            }
            ManagementGuard guard = new ManagementGuard(settings, started, router);
            router.route().setName(NAME).order(Integer.MIN_VALUE).handler(guard);
            Router root = (Router) router.getServer().getServer().requestHandler();
            PROBLEMS.forEach((status, detail) -> root.errorHandler(status, ctx -> guard.fail(ctx, status, detail)));
        }
    }

    /** Whether operations are served: on the loopback interface, or with a credential. */
    public static boolean isOperable(Settings settings) {
        return isLoopback(settings.get("management.host"))
                || settings.find("management.username").isPresent();
    }

    private static boolean isLoopback(String host) {
        try {
            return InetAddress.getByName(host).isLoopbackAddress();
        } catch (UnknownHostException e) {
            return false;
        }
    }

    @Override
    public void handle(RoutingContext ctx) {
        HttpServerRequest request = ctx.request();
        if (isOpen(ctx.normalizedPath())) {
            ctx.next();
        } else if (!started.getAsBoolean()) {
            ctx.response().putHeader("Retry-After", "1");
            fail(ctx, 503, "The routes are being started: try again in a second");
        } else if (credential == null && !loopback) {
            fail(
                    ctx,
                    403,
                    "Only health and metrics are served beyond the loopback interface, until csv-import.management.username"
                            + " and csv-import.management.password are set");
        } else if (credential != null && !isAuthorized(request.getHeader(HttpHeaders.AUTHORIZATION))) {
            ctx.response().putHeader("WWW-Authenticate", "Basic realm=\"csv-import-routes\", charset=\"UTF-8\"");
            fail(ctx, 401, "The user name or the password is missing or wrong");
        } else if (credential == null && !isOwnName(request.authority())) {
            fail(ctx, 403, "The request names another host: use " + host);
        } else if (Operations.isOfAnotherOrigin(
                request.getHeader(HttpHeaders.ORIGIN), String.valueOf(request.authority()))) {
            fail(ctx, 403, "Requests from web pages of other origins are refused");
        } else if (router.isManagementServer() && ctx.normalizedPath().equals("/")) {
            ctx.reroute("/desk");
        } else {
            ctx.next();
        }
    }

    /** On a server of the user's own, other paths belong to the user. */
    private boolean isOpen(String path) {
        return router.isManagementServer()
                ? OPEN.matcher(path).matches()
                : !GUARDED.matcher(path).matches();
    }

    private boolean isAuthorized(String header) {
        try {
            return header != null
                    && header.regionMatches(true, 0, "Basic ", 0, 6)
                    && MessageDigest.isEqual(
                            credential,
                            Base64.getDecoder().decode(header.substring(6).strip()));
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    /** A web page may have its own name resolve to the loopback interface (DNS rebinding). */
    private boolean isOwnName(HostAndPort authority) {
        return authority != null
                && (authority.host().matches(LOOPBACK) || authority.host().equalsIgnoreCase(host));
    }

    private void fail(RoutingContext ctx, int status, String detail) {
        if (status == 405) {
            String methods = router.getRoutes().stream()
                    .filter(route -> route.methods() != null && isAt(ctx.normalizedPath(), route))
                    .flatMap(route -> route.methods().stream())
                    .map(HttpMethod::name)
                    .distinct()
                    .sorted()
                    .collect(Collectors.joining(", "));
            ctx.response().putHeader(HttpHeaders.ALLOW, methods);
        }
        ctx.response()
                .setStatusCode(status)
                .putHeader(HttpHeaders.CONTENT_TYPE, Problem.CONTENT_TYPE)
                .end(new Problem(status, detail).json());
    }

    private static boolean isAt(String path, Route route) {
        return route.getPath() != null && path.matches(route.getPath().replaceAll(":\\w+", "[^/]+"));
    }
}
