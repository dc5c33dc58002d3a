package io.csvimport.source.queue;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.csvimport.CsvImportTestSupport;
import io.csvimport.sandbox.SandboxFault;
import jakarta.jms.JMSException;
import java.io.IOException;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** More queues, each a feed of a few lines: the source of the settings is off. */
class QueueFeedTest extends CsvImportTestSupport {

    private Broker main;
    private Broker partner;

    @Override
    public void addRoutes() throws IOException {
        main = new Broker(home.resolve("main")).start();
        partner = new Broker(home.resolve("partner")).start();
        set("jms.url=" + main.amqp(), "jms.username=" + Broker.USER, "jms.password=" + Broker.PASSWORD);
        addFeed("second", "template: Courses");
        addFeed("unordered", "template: People\n        order: none");
        addFeed("partner-amqp", "url: \"" + partner.amqp() + "\"");
        addFeed("partner-core", "url: \"" + partner.core() + "\"");
    }

    private void addFeed(String name, String parameter) throws IOException {
        addRoute(
                name,
                """
                - route:
                    id: %1$s
                    from:
                      uri: kamelet:csv-import-queue-source
                      parameters:
                        queue: %1$s
                        %2$s
                      steps:
                        - to: direct:csv-import
                """
                        .formatted(name, parameter));
    }

    @AfterEach
    void closeBrokers() {
        main.close();
        partner.close();
    }

    @Test
    void aFeedOfAQueueAndATemplateIsOnTheBrokerOfTheSettings() throws Exception {
        send("second", "a.csv");
        assertEquals("second", awaitEvent("accepted", "a.csv").at("/data/from").asText());
        assertEquals("Courses", importOf("a.csv").template());
        awaitThat(() -> main.count("second") == 0);
    }

    @Test
    void inAFeedWithoutAnOrderAMessageThatWaitsHoldsBackNoOther() throws Exception {
        sandbox.failNext(SandboxFault.status(503, false, Map.of("Retry-After", "600")));
        send("unordered", "waiting.csv");
        awaitState("waiting.csv", "waiting");
        send("unordered", "later.csv");
        awaitEvent("accepted", "later.csv");
        assertEquals("waiting", job("waiting.csv").get("state"));
        awaitThat(() -> main.count("unordered") == 0);
    }

    private void send(String queue, String fileName) throws JMSException {
        main.send(
                main.core(),
                queue,
                session -> QueueTest.named(session.createTextMessage(CSV + fileName), Map.of("fileName", fileName)));
    }

    @Test
    void aFeedWithABrokerOfItsOwnNeverShowsItTheLoginOfAnother() {
        // each feed comes again after it was refused
        awaitThat(() -> partner.logins().size() >= 4);
        assertEquals(Set.of("null null"), Set.copyOf(partner.logins()));
    }
}
