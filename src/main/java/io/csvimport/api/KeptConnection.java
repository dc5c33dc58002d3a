package io.csvimport.api;

import java.io.IOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.concurrent.atomic.AtomicLong;
import javax.net.ssl.SSLSocket;
import org.apache.hc.client5.http.DnsResolver;
import org.apache.hc.client5.http.SchemePortResolver;
import org.apache.hc.client5.http.impl.io.DefaultHttpClientConnectionOperator;
import org.apache.hc.client5.http.impl.io.DefaultManagedHttpClientConnection;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManagerBuilder;
import org.apache.hc.client5.http.io.HttpClientConnectionOperator;
import org.apache.hc.client5.http.ssl.TlsSocketStrategy;
import org.apache.hc.core5.http.URIScheme;
import org.apache.hc.core5.http.config.RegistryBuilder;

/**
 * A connection that sees at once whether the server has closed it. HttpClient's own look waits a millisecond for that, before
 * each upload: a third of the time of a small file.
 */
final class KeptConnection extends DefaultManagedHttpClientConnection {

    private static final AtomicLong NUMBER = new AtomicLong();

    /** Null where the socket is another one, as to a SOCKS proxy. */
    private SocketChannel channel;

    private KeptConnection() {
        super("csv-import-" + NUMBER.incrementAndGet());
    }

    /** Builds a pool of such connections. */
    static PoolingHttpClientConnectionManagerBuilder pool() {
        PoolingHttpClientConnectionManagerBuilder pool = new PoolingHttpClientConnectionManagerBuilder() {
            @Override
            protected HttpClientConnectionOperator createConnectionOperator(
                    SchemePortResolver ports, DnsResolver names, TlsSocketStrategy tls) {
                return new DefaultHttpClientConnectionOperator(
                        proxy -> proxy == null ? SocketChannel.open().socket() : new Socket(proxy),
                        ports,
                        names,
                        RegistryBuilder.<TlsSocketStrategy>create()
                                .register(URIScheme.HTTPS.id, tls)
                                .build());
            }
        };
        return pool.setConnectionFactory(socket -> new KeptConnection());
    }

    @Override
    public void bind(Socket socket) throws IOException {
        channel = socket.getChannel();
        super.bind(socket);
    }

    @Override
    public void bind(SSLSocket tls, Socket socket) throws IOException {
        channel = socket.getChannel();
        super.bind(tls, socket);
    }

    @Override
    public boolean isStale() throws IOException {
        if (channel == null || !isOpen()) {
            return super.isStale();
        }
        try {
            channel.configureBlocking(false);
            try {
                // what comes before a request is no answer to it: that the server closes, or an error
                return channel.read(ByteBuffer.allocate(1)) != 0;
            } finally {
                channel.configureBlocking(true);
            }
        } catch (IOException e) {
            return true;
        }
    }
}
