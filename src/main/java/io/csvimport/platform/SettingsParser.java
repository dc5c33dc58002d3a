package io.csvimport.platform;

import io.csvimport.settings.Settings;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.camel.component.properties.DefaultPropertiesParser;
import org.apache.camel.component.properties.PropertiesComponent;
import org.apache.camel.component.properties.PropertiesLookup;
import org.apache.camel.component.properties.PropertiesParser;

/**
 * Gives the placeholders {@code {{csv-import.…}}} of routes the settings that were checked; the platform resolves all others.
 * A placeholder that is one setting does not reach the platform, which may log what it has resolved.
 */
final class SettingsParser extends DefaultPropertiesParser {

    private static final Pattern ONE = Pattern.compile("\\{\\{([^{}?:]+)([?]nested=false)?}}");
    private static final Pattern SECRET = Pattern.compile(".*(secret|password|passphrase)");

    /** May name a property of the platform, such as a credential. */
    private static final String AUDIT = Settings.PREFIX + "audit.uri";

    private final Settings settings;
    private final PropertiesParser platform;
    /** Values with braces, which are part of them, however often Camel resolves them. */
    private final Set<String> verbatim = ConcurrentHashMap.newKeySet();

    SettingsParser(PropertiesComponent properties, Settings settings) {
        super(properties);
        this.settings = settings;
        platform = properties.getPropertiesParser();
    }

    @Override
    public String parseUri(
            String text, PropertiesLookup lookup, boolean fallback, boolean keepOptional, boolean nested) {
        if (verbatim.contains(text)) {
            return text;
        }
        Matcher one = ONE.matcher(text);
        String name = one.matches() ? one.group(1) : "";
        Optional<String> setting = settings.resolve(name);
        if (name.equals(AUDIT) || setting.isEmpty() && !SECRET.matcher(name).matches()) {
            return super.parseUri(setting.orElse(text), lookup, fallback, keepOptional, nested);
        }
        String value = setting.orElseGet(() -> super.parseUri(text, lookup, fallback, keepOptional, false));
        if (value != null && value.contains("{{")) {
            verbatim.add(value);
        }
        return value;
    }

    @Override
    public String customLookup(String key) {
        return settings.resolve(key).orElseGet(() -> platform.customLookup(key));
    }

    @Override
    public String parseProperty(String key, String value, PropertiesLookup lookup) {
        return settings.resolve(key).orElseGet(() -> platform.parseProperty(key, value, lookup));
    }
}
