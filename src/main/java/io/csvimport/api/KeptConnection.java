package io.csvimport.api;

import java.io.IOException;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import org.apache.hc.client5.http.DnsResolver;
import org.apache.hc.client5.http.SchemePortResolver;
import org.apache.hc.client5.http.impl.io.DefaultHttpClientConnectionOperator;
import org.apache.hc.client5.http.impl.io.ManagedHttpClientConnectionFactory;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManagerBuilder;
import org.apache.hc.client5.http.io.HttpClientConnectionOperator;
import org.apache.hc.client5.http.io.ManagedHttpClientConnection;
import org.apache.hc.client5.http.ssl.TlsSocketStrategy;
import org.apache.hc.core5.http.URIScheme;
import org.apache.hc.core5.http.config.RegistryBuilder;

/**
 * A connection that sees at once whether the server has closed it. HttpClient's own look waits a millisecond for that, before
 * each upload: a third of the time of a small file. Its class of connections cannot be extended, hence the proxy.
 */
final class KeptConnection implements InvocationHandler {

    private final ManagedHttpClientConnection connection;
    /** Null where the socket is another one, as to a SOCKS proxy. */
    private SocketChannel channel;

    private KeptConnection(ManagedHttpClientConnection connection) {
        this.connection = connection;
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
        return pool.setConnectionFactory(
                socket -> of(ManagedHttpClientConnectionFactory.INSTANCE.createConnection(socket)));
    }

    private static ManagedHttpClientConnection of(ManagedHttpClientConnection connection) {
        return (ManagedHttpClientConnection) Proxy.newProxyInstance(
                KeptConnection.class.getClassLoader(),
                new Class<?>[] {ManagedHttpClientConnection.class},
                new KeptConnection(connection));
    }

    @Override
    public Object invoke(Object proxy, Method method, Object[] arguments) throws Throwable {
        if (method.getName().equals("isStale") && channel != null && connection.isOpen()) {
            return isStale();
        }
        if (method.getName().equals("bind")) {
            // the last one is the socket below TLS
            channel = ((Socket) arguments[arguments.length - 1]).getChannel();
        }
        try {
            return method.invoke(connection, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    private boolean isStale() {
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
