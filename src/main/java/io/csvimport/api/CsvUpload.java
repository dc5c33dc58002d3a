package io.csvimport.api;

import io.csvimport.CsvChangedException;
import io.csvimport.job.CsvImportConstants;
import io.csvimport.job.Delivery;
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

/**
 * The body of an upload: multipart/form-data with the one part {@code file}, streamed from the local file. The bytes sent
 * are compared with the inspection; where the file has changed, the request is broken off before its closing boundary, so
 * that the API cannot take it for whole.
 */
public final class CsvUpload extends HttpEntityWrapper {

    private static final int BUFFER = 1 << 16;

    private final CheckedFile file;
    private final boolean preview;
    private volatile boolean started;

    private CsvUpload(CheckedFile file, String fileName, boolean preview) {
        super(multipart(file, fileName, preview));
        this.file = file;
        this.preview = preview;
    }

    private static HttpEntity multipart(CheckedFile file, String fileName, boolean preview) {
        MultipartEntityBuilder multipart = MultipartEntityBuilder.create()
                .setContentType(ContentType.create("multipart/form-data"))
                // the one mode that writes a plain filename in UTF-8
                .setMode(HttpMultipartMode.LEGACY)
                .setCharset(StandardCharsets.UTF_8)
                .addPart(FormBodyPartBuilder.create("file", file)
                        .addField(
                                "Content-Disposition",
                                "form-data; name=\"file\"; filename=\"" + escape(fileName) + "\"")
                        .addField("Content-Type", "text/csv")
                        .build());
        if (preview) {
            multipart.addTextBody("filesize", String.valueOf(file.getContentLength()));
        }
        return multipart.build();
    }

    /** A step of the routes {@code csv-import-upload} and {@code csv-import-preview-request}. */
    public static final class Factory {

        private final boolean tagFileName;
        private final BooleanSupplier holdsLease;

        /** @param holdsLease asked before each 64 KB and before the closing boundary: false breaks the upload off */
        public Factory(boolean tagFileName, BooleanSupplier holdsLease) {
            this.tagFileName = tagFileName;
            this.holdsLease = holdsLease;
        }

        /** Sets query and body of the request for the exchange's delivery. */
        public void prepare(Exchange exchange) {
            Delivery delivery = Delivery.of(exchange);
            String name = delivery.names().fileName();
            String fileName = tagFileName ? tagged(name, delivery.job().id()) : name;
            CheckedFile file = new CheckedFile(delivery, holdsLease);
            set(
                    exchange,
                    query(
                            "template", delivery.names().template(),
                            "fileSize", String.valueOf(file.getContentLength()),
                            "notify", delivery.names().addressList()),
                    new CsvUpload(file, fileName, false));
        }

        /** The same for the API's preview. */
        public void preparePreview(Exchange exchange) {
            Delivery delivery = Delivery.of(exchange);
            // a message without a name has none yet
            String fileName = Objects.requireNonNullElse(delivery.names().fileName(), "preview.csv");
            delivery.named(delivery.names().withFileName(fileName));
            set(
                    exchange,
                    query("template", delivery.names().template()),
                    new CsvUpload(new CheckedFile(delivery, () -> true), fileName, true));
        }

        private static void set(Exchange exchange, String query, CsvUpload upload) {
            // the answer is read as a stream: where it breaks off, its status is known
            exchange.getExchangeExtension().setStreamCacheDisabled(true);
            exchange.setProperty(CsvImportConstants.UPLOAD, upload);
            exchange.getMessage().setHeader(Exchange.HTTP_QUERY, query);
            exchange.getMessage().setBody(upload);
        }
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
        int dot = fileName.lastIndexOf('.');
        return dot > 0 ? fileName.substring(0, dot) + "~" + job + fileName.substring(dot) : fileName + "~" + job;
    }

    /** RFC 7578 and the HTML standard: UTF-8 as it is; only what would end the value or the line is escaped. */
    private static String escape(String fileName) {
        return fileName.replace("\"", "%22").replace("\r", "%0D").replace("\n", "%0A");
    }

    /** RFC 3986: everything but unreserved characters as UTF-8 percent escapes. */
    public static String encode(String value) {
        return PercentCodec.RFC3986.encode(value);
    }

    /** Whether the first byte of the body may have left; a preview stores nothing, and does not count. */
    public boolean isStarted() {
        return started && !preview;
    }

    /** Whether the last byte of the body, the closing boundary, may have left. */
    public boolean isComplete() {
        return file.complete;
    }

    @Override
    public boolean isRepeatable() {
        return false;
    }

    @Override
    public void writeTo(OutputStream out) throws IOException {
        started = true;
        super.writeTo(out);
    }

    /** The file's bytes, read in 64 KB steps and compared with the inspection before the part is ended. */
    private static final class CheckedFile extends AbstractContentBody {

        private final Delivery delivery;
        private final BooleanSupplier holdsLease;
        private volatile boolean complete;

        CheckedFile(Delivery delivery, BooleanSupplier holdsLease) {
            super(ContentType.create("text/csv"));
            this.delivery = delivery;
            this.holdsLease = holdsLease;
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
            try (InputStream in = Files.newInputStream(delivery.file(), LinkOption.NOFOLLOW_LINKS)) {
                while (left > 0) {
                    int n = in.readNBytes(buffer, 0, (int) Math.min(buffer.length, left));
                    if (n == 0) {
                        throw new CsvChangedException(delivery.place());
                    }
                    crc32c.update(buffer, 0, n);
                    left -= n;
                    if (left == 0 && (crc32c.getValue() != delivery.crc32c() || !delivery.isUnchanged())) {
                        throw new CsvChangedException(delivery.place());
                    }
                    checkLease();
                    out.write(buffer, 0, n);
                }
            } catch (NoSuchFileException e) {
                throw new CsvChangedException(delivery.place());
            }
            checkLease();
            complete = true;
        }

        private void checkLease() throws IOException {
            if (!holdsLease.getAsBoolean()) {
                throw new IOException("The lease on the ledger is lost");
            }
        }
    }
}
