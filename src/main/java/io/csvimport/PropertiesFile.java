package io.csvimport;

import java.io.IOException;
import java.io.StringReader;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A properties file in UTF-8, with or without a byte order mark. */
final class PropertiesFile {

    private static final Pattern NO_CHARACTER =
            Pattern.compile("(?m)^(?!\\s*[#!]).*?(?<!\\\\)(?:\\\\\\\\)*(\\\\u(?!\\p{XDigit}{4}).{0,8})");

    private PropertiesFile() {}

    /**
     * Reads a file; an absent one has no properties.
     *
     * @throws IOException with a message for people, which names the file and the line that is wrong
     */
    static Properties read(Path file) throws IOException {
        Properties properties = new Properties();
        if (!Files.exists(file)) {
            return properties;
        }
        byte[] bytes;
        try {
            bytes = Files.readAllBytes(file);
        } catch (IOException e) {
            throw new IOException(file.toAbsolutePath() + " cannot be read: " + e, e);
        }
        String text = decode(file, ByteBuffer.wrap(bytes));
        try {
            properties.load(new StringReader(text));
        } catch (IllegalArgumentException e) {
            Matcher wrong = NO_CHARACTER.matcher(text);
            boolean found = wrong.find();
            throw problem(
                    file,
                    found ? text.substring(0, wrong.start(1)) : text,
                    "'" + (found ? wrong.group(1) : "\\u") + "' is no character: write a backslash twice, or use /");
        }
        return properties;
    }

    private static String decode(Path file, ByteBuffer bytes) throws IOException {
        CharBuffer text = CharBuffer.allocate(bytes.remaining());
        CoderResult result = StandardCharsets.UTF_8.newDecoder().decode(bytes, text, true);
        String decoded = text.flip().toString();
        int nul = decoded.indexOf('\0');
        if (result.isError() || nul >= 0) {
            throw problem(
                    file, nul >= 0 ? decoded.substring(0, nul) : decoded, "the file is not in UTF-8: save it as UTF-8");
        }
        return decoded.startsWith("\uFEFF") ? decoded.substring(1) : decoded;
    }

    private static IOException problem(Path file, String before, String problem) {
        long line = before.chars().filter(c -> c == '\n').count() + 1;
        return new IOException(file.toAbsolutePath() + ", line " + line + ": " + problem);
    }
}
