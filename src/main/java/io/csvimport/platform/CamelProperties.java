package io.csvimport.platform;

import io.csvimport.settings.Settings;
import io.csvimport.settings.SettingsSource;
import java.util.Objects;
import java.util.Set;
import org.apache.camel.component.properties.PropertiesComponent;
import org.apache.camel.spi.PropertiesSource;

/**
 * The settings among Camel's properties, read from the same sources but not by Camel: its summary of a start would show
 * them, secrets too.
 */
final class CamelProperties implements SettingsSource {

    private final PropertiesComponent properties;
    private final SettingsSource listed;

    CamelProperties(PropertiesComponent properties) {
        this.properties = properties;
        listed = SettingsSource.of(properties.loadProperties(name -> name.startsWith(Settings.PREFIX)));
    }

    @Override
    public String value(String name) {
        String value = listed.value(name);
        // a source may answer for names that it does not list
        return value != null
                ? value
                : properties.getPropertiesSources().stream()
                        .map((PropertiesSource source) -> source.getProperty(name))
                        .filter(Objects::nonNull)
                        .findFirst()
                        .orElse(null);
    }

    @Override
    public Set<String> names() {
        return listed.names();
    }
}
