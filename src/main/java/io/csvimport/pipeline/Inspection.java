package io.csvimport.pipeline;

import io.csvimport.CsvChangedException;
import io.csvimport.CsvImportUnsettledException;
import io.csvimport.CsvRejectedException;
import io.csvimport.expectation.CsvContent;
import io.csvimport.expectation.Expectation;
import io.csvimport.expectation.Expectations;
import io.csvimport.file.FileMark;
import io.csvimport.file.Measurement;
import io.csvimport.file.NamedOutput;
import io.csvimport.file.SourceFile;
import io.csvimport.file.SourceUnavailableException;
import io.csvimport.file.SpoolFolder;
import io.csvimport.job.CsvImportConstants;
import io.csvimport.job.Delivery;
import io.csvimport.job.Job;
import io.csvimport.ledger.Claims;
import io.csvimport.ledger.Deliveries;
import io.csvimport.ledger.EarlierImports;
import io.csvimport.settings.Settings;
import io.csvimport.text.Visible;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.apache.camel.Exchange;
import org.apache.camel.InvalidPayloadException;
import org.apache.camel.support.SynchronizationAdapter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks at a CSV in one pass: its size in bytes, its SHA-256 (hex) and CRC32C, and whether it is text. What is not a
 * local file is written to the spool on the same pass, because its size must be known and its bytes read again. A large
 * file that can be no duplicate is looked at while it is sent.
 */
public final class Inspection {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");
    private static final int BUFFER = 1 << 16;
    /** For a file that may not be read, which holds back no other. */
    private static final Duration FORBIDDEN_PAUSE = Duration.ofMinutes(1);

    private final Settings settings;
    private final SpoolFolder spool;
    private final Deliveries deliveries;
    private final Expectations expectations;
    private final long maxSize;

    public Inspection(Settings settings, SpoolFolder spool, Deliveries deliveries, Expectations expectations) {
        this.settings = settings;
        this.deliveries = deliveries;
        this.spool = spool;
        this.expectations = expectations;
        maxSize = settings.size("max-size");
    }

    /**
     * @throws CsvRejectedException where the content is empty, too large or no text
     * @throws CsvImportUnsettledException where it cannot be read, or changes meanwhile: nothing is known of it then
     */
    public void inspect(Exchange exchange) throws CsvRejectedException, CsvImportUnsettledException {
        Delivery delivery = Delivery.of(exchange);
        CsvRejectedException refusal = exchange.getProperty(CsvImportConstants.REFUSAL, CsvRejectedException.class);
        if (refusal != null) {
            throw refusal;
        }
        try {
            inspect(exchange, delivery);
        } catch (IOException | InvalidPayloadException e) {
            // Camel's conversion of a body hides what its source has said
            Throwable cause = e;
            while (!(cause instanceof IOException) && cause.getCause() != null) {
                cause = cause.getCause();
            }
            String what = delivery.place() + " cannot be read now: " + Visible.reason(cause);
            if (cause instanceof SourceUnavailableException unavailable) {
                throw new CsvImportUnsettledException(what, unavailable.getNextAttempt(), e);
            }
            if (!(e instanceof CsvChangedException)) {
                LOG.warn("{}; it is tried again", what);
            }
            if (cause instanceof FileSystemException) {
                throw CsvImportUnsettledException.ofItemAlone(what, FORBIDDEN_PAUSE);
            }
            throw new CsvImportUnsettledException(what, Instant.now().plusSeconds(2), e);
        }
    }

    private void inspect(Exchange exchange, Delivery delivery)
            throws CsvRejectedException, CsvImportUnsettledException, IOException, InvalidPayloadException {
        SourceFile source = delivery.source();
        if (source != null && source.size() > maxSize) {
            delivery.measured(source.size());
            throw tooLarge();
        }
        if (source != null && source.size() <= 0) {
            // or its server tells no size: then its time alone says that it stands still
            awaitQuiet(exchange, delivery);
        }
        CsvRejectedException rejected = null;
        try {
            if (delivery.mark() == null) {
                copy(exchange, delivery);
            } else if (isReadWhenSent(exchange, delivery)) {
                delivery.inspected(new Job.Content(delivery.mark().size(), null), 0, false);
            } else {
                read(exchange, delivery.mark(), delivery);
            }
        } catch (CsvRejectedException e) {
            rejected = e;
        }
        if (source != null) {
            rejected = checkSource(exchange, delivery, rejected);
        }
        if (delivery.endsInNul() && exchange.getProperty(CsvImportConstants.ORPHAN) == null) {
            awaitQuiet(exchange, delivery);
        }
        if (rejected != null) {
            throw rejected;
        }
    }

    /**
     * Whether its bytes are looked at while they are sent, which takes the time of one pass less: where they cannot be those
     * of another job, and nothing else has to be known of them before.
     */
    private boolean isReadWhenSent(Exchange exchange, Delivery delivery)
            throws IOException, CsvImportUnsettledException {
        FileMark file = delivery.mark();
        if (!delivery.isFirstSeen()
                || delivery.source() != file
                || file.size() < Claims.LARGE
                || settings.get("preview").equals("gate")
                || !expected(exchange, delivery).isEmpty()
                || endsInZero(file)) {
            return false;
        }
        try {
            Names.check(exchange);
        } catch (CsvRejectedException e) {
            // the next step says so
            return false;
        }
        return !deliveries.hasSameSize(delivery.names().template(), file.size());
    }

    private static boolean endsInZero(FileMark file) throws IOException {
        try (FileChannel channel = FileChannel.open(file.path(), StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS)) {
            ByteBuffer last = ByteBuffer.allocate(1);
            // at its end by now: it has changed, and is looked at as ever
            return channel.read(last, file.size() - 1) < 1 || last.get(0) == 0;
        }
    }

    /** What may be unfinished is not judged before it has stood still for long. */
    private static void awaitQuiet(Exchange exchange, Delivery delivery) throws CsvImportUnsettledException {
        Long judgedFrom = exchange.getProperty(CsvImportConstants.JUDGED_FROM, Long.class);
        long left = judgedFrom == null ? 0 : judgedFrom - System.nanoTime();
        if (left > 0) {
            throw CsvImportUnsettledException.ofItemAlone(
                    delivery.place()
                            + " is empty, of unknown size or ends in NULs, and may be unfinished: it is judged once it has stood"
                            + " still for csv-import.file.quiet-empty",
                    Duration.ofNanos(left));
        }
    }

    /** Whether the source still has what was read. What a server has no more is here alone, and is kept. */
    private static CsvRejectedException checkSource(Exchange exchange, Delivery delivery, CsvRejectedException rejected)
            throws IOException {
        SourceFile source = delivery.source();
        boolean isRemote = source != delivery.mark();
        // some servers tell no size, or 0: what came to its end is whole
        boolean isWhole = isRemote && source.size() <= 0 || delivery.content().size() == source.size();
        if (!source.isThere()) {
            if (!source.isGone()) {
                throw new CsvChangedException(delivery.place());
            }
            exchange.setProperty(CsvImportConstants.ORPHAN, true);
            return isWhole || rejected != null
                    ? rejected
                    : incomplete(delivery.content().size(), source);
        }
        if (!isWhole && isRemote) {
            throw new FileSystemException(
                    delivery.place(),
                    null,
                    "the server lists " + source.size() + " bytes and gives "
                            + delivery.content().size()
                            + ": it is not imported before both are the same");
        }
        if (!isWhole) {
            throw new CsvChangedException(delivery.place());
        }
        return rejected;
    }

    private static CsvRejectedException incomplete(long size, SourceFile source) {
        return new CsvRejectedException(
                "incomplete",
                "The server had the file no more before it was read to its end: " + size + " of " + source.size()
                        + " bytes are in the spool; deliver it again");
    }

    private void copy(Exchange exchange, Delivery delivery)
            throws CsvRejectedException, IOException, InvalidPayloadException {
        Path copy = delivery.source() == null
                ? spool.newFile()
                : spool.copyOf(delivery.origin().sourceKey());
        exchange.getExchangeExtension().addOnCompletion(new SynchronizationAdapter() {
            @Override
            public void onDone(Exchange done) {
                // what waits is not fetched again for each attempt
                boolean waits =
                        delivery.job() != null && !delivery.job().state().isSettled();
                if (delivery.source() == null || !waits) {
                    SpoolFolder.delete(copy);
                }
            }
        });
        delivery.copied(copy, null);
        if (delivery.job() != null && Files.exists(copy)) {
            read(exchange, FileMark.of(copy), delivery);
            if (delivery.content().sha256().equals(delivery.job().content().sha256())) {
                delivery.copied(copy, FileMark.of(copy));
                return;
            }
        }
        Files.deleteIfExists(copy);
        boolean empty = exchange.getMessage().getBody() == null;
        try (InputStream in = empty
                        ? InputStream.nullInputStream()
                        : exchange.getMessage().getMandatoryBody(InputStream.class);
                OutputStream out = new NamedOutput(copy, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            read(exchange, in, out, delivery);
        } catch (IOException e) {
            if (delivery.source() == null
                    || Files.size(copy) == 0
                    || !delivery.source().isGone()) {
                throw e;
            }
            delivery.measured(Files.size(copy));
            throw incomplete(Files.size(copy), delivery.source());
        }
        delivery.copied(copy, FileMark.of(copy));
    }

    private void read(Exchange exchange, SourceFile file, Delivery delivery) throws CsvRejectedException, IOException {
        try (InputStream in = file.open()) {
            read(exchange, in, OutputStream.nullOutputStream(), delivery);
        }
    }

    private void read(Exchange exchange, InputStream in, OutputStream copy, Delivery delivery)
            throws CsvRejectedException, IOException {
        SourceFile source = delivery.source();
        long expected = source == null || source.size() <= 0 ? BUFFER : source.size();
        MeasuringStream measuring = new MeasuringStream(in, copy, maxSize);
        List<Expectation> expectations = expected(exchange, delivery);
        CsvContent csv = expectations.isEmpty() ? null : CsvContent.read(measuring, expectations);
        measuring.drain(new byte[(int) Math.min(BUFFER, expected)]);
        Measurement measured = measuring.measured();
        if (measuring.isTooLarge()) {
            delivery.measured(measured.size());
            throw tooLarge();
        }
        Job.Content content = new Job.Content(measured.size(), measured.sha256());
        delivery.inspected(content, measured.crc32c(), measured.endsInNul());
        if (measured.size() == 0) {
            throw new CsvRejectedException("empty", "The file is empty");
        }
        measured.checkText();
        if (csv != null) {
            exchange.setProperty(CsvImportConstants.LOOKED, new Looked(expectations, csv));
            delivery.looked(delivery.look()
                    .at(
                            csv.hasHeader() ? EarlierImports.json(csv.header()) : null,
                            csv.rows() < 0 ? null : Long.valueOf(csv.rows())));
        }
    }

    /** What was found out about a content of which something is expected. */
    record Looked(List<Expectation> expectations, CsvContent csv) {}

    /** What is expected of the content. Such a file is read before anything is sent; of a message, what the spool has. */
    private List<Expectation> expected(Exchange exchange, Delivery delivery) {
        return delivery.isSpooled()
                ? List.of()
                : expectations.ofContent(
                        exchange.getProperty(CsvImportConstants.TEMPLATE, String.class),
                        delivery.origin().from(),
                        Names.fileName(exchange));
    }

    private CsvRejectedException tooLarge() {
        return new CsvRejectedException(
                "too-large", "The file is larger than csv-import.max-size, " + settings.get("max-size"));
    }
}
