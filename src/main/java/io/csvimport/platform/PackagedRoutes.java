package io.csvimport.platform;

import io.csvimport.settings.Settings;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
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
import org.apache.camel.spi.Resource;
import org.apache.camel.support.PluginHelper;

/** The packaged routes on the class path. They are not in {@code camel/}, where some platforms would start them themselves. */
final class PackagedRoutes {

    private static final String FOLDER = "META-INF/csv-import/routes";
    private static final Pattern ID = Pattern.compile("(?m)^    id: (\\S+)");
    private static final Pattern SWITCH = Pattern.compile("precondition: \"\\{\\{csv-import\\.(.+?)}}\"");

    /** In the text of a route that others call. */
    private static final String CALLED = "uri: direct:";

    private final CamelContext context;
    private final Map<Path, String> texts = new TreeMap<>();
    /** The text of each route that the product needs with these settings, by its id. */
    private final Map<String, String> needed = new TreeMap<>();

    PackagedRoutes(CamelContext context, Settings settings) throws Exception {
        this.context = context;
        for (Resource file : PluginHelper.getPackageScanResourceResolver(context)
                .findResources("classpath:" + FOLDER + "/*" + RouteFile.SUFFIX)) {
            try (InputStream in = file.getInputStream()) {
                texts.put(
                        Path.of(FOLDER, file.getLocation().replaceFirst(".*/", "")),
                        new String(in.readAllBytes(), StandardCharsets.UTF_8));
            }
        }
        if (texts.isEmpty()) {
            throw new IOException("The class path has no " + FOLDER + " with the packaged routes");
        }
        for (String text : texts.values()) {
            Matcher id = ID.matcher(text);
            Matcher condition = SWITCH.matcher(text);
            if (id.find() && (!condition.find() || settings.flag(condition.group(1)))) {
                needed.put(id.group(1), text);
            }
        }
    }

    /** The text of each file, by its name. */
    Map<Path, String> texts() {
        return texts;
    }

    /** The needed routes that do not run, or that do not consume the endpoint that others call, which is then said. */
    List<String> missing() {
        Set<String> started = context.getRoutes().stream()
                .filter(route -> context.getRouteController().getRouteStatus(route.getId()) == ServiceStatus.Started)
                .flatMap(route -> Stream.of(route.getId(), route.getEndpoint().getEndpointUri()))
                .collect(Collectors.toSet());
        Model model = context.getCamelContextExtension().getContextPlugin(Model.class);
        List<String> missing = new ArrayList<>();
        for (String id : needed.keySet()) {
            boolean isCalled = needed.get(id).contains(CALLED + id + "\n");
            boolean runs = started.contains(isCalled ? "direct://" + id : id)
                    || model.getRouteConfigurationDefinition(id) != null;
            if (!runs) {
                // a route of the user's in its place
                missing.add(isCalled && started.contains(id) ? id + " (its from is not direct:" + id + ")" : id);
            }
        }
        return missing;
    }
}
