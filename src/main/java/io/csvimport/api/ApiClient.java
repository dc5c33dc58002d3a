package io.csvimport.api;

import io.csvimport.settings.ApiTrust;
import io.csvimport.settings.Settings;
import java.io.IOException;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import javax.net.ssl.SSLException;
import org.apache.camel.component.http.HttpClientConfigurer;
import org.apache.camel.component.http.HttpComponent;
import org.apache.hc.client5.http.classic.ExecChain;
import org.apache.hc.client5.http.classic.methods.HttpUriRequestBase;
import org.apache.hc.client5.http.config.ConnectionConfig;
import org.apache.hc.client5.http.impl.ChainElement;
import org.apache.hc.client5.http.impl.DefaultClientConnectionReuseStrategy;
import org.apache.hc.client5.http.impl.DefaultConnectionKeepAliveStrategy;
import org.apache.hc.client5.http.impl.classic.HttpClientBuilder;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManager;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManagerBuilder;
import org.apache.hc.client5.http.ssl.DefaultClientTlsStrategy;
import org.apache.hc.core5.http.ClassicHttpRequest;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.ConnectionClosedException;
import org.apache.hc.core5.http.EndpointDetails;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.HttpException;
import org.apache.hc.core5.http.HttpHeaders;
import org.apache.hc.core5.http.HttpStatus;
import org.apache.hc.core5.http.NoHttpResponseException;
import org.apache.hc.core5.http.message.BasicHeader;
import org.apache.hc.core5.ssl.SSLContextBuilder;
import org.apache.hc.core5.util.TimeValue;
import org.apache.hc.core5.util.Timeout;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The HTTP component of the API's routes, {@code csv-import-http}: HTTP Basic is sent with every request, the client repeats
 * nothing and follows no redirect, and one deadline covers the whole of an exchange.
 */
public final class ApiClient implements HttpClientConfigurer {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");

    private static final String CALL = "csv-import-call";
    private static final Set<String> BROKEN_WRITE = Set.of("Broken pipe", "Connection reset by peer");

    /** Firewalls drop a connection that is idle for long, without closing it. */
    private static final TimeValue LONGEST_IDLE = TimeValue.ofSeconds(30);

    public interface Listener {
        /**
         * Is called after each request.
         *
         * @param status of the answer; 0 where there was none
         * @param nanos from the connection to the answer's head
         */
        void requested(String method, String path, int status, long nanos);
    }

    private final Settings settings;
    private final Pace pace;
    private final Listener listener;
    private final Duration limit;
    private final BooleanSupplier holdsLease;
    private final Set<ApiCall> calls = ConcurrentHashMap.newKeySet();

    private volatile PoolingHttpClientConnectionManager connections;
    /** False once a kept connection has failed: from then on each request has a connection of its own. */
    private volatile boolean reuse = true;

    /**
     * @param timer looks after the calls that are under way; the caller stops it
     * @param pace is told of a pause that the API asks for
     * @param holdsLease false cancels all calls: another process may take over what they do
     */
    public ApiClient(
            Settings settings,
            ScheduledExecutorService timer,
            Pace pace,
            BooleanSupplier holdsLease,
            Listener listener) {
        this.settings = settings;
        this.pace = pace;
        this.holdsLease = holdsLease;
        this.listener = listener;
        limit = settings.duration("api.timeout");
        // one task for all calls: a task for each would wake the timer's thread twice
        long pause = Math.min(1000, limit.toMillis() / 10 + 1);
        timer.scheduleWithFixedDelay(this::watch, pause, pause, TimeUnit.MILLISECONDS);
    }

    public HttpComponent component() throws GeneralSecurityException, IOException {
        int most = settings.number("parallel") + 10;
        PoolingHttpClientConnectionManagerBuilder builder = KeptConnection.pool()
                .setMaxConnPerRoute(most)
                .setMaxConnTotal(most)
                .setDefaultConnectionConfig(ConnectionConfig.custom()
                        .setConnectTimeout(Timeout.ofSeconds(30))
                        // a connection that the API closed while it was idle must not carry an upload
                        .setValidateAfterInactivity(TimeValue.ZERO_MILLISECONDS)
                        .build());
        if (settings.find("api.trust-store").isPresent()) {
            KeyStore trust = ApiTrust.read(settings.path("api.trust-store"), settings.find("api.trust-store-password"));
            builder.setTlsSocketStrategy(new DefaultClientTlsStrategy(
                    SSLContextBuilder.create().loadTrustMaterial(trust, null).build()));
        }
        connections = builder.build();
        HttpComponent http = new HttpComponent();
        http.setClientConnectionManager(connections);
        http.setHttpClientConfigurer(this);
        http.setSkipRequestHeaders(true);
        http.setResponseTimeout(limit.toMillis());
        settings.find("api.proxy.host").ifPresent(host -> {
            http.setProxyHost(host);
            http.setProxyPort(
                    settings.find("api.proxy.port").map(Integer::parseInt).orElse(8080));
            http.setProxyAuthScheme("http");
        });
        settings.find("api.proxy.username").ifPresent(username -> {
            http.setProxyAuthUsername(username);
            http.setProxyAuthPassword(settings.get("api.proxy.password"));
        });
        return http;
    }

    @Override
    public void configureHttpClient(HttpClientBuilder client) {
        List<Header> headers = new ArrayList<>();
        headers.add(basic(HttpHeaders.AUTHORIZATION, settings.get("api.key"), settings.get("api.secret")));
        if (settings.get("api.url").startsWith("http:")) {
            // a body that cannot be sent twice cannot answer a proxy's challenge; with https, CONNECT is challenged
            settings.find("api.proxy.username")
                    .ifPresent(username -> headers.add(
                            basic(HttpHeaders.PROXY_AUTHORIZATION, username, settings.get("api.proxy.password"))));
        }
        client.setDefaultHeaders(headers)
                .setUserAgent("csv-import-routes")
                .disableAuthCaching()
                .disableCookieManagement()
                .disableContentCompression()
                .disableRedirectHandling()
                .disableAutomaticRetries()
                .setConnectionReuseStrategy((request, answer, context) ->
                        reuse && DefaultClientConnectionReuseStrategy.INSTANCE.keepAlive(request, answer, context))
                .setKeepAliveStrategy((answer, context) -> {
                    TimeValue keep = DefaultConnectionKeepAliveStrategy.INSTANCE.getKeepAliveDuration(answer, context);
                    return TimeValue.isPositive(keep) && keep.compareTo(LONGEST_IDLE) < 0 ? keep : LONGEST_IDLE;
                })
                .addExecInterceptorFirst(CALL, this::call)
                .addExecInterceptorAfter(
                        ChainElement.CONNECT.name(), "csv-import-connected", (request, scope, chain) -> {
                            ((ApiCall) scope.clientContext.getAttribute(CALL)).connected = true;
                            return chain.proceed(request, scope);
                        });
    }

    private static Header basic(String header, String username, String password) {
        return new BasicHeader(header, "Basic " + basic(username, password));
    }

    /** As HTTP Basic has it after its name. */
    static String basic(String username, String password) {
        return Base64.getEncoder().encodeToString((username + ":" + password).getBytes(StandardCharsets.UTF_8));
    }

    private ClassicHttpResponse call(ClassicHttpRequest request, ExecChain.Scope scope, ExecChain chain)
            throws IOException, HttpException {
        ApiCall call = new ApiCall((HttpUriRequestBase) scope.originalRequest, calls);
        scope.clientContext.setAttribute(CALL, call);
        int status = 0;
        try {
            ClassicHttpResponse answer = chain.proceed(request, scope);
            if (!call.connected) {
                answer.close();
                throw new ProxyRefusedException(scope.route.getProxyHost(), answer);
            }
            status = answer.getCode();
            if (status == HttpStatus.SC_TOO_MANY_REQUESTS) {
                pace.pause(HttpDate.retryAfter(answer));
            }
            // ApiAnswer decompresses: Camel would cut the body to its compressed length, and fail where it is not gzip
            answer.removeHeaders(HttpHeaders.CONTENT_ENCODING);
            if (answer.getEntity() == null) {
                call.end();
            } else {
                answer.setEntity(call.watched(answer.getEntity()));
            }
            return answer;
        } catch (IOException | IllegalStateException e) {
            if (reuse && isBroken(e) && call.connected && call.cancelled == null && isKept(scope)) {
                LOG.info("A kept connection to the API broke before the answer: from now on, each request has its own");
                reuse = false;
                connections.closeIdle(TimeValue.ZERO_MILLISECONDS);
            }
            call.end();
            call.checkTimeout(e);
            throw e;
        } finally {
            listener.requested(request.getMethod(), request.getPath(), status, call.nanos());
        }
    }

    private static boolean isBroken(Exception e) {
        // a failed write to a channel says by its words alone what it is
        return e.getMessage() != null && BROKEN_WRITE.contains(e.getMessage())
                || e instanceof SocketException
                || e instanceof SSLException
                || e instanceof ConnectionClosedException
                || e instanceof NoHttpResponseException;
    }

    /** Whether the connection has carried an answer of the API before; the first one of a tunnel is the proxy's. */
    private static boolean isKept(ExecChain.Scope scope) {
        EndpointDetails connection = scope.clientContext.getEndpointDetails();
        return connection != null && connection.getResponseCount() > (scope.route.isTunnelled() ? 1 : 0);
    }

    /** Cancels what is under way: the outcome of an upload is unknown then, and the next start searches for it. */
    public void cancelAll() {
        calls.forEach(call -> call.cancel("was ended: csv-import.stop.timeout is over"));
    }

    /** How many bytes of its file the upload of a job has sent; empty where it is not under way in this process. */
    public OptionalLong bytesSent(long job) {
        return calls.stream()
                .map(ApiCall::upload)
                .filter(Objects::nonNull)
                .filter(upload -> upload.job() == job)
                .mapToLong(CsvUpload::sent)
                .findFirst();
    }

    /** Cancels what is overdue, and lets the others say how far they are. */
    private void watch() {
        boolean holdsLease = this.holdsLease.getAsBoolean();
        calls.forEach(call -> {
            if (!holdsLease) {
                call.cancel("was ended: the lease on the ledger is lost, and another process may take over");
            } else if (call.nanos() >= limit.toNanos()) {
                call.cancel("timed out after " + limit + " (csv-import.api.timeout)");
            } else {
                call.tell();
            }
        });
    }
}
