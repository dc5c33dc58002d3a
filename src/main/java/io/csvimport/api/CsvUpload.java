package io.csvimport.api;

import io.csvimport.CsvChangedException;
import io.csvimport.CsvRejectedException;
import io.csvimport.file.Measurement;
import io.csvimport.job.CsvImportConstants;
import io.csvimport.job.Delivery;
import io.csvimport.text.FileNames;
import io.csvimport.text.Visible;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.util.Objects;
import java.util.StringJoiner;
import java.util.function.BooleanSupplier;
import java.util.zip.CRC32C;
import org.apache.camel.Exchange;
import org.apache.hc.client5.http.entity.mime.AbstractContentBody;
import org.apache.hc.client5.http.entity.mime.FormBodyPartBuilder;
import org.apache.hc.client5.http.entity.mime.HttpMultipartMode;
import org.apache.hc.client5.http.entity.mime.MultipartEntityBuilder;
import org.apache.hc.core5.http.ContentType;
import org.apache.hc.core5.http.HttpEntity;
import org.apache.hc.core5.http.io.entity.HttpEntityWrapper;
import org.apache.hc.core5.net.PercentCodec;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The body of an upload: multipart/form-data with the one part {@code file}, streamed from the local file. The bytes sent
 * are compared with the inspection, or inspected themselves; where the file has changed, or is no text, the request is
 * broken off before its closing boundary, so that the API cannot take it for whole.
 */
public final class CsvUpload extends AbstractContentBody {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");
    /** How much of a file is read at once, in bytes. */
    static final int BUFFER = 1 << 16;

    private final Delivery delivery;
    private final BooleanSupplier holdsLease;
    private final Digested digested;
    private final boolean preview;
    private volatile long sent;
    private volatile boolean started;
    private volatile boolean complete;

    private CsvUpload(Delivery delivery, BooleanSupplier holdsLease, Digested digested, boolean preview) {
        super(ContentType.create("text/csv"));
        this.delivery = delivery;
        this.holdsLease = holdsLease;
        this.digested = digested;
        this.preview = preview;
    }

    /** Is told the SHA-256 of a file that is digested while it is sent. */
    public interface Digested {
        /** @throws IOException where the upload is to be broken off */
        void digested(Delivery delivery, String sha256) throws IOException;
    }

    /** A step of the routes {@code csv-import-upload} and {@code csv-import-preview-request}. */
    public static final class Factory {

        private final boolean tagFileName;
        private final BooleanSupplier holdsLease;
        private final Digested digested;

        /**
         * @param holdsLease asked before each 64 KB and before the closing boundary: false breaks the upload off
         * @param digested takes the digest of a file that has none, before its closing boundary
         */
        public Factory(boolean tagFileName, BooleanSupplier holdsLease, Digested digested) {
            this.tagFileName = tagFileName;
            this.holdsLease = holdsLease;
            this.digested = digested;
        }

        /** Sets query and body of the request for the exchange's delivery. */
        public void prepare(Exchange exchange) {
            Delivery delivery = Delivery.of(exchange);
            String name = delivery.names().fileName();
            CsvUpload upload = new CsvUpload(delivery, holdsLease, digested, false);
            upload.set(
                    exchange,
                    query(
                            "template", delivery.names().template(),
                            "fileSize", String.valueOf(upload.getContentLength()),
                            "notify", delivery.names().addressList()),
                    upload.multipart(tagFileName ? tagged(name, delivery.job().id()) : name));
        }

        /** The same for the API's preview, which stores nothing. */
        public void preparePreview(Exchange exchange) {
            Delivery delivery = Delivery.of(exchange);
            // a message without a name has none yet
            String fileName = Objects.requireNonNullElse(delivery.names().fileName(), "preview.csv");
            delivery.named(delivery.names().withFileName(fileName));
            CsvUpload upload = new CsvUpload(delivery, () -> true, digested, true);
            upload.set(
                    exchange,
                    query("template", delivery.names().template()),
                    upload.multipart(fileName).addTextBody("filesize", String.valueOf(upload.getContentLength())));
        }
    }

    private void set(Exchange exchange, String query, MultipartEntityBuilder body) {
        // the answer is read as a stream: where it breaks off, its status is known
        exchange.getExchangeExtension().setStreamCacheDisabled(true);
        exchange.setProperty(CsvImportConstants.UPLOAD, this);
        exchange.getMessage().setHeader(Exchange.HTTP_QUERY, query);
        exchange.getMessage().setBody(new Body(body.build()));
    }

    /** The whole body of the request. */
    final class Body extends HttpEntityWrapper {

        Body(HttpEntity multipart) {
            super(multipart);
        }

        @Override
        public boolean isRepeatable() {
            return false;
        }

        @Override
        public void writeTo(OutputStream out) throws IOException {
            started = !preview;
            super.writeTo(out);
        }

        /** Null where it is a preview's. */
        CsvUpload upload() {
            return preview ? null : CsvUpload.this;
        }
    }

    private MultipartEntityBuilder multipart(String fileName) {
        // RFC 7578 and the HTML standard: UTF-8 as it is; only what would end the value or the line is escaped
        String escaped = fileName.replace("\"", "%22").replace("\r", "%0D").replace("\n", "%0A");
        return MultipartEntityBuilder.create()
                .setContentType(ContentType.create("multipart/form-data"))
                // the one mode that writes a plain filename in UTF-8
                .setMode(HttpMultipartMode.LEGACY)
                .setCharset(StandardCharsets.UTF_8)
                .addPart(FormBodyPartBuilder.create("file", this)
                        .addField("Content-Disposition", "form-data; name=\"file\"; filename=\"" + escaped + "\"")
                        .addField("Content-Type", "text/csv")
                        .build());
    }

    /** A percent-encoded query of names and values; a value that is null or empty is left out. */
    static String query(String... namesAndValues) {
        StringJoiner query = new StringJoiner("&");
        for (int i = 0; i < namesAndValues.length; i += 2) {
            String value = namesAndValues[i + 1];
            if (value != null && !value.isEmpty()) {
                query.add(namesAndValues[i] + "=" + encode(value));
            }
        }
        return query.toString();
    }

    /** {@code people~17.csv} for {@code people.csv}. */
    public static String tagged(String fileName, long job) {
        return FileNames.stem(fileName) + "~" + job + FileNames.extension(fileName);
    }

    /** RFC 3986: everything but unreserved characters as UTF-8 percent escapes. */
    public static String encode(String value) {
        return PercentCodec.RFC3986.encode(value);
    }

    /** Whether the first byte of the body may have left; a preview stores nothing, and does not count. */
    public boolean isStarted() {
        return started;
    }

    /** Whether the last byte of the body, the closing boundary, may have left. */
    public boolean isComplete() {
        return complete;
    }

    long job() {
        return delivery.job().id();
    }

    /** Bytes of the file that have left. */
    long sent() {
        return sent;
    }

    /** Says how far it is. @param seconds since it began */
    void tell(long seconds) {
        long size = getContentLength();
        LOG.atInfo()
                .addKeyValue(CsvImportConstants.JOB, job())
                .log(
                        "{}: {} of {} bytes are sent ({} %) after {} s{}",
                        Visible.of(delivery.names().fileName()),
                        sent,
                        size,
                        sent * 100 / size,
                        seconds,
                        sent < size ? "" : ", and the API has not answered yet");
    }

    @Override
    public String getFilename() {
        return delivery.names().fileName();
    }

    @Override
    public long getContentLength() {
        return delivery.content().size();
    }

    @Override
    public void writeTo(OutputStream out) throws IOException {
        CRC32C crc32c = new CRC32C();
        long left = getContentLength();
        byte[] buffer = new byte[(int) Math.min(BUFFER, left)];
        try (InputStream in = Files.newInputStream(delivery.file(), LinkOption.NOFOLLOW_LINKS);
                Digesting digesting =
                        delivery.content().sha256() == null ? new Digesting(delivery.file(), left) : null) {
            while (left > 0) {
                int n = in.readNBytes(buffer, 0, (int) Math.min(buffer.length, left));
                if (n == 0) {
                    throw new CsvChangedException(delivery.place());
                }
                left -= n;
                crc32c.update(buffer, 0, n);
                if (digesting != null) {
                    digesting.sending();
                }
                if (left == 0 || digesting != null && !digesting.isText()) {
                    check(crc32c, left == 0, digesting);
                }
                checkLease();
                out.write(buffer, 0, n);
                sent += n;
            }
        } catch (NoSuchFileException e) {
            throw new CsvChangedException(delivery.place());
        }
        checkLease();
        complete = true;
    }

    /** Whether the file is what was inspected, or may be imported as it is; then the last bytes may leave. */
    private void check(CRC32C sent, boolean whole, Digesting digesting) throws IOException {
        Measurement measured = digesting == null ? null : digesting.end();
        long crc32c = measured == null ? delivery.crc32c() : measured.crc32c();
        if (whole && sent.getValue() != crc32c || !delivery.isUnchanged()) {
            throw new CsvChangedException(delivery.place());
        }
        if (measured != null) {
            digested.digested(delivery, measured.sha256());
            try {
                measured.checkText();
            } catch (CsvRejectedException e) {
                throw new IOException(e.getMessage(), e);
            }
        }
    }

    private void checkLease() throws IOException {
        if (!holdsLease.getAsBoolean()) {
            throw new IOException("The lease on the ledger is lost");
        }
    }
}
