package io.csvimport.platform;

import io.csvimport.settings.Settings;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.camel.CamelContext;
import org.apache.camel.ServiceStatus;
import org.apache.camel.model.Model;

/** The packaged routes that the product needs with these settings, and which of them do not run. */
final class NeededRoutes {

    private static final Pattern ID = Pattern.compile("(?m)^    id: (\\S+)");
    private static final Pattern SWITCH = Pattern.compile("precondition: \"\\{\\{csv-import\\.(.+?)}}\"");

    /** In the text of a route that others call. */
    private static final String CALLED = "uri: direct:";

    private final CamelContext context;
    /** The text of each route, by its id. */
    private final Map<String, String> needed = new TreeMap<>();

    /** @param packaged the texts of the packaged routes */
    NeededRoutes(CamelContext context, Settings settings, Collection<String> packaged) {
        this.context = context;
        for (String text : packaged) {
            Matcher id = ID.matcher(text);
            Matcher condition = SWITCH.matcher(text);
            if (id.find() && (!condition.find() || settings.flag(condition.group(1)))) {
                needed.put(id.group(1), text);
            }
        }
    }

    /** The ids of the routes that do not run, or that do not consume the endpoint that others call. */
    List<String> missing() {
        Set<String> started = context.getRoutes().stream()
                .filter(route -> context.getRouteController().getRouteStatus(route.getId()) == ServiceStatus.Started)
                .flatMap(route -> Stream.of(route.getId(), route.getEndpoint().getEndpointUri()))
                .collect(Collectors.toSet());
        Model model = context.getCamelContextExtension().getContextPlugin(Model.class);
        return needed.keySet().stream()
                .filter(id -> !started.contains(needed.get(id).contains(CALLED + id + "\n") ? "direct://" + id : id)
                        && model.getRouteConfigurationDefinition(id) == null)
                .toList();
    }
}
