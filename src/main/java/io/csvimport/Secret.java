package io.csvimport;

import org.apache.camel.CamelContext;

/** The value of a Kamelet's parameter that may be a secret: as it is, whatever has a meaning to Camel in it. */
final class Secret {

    /** A Kamelet puts it before the parameter: Camel itself would replace placeholders in a property's value, too. */
    private static final String PARAMETER = "parameter:";

    private static final String PROPERTY = "#property:";

    private Secret() {}

    /** @throws IllegalArgumentException where the parameter names a property that is not there */
    static String of(CamelContext context, String parameter) {
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
