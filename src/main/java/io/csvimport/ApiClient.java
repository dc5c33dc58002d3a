package io.csvimport;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import org.apache.camel.component.http.HttpClientConfigurer;
import org.apache.camel.component.http.HttpComponent;
import org.apache.hc.client5.http.auth.AuthScope;
import org.apache.hc.client5.http.auth.UsernamePasswordCredentials;
import org.apache.hc.client5.http.classic.methods.HttpUriRequestBase;
import org.apache.hc.client5.http.config.ConnectionConfig;
import org.apache.hc.client5.http.impl.auth.BasicCredentialsProvider;
import org.apache.hc.client5.http.impl.classic.HttpClientBuilder;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManagerBuilder;
import org.apache.hc.client5.http.ssl.ClientTlsStrategyBuilder;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.HttpHeaders;
import org.apache.hc.core5.http.HttpHost;
import org.apache.hc.core5.http.message.BasicHeader;
import org.apache.hc.core5.ssl.SSLContextBuilder;
import org.apache.hc.core5.util.TimeValue;
import org.apache.hc.core5.util.Timeout;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The HTTP component of the API's routes, {@code csv-import-http}: Basic credentials sent with every request, nothing
 * repeated and no redirect followed by itself, one time limit for the whole of a call.
 */
final class ApiClient implements HttpClientConfigurer {

    private static final Logger LOG = LoggerFactory.getLogger(ApiClient.class);

    private static final Timeout CONNECT = Timeout.ofSeconds(30);

    private final Settings settings;
    private final Metrics metrics;
    private final Duration limit;
    /** What is under way, and since when (nanoseconds). */
    private final Map<HttpUriRequestBase, Long> calls = new ConcurrentHashMap<>();

    /** @param timer ends calls that are over their time; it is the caller's to stop */
    ApiClient(Settings settings, ScheduledExecutorService timer, Metrics metrics) {
        this.settings = settings;
        this.metrics = metrics;
        limit = settings.duration("api.timeout");
        // one look for all: a task for each call would wake the timer's thread twice
        long pause = Math.min(1000, limit.toMillis() / 10 + 1);
        timer.scheduleWithFixedDelay(this::endOverdue, pause, pause, TimeUnit.MILLISECONDS);
    }

    HttpComponent component() throws GeneralSecurityException, IOException {
        int connections = settings.number("parallel") + 10;
        PoolingHttpClientConnectionManagerBuilder connectionManager = PoolingHttpClientConnectionManagerBuilder.create()
                .setMaxConnPerRoute(connections)
                .setMaxConnTotal(connections)
                .setDefaultConnectionConfig(ConnectionConfig.custom()
                        .setConnectTimeout(CONNECT)
                        // a connection that the API closed while it was idle must not carry an upload
                        .setValidateAfterInactivity(TimeValue.ofMilliseconds(100))
                        .build());
        if (settings.find("api.trust-store").isPresent()) {
            connectionManager.setTlsSocketStrategy(
                    ClientTlsStrategyBuilder.create().setSslContext(trust()).buildClassic());
        }
        HttpComponent http = new HttpComponent();
        http.setClientConnectionManager(connectionManager.build());
        http.setHttpClientConfigurer(this);
        http.setAutomaticRetriesDisabled(true);
        http.setFollowRedirects(false);
        http.setSkipRequestHeaders(true);
        http.setConnectTimeout(CONNECT.toMilliseconds());
        http.setResponseTimeout(limit.toMillis());
        return http;
    }

    private SSLContext trust() throws GeneralSecurityException, IOException {
        char[] password = settings.find("api.trust-store-password")
                .map(String::toCharArray)
                .orElse(null);
        return SSLContextBuilder.create()
                .loadTrustMaterial(Path.of(settings.get("api.trust-store")), password)
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
        client.addExecInterceptorFirst("csv-import-time-limit", (request, scope, chain) -> {
            HttpUriRequestBase call = (HttpUriRequestBase) scope.originalRequest;
            long began = System.nanoTime();
            calls.put(call, began);
            int status = 0;
            try {
                ClassicHttpResponse answer = chain.proceed(request, scope);
                status = answer.getCode();
                // Camel would cut what it unpacks to the packed length, and fail where it is not packed: AnswerBody
                // looks
                answer.removeHeaders(HttpHeaders.CONTENT_ENCODING);
                return answer;
            } finally {
                calls.remove(call);
                metrics.asked(request.getMethod(), request.getPath(), status, System.nanoTime() - began);
            }
        });
    }

    private void endOverdue() {
        long now = System.nanoTime();
        calls.forEach((call, began) -> {
            if (now - began >= limit.toNanos()) {
                try {
                    call.cancel();
                } catch (RuntimeException e) {
                    LOG.debug("A call that is over its time had ended already", e);
                }
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
