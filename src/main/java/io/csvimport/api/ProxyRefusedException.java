package io.csvimport.api;

import java.io.IOException;
import java.time.Duration;
import org.apache.hc.core5.http.HttpHost;
import org.apache.hc.core5.http.HttpResponse;
import org.apache.hc.core5.http.message.StatusLine;

/** The proxy refused the tunnel to the API: nothing has reached the API. */
public final class ProxyRefusedException extends IOException {

    private static final long serialVersionUID = 1L;

    private final int status;
    private final Duration retryAfter;

    ProxyRefusedException(HttpHost proxy, HttpResponse answer) {
        super("The proxy " + proxy.toHostString() + " refuses the tunnel to the API: " + new StatusLine(answer));
        status = answer.getCode();
        retryAfter = HttpDate.retryAfter(answer);
    }

    public boolean isOfCredential() {
        return status == 407;
    }

    /** The pause that the proxy asked for; null where it asked for none. */
    public Duration retryAfter() {
        return retryAfter;
    }
}
