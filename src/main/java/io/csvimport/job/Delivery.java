package io.csvimport.job;

import io.csvimport.CsvChangedException;
import io.csvimport.CsvImportUnsettledException;
import io.csvimport.file.FileMark;
import io.csvimport.file.SourceFile;
import io.csvimport.job.Job.Content;
import io.csvimport.job.Job.Look;
import io.csvimport.job.Job.Naming;
import io.csvimport.job.Job.Origin;
import io.csvimport.text.Visible;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Stream;
import org.apache.camel.Exchange;
import org.apache.camel.WrappedFile;

/**
 * What one exchange carries, from the first look at its source to its release: the source, the bytes on this machine,
 * what the steps have found out, and the row of the ledger once it has one.
 */
public final class Delivery {

    private static final Map<String, String> PACKAGED = Map.of(
            "csv-import-from-folder", "file",
            "csv-import-from-sftp", "sftp",
            "csv-import-from-queue", "jms",
            "csv-import-from-http", "http",
            "csv-import-desk-upload", "http",
            "csv-import-desk-again", "http");

    private Origin origin;
    private Trace trace;
    private SourceFile source;
    private Path file;
    private FileMark mark;
    private Content content = new Content(0, null);
    private Look look = Look.NONE;
    private boolean spooled;
    private long crc32c;
    private boolean endsInNul;
    private Naming names = Naming.NONE;
    private Job job;
    private boolean firstSeen;
    private boolean claimed;
    private long beganNanos;

    private Delivery() {}

    /** A new delivery of what the exchange carries, before a byte of it is read. */
    public static Delivery begin(Exchange exchange) throws CsvImportUnsettledException {
        Stream.of(
                        CsvImportConstants.OUTCOME,
                        CsvImportConstants.JOB,
                        CsvImportConstants.IMPORT_ID,
                        CsvImportConstants.REASON,
                        CsvImportConstants.DETAIL,
                        CsvImportConstants.HTTP_STATUS,
                        CsvImportConstants.RETRY_AFTER,
                        CsvImportConstants.RECALLED,
                        CsvImportConstants.CLAIM,
                        CsvImportConstants.PAUSE,
                        CsvImportConstants.FAILED_ROWS,
                        CsvImportConstants.TEMPLATE,
                        CsvImportConstants.NOTIFY,
                        CsvImportConstants.FILE_NAME,
                        CsvImportConstants.DUPLICATES,
                        CsvImportConstants.LISTED,
                        CsvImportConstants.UPLOAD,
                        CsvImportConstants.LOOKED,
                        CsvImportConstants.OTHERWISE,
                        CsvImportConstants.ORPHAN)
                .forEach(exchange::removeProperty);
        Delivery delivery = new Delivery();
        delivery.trace = Trace.of(exchange);
        Object body = exchange.getMessage().getBody();
        delivery.file = localFile(body);
        try {
            if (delivery.file != null) {
                delivery.mark = found(exchange, FileMark.of(delivery.file));
                delivery.source = delivery.mark;
            } else if (body != null && body == exchange.getProperty(Exchange.FILE_EXCHANGE_FILE)) {
                delivery.source = exchange.getProperty(CsvImportConstants.SOURCE_FILE, SourceFile.class);
            }
        } catch (IOException e) {
            throw new CsvImportUnsettledException(
                    delivery.file + " is gone, or no plain file any more",
                    Instant.now().plusSeconds(1),
                    new CsvChangedException(delivery.file.toString()));
        }
        String from = from(exchange.getProperty(CsvImportConstants.FEED, exchange.getFromRouteId(), String.class));
        String key = exchange.getMessage().getHeader(CsvImportConstants.SOURCE_KEY, String.class);
        if (key != null) {
            // where the source has a key of its own, the file is but a copy of what it has
            delivery.source = null;
        }
        SourceFile source = delivery.source;
        String offered = key != null ? from + "|" + key : source == null ? null : source.key();
        delivery.origin = new Origin(
                from,
                offered == null ? null : offered + ofTemplate(exchange),
                null,
                source == null ? null : source.location(),
                null);
        if (source != null) {
            exchange.setProperty(
                    CsvImportConstants.FILE_NAME,
                    Path.of(source.location()).getFileName().toString());
        }
        exchange.setProperty(CsvImportConstants.DELIVERY, delivery);
        return delivery;
    }

    /** The template's part of a source key: one item for two templates is two deliveries. Hashed, to be short and ASCII. */
    private static String ofTemplate(Exchange exchange) {
        String template = exchange.getMessage().getHeader("template", "", String.class);
        boolean isOfAFeed = exchange.getProperty(CsvImportConstants.FEED) != null;
        return isOfAFeed || template.isEmpty()
                ? ""
                : "|" + UUID.nameUUIDFromBytes(template.getBytes(StandardCharsets.UTF_8));
    }

    /** A file that stands still keeps the identity that it had when it was found, whatever its file system says now. */
    private static FileMark found(Exchange exchange, FileMark mark) {
        boolean isFound = exchange.getProperty(CsvImportConstants.SOURCE_FILE) instanceof FileMark before
                && before.path().equals(mark.path())
                && before.looksLike(mark);
        return isFound ? exchange.getProperty(CsvImportConstants.SOURCE_FILE, FileMark.class) : mark;
    }

    /** What the ledger and the audit events call a feed. */
    public static String from(String feed) {
        return feed == null ? "csv-import" : PACKAGED.getOrDefault(feed, feed);
    }

    public static Delivery of(Exchange exchange) {
        return exchange.getProperty(CsvImportConstants.DELIVERY, Delivery.class);
    }

    // what happens to it

    /** Takes up where the ledger's row left off. */
    public void recalled(Job row) {
        job = row;
        origin = row.origin();
        names = row.names();
        content = row.content();
        look = row.look();
    }

    /** It is to be imported, and the ledger has no row of it. */
    public void firstSeen() {
        firstSeen = true;
    }

    /** Neither its file nor its source has a key: names and content are the key. */
    public void keyByContent() {
        String key = String.join("|", origin.from(), names.template(), names.fileName(), content.sha256());
        origin = new Origin(origin.from(), key, origin.itemKey(), origin.path(), origin.envelope());
    }

    /** Keeps of each name no more than an index of a database takes. */
    public void shorten() {
        Job shortened = unclaimed().shortened();
        origin = shortened.origin();
        names = shortened.names();
    }

    /** It comes from elsewhere now: its source has a key for it, or its bytes have moved into the spool. */
    public void moved(Origin to) {
        origin = to;
    }

    /** Its bytes are to be kept in the spool; then its source releases them. */
    public void spooled(String envelope) {
        origin = new Origin(
                origin.from(), origin.sourceKey(), source == null ? origin.sourceKey() : null, origin.path(), envelope);
        source = null;
        spooled = true;
        if (envelope == null) {
            mark = null;
            file = null;
        }
    }

    /** The server has the file no more: what was read of it is all there is. */
    public void orphaned() {
        origin = new Origin(origin.from(), origin.sourceKey(), origin.sourceKey(), origin.path(), origin.envelope());
        source = null;
    }

    /** @param mark of the copy, null before it is whole */
    public void copied(Path copy, FileMark mark) {
        file = copy;
        this.mark = mark;
    }

    /** @param endsInNul also where it is empty: it may be unfinished */
    public void inspected(Content content, long crc32c, boolean endsInNul) {
        this.content = content;
        this.crc32c = crc32c;
        this.endsInNul = endsInNul;
    }

    /** What its content is, which something is expected of. */
    public void looked(Look look) {
        this.look = look;
    }

    /** Nothing but its size is known. */
    public void measured(long size) {
        content = new Content(size, content.sha256());
    }

    public void named(Naming names) {
        this.names = names;
    }

    /** It has its row in the ledger; a message without a name has got one from that. */
    public void claimed(Job row, boolean mayGoOn) {
        became(row);
        claimed = mayGoOn;
        if (names.fileName() == null) {
            names = row.names();
        }
    }

    /** An attempt to send it begins, as of {@link System#nanoTime}. */
    public void begins(long nanoTime) {
        beganNanos = nanoTime;
    }

    /** Its row has changed. */
    public void became(Job row) {
        job = row;
    }

    // what is known of it

    public Origin origin() {
        return origin;
    }

    /** Null where its source has no file, or a key of its own. */
    public SourceFile source() {
        return source;
    }

    /** Its bytes on this machine: the source itself, or a copy in the spool. */
    public Path file() {
        return file;
    }

    /** Of the bytes on this machine. */
    public FileMark mark() {
        return mark;
    }

    public Content content() {
        return content;
    }

    public Look look() {
        return look;
    }

    /** Whether its bytes go into the spool, from where they are imported as a file. */
    public boolean isSpooled() {
        return spooled;
    }

    public long crc32c() {
        return crc32c;
    }

    public boolean endsInNul() {
        return endsInNul;
    }

    public Naming names() {
        return names;
    }

    /** Its row of the ledger as this process knows it; null where it has none yet. */
    public Job job() {
        return job;
    }

    /** What is to be claimed. */
    public Job unclaimed() {
        return Job.of(origin, names, content).with(trace).with(look);
    }

    /** Whether it is to be imported, and nothing was known of it before. */
    public boolean isFirstSeen() {
        return firstSeen;
    }

    /** Whether this exchange has claimed it: what fails now concerns its sending. */
    public boolean isClaimed() {
        return claimed;
    }

    /** When its latest attempt began, as of {@link System#nanoTime}. */
    public long beganNanos() {
        return beganNanos;
    }

    /** Whether neither the bytes on this machine nor their source have changed since they were inspected. */
    public boolean isUnchanged() {
        return mark.isAt(file) && (source == null || source == mark || source.isThere());
    }

    /** What is said of it: where its source has the file, or its name, and where it comes from. */
    public String place() {
        if (origin.path() != null) {
            return Visible.of(origin.path());
        }
        String name = names.fileName() == null ? "A message" : Visible.of(names.fileName());
        return name + " from " + Visible.of(origin.from());
    }

    /** The local file that a message body stands for, or null. */
    private static Path localFile(Object body) {
        Object file = body instanceof WrappedFile<?> wrapped ? wrapped.getFile() : body;
        if (body instanceof WrappedFile<?> wrapped
                && !(file instanceof File)
                && wrapped.getBody() instanceof File local) {
            file = local;
        }
        return file instanceof File local ? local.toPath() : file instanceof Path path ? path : null;
    }
}
