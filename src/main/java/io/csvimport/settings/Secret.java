package io.csvimport.settings;

import org.apache.camel.CamelContext;

/** The value of a Kamelet's parameter that may be a secret. It is read as it is, so that Camel replaces no placeholder in it. */
public final class Secret {

    /** A Kamelet puts this before the parameter, so that Camel does not resolve it. */
    private static final String PARAMETER = "parameter:";

    private static final String PROPERTY = "#property:";

    private Secret() {}

    /** @throws IllegalArgumentException if the parameter names a property that does not exist */
    public static String of(CamelContext context, String parameter) {
        String given = parameter.startsWith(PARAMETER) ? parameter.substring(PARAMETER.length()) : parameter;
        if (!given.startsWith(PROPERTY)) {
            return given;
        }
        String name = given.substring(PROPERTY.length());
        return context.getPropertiesComponent()
                .resolveProperty(name + "?nested=false")
                .orElseThrow(() -> new IllegalArgumentException("There is no property " + name));
    }
}
