package io.csvimport;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.HexFormat;
import java.util.zip.CRC32C;
import org.apache.camel.Exchange;
import org.apache.camel.InvalidPayloadException;
import org.apache.camel.WrappedFile;
import org.apache.camel.support.SynchronizationAdapter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks at a CSV in one pass: its size in bytes, its SHA-256 (hex) and CRC32C, and whether it is text. What is not a
 * local file is written to the spool on the same pass, because its size must be known and its bytes read again.
 */
public final class Inspection {

    private static final Logger LOG = LoggerFactory.getLogger("csv-import");
    private static final int BUFFER = 1 << 16;

    private final Settings settings;
    private final Spool spool;

    Inspection(Settings settings, Spool spool) {
        this.settings = settings;
        this.spool = spool;
    }

    /**
     * @throws CsvRejectedException where the content is empty, too large or no text
     * @throws CsvImportUnsettledException where it cannot be read, or changes meanwhile: nothing is known of it then
     */
    public void inspect(Exchange exchange) throws CsvRejectedException, CsvImportUnsettledException {
        Delivery delivery = Delivery.of(exchange);
        try {
            inspect(exchange, delivery);
        } catch (IOException | InvalidPayloadException e) {
            String name = delivery.file == null ? "The message" : delivery.file.toString();
            if (!(e instanceof CsvChangedException)) {
                LOG.warn("{} cannot be read now, it is tried again: {}", name, e.toString());
            }
            throw new CsvImportUnsettledException(
                    name + " cannot be read now: " + e, Instant.now().plusSeconds(2), e);
        }
    }

    private void inspect(Exchange exchange, Delivery delivery)
            throws CsvRejectedException, IOException, InvalidPayloadException {
        if (delivery.mark == null) {
            inspectStream(exchange, delivery);
            return;
        }
        if (delivery.mark.size() > settings.size("max-size")) {
            delivery.size = delivery.mark.size();
            throw tooLarge();
        }
        CsvRejectedException rejected = null;
        try (InputStream in = Files.newInputStream(delivery.file, LinkOption.NOFOLLOW_LINKS)) {
            read(in, OutputStream.nullOutputStream(), delivery);
        } catch (CsvRejectedException e) {
            rejected = e;
        }
        if (!delivery.mark.isAt(delivery.file)) {
            throw new CsvChangedException(delivery.file);
        }
        if (rejected != null) {
            throw rejected;
        }
    }

    private void inspectStream(Exchange exchange, Delivery delivery)
            throws CsvRejectedException, IOException, InvalidPayloadException {
        Path temporary = spool.newFile();
        exchange.getExchangeExtension().addOnCompletion(new SynchronizationAdapter() {
            @Override
            public void onDone(Exchange done) {
                deleteQuietly(temporary);
            }
        });
        delivery.file = temporary;
        boolean empty = exchange.getMessage().getBody() == null;
        try (InputStream in = empty
                        ? InputStream.nullInputStream()
                        : exchange.getMessage().getMandatoryBody(InputStream.class);
                OutputStream out =
                        Files.newOutputStream(delivery.file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            read(in, out, delivery);
        }
        delivery.mark = FileMark.of(delivery.file);
    }

    private void read(InputStream in, OutputStream copy, Delivery delivery) throws CsvRejectedException, IOException {
        long most = settings.size("max-size");
        MessageDigest sha256 = sha256();
        CRC32C crc32c = new CRC32C();
        byte[] buffer = new byte[BUFFER];
        long size = 0;
        boolean wide = false;
        boolean nul = false;
        for (int n = in.readNBytes(buffer, 0, BUFFER); n > 0; n = in.readNBytes(buffer, 0, BUFFER)) {
            if (size == 0) {
                wide = hasWideByteOrderMark(buffer, n);
            }
            size += n;
            if (size > most) {
                delivery.size = size;
                throw tooLarge();
            }
            sha256.update(buffer, 0, n);
            crc32c.update(buffer, 0, n);
            nul = nul || hasNul(buffer, n);
            copy.write(buffer, 0, n);
        }
        delivery.size = size;
        delivery.sha256 = HexFormat.of().formatHex(sha256.digest());
        delivery.crc32c = crc32c.getValue();
        if (size == 0) {
            throw new CsvRejectedException("empty", "The file is empty");
        }
        if (nul && !wide) {
            throw new CsvRejectedException("no-text", "The content is no text: it has NUL bytes");
        }
    }

    private static void deleteQuietly(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            LOG.warn("{} is left over in the spool until the next start: {}", file, e.toString());
        }
    }

    private CsvRejectedException tooLarge() {
        return new CsvRejectedException(
                "too-large", "The file is larger than csv-import.max-size, " + settings.get("max-size"));
    }

    private static boolean hasNul(byte[] buffer, int length) {
        for (int i = 0; i < length; i++) {
            if (buffer[i] == 0) {
                return true;
            }
        }
        return false;
    }

    /** UTF-16 and UTF-32, big and little endian: text that has NUL bytes. */
    private static boolean hasWideByteOrderMark(byte[] b, int length) {
        boolean utf16 = length >= 2
                && (b[0] == (byte) 0xFE && b[1] == (byte) 0xFF || b[0] == (byte) 0xFF && b[1] == (byte) 0xFE);
        boolean utf32 = length >= 4 && b[0] == 0 && b[1] == 0 && b[2] == (byte) 0xFE && b[3] == (byte) 0xFF;
        return utf16 || utf32;
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java platform has SHA-256", e);
        }
    }

    /** The local file that a message body stands for, or null. */
    static Path localFile(Object body) {
        Object file = body instanceof WrappedFile<?> wrapped ? wrapped.getFile() : body;
        if (body instanceof WrappedFile<?> wrapped
                && !(file instanceof File)
                && wrapped.getBody() instanceof File local) {
            file = local;
        }
        return file instanceof File local ? local.toPath() : file instanceof Path path ? path : null;
    }
}
