package io.csvimport.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FileNamesTest {

    @ParameterizedTest
    @ValueSource(strings = {"x", "ü", "名", "🌊"})
    void aNameIsCutBetweenCharactersSoThatItFitsWithItsEnding(String character) {
        int bytes = character.getBytes(StandardCharsets.UTF_8).length;
        for (int limit : new int[] {FileNames.LONGEST, 70}) {
            String fit = FileNames.fit(character.repeat(260), ".csv.reason.json", limit);
            int length = fit.getBytes(StandardCharsets.UTF_8).length;
            assertTrue(length <= limit && length > limit - bytes, fit);
            assertEquals(character.repeat((length - 16) / bytes) + ".csv.reason.json", fit);
        }
        assertEquals(character + ".csv", FileNames.fit(character, ".csv", FileNames.LONGEST));
    }

    @ParameterizedTest
    @ValueSource(ints = {'\n', 0, 0x1b, 0x85, 0xad, 0x200b, 0x200f, 0x2028, 0x2029, 0x202e, 0x2066, 0xfeff, 0xd800})
    void whatIsPrintedShowsEachCharacterThatCannotBeSeen(int character) {
        assertEquals("a" + String.format("\\u%04x", character) + "b", Visible.of("a" + (char) character + "b"));
    }

    @Test
    void whatIsPrintedShowsAllOtherCharactersAsTheyAre() {
        assertEquals("Jürgen 名前 🌊", Visible.of("Jürgen 名前 🌊"));
        assertEquals("\\udb40\\udc01", Visible.of(Character.toString(0xE0001)));
    }
}
