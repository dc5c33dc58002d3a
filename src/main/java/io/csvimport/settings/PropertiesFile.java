package io.csvimport.settings;

import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A properties file in UTF-8, with or without a byte order mark. */
public final class PropertiesFile {

    /** What other encodings look like in UTF-8: the replacement for malformed bytes, or NUL. */
    private static final Pattern NO_UTF8 = Pattern.compile("[\\uFFFD\\x00]");

    private static final Pattern NO_CHARACTER =
            Pattern.compile("(?m)^(?!\\s*[#!]).*?(?<!\\\\)(?:\\\\\\\\)*(\\\\u(?!\\p{XDigit}{4}).{0,8})");

    private PropertiesFile() {}

    /**
     * Reads a file; an absent one has no properties.
     *
     * @throws IOException with a message for people, which names the file and the line that is wrong
     */
    public static Properties read(Path file) throws IOException {
        Properties properties = new Properties();
        if (!Files.exists(file)) {
            return properties;
        }
        String text;
        try {
            text = new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new IOException(file.toAbsolutePath() + " cannot be read: " + e, e);
        }
        Matcher malformed = NO_UTF8.matcher(text);
        if (malformed.find()) {
            throw problem(file, text, malformed.start(), "the file is not in UTF-8: save it as UTF-8");
        }
        try {
            properties.load(new StringReader(text.startsWith("\uFEFF") ? text.substring(1) : text));
        } catch (IllegalArgumentException e) {
            Matcher wrong = NO_CHARACTER.matcher(text);
            boolean found = wrong.find();
            throw problem(
                    file,
                    text,
                    found ? wrong.start(1) : text.length(),
                    "'" + (found ? wrong.group(1) : "\\u") + "' is no character: write a backslash twice, or use /");
        }
        return properties;
    }

    private static IOException problem(Path file, String text, int position, String problem) {
        long line = 1 + text.chars().limit(position).filter(c -> c == '\n').count();
        return new IOException(file.toAbsolutePath() + ", line " + line + ": " + problem);
    }
}
