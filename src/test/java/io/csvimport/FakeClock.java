package io.csvimport;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A clock of its own for a process: libfaketime of the package faketime. Pauses take as long as ever. */
public final class FakeClock {

    private static final List<Path> LIBRARIES = List.of(
            Path.of("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"),
            Path.of("/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1"));

    private final Path file;

    /** @param file where the offset is kept, for processes that run */
    public FakeClock(Path file) {
        this.file = file;
    }

    /** Variables of a process whose clock is set once, as in {@code -1d}. */
    public static Map<String, String> of(String offset) {
        return variables("FAKETIME", offset);
    }

    /** Variables of a process whose clock is set again and again. */
    public Map<String, String> environment() {
        return variables("FAKETIME_TIMESTAMP_FILE", file.toString());
    }

    private static Map<String, String> variables(String which, String value) {
        return Map.of(
                "LD_PRELOAD",
                library(),
                which,
                value,
                "FAKETIME_NO_CACHE",
                "1",
                "FAKETIME_DONT_FAKE_MONOTONIC",
                "1",
                // Java's pauses are by the monotonic clock, and else end at once
                "FAKETIME_FORCE_MONOTONIC_FIX",
                "0");
    }

    private static String library() {
        Optional<Path> library = LIBRARIES.stream().filter(Files::exists).findFirst();
        assumeTrue(library.isPresent(), "needs the package faketime");
        return library.orElseThrow().toString();
    }

    /** From now on it is this time; processes follow at once. */
    public void set(Instant time) throws IOException {
        long seconds = Duration.between(Instant.now(), time).toSeconds();
        Path whole = file.resolveSibling(file.getFileName() + ".part");
        Files.writeString(whole, (seconds < 0 ? "" : "+") + seconds + "\n");
        Files.move(whole, file, StandardCopyOption.ATOMIC_MOVE);
    }
}
