package io.csvimport;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** SHA-256 in hex, of a file once: tests look at the same files again and again. */
public final class Hashes {

    private final Map<Path, String> known = new ConcurrentHashMap<>();

    public String of(Path file) throws IOException {
        String hash = known.get(file);
        if (hash == null) {
            hash = of(Files.readAllBytes(file));
            known.put(file, hash);
        }
        return hash;
    }

    public static String of(byte[] content) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
