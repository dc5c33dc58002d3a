package io.csvimport.source.sftp;

import io.csvimport.file.SourceFolders;
import java.util.List;
import java.util.Map;
import org.apache.camel.Exchange;
import org.apache.camel.Processor;
import org.apache.camel.component.file.GenericFile;
import org.apache.camel.component.file.GenericFileEndpoint;
import org.apache.camel.component.file.GenericFileProcessStrategy;
import org.apache.camel.component.file.remote.RemoteFile;
import org.apache.camel.component.file.remote.RemoteFileConsumer;
import org.apache.camel.component.file.remote.RemoteFileOperations;
import org.apache.camel.component.file.remote.SftpConsumer;
import org.apache.camel.component.file.remote.SftpEndpoint;
import org.apache.camel.component.file.remote.SftpRemoteFile;
import org.apache.camel.spi.annotations.Component;
import org.apache.camel.support.CamelContextHelper;

/**
 * Camel's SFTP component, for a feed that is a bean: {@code csv-import-sftp:nameOfTheBean}. The feed lists: Camel's own
 * consumer holds all there is in memory before it takes the first file.
 */
@Component("sftp")
public final class SftpComponent extends org.apache.camel.component.file.remote.SftpComponent {

    @Override
    @SuppressWarnings("rawtypes")
    protected GenericFileEndpoint<SftpRemoteFile> buildFileEndpoint(
            String uri, String remaining, Map<String, Object> parameters) {
        return new Endpoint(
                uri, this, CamelContextHelper.mandatoryLookup(getCamelContext(), remaining, SftpFeed.class));
    }

    private static final class Endpoint extends SftpEndpoint {

        private final SftpFeed feed;

        Endpoint(String uri, SftpComponent component, SftpFeed feed) {
            super(uri, component, feed.server().configuration());
            this.feed = feed;
            feed.server().setEndpoint(this);
            setMaximumReconnectAttempts(0);
            setAutoCreate(false);
            setDownload(false);
        }

        @Override
        @SuppressWarnings("rawtypes")
        public RemoteFileConsumer<SftpRemoteFile> createConsumer(Processor processor) throws Exception {
            // Camel refuses an asynchronous consumer, whose session would be used by several threads; this one has none
            setSynchronous(true);
            RemoteFileConsumer<SftpRemoteFile> consumer = super.createConsumer(processor);
            setSynchronous(false);
            return consumer;
        }

        @Override
        @SuppressWarnings("rawtypes")
        protected RemoteFileConsumer<SftpRemoteFile> buildConsumer(Processor processor) {
            return new Listing(this, processor, createRemoteFileOperations(), getProcessStrategy());
        }

        @Override
        @SuppressWarnings("rawtypes")
        public RemoteFileOperations<SftpRemoteFile> createRemoteFileOperations() {
            return feed.server().newSession();
        }
    }

    @SuppressWarnings("rawtypes")
    private static final class Listing extends SftpConsumer {

        private final SftpFeed feed;

        Listing(
                Endpoint endpoint,
                Processor processor,
                RemoteFileOperations<SftpRemoteFile> operations,
                GenericFileProcessStrategy<SftpRemoteFile> strategy) {
            super(endpoint, processor, operations, strategy);
            feed = endpoint.feed;
        }

        @Override
        protected boolean pollDirectory(
                Exchange dynamic, String directory, List<GenericFile<SftpRemoteFile>> files, int depth) {
            feed.list(file -> files.add(found(file)));
            return true;
        }

        private RemoteFile<SftpRemoteFile> found(SftpFile file) {
            RemoteFile<SftpRemoteFile> found = new RemoteFile<>();
            String relative = feed.relative(file);
            found.setEndpointPath(feed.server().directory());
            found.setFile(file);
            found.setFileNameOnly(SourceFolders.name(relative));
            found.setFileLength(file.size());
            found.setLastModified(file.getLastModified());
            found.setHostname(feed.server().configuration().getHost());
            found.setAbsolute(feed.server().directory().startsWith("/"));
            found.setAbsoluteFilePath(feed.server().path(file.location()));
            found.setRelativeFilePath(relative);
            found.setFileName(relative);
            return found;
        }
    }
}
