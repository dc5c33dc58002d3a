package io.csvimport.source.file;

import java.io.File;
import java.util.List;
import java.util.Map;
import org.apache.camel.Exchange;
import org.apache.camel.Processor;
import org.apache.camel.component.file.FileComponent;
import org.apache.camel.component.file.FileConsumer;
import org.apache.camel.component.file.FileEndpoint;
import org.apache.camel.component.file.GenericFile;
import org.apache.camel.component.file.GenericFileConfiguration;
import org.apache.camel.component.file.GenericFileEndpoint;
import org.apache.camel.component.file.GenericFileOperations;
import org.apache.camel.spi.annotations.Component;
import org.apache.camel.support.CamelContextHelper;

/**
 * Camel's file component, for a feed that is a bean: {@code csv-import-folder:nameOfTheBean}. The feed lists: Camel's
 * own consumer holds all there is in memory before it takes the first file.
 */
@Component("file")
public final class FolderComponent extends FileComponent {

    @Override
    protected GenericFileEndpoint<File> buildFileEndpoint(
            String uri, String remaining, Map<String, Object> parameters) {
        FolderFeed feed = CamelContextHelper.mandatoryLookup(getCamelContext(), remaining, FolderFeed.class);
        GenericFileConfiguration configuration = new GenericFileConfiguration();
        configuration.setDirectory(feed.directory().toString());
        FileEndpoint endpoint = new Endpoint(uri, this, feed);
        endpoint.setFile(feed.directory().toFile());
        endpoint.setConfiguration(configuration);
        return endpoint;
    }

    private static final class Endpoint extends FileEndpoint {

        private final FolderFeed feed;

        Endpoint(String uri, FolderComponent component, FolderFeed feed) {
            super(uri, component);
            this.feed = feed;
        }

        @Override
        protected FileConsumer newFileConsumer(Processor processor, GenericFileOperations<File> operations) {
            return new FileConsumer(this, processor, operations, processStrategy) {
                @Override
                protected boolean pollDirectory(
                        Exchange dynamic, String directory, List<GenericFile<File>> files, int depth) {
                    feed.list(file -> files.add(asGenericFile(directory, file, getCharset(), false)));
                    return true;
                }
            };
        }
    }
}
