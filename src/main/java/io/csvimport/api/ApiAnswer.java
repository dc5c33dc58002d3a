package io.csvimport.api;

import io.csvimport.job.CsvImportConstants;
import io.csvimport.settings.Settings;
import io.csvimport.text.Visible;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.zip.GZIPInputStream;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.util.IOHelper;

/**
 * An answer of the API. Gzip is recognised by its first two bytes, whether or not the headers name it.
 *
 * @param retryAfter the pause that it asks for; null where it asks for none
 * @param body its first MB as text, without the credential that it may repeat; empty where it has none, or is cut short
 * @param broken why the body could not be read to its end; null where it could
 */
public record ApiAnswer(int status, Duration retryAfter, String body, IOException broken) {

    /** Bytes of a body that are read as text, after decompression. */
    private static final int LONGEST_BODY = 1 << 20;
    /** Characters of a body that are quoted. */
    private static final int LONGEST_QUOTE = 500;

    private static final int SHORTEST_SECRET = 8;

    private static final int GZIP_MAGIC = 0x1f8b;

    public static ApiAnswer read(Message answer) {
        int status = answer.getHeader(Exchange.HTTP_RESPONSE_CODE, Integer.class);
        Duration retryAfter = HttpDate.retryAfter(
                answer.getHeader("Retry-After", String.class), answer.getHeader("Date", String.class));
        try {
            InputStream body = answer.getBody(InputStream.class);
            String type = answer.getHeader(Exchange.CONTENT_TYPE, String.class);
            return new ApiAnswer(status, retryAfter, body == null ? "" : hide(answer, text(body, type)), null);
        } catch (IOException e) {
            return new ApiAnswer(status, retryAfter, "", e);
        }
    }

    /** An answer may repeat what it was asked; its text goes into logs, ledger and events. */
    private static String hide(Message answer, String text) {
        Settings settings = answer.getExchange()
                .getContext()
                .getRegistry()
                .lookupByNameAndType("csvImportSettings", Settings.class);
        String secret = settings.get("api.secret");
        String hidden = text.replace(ApiClient.basic(settings.get("api.key"), secret), "…");
        // a shorter one may be a word
        return secret.length() < SHORTEST_SECRET ? hidden : hidden.replace(secret, "…");
    }

    /** Sets status, pause and reason as properties of the exchange, and a sentence with the beginning of the body. */
    public void explain(Exchange exchange, String subject) {
        String quote = body.strip();
        exchange.setProperty(CsvImportConstants.HTTP_STATUS, status);
        exchange.setProperty(CsvImportConstants.RETRY_AFTER, retryAfter);
        exchange.setProperty(CsvImportConstants.REASON, "http-" + status);
        exchange.setProperty(
                CsvImportConstants.DETAIL,
                subject + "The API answered " + status
                        + (quote.isEmpty() ? "" : ": " + quote.substring(0, Math.min(quote.length(), LONGEST_QUOTE)))
                        + (broken == null ? "" : ", and not to the end: " + Visible.reason(broken)));
    }

    /** Returns the body as a stream that the caller closes; an empty one where the answer has none. */
    public static InputStream open(Message answer) throws IOException {
        InputStream body = answer.getBody(InputStream.class);
        return body == null ? InputStream.nullInputStream() : open(body);
    }

    private static InputStream open(InputStream body) throws IOException {
        BufferedInputStream in = new BufferedInputStream(body, 1 << 14);
        in.mark(2);
        int magic = in.read() << 8 | in.read();
        in.reset();
        return magic == GZIP_MAGIC ? new GZIPInputStream(in, 1 << 13) : in;
    }

    /**
     * Reads and closes a body: by its byte order mark, else by the charset of its content type, else as UTF-8.
     *
     * @throws IOException where it is cut short
     */
    static String text(InputStream body, String contentType) throws IOException {
        byte[] bytes;
        try (body;
                InputStream in = open(body)) {
            bytes = in.readNBytes(LONGEST_BODY);
        }
        String text = new String(bytes, charset(bytes, contentType));
        return text.startsWith("\uFEFF") ? text.substring(1) : text;
    }

    private static Charset charset(byte[] bytes, String contentType) {
        int mark = bytes.length < 2 ? 0 : (bytes[0] & 0xff) << 8 | bytes[1] & 0xff;
        if (mark == 0xfeff || mark == 0xfffe) {
            return StandardCharsets.UTF_16;
        }
        try {
            String name = contentType == null ? null : IOHelper.getCharsetNameFromContentType(contentType);
            return name == null || mark == 0xefbb ? StandardCharsets.UTF_8 : Charset.forName(name);
        } catch (IllegalArgumentException e) {
            return StandardCharsets.UTF_8;
        }
    }
}
