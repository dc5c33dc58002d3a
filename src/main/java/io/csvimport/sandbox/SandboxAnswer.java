package io.csvimport.sandbox;

import io.vertx.core.json.JsonObject;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a call is answered with.
 *
 * @param headers beside Date
 */
public record SandboxAnswer(int status, Map<String, String> headers, byte[] body) {

    static SandboxAnswer of(int status, String contentType, String body) {
        return new SandboxAnswer(
                status,
                contentType == null ? Map.of() : Map.of("Content-Type", contentType),
                body.getBytes(StandardCharsets.UTF_8));
    }

    static SandboxAnswer json(int status, JsonObject body) {
        return of(status, "application/json", body.encode());
    }

    /** {@return the same with another status} */
    public SandboxAnswer withStatus(int other) {
        return new SandboxAnswer(other, headers, body);
    }

    /** {@return the same with one header more} */
    public SandboxAnswer withHeader(String name, String value) {
        Map<String, String> more = new LinkedHashMap<>(headers);
        more.put(name, value);
        return new SandboxAnswer(status, more, body);
    }

    /** {@return the same with another body} */
    public SandboxAnswer withBody(byte[] other) {
        return new SandboxAnswer(status, headers, other);
    }

    /** {@return the same with another body, in UTF-8} */
    public SandboxAnswer withBody(String other) {
        return withBody(other.getBytes(StandardCharsets.UTF_8));
    }

    /** {@return the body, read as UTF-8} */
    public String text() {
        return new String(body, StandardCharsets.UTF_8);
    }
}
