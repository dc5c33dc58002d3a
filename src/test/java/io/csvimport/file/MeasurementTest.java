package io.csvimport.file;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class MeasurementTest {

    @Test
    void aNulIsFoundWhereverItIs() {
        for (int length = 1; length < 40; length++) {
            for (int nul = 0; nul < length; nul++) {
                byte[] content = text(length, (byte) 'x');
                content[nul] = 0;
                assertFalse(isText(content), nul + " of " + length);
            }
        }
    }

    @Test
    void noOtherByteIsANul() {
        for (int value = 1; value < 256; value++) {
            assertTrue(isText(text(39, (byte) value)), "bytes of " + value);
            byte[] among = text(39, (byte) 0x80);
            among[11] = (byte) value;
            assertTrue(isText(among), value + " among others");
        }
    }

    @Test
    void aNulOutsideOfThePartThatIsMeasuredDoesNotCount() {
        byte[] buffer = new byte[64];
        Arrays.fill(buffer, 3, 40, (byte) 'x');
        Measurement measured = new Measurement();
        measured.update(buffer, 3, 37);
        assertTrue(measured.isText());
        measured.update(buffer, 39, 2);
        assertFalse(measured.isText());
    }

    private static byte[] text(int length, byte value) {
        byte[] content = new byte[length];
        Arrays.fill(content, value);
        return content;
    }

    private static boolean isText(byte[] content) {
        Measurement measured = new Measurement();
        measured.update(content, 0, content.length);
        return measured.isText();
    }
}
