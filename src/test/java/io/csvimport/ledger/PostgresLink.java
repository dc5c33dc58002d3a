package io.csvimport.ledger;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * The network between a process and its database. On demand it breaks when a transaction is committed, but before its
 * client is told so, or goes silent.
 */
public final class PostgresLink implements AutoCloseable {

    private static final String COMMIT = "COMMIT\0";

    private final int serverPort;
    private final ServerSocket listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    private final Set<Connection> connections = ConcurrentHashMap.newKeySet();
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private volatile String doomed;

    public PostgresLink(int serverPort) throws IOException {
        this.serverPort = serverPort;
        threads.execute(this::accept);
    }

    public int port() {
        return listener.getLocalPort();
    }

    /** Breaks the next connection that commits a transaction with this SQL in it, when the server has committed it. */
    public void loseCommitOf(String sql) {
        doomed = sql;
    }

    /** From now on nothing arrives over the connections that are open, in either direction, and nobody is told. */
    public void silence() {
        connections.forEach(connection -> connection.silent = true);
    }

    public boolean isLost() {
        return doomed == null;
    }

    private void accept() {
        try {
            while (true) {
                Socket client = listener.accept();
                Socket server = new Socket(InetAddress.getLoopbackAddress(), serverPort);
                Connection connection = new Connection(client, server);
                connections.add(connection);
                threads.execute(connection::ask);
                threads.execute(connection::answer);
            }
        } catch (IOException e) {
            // closed
        }
    }

    private final class Connection {
        private final Socket client;
        private final Socket server;
        private volatile boolean losing;
        private volatile boolean silent;

        public Connection(Socket client, Socket server) {
            this.client = client;
            this.server = server;
        }

        public void ask() {
            String transaction = "";
            try (client;
                    server) {
                InputStream in = client.getInputStream();
                OutputStream out = server.getOutputStream();
                byte[] buffer = new byte[1 << 16];
                for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                    transaction += new String(buffer, 0, n, StandardCharsets.ISO_8859_1);
                    if (transaction.contains(COMMIT)) {
                        losing = isDoomed(transaction);
                        transaction = "";
                    }
                    if (!silent) {
                        out.write(buffer, 0, n);
                    }
                }
            } catch (IOException e) {
                // it ends with either side
            }
        }

        public void answer() {
            try (client;
                    server) {
                InputStream in = server.getInputStream();
                OutputStream out = client.getOutputStream();
                byte[] buffer = new byte[1 << 16];
                for (int n = in.read(buffer); n >= 0 && !losing; n = in.read(buffer)) {
                    if (!silent) {
                        out.write(buffer, 0, n);
                    }
                }
            } catch (IOException e) {
                // it ends with either side
            }
        }
    }

    private synchronized boolean isDoomed(String transaction) {
        boolean struck = doomed != null && transaction.contains(doomed);
        if (struck) {
            doomed = null;
        }
        return struck;
    }

    @Override
    public void close() throws IOException {
        listener.close();
        for (Connection connection : connections) {
            connection.client.close();
            connection.server.close();
        }
        threads.shutdown();
    }
}
