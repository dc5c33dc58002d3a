package io.csvimport.platform;

import io.csvimport.text.NearestName;
import io.csvimport.text.Visible;
import java.net.URISyntaxException;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.camel.CamelContext;
import org.apache.camel.Endpoint;
import org.apache.camel.model.ModelCamelContext;
import org.apache.camel.model.RouteTemplateDefinition;
import org.apache.camel.model.RouteTemplateParameterDefinition;
import org.apache.camel.spi.EndpointStrategy;
import org.apache.camel.spi.ExtendedPropertyConfigurerGetter;
import org.apache.camel.util.StringHelper;
import org.apache.camel.util.URISupport;

/**
 * Refuses a parameter that a Kamelet of the product does not have. Camel ignores it, though its name may be misspelt, or be
 * the rest of a value with an ampersand.
 */
final class KameletParameters implements EndpointStrategy {

    private static final String OURS = "kamelet://csv-import-";

    private final ModelCamelContext context;

    KameletParameters(CamelContext context) {
        this.context = (ModelCamelContext) context;
    }

    /** @throws IllegalArgumentException where there is no such parameter: the route is not made */
    @Override
    public Endpoint registerEndpoint(String uri, Endpoint endpoint) {
        String kamelet = uri.replaceFirst("kamelet://", "").split("[/?]")[0];
        RouteTemplateDefinition template = uri.startsWith(OURS) ? context.getRouteTemplateDefinition(kamelet) : null;
        if (template != null) {
            check(template, StringHelper.after(uri, "?", ""), options(endpoint));
        }
        return endpoint;
    }

    /** Those of each Kamelet, such as {@code bridgeErrorHandler}. */
    private static Set<String> options(Endpoint endpoint) {
        return endpoint.getComponent().getEndpointPropertyConfigurer() instanceof ExtendedPropertyConfigurerGetter all
                ? all.getAllOptions(endpoint).keySet()
                : Set.of();
    }

    private static void check(RouteTemplateDefinition template, String query, Set<String> options) {
        Set<String> names = template.getTemplateParameters().stream()
                .map(RouteTemplateParameterDefinition::getName)
                .collect(Collectors.toCollection(TreeSet::new));
        Map<String, Object> given = parameters(query);
        for (Map.Entry<String, Object> parameter : given.entrySet()) {
            String name = StringHelper.dashToCamelCase(parameter.getKey());
            if (names.contains(name) || options.contains(name)) {
                continue;
            }
            // the rest of a value may be that of a secret
            boolean isRest = String.valueOf(parameter.getValue()).isEmpty() || given.containsKey("password");
            throw new IllegalArgumentException("The Kamelet " + template.getId()
                    + (isRest
                            ? " has a parameter that is not known, or a value with &: write such a value RAW(…), as in"
                                    + " RAW(Sales & Marketing), and a secret as #property:its.name"
                            : " has no parameter '" + Visible.of(name) + "'; the nearest is "
                                    + NearestName.to(name, names, Function.identity())));
        }
    }

    private static Map<String, Object> parameters(String query) {
        try {
            return URISupport.parseQuery(query, true, true);
        } catch (URISyntaxException e) {
            // Camel has said so
            return Map.of();
        }
    }
}
