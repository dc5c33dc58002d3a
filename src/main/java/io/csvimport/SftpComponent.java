package io.csvimport;

import java.util.Map;
import org.apache.camel.Processor;
import org.apache.camel.component.file.GenericFileEndpoint;
import org.apache.camel.component.file.remote.RemoteFileConsumer;
import org.apache.camel.component.file.remote.RemoteFileOperations;
import org.apache.camel.component.file.remote.SftpEndpoint;
import org.apache.camel.component.file.remote.SftpRemoteFile;
import org.apache.camel.spi.annotations.Component;
import org.apache.camel.support.CamelContextHelper;

/** Camel's SFTP component, for a server that is a bean: {@code csv-import-sftp:nameOfTheBean}. */
@Component("sftp")
public final class SftpComponent extends org.apache.camel.component.file.remote.SftpComponent {

    @Override
    @SuppressWarnings("rawtypes")
    protected GenericFileEndpoint<SftpRemoteFile> buildFileEndpoint(
            String uri, String remaining, Map<String, Object> parameters) {
        SftpServer server = CamelContextHelper.mandatoryLookup(getCamelContext(), remaining, SftpServer.class);
        return new Endpoint(uri, this, server);
    }

    private static final class Endpoint extends SftpEndpoint {

        private final SftpServer server;

        Endpoint(String uri, SftpComponent component, SftpServer server) {
            super(uri, component, server.configuration());
            this.server = server;
            server.setEndpoint(this);
            setMaximumReconnectAttempts(0);
            setAutoCreate(false);
            setDownload(false);
        }

        @Override
        @SuppressWarnings("rawtypes")
        public RemoteFileConsumer<SftpRemoteFile> createConsumer(Processor processor) throws Exception {
            // Camel refuses an asynchronous consumer, whose session would be used by several threads; this one's is the
            // consumer's alone: what is done with a file is done in another one
            setSynchronous(true);
            RemoteFileConsumer<SftpRemoteFile> consumer = super.createConsumer(processor);
            setSynchronous(false);
            return consumer;
        }

        @Override
        @SuppressWarnings("rawtypes")
        public RemoteFileOperations<SftpRemoteFile> createRemoteFileOperations() {
            return server.listing();
        }
    }
}
