package io.csvimport.platform;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.csvimport.settings.SettingsException;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.StandardEnvironment;

class SpringBootSettingsTest {

    private static SpringBootSettings settings(String secret) {
        StandardEnvironment environment = new StandardEnvironment();
        environment
                .getPropertySources()
                .addFirst(new MapPropertySource("test", Map.of("csv-import.api.secret", secret)));
        return new SpringBootSettings(environment);
    }

    @Test
    void aPlaceholderThatCannotBeReplacedIsNamedWithoutTheSecret() {
        String said = assertThrows(
                        SettingsException.class, () -> settings("hunter${2}").value("csv-import.api.secret"))
                .getMessage();
        assertTrue(said.startsWith("csv-import.api.secret (CSV_IMPORT_API_SECRET) "), said);
        assertFalse(said.contains("hunter"), said);
        assertEquals("hunter${2}", settings("hunter\\${2}").value("csv-import.api.secret"));
    }
}
