package io.csvimport;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.zip.GZIPInputStream;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.util.IOHelper;

/** The body of an answer; gzip is recognised by its first two bytes, whether or not the headers name it. */
final class AnswerBody {

    /** Bytes of an answer that are read as text, after decompression. */
    private static final int LONGEST_TEXT = 1 << 20;

    private static final int GZIP_MAGIC = 0x1f8b;

    private AnswerBody() {}

    /** Returns a stream that the caller closes; an empty one where the answer has no body. */
    static InputStream open(Message answer) throws IOException {
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
     * The first MB of the body as text, decoded by its byte order mark, else by the charset of its content type, else as
     * UTF-8; empty where the answer has no body.
     *
     * @throws IOException where the body is cut short
     */
    static String text(Message answer) throws IOException {
        InputStream body = answer.getBody(InputStream.class);
        return body == null ? "" : text(body, answer.getHeader(Exchange.CONTENT_TYPE, String.class));
    }

    static String text(InputStream body, String contentType) throws IOException {
        byte[] bytes;
        try (body;
                InputStream in = open(body)) {
            bytes = in.readNBytes(LONGEST_TEXT);
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
