package io.csvimport.platform;

import io.csvimport.settings.Settings;
import io.csvimport.settings.SettingsException;
import io.csvimport.settings.SettingsSource;
import java.util.List;
import java.util.Locale;
import java.util.Properties;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.EnumerablePropertySource;
import org.springframework.core.env.PropertySource;
import org.springframework.core.env.StandardEnvironment;

/** The settings in Spring's environment, in its order and with its relaxed names, such as {@code csvImport.api.url}. */
record SpringBootSettings(ConfigurableEnvironment environment) implements SettingsSource {

    private static final Pattern NAME = Pattern.compile("(?i)csv[-_]?import[._](.+)");

    private static final Set<String> SETTINGS = Settings.defaults().stringPropertyNames().stream()
            .map(SpringBootSettings::uniform)
            .collect(Collectors.toSet());

    @Override
    public String value(String name) {
        String value = property(name);
        return value == null || Settings.isOfKubernetes(Settings.variable(name), value) ? null : value;
    }

    /** @throws SettingsException for a placeholder that Spring cannot replace; its own message has the value, or a secret */
    private String property(String name) {
        try {
            return environment.getProperty(name);
        } catch (IllegalArgumentException e) {
            throw new SettingsException(List.of(name + " (" + Settings.variable(name)
                    + ") has a placeholder ${…} that Spring cannot replace: write \\${ for a plain ${"));
        }
    }

    @Override
    public Set<String> names() {
        Set<String> names = SettingsSource.of(new Properties()).names();
        environment.getPropertySources().stream()
                .filter(source -> !source.getName().equals(StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME))
                .flatMap(SpringBootSettings::names)
                .filter(name -> !SETTINGS.contains(uniform(name)) && !name.matches("[A-Z0-9_]+"))
                .map(NAME::matcher)
                .filter(Matcher::matches)
                .forEach(name -> names.add(Settings.PREFIX + name.group(1)));
        return names;
    }

    private static Stream<String> names(PropertySource<?> source) {
        return source instanceof EnumerablePropertySource<?> all ? Stream.of(all.getPropertyNames()) : Stream.empty();
    }

    /** The same for all spellings that Spring takes for one name. */
    private static String uniform(String name) {
        return name.toLowerCase(Locale.ROOT).replaceAll("[_-]", "");
    }
}
