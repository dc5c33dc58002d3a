package io.csvimport.settings;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Properties;
import java.util.Set;

/** Where settings come from, in the order of the platform. Names are whole: {@code csv-import.api.url}. */
public interface SettingsSource {

    /** The value of a property; null if it is not set. */
    String value(String name);

    /** The names of properties and variables that were set; those that begin as settings do and are none are refused. */
    Set<String> names();

    /** An environment variable wins over a system property, that over the properties given. */
    static SettingsSource of(Properties given) {
        return new SettingsSource() {
            @Override
            public String value(String name) {
                String variable = Settings.variable(name);
                String value = System.getenv(variable);
                return value == null || Settings.isOfKubernetes(variable, value)
                        ? System.getProperty(name, given.getProperty(name))
                        : value;
            }

            @Override
            public Set<String> names() {
                Set<String> names = new HashSet<>(given.stringPropertyNames());
                names.addAll(System.getProperties().stringPropertyNames());
                Map<String, String> variables = new HashMap<>(System.getenv());
                variables.entrySet().removeIf(entry -> Settings.isOfKubernetes(entry.getKey(), entry.getValue()));
                Settings.defaults().stringPropertyNames().forEach(name -> variables.remove(Settings.variable(name)));
                names.addAll(variables.keySet());
                return names;
            }
        };
    }
}
