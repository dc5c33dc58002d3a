package io.csvimport.api;

import io.csvimport.settings.Finding;
import io.csvimport.settings.Settings;
import java.io.IOException;
import java.io.InputStream;
import java.net.UnknownHostException;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.apache.camel.CamelContext;
import org.apache.camel.Endpoint;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.Producer;

/** Asks the API for its list of imports as the product does, and reads no more of it than shows that it is one. */
public final class ApiCheck {

    /** A clock that is further off is a warning; the API tells its own in whole seconds. */
    private static final Duration OFF = Duration.ofSeconds(60);

    private final Settings settings;
    private final String url;
    private final String organization;

    public ApiCheck(Settings settings) {
        this.settings = settings;
        url = settings.get("api.url");
        organization = settings.get("api.organization");
    }

    /** @param context that runs, and has no component of this name yet */
    public Finding check(CamelContext context) throws Exception {
        ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
        ApiClient client = new ApiClient(settings, timer, new Pace(0), () -> true, (method, path, status, nanos) -> {});
        context.addComponent("csv-import-http", client.component());
        Endpoint list = context.getEndpoint("csv-import-http:" + url + "/api/organizations/" + organization
                + "/csv-import?httpMethod=GET&throwExceptionOnFailure=false&disableStreamCache=true"
                + "&responseTimeout=60000");
        try (Producer producer = list.createProducer()) {
            producer.start();
            Exchange asked = list.createExchange();
            producer.process(asked);
            return answered(asked.getMessage());
        } catch (IOException e) {
            return failed(e);
        } finally {
            // the list may be long
            client.cancelAll();
            timer.shutdownNow();
        }
    }

    private Finding failed(IOException e) {
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (cause instanceof UnknownHostException) {
                return Finding.failed(
                        "the name in " + url + " is not known here: correct csv-import.api.url, or the name"
                                + " service of this machine; a network with a proxy needs csv-import.api.proxy.host");
            }
            if (cause instanceof SSLPeerUnverifiedException || isOfAnotherName(cause)) {
                return Finding.failed(url + " shows the certificate of another name: correct csv-import.api.url ("
                        + cause.getMessage() + ")");
            }
            if (cause instanceof SSLException) {
                return Finding.failed(url + " shows a certificate that is not trusted here, or speaks no TLS: if an"
                        + " authority of your own has signed it, put that into csv-import.api.trust-store ("
                        + cause.getMessage() + ")");
            }
            if (cause instanceof ProxyRefusedException proxy) {
                return Finding.failed(proxy.getMessage() + ": check csv-import.api.proxy."
                        + (proxy.isOfCredential() ? "username and csv-import.api.proxy.password" : "host"));
            }
        }
        return Finding.failed(url + " cannot be reached: check csv-import.api.url, csv-import.api.proxy.host and the"
                + " firewall (" + e.getMessage() + ")");
    }

    /** Java's own check of the name fails with an exception that only its message tells from others. */
    private static boolean isOfAnotherName(Throwable e) {
        return String.valueOf(e.getMessage()).matches("No (subject alternative|name matching).*");
    }

    private Finding answered(Message answer) throws IOException {
        int status = answer.getHeader(Exchange.HTTP_RESPONSE_CODE, Integer.class);
        String says = url + " answers " + status;
        if (ApiHealth.REFUSALS.containsKey(status)) {
            return Finding.failed(says + ": it refuses the " + ApiHealth.REFUSALS.get(status));
        }
        if (status == 408 || status == 429 || status == 503) {
            return Finding.warning(says + ": it is busy, try again later");
        }
        if (status != 200) {
            return Finding.failed(says + " where a list of imports is expected: check csv-import.api.url"
                    + (status / 100 == 3
                            ? ", which must be the address after all redirects: no redirect is followed"
                            : ""));
        }
        if (!isJson(answer)) {
            return Finding.failed(says + ", and no list of imports: check csv-import.api.url");
        }
        says += ", organization " + organization;
        Instant date = HttpDate.parse(answer.getHeader("Date", String.class));
        if (date == null) {
            return Finding.ok(says);
        }
        Duration off = Duration.between(date, Instant.now()).abs();
        says += ", clock " + off.toSeconds() + " s off";
        return off.compareTo(OFF) > 0
                ? Finding.warning(says + ": set the clock of this machine (NTP)")
                : Finding.ok(says);
    }

    private static boolean isJson(Message answer) throws IOException {
        InputStream body = ApiAnswer.open(answer);
        int first = body.read();
        while (Character.isWhitespace(first)) {
            first = body.read();
        }
        return first == '{';
    }
}
