package io.csvimport.source;

import io.csvimport.CsvImportUnsettledException;
import io.csvimport.file.SourceFile;
import io.csvimport.ledger.Deliveries;
import org.apache.camel.Exchange;
import org.apache.camel.spi.CamelTracingService;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Where Camel has a tracer, a file that is tried again, and one of the spool, continue the trace that they began in. */
public final class Traces {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");

    private final Deliveries deliveries;
    /** Whether Camel has a tracer, as its first file finds it; null before that. To look for one takes long. */
    private volatile Boolean isTraced;

    public Traces(Deliveries deliveries) {
        this.deliveries = deliveries;
    }

    /** @param exchange that begins, with the file */
    void resume(Exchange exchange, SourceFile file) {
        if (isTraced == null) {
            isTraced = exchange.getContext().hasService(CamelTracingService.class) != null;
        }
        if (!isTraced) {
            return;
        }
        try {
            deliveries.find(file.key()).ifPresent(job -> job.trace().continueIn(exchange.getMessage()));
        } catch (CsvImportUnsettledException e) {
            LOG.debug("{} begins a new trace", file.location(), e);
        }
    }
}
