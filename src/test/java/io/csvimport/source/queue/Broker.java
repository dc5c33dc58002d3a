package io.csvimport.source.queue;

import io.csvimport.Installation;
import jakarta.jms.Connection;
import jakarta.jms.ConnectionFactory;
import jakarta.jms.JMSException;
import jakarta.jms.Message;
import jakarta.jms.MessageConsumer;
import jakarta.jms.Session;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.security.auth.Subject;
import org.apache.activemq.artemis.core.config.impl.SecurityConfiguration;
import org.apache.activemq.artemis.core.server.Queue;
import org.apache.activemq.artemis.core.server.embedded.EmbeddedActiveMQ;
import org.apache.activemq.artemis.jms.client.ActiveMQConnectionFactory;
import org.apache.activemq.artemis.spi.core.protocol.RemotingConnection;
import org.apache.activemq.artemis.spi.core.security.ActiveMQJAASSecurityManager;
import org.apache.activemq.artemis.spi.core.security.jaas.InVMLoginModule;
import org.apache.activemq.artemis.spi.core.security.jaas.NoCacheLoginException;
import org.apache.qpid.jms.JmsConnectionFactory;

/**
 * A real Artemis broker, which keeps its messages in a folder while it is stopped. Transactions that it could end by
 * itself, it ends after half a second; a message that was delivered ten times it gives up.
 */
public final class Broker implements AutoCloseable {

    public static final String USER = "csv&import";
    public static final String PASSWORD = "p%25w&+#ß{{x}}${body}RAW(y)";

    private static final String CONFIGURATION =
            """
            <configuration xmlns="urn:activemq">
              <core xmlns="urn:activemq:core">
                <persistence-enabled>true</persistence-enabled>
                <journal-type>NIO</journal-type>
                <journal-file-size>1M</journal-file-size>
                <journal-pool-files>2</journal-pool-files>
                <authentication-cache-size>0</authentication-cache-size>
                <max-disk-usage>-1</max-disk-usage>
                <transaction-timeout>500</transaction-timeout>
                <transaction-timeout-scan-period>100</transaction-timeout-scan-period>
                <journal-directory>%1$s/journal</journal-directory>
                <bindings-directory>%1$s/bindings</bindings-directory>
                <paging-directory>%1$s/paging</paging-directory>
                <large-messages-directory>%1$s/large</large-messages-directory>
                <acceptors>
                  %2$s
                </acceptors>
                <security-settings>
                  <security-setting match="#">
                    <permission type="createAddress" roles="all"/>
                    <permission type="createDurableQueue" roles="all"/>
                    <permission type="send" roles="all"/>
                    <permission type="consume" roles="all"/>
                    <permission type="browse" roles="all"/>
                  </security-setting>
                </security-settings>
                <address-settings>
                  <address-setting match="#">
                    <default-queue-routing-type>ANYCAST</default-queue-routing-type>
                    <default-address-routing-type>ANYCAST</default-address-routing-type>
                    <auto-delete-queues>false</auto-delete-queues>
                    <auto-delete-addresses>false</auto-delete-addresses>
                    <max-delivery-attempts>%3$d</max-delivery-attempts>
                    <dead-letter-address>given-up</dead-letter-address>
                    <expiry-address>given-up</expiry-address>
                  </address-setting>
                </address-settings>
                <addresses>
                  <address name="given-up"><anycast><queue name="given-up"/></anycast></address>
                </addresses>
              </core>
            </configuration>
            """;

    private final Path folder;
    private final int amqp = Installation.freePort();
    private final int core = Installation.freePort();
    private final List<String> acceptors = new ArrayList<>();
    private final List<String> logins = new CopyOnWriteArrayList<>();
    private int attempts = 10;
    private EmbeddedActiveMQ server;

    public Broker(Path folder) throws IOException {
        this.folder = folder;
        listen("tcp://127.0.0.1:" + amqp + "?protocols=AMQP");
        listen("tcp://127.0.0.1:" + core + "?protocols=CORE");
    }

    /** Takes connections there, too, once it is started. */
    public Broker listen(String acceptor) {
        acceptors.add(
                "<acceptor name='acceptor-" + acceptors.size() + "'>" + acceptor.replace("&", "&amp;") + "</acceptor>");
        return this;
    }

    /** Never gives up on a message, once it is started again. */
    public Broker triesForEver() {
        attempts = -1;
        return this;
    }

    public Broker start() {
        try {
            Path xml = Files.createDirectories(folder).resolve("broker.xml");
            Files.writeString(xml, CONFIGURATION.formatted(folder, String.join("\n", acceptors), attempts));
            SecurityConfiguration users = new SecurityConfiguration();
            users.addUser(USER, PASSWORD);
            users.addRole(USER, "all");
            server = new EmbeddedActiveMQ();
            server.setConfigResourcePath(xml.toUri().toString());
            server.setSecurityManager(new ActiveMQJAASSecurityManager(InVMLoginModule.class.getName(), users) {
                @Override
                public Subject authenticate(
                        String user, String password, RemotingConnection connection, String securityDomain)
                        throws NoCacheLoginException {
                    logins.add(user + " " + password);
                    return super.authenticate(user, password, connection, securityDomain);
                }
            });
            server.start();
            return this;
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    public void stop() {
        try {
            server.stop();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    public String amqp() {
        return "amqp://127.0.0.1:" + amqp;
    }

    public String core() {
        return "tcp://127.0.0.1:" + core;
    }

    /** A client of the test's own. */
    public Connection connect(String url) throws JMSException {
        ConnectionFactory factory =
                url.startsWith("amqp") ? new JmsConnectionFactory(url) : new ActiveMQConnectionFactory(url);
        Connection connection = factory.createConnection(USER, PASSWORD);
        connection.start();
        return connection;
    }

    /** Makes a message in a session. */
    public interface Maker {
        Message make(Session session) throws JMSException;
    }

    public void send(String url, String queue, Maker... makers) throws JMSException {
        try (Connection connection = connect(url);
                Session session = connection.createSession()) {
            for (Maker maker : makers) {
                session.createProducer(session.createQueue(queue)).send(maker.make(session));
            }
        }
    }

    /** Takes the next message, or null where none comes soon. */
    public Message take(String url, String queue, long patienceMillis) throws JMSException {
        Connection connection = connect(url);
        Session session = connection.createSession();
        try (connection;
                session;
                MessageConsumer consumer = session.createConsumer(session.createQueue(queue))) {
            return consumer.receive(patienceMillis);
        }
    }

    /** How many messages the queue has, those in a consumer's hands included. */
    public long count(String queue) {
        Queue found = queue(queue);
        return found == null ? 0 : found.getMessageCount();
    }

    /** How many messages of the queue the broker has taken away: tried too often, or expired. */
    public long givenUp(String queue) {
        Queue found = queue(queue);
        return found == null ? 0 : found.getMessagesKilled() + found.getMessagesExpired();
    }

    /** How many messages of the queue are in hands of consumers. */
    public int delivering(String queue) {
        Queue found = queue(queue);
        return found == null ? 0 : found.getDeliveringCount();
    }

    /** The names and passwords that clients came with. */
    public List<String> logins() {
        return logins;
    }

    public Queue queue(String queue) {
        return server.getActiveMQServer().locateQueue(queue);
    }

    public EmbeddedActiveMQ server() {
        return server;
    }

    @Override
    public void close() {
        if (server != null) {
            stop();
        }
    }
}
