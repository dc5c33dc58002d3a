package io.csvimport.source.queue;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.csvimport.CsvImportTestSupport;
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
        main.send(
                main.core(),
                "second",
                session -> QueueTest.named(session.createTextMessage(CSV), Map.of("fileName", "a.csv")));
        assertEquals("second", awaitEvent("accepted", "a.csv").at("/data/from").asText());
        assertEquals("Courses", importOf("a.csv").template());
        awaitThat(() -> main.count("second") == 0);
    }

    @Test
    void aFeedWithABrokerOfItsOwnNeverShowsItTheLoginOfAnother() {
        // each feed comes again after it was refused
        awaitThat(() -> partner.logins().size() >= 4);
        assertEquals(Set.of("null null"), Set.copyOf(partner.logins()));
    }
}
