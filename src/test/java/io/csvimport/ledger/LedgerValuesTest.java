package io.csvimport.ledger;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LedgerValuesTest {

    @ParameterizedTest
    @CsvSource({
        "2026-01-31T04:05:06.789Z, 2026-01-31T04:05:06.789Z",
        // the same second again, with fewer digits
        "2026-01-31T04:05:06.070Z, 2026-01-31T04:05:06.070Z",
        "2026-01-31T04:05:06.008999999Z, 2026-01-31T04:05:06.008Z",
        "2026-01-31T04:05:06Z, 2026-01-31T04:05:06.000Z",
        // a minute, an hour and a day that are whole
        "2026-02-01T00:00:00Z, 2026-02-01T00:00:00.000Z",
        "1970-01-01T00:00:00.999Z, 1970-01-01T00:00:00.999Z",
        "1969-12-31T23:59:59.999Z, 1969-12-31T23:59:59.999Z",
    })
    void aTimeIsTextWithThreeDigitsOfMilliseconds(Instant time, String text) {
        assertEquals(text, LedgerValues.text(time));
    }

    @Test
    void noTimeIsNoText() {
        assertNull(LedgerValues.text(null));
    }
}
