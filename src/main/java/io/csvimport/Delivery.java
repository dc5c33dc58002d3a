package io.csvimport;

import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.stream.Stream;
import org.apache.camel.Exchange;
import org.apache.camel.WrappedFile;
import org.slf4j.Logger;
import org.slf4j.event.Level;
import org.slf4j.spi.LoggingEventBuilder;

/**
 * One CSV on its way: what is known of it so far. It travels as an exchange property from the first look at the source
 * to its release; the ledger keeps what must survive the process.
 */
public final class Delivery {

    /** Exchange properties that the routes read and set. */
    static final String PROPERTY = "csvImportDelivery";

    static final String OUTCOME = "csvImportOutcome";
    static final String JOB = "csvImportJob";
    static final String IMPORT_ID = "csvImportId";
    static final String REASON = "csvImportReason";
    static final String DETAIL = "csvImportDetail";
    static final String HTTP_STATUS = "csvImportHttpStatus";
    static final String RETRY_AFTER = "csvImportRetryAfter";
    /** Set where the ledger had the outcome before: only the release is left to do. */
    static final String RECALLED = "csvImportRecalled";

    static final String SUMMARY = "csvImportSummary";

    /** The template that the source's folder names. */
    static final String FOLDER_TEMPLATE = "csvImportFolderTemplate";

    /** What the ledger has claimed already, and then what csv-import-enrich has chosen. */
    static final String TEMPLATE = "csvImportTemplate";

    static final String NOTIFY = "csvImportNotify";
    static final String FILE_NAME = "csvImportFileName";
    static final String DUPLICATES = "csvImportDuplicates";

    /** The {@link SourceFile} that a feed has found. */
    static final String SOURCE_FILE = "csvImportSourceFile";
    /** When an empty file may be judged, {@link System#nanoTime}. */
    static final String JUDGED_FROM = "csvImportJudgedFrom";
    /** Why what the source has can be no CSV, found out by the source: a {@link CsvRejectedException}. */
    static final String REFUSAL = "csvImportRefusal";
    /** The file is gone from its server, and its copy is all there is. */
    static final String ORPHAN = "csvImportOrphan";
    /** For a source that takes back what is rejected: what it needs to do so, JSON. */
    static final String ENVELOPE = "csvImportEnvelope";
    /** Whether the source has offered the item before. */
    static final String OFFERED_AGAIN = "csvImportOfferedAgain";
    /** The multipart body of the request. */
    static final String UPLOAD = "csvImportUpload";
    /** Whether the API has answered its list. */
    static final String LISTED = "csvImportListed";

    /** Exchange property: the route id of the feed, where one of the packaged sources owns the release. */
    static final String FEED = "csvImportFeed";

    /** Characters of a name that is shortened. */
    private static final int LONGEST = 200;

    private static final Map<String, String> PACKAGED = Map.of(
            "csv-import-from-folder", "file",
            "csv-import-from-sftp", "sftp",
            "csv-import-from-queue", "jms",
            "csv-import-from-http", "http");

    // from the source
    String from;
    String sourceKey;
    String itemKey;
    /** JSON: what its source needs to take it back, where it is rejected after its source has acknowledged it. */
    String envelope;

    SourceFile source;
    String path;

    // its bytes on this machine: the source itself, or a copy in the spool
    Path file;
    FileMark mark;

    // from the inspection: bytes, hex, CRC32C
    long size;
    String sha256;
    long crc32c;
    /** Whether it is empty, too: it may be unfinished. */
    boolean endsInNul;

    // from names
    String template;
    List<String> notifyAddresses = List.of();
    String fileName;
    String duplicates;

    // from the ledger
    Delivery known;
    long job;
    String owner;
    String state;

    int attempts;
    /** Failures that concern this file alone. */
    int failures;
    /** Whether this exchange has claimed it: what fails now concerns its sending. */
    boolean claimed;

    String importId;
    boolean reconciled;
    String reason;
    String detail;
    Integer httpStatus;
    Instant createdAt;
    Instant sendingAt;
    long sendingNanos;
    Instant apiTime;
    Instant nextAttempt;
    Instant settledAt;
    String releasedTo;

    /** The id of the audit event that was counted last. */
    String counted;

    // from the preview, or the import list: how many rows failed, null where it is not known; the first of them, JSON
    Integer failedRows;
    String previewRows;

    /** A new delivery of what the exchange carries, before a byte of it is read. */
    static Delivery begin(Exchange exchange) throws CsvImportUnsettledException {
        Stream.of(
                        OUTCOME,
                        JOB,
                        IMPORT_ID,
                        REASON,
                        DETAIL,
                        HTTP_STATUS,
                        RETRY_AFTER,
                        RECALLED,
                        TEMPLATE,
                        NOTIFY,
                        FILE_NAME,
                        DUPLICATES,
                        LISTED,
                        UPLOAD,
                        ORPHAN)
                .forEach(exchange::removeProperty);
        Delivery delivery = new Delivery();
        String feed = exchange.getProperty(FEED, exchange.getFromRouteId(), String.class);
        delivery.from = from(feed);
        Object body = exchange.getMessage().getBody();
        delivery.file = localFile(body);
        String key = exchange.getMessage().getHeader("csvImportSourceKey", String.class);
        try {
            if (delivery.file != null) {
                delivery.mark = found(exchange, FileMark.of(delivery.file));
                delivery.source = delivery.mark;
            } else if (body != null && body == exchange.getProperty(Exchange.FILE_EXCHANGE_FILE)) {
                delivery.source = exchange.getProperty(SOURCE_FILE, SourceFile.class);
            }
        } catch (IOException e) {
            throw new CsvImportUnsettledException(
                    delivery.file + " is gone, or no plain file any more",
                    Instant.now().plusSeconds(1),
                    new CsvChangedException(delivery.file.toString()));
        }
        if (key != null) {
            // where the source has a key of its own, the file is but a copy of what it has
            delivery.source = null;
            delivery.sourceKey = delivery.from + "|" + key;
        } else if (delivery.source != null) {
            delivery.sourceKey = delivery.source.key();
        }
        if (delivery.source != null) {
            delivery.path = delivery.source.location();
            exchange.setProperty(FILE_NAME, Path.of(delivery.path).getFileName().toString());
        }
        exchange.setProperty(PROPERTY, delivery);
        return delivery;
    }

    /** A file that stands still keeps the identity that it had when it was found, whatever its file system says now. */
    private static FileMark found(Exchange exchange, FileMark mark) {
        boolean isFound = exchange.getProperty(SOURCE_FILE) instanceof FileMark before
                && before.path().equals(mark.path())
                && before.looksLike(mark);
        return isFound ? exchange.getProperty(SOURCE_FILE, FileMark.class) : mark;
    }

    /** What the ledger and the audit events call a feed. */
    static String from(String feed) {
        return feed == null ? "csv-import" : PACKAGED.getOrDefault(feed, feed);
    }

    /** Takes up where the ledger's row left off. */
    void recall(Delivery row) {
        known = row;
        job = row.job;
        from = row.from;
        state = row.state;
        template = row.template;
        notifyAddresses = row.notifyAddresses;
        fileName = row.fileName;
        duplicates = row.duplicates;
        envelope = row.envelope;
        size = row.size;
        sha256 = row.sha256;
        attempts = row.attempts;
        failures = row.failures;
        importId = row.importId;
        reason = row.reason;
        detail = row.detail;
        httpStatus = row.httpStatus;
        failedRows = row.failedRows;
        previewRows = row.previewRows;
        nextAttempt = row.nextAttempt;
        settledAt = row.settledAt;
    }

    /** Whether it is still what was claimed: the same bytes under the same names. */
    boolean isSameAsKnown() {
        return isStoredAs(template, known.template)
                && isStoredAs(String.join(",", notifyAddresses), String.join(",", known.notifyAddresses))
                && isStoredAs(fileName, known.fileName)
                && Objects.equals(sha256, known.sha256);
    }

    private static boolean isStoredAs(String text, String stored) {
        return text == null ? stored == null : Visible.storable(text).equals(stored);
    }

    /** Keeps of each name no more than an index of a database takes. */
    void shorten() {
        sourceKey = shortened(sourceKey) + "|" + UUID.randomUUID();
        itemKey = null;
        path = shortened(path);
        template = shortened(template);
        fileName = shortened(fileName);
    }

    private static String shortened(String text) {
        return text == null || text.length() <= LONGEST ? text : text.substring(0, LONGEST) + "…";
    }

    /** What an attempt of it was, whatever becomes of the delivery. */
    Delivery copy() {
        Delivery copy = new Delivery();
        copy.recall(this);
        copy.sendingAt = sendingAt;
        return copy;
    }

    /** Whether neither the bytes on this machine nor their source have changed since they were inspected. */
    boolean isUnchanged() {
        return mark.isAt(file) && (source == null || source == mark || source.isThere());
    }

    /** What a message calls it: where the source has it, or its copy, or nothing better. */
    String place() {
        return path != null ? Visible.of(path) : file != null ? file.toString() : "The message";
    }

    static Delivery of(Exchange exchange) {
        return exchange.getProperty(PROPERTY, Delivery.class);
    }

    /** Says what became of it, with the job and the import id in the logging context. */
    void log(Logger log, Level level, String more) {
        LoggingEventBuilder line = log.atLevel(level).addKeyValue(JOB, job);
        if (importId != null) {
            line.addKeyValue(IMPORT_ID, importId);
        }
        line.log("{}{}", getSummary(), more);
    }

    /** One readable line: the file, what became of it, and the import id or the reason. */
    String getSummary() {
        StringBuilder line = new StringBuilder();
        line.append(fileName == null ? "A file of others" : Visible.of(fileName))
                .append(": ")
                .append(state);
        if (importId != null) {
            line.append(state.equals("duplicate") ? " of import " : ", import ").append(importId);
        }
        if (reason != null) {
            line.append(", ").append(reason);
        }
        if (detail != null) {
            line.append(": ").append(Visible.of(detail));
        }
        return line.append(" (template ")
                .append(template == null ? "none" : Visible.of(template))
                .append(", ")
                .append(size)
                .append(" bytes, from ")
                .append(from)
                .append(", job ")
                .append(job)
                .append(")")
                .toString();
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
