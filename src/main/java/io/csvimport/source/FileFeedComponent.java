package io.csvimport.source;

import java.io.IOException;
import java.util.Map;
import org.apache.camel.Consumer;
import org.apache.camel.Endpoint;
import org.apache.camel.Processor;
import org.apache.camel.Producer;
import org.apache.camel.support.CamelContextHelper;
import org.apache.camel.support.DefaultComponent;
import org.apache.camel.support.ScheduledPollConsumer;
import org.apache.camel.support.ScheduledPollEndpoint;

/**
 * Polls a feed of files that is a bean: {@code csv-import-folder:nameOfTheFeed}. Camel's own consumers of files hold all
 * that a folder has in memory before they take the first file, and overwrite what a file is moved onto.
 */
public final class FileFeedComponent extends DefaultComponent {

    @Override
    protected Endpoint createEndpoint(String uri, String name, Map<String, Object> parameters) throws Exception {
        FileFeed feed = CamelContextHelper.mandatoryLookup(getCamelContext(), name, FileFeed.class);
        Endpoint endpoint = new ScheduledPollEndpoint(uri, this) {
            @Override
            public Producer createProducer() {
                throw new UnsupportedOperationException("A feed takes files, and has none put into it");
            }

            @Override
            public Consumer createConsumer(Processor processor) throws Exception {
                Consumer consumer = new FeedConsumer(this, processor, feed);
                configureConsumer(consumer);
                return consumer;
            }
        };
        setProperties(endpoint, parameters);
        return endpoint;
    }

    private static final class FeedConsumer extends ScheduledPollConsumer {

        private final FileFeed feed;

        FeedConsumer(Endpoint endpoint, Processor processor, FileFeed feed) {
            super(endpoint, processor);
            this.feed = feed;
        }

        @Override
        protected int poll() throws IOException {
            return feed.poll();
        }

        /** By the schedule, and when the feed is told of a file. */
        @Override
        public synchronized void run() {
            super.run();
        }

        @Override
        protected void doStart() throws Exception {
            feed.start(this);
            super.doStart();
        }

        @Override
        protected void doStop() throws Exception {
            super.doStop();
            feed.stop();
        }
    }
}
