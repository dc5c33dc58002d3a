package io.csvimport.platform;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.apache.camel.CamelContext;
import org.apache.camel.spi.Resource;
import org.apache.camel.support.PluginHelper;

/** The packaged routes on the class path: not in {@code camel/}, where a platform may look for routes or may not. */
final class PackagedRoutes {

    private static final String FOLDER = "META-INF/csv-import/routes";

    private PackagedRoutes() {}

    /** The text of each file, by its name. */
    static Map<Path, String> read(CamelContext context) throws Exception {
        Map<Path, String> texts = new TreeMap<>();
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
        return texts;
    }
}
