package io.csvimport.source.queue;

import io.csvimport.api.ApiHealth;
import io.csvimport.settings.Finding;
import io.csvimport.settings.Settings;
import jakarta.jms.Connection;
import jakarta.jms.JMSException;
import jakarta.jms.JMSSecurityException;
import jakarta.jms.Session;
import org.apache.camel.CamelContext;

/** Connects to the broker of the settings as the queue source does; no message is taken or sent. */
public final class QueueCheck {

    private final String queue;
    private final QueueBroker broker = new QueueBroker();

    public QueueCheck(Settings settings, CamelContext context) {
        queue = settings.get("jms.queue");
        broker.setCamelContext(context);
        broker.setHealth(new ApiHealth());
        broker.setSettings(settings);
        broker.setFeed("csv-import-from-queue");
        broker.setQueue(queue);
        broker.setUrl("");
        broker.setUsername("");
        broker.setPassword("");
    }

    public Finding check() {
        broker.start();
        try (Connection connection = broker.createConnection();
                Session session = connection.createSession()) {
            return rejected(session);
        } catch (JMSSecurityException e) {
            return failed(
                    "the broker refuses the login, or the right to consume from the queue " + queue
                            + ": check csv-import.jms.username and csv-import.jms.password",
                    e);
        } catch (JMSException e) {
            return failed(
                    "the broker is unavailable, or has no queue " + queue
                            + ": check csv-import.jms.url, csv-import.jms.queue and the firewall",
                    e);
        } finally {
            broker.close();
        }
    }

    private Finding rejected(Session session) {
        String rejected = queue + ".rejected";
        try {
            session.createProducer(session.createQueue(rejected)).close();
            return Finding.ok("the broker lets messages be taken from " + queue + " and sent to " + rejected);
        } catch (JMSException e) {
            return failed(
                    "the broker lets nothing be sent to " + rejected
                            + ", where rejected messages go: make that queue, or give this login the right",
                    e);
        }
    }

    private Finding failed(String what, JMSException e) {
        return Finding.failed(what + " (" + broker.reason(e) + ")");
    }
}
