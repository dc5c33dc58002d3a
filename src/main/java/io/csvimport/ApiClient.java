package io.csvimport;

import java.io.IOException;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import org.apache.camel.component.http.HttpClientConfigurer;
import org.apache.camel.component.http.HttpComponent;
import org.apache.hc.client5.http.auth.AuthScope;
import org.apache.hc.client5.http.auth.UsernamePasswordCredentials;
import org.apache.hc.client5.http.classic.ExecChain;
import org.apache.hc.client5.http.classic.methods.HttpUriRequestBase;
import org.apache.hc.client5.http.config.ConnectionConfig;
import org.apache.hc.client5.http.impl.ChainElement;
import org.apache.hc.client5.http.impl.DefaultClientConnectionReuseStrategy;
import org.apache.hc.client5.http.impl.DefaultConnectionKeepAliveStrategy;
import org.apache.hc.client5.http.impl.auth.BasicCredentialsProvider;
import org.apache.hc.client5.http.impl.classic.HttpClientBuilder;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManager;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManagerBuilder;
import org.apache.hc.client5.http.ssl.ClientTlsStrategyBuilder;
import org.apache.hc.core5.http.ClassicHttpRequest;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.ConnectionClosedException;
import org.apache.hc.core5.http.EndpointDetails;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.HttpException;
import org.apache.hc.core5.http.HttpHeaders;
import org.apache.hc.core5.http.HttpHost;
import org.apache.hc.core5.http.HttpRequest;
import org.apache.hc.core5.http.NoHttpResponseException;
import org.apache.hc.core5.http.message.BasicHeader;
import org.apache.hc.core5.ssl.SSLContextBuilder;
import org.apache.hc.core5.util.TimeValue;
import org.apache.hc.core5.util.Timeout;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The HTTP component of the API's routes, {@code csv-import-http}: Basic credentials sent with every request, nothing
 * repeated and no redirect followed by itself, one deadline for the whole of an exchange.
 */
final class ApiClient implements HttpClientConfigurer {

    private static final Logger LOG = LoggerFactory.getLogger(ApiClient.class);

    private static final Timeout CONNECT = Timeout.ofSeconds(30);

    /** Firewalls forget a connection that is idle for long, and tell nobody. */
    private static final TimeValue LONGEST_IDLE = TimeValue.ofSeconds(30);

    /** Hears of requests. */
    interface Listener {
        /**
         * A request has ended.
         *
         * @param status of the answer; 0 where there was none
         * @param nanos from the connection to the answer's head
         */
        void requested(String method, String path, int status, long nanos);
    }

    private final Settings settings;
    private final Listener listener;
    private final Duration limit;
    /** What is under way, by its request. */
    private final Map<HttpRequest, ApiCall> calls = new ConcurrentHashMap<>();

    private volatile PoolingHttpClientConnectionManager connections;
    private volatile boolean reuse = true;

    private final BooleanSupplier mayGoOn;

    /**
     * @param timer ends calls that are over their time; it is the caller's to stop
     * @param mayGoOn false ends all calls, too: another process may take over what they do
     * @param listener hears of each request once it has ended
     */
    ApiClient(Settings settings, ScheduledExecutorService timer, BooleanSupplier mayGoOn, Listener listener) {
        this.settings = settings;
        this.mayGoOn = mayGoOn;
        this.listener = listener;
        limit = settings.duration("api.timeout");
        // one look for all: a task for each call would wake the timer's thread twice
        long pause = Math.min(1000, limit.toMillis() / 10 + 1);
        timer.scheduleWithFixedDelay(this::endOverdue, pause, pause, TimeUnit.MILLISECONDS);
    }

    HttpComponent component() throws GeneralSecurityException, IOException {
        int most = settings.number("parallel") + 10;
        PoolingHttpClientConnectionManagerBuilder connectionManager = PoolingHttpClientConnectionManagerBuilder.create()
                .setMaxConnPerRoute(most)
                .setMaxConnTotal(most)
                .setDefaultConnectionConfig(ConnectionConfig.custom()
                        .setConnectTimeout(CONNECT)
                        // a connection that the API closed while it was idle must not carry an upload
                        .setValidateAfterInactivity(TimeValue.ZERO_MILLISECONDS)
                        .build());
        if (settings.find("api.trust-store").isPresent()) {
            connectionManager.setTlsSocketStrategy(
                    ClientTlsStrategyBuilder.create().setSslContext(trust()).buildClassic());
        }
        connections = connectionManager.build();
        HttpComponent http = new HttpComponent();
        http.setClientConnectionManager(connections);
        http.setHttpClientConfigurer(this);
        http.setAutomaticRetriesDisabled(true);
        http.setFollowRedirects(false);
        http.setSkipRequestHeaders(true);
        http.setConnectTimeout(CONNECT.toMilliseconds());
        http.setResponseTimeout(limit.toMillis());
        return http;
    }

    private SSLContext trust() throws GeneralSecurityException, IOException {
        return SSLContextBuilder.create()
                .loadTrustMaterial(
                        ApiTrust.read(settings.path("api.trust-store"), settings.find("api.trust-store-password")),
                        null)
                .build();
    }

    @Override
    public void configureHttpClient(HttpClientBuilder client) {
        List<Header> headers = new ArrayList<>();
        headers.add(
                new BasicHeader(HttpHeaders.AUTHORIZATION, basic(settings.get("api.key"), settings.get("api.secret"))));
        if (settings.get("api.url").startsWith("http:")) {
            // a body that is not sent twice cannot answer a proxy's challenge; with https it is asked before
            settings.find("api.proxy.username")
                    .ifPresent(username -> headers.add(new BasicHeader(
                            HttpHeaders.PROXY_AUTHORIZATION, basic(username, settings.get("api.proxy.password")))));
        }
        client.setDefaultHeaders(headers)
                .setUserAgent("csv-import-routes")
                .disableAuthCaching()
                .disableCookieManagement()
                .disableContentCompression()
                .disableRedirectHandling()
                .disableAutomaticRetries();
        settings.find("api.proxy.host").ifPresent(host -> useProxy(client, host));
        client.setConnectionReuseStrategy((request, answer, context) ->
                reuse && DefaultClientConnectionReuseStrategy.INSTANCE.keepAlive(request, answer, context));
        client.setKeepAliveStrategy((answer, context) -> {
            TimeValue keep = DefaultConnectionKeepAliveStrategy.INSTANCE.getKeepAliveDuration(answer, context);
            return TimeValue.isPositive(keep) && keep.compareTo(LONGEST_IDLE) < 0 ? keep : LONGEST_IDLE;
        });
        client.addExecInterceptorFirst("csv-import-call", this::call);
        client.addExecInterceptorAfter(ChainElement.CONNECT.name(), "csv-import-connected", this::callConnected);
    }

    private ClassicHttpResponse call(ClassicHttpRequest request, ExecChain.Scope scope, ExecChain chain)
            throws IOException, HttpException {
        HttpRequest key = scope.originalRequest;
        ApiCall call = new ApiCall((HttpUriRequestBase) key, limit);
        calls.put(key, call);
        int status = 0;
        boolean hasBody = false;
        try {
            ClassicHttpResponse answer = chain.proceed(request, scope);
            if (!call.isConnected()) {
                answer.close();
                throw new ProxyRefusedException(scope.route.getProxyHost(), answer);
            }
            status = answer.getCode();
            // Camel would cut what it unpacks to the packed length, and fail where it is not packed: AnswerBody looks
            answer.removeHeaders(HttpHeaders.CONTENT_ENCODING);
            hasBody = answer.getEntity() != null;
            if (hasBody) {
                answer.setEntity(call.watch(answer.getEntity(), () -> calls.remove(key)));
            }
            return answer;
        } catch (IOException | IllegalStateException e) {
            call.checkTimeout(e);
            throw e;
        } finally {
            if (!hasBody) {
                calls.remove(key);
            }
            listener.requested(request.getMethod(), request.getPath(), status, call.nanos());
        }
    }

    /** What runs once there is a connection to the API, new or kept. */
    private ClassicHttpResponse callConnected(ClassicHttpRequest request, ExecChain.Scope scope, ExecChain chain)
            throws IOException, HttpException {
        ApiCall call = calls.get(scope.originalRequest);
        call.connected();
        try {
            return chain.proceed(request, scope);
        } catch (SocketException | SSLException | ConnectionClosedException | NoHttpResponseException e) {
            if (reuse && isKept(scope) && !call.isTimedOut()) {
                LOG.info("A kept connection to the API broke before the answer: from now on, each request has its own");
                reuse = false;
                connections.closeIdle(TimeValue.ZERO_MILLISECONDS);
            }
            throw e;
        }
    }

    /** Whether the connection has carried an answer of the API before; the first one of a tunnel is the proxy's. */
    private static boolean isKept(ExecChain.Scope scope) {
        EndpointDetails connection = scope.clientContext.getEndpointDetails();
        return connection != null && connection.getResponseCount() > (scope.route.isTunnelled() ? 1 : 0);
    }

    private void endOverdue() {
        boolean mayGoOn = this.mayGoOn.getAsBoolean();
        calls.values().forEach(call -> {
            try {
                call.endIfOverdue();
                if (!mayGoOn) {
                    call.end("was ended: the lease on the ledger is lost, and another process may take over");
                }
            } catch (RuntimeException e) {
                LOG.debug("A call that is over its time had ended already", e);
            }
        });
    }

    private static String basic(String username, String password) {
        byte[] credential = (username + ":" + password).getBytes(StandardCharsets.UTF_8);
        return "Basic " + Base64.getEncoder().encodeToString(credential);
    }

    private void useProxy(HttpClientBuilder client, String host) {
        int port = settings.find("api.proxy.port").map(Integer::parseInt).orElse(8080);
        client.setProxy(new HttpHost(host, port));
        settings.find("api.proxy.username").ifPresent(username -> {
            BasicCredentialsProvider credentials = new BasicCredentialsProvider();
            credentials.setCredentials(
                    new AuthScope(host, port),
                    new UsernamePasswordCredentials(
                            username, settings.get("api.proxy.password").toCharArray()));
            client.setDefaultCredentialsProvider(credentials);
        });
    }
}
