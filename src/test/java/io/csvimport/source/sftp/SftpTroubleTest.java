package io.csvimport.source.sftp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.jcraft.jsch.JSchException;
import io.csvimport.api.ApiHealth;
import io.csvimport.file.SourceAwayException;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import org.apache.camel.component.file.remote.SftpConfiguration;
import org.junit.jupiter.api.Test;

/** How long an SFTP server that failed is left alone. */
class SftpTroubleTest {

    private static final IOException CUT = new IOException("inputstream is closed");

    private final SftpTrouble trouble = new SftpTrouble(new ApiHealth(), "feed", new SftpConfiguration());

    /** What is begun now fails; answers the pause after it, in seconds. */
    private long fail(Exception failure) {
        return pause(trouble.failed(failure, System.nanoTime()));
    }

    private static long pause(SourceAwayException away) {
        return Math.round(Duration.between(Instant.now(), away.getNextAttempt()).toMillis() / 1000.0);
    }

    @Test
    void aServerThatIsDownIsLeftAloneForGrowingPauses() {
        for (long pause : new long[] {1, 2, 4, 8, 16, 32, 60, 60}) {
            assertEquals(pause, fail(new JSchException("Connection refused")));
        }
        assertTrue(trouble.isPausing());
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
            trouble.works();
        }
    }

    @Test
    void allConnectionsThatBreakTogetherAreOneFailure() {
        long began = System.nanoTime();
        assertEquals(1, pause(trouble.failed(CUT, began)));
        for (int connection = 0; connection < 10; connection++) {
            assertTrue(pause(trouble.failed(CUT, began)) <= 1);
        }
        assertEquals(2, fail(CUT));
    }

    @Test
    void anOldConnectionThatBreaksLongAfterwardsMakesNoPause() throws Exception {
        long began = System.nanoTime();
        fail(CUT);
        Thread.sleep(1100);
        assertTrue(pause(trouble.failed(CUT, began)) <= 0);
        assertFalse(trouble.isPausing());
        trouble.check();
    }
}
