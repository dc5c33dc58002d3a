package io.csvimport.source.sftp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.jcraft.jsch.JSchException;
import io.csvimport.api.ApiHealth;
import io.csvimport.file.SourceUnavailableException;
import io.csvimport.source.Availability;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

/** How long an SFTP server that failed is left alone. */
class SftpHealthTest {

    private static final IOException CUT = new IOException("inputstream is closed");

    private final SftpHealth health =
            new SftpHealth(new Availability(new ApiHealth(), "feed", "server"), new SftpServer());

    /** What is begun now fails; answers the pause after it, in seconds. */
    private long fail(Exception failure) {
        return pause(health.failed(failure, System.nanoTime()));
    }

    private static long pause(SourceUnavailableException unavailable) {
        return Math.round(
                Duration.between(Instant.now(), unavailable.getNextAttempt()).toMillis() / 1000.0);
    }

    @Test
    void aServerThatIsDownIsLeftAloneForGrowingPauses() {
        for (long pause : new long[] {1, 2, 4, 8, 16, 32, 60, 60}) {
            assertEquals(pause, fail(new JSchException("Connection refused")));
        }
        assertTrue(health.isPausing());
    }

    @Test
    void aServerThatRefusesTheLoginIsLeftAloneForLongerPauses() {
        for (long pause : new long[] {5, 10, 20, 40}) {
            assertEquals(pause, fail(new JSchException("Auth fail for methods 'password'")));
        }
    }

    @Test
    void cutsThatFollowEachOtherEachAfterSomeBytesDoNotAddUp() {
        for (int cut = 0; cut < 10; cut++) {
            assertEquals(1, fail(CUT));
            health.work();
        }
    }

    @Test
    void allConnectionsThatBreakTogetherAreOneFailure() {
        long began = System.nanoTime();
        assertEquals(1, pause(health.failed(CUT, began)));
        for (int connection = 0; connection < 10; connection++) {
            assertTrue(pause(health.failed(CUT, began)) <= 1);
        }
        assertEquals(2, fail(CUT));
    }

    @Test
    void anOldConnectionThatBreaksLongAfterwardsMakesNoPause() throws Exception {
        long began = System.nanoTime();
        fail(CUT);
        Thread.sleep(1100);
        assertTrue(pause(health.failed(CUT, began)) <= 0);
        assertFalse(health.isPausing());
        health.check();
    }
}
