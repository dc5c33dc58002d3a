package io.csvimport.platform;

import io.csvimport.settings.Settings;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.camel.CamelContext;
import org.apache.camel.support.ResolverHelper;

/** What an application has to add to its class path for what it switches on: {@code dependencies.properties}. */
record OptionalDependencies(CamelContext context, Settings settings) {

    private static final Pattern OF_CAMEL = Pattern.compile("org\\.apache\\.camel:(camel-.+?)(-main)?:(.+)");
    private static final String COMPONENTS = "META-INF/services/org/apache/camel/component/";

    /** One line for each that is missing, with the setting that needs it. Classes are looked up, and not initialized. */
    List<String> missing() {
        Properties dependencies = Settings.resource("dependencies.properties");
        List<String> missing = new ArrayList<>();
        for (String types : new TreeSet<>(dependencies.stringPropertyNames())) {
            List<String> words = List.of(dependencies.getProperty(types).split(" "));
            List<String> needs = words.subList(0, words.size() - 1);
            if (needs.stream().allMatch(this::isSet)
                    && Stream.of(types.split("[|]")).noneMatch(this::isPresent)) {
                String setting = needs.get(needs.size() - 1).split("=")[0];
                missing.add(settings.shown(setting) + ": add " + named(words.get(words.size() - 1))
                        + ", which is not on the class path");
            }
        }
        String audit = settings.shown("audit.uri");
        if (missing.stream().noneMatch(line -> line.startsWith(audit)) && !hasAuditComponent()) {
            missing.add(audit + ": no Camel component on the class path has this scheme: correct it, or add the"
                    + " component's dependency, which https://camel.apache.org/components/ names");
        }
        return missing;
    }

    /** @param need a setting and a pattern of its value, {@code jms.url=amqp.*} */
    private boolean isSet(String need) {
        String[] parts = need.split("=", 2);
        return settings.get(parts[0]).matches(parts[1]);
    }

    /** The dependency; in Spring Boot with the starter that may take its place, or has to. */
    private String named(String coordinates) {
        Matcher camel = OF_CAMEL.matcher(coordinates);
        if (!camel.matches() || !isPresent("org.springframework.boot.SpringApplication")) {
            return coordinates;
        }
        String starter = "org.apache.camel.springboot:" + camel.group(1) + "-starter:" + camel.group(3);
        return camel.group(2) == null ? coordinates + " or " + starter : starter;
    }

    /** @param name of a class, or of a bean after # */
    private boolean isPresent(String name) {
        try {
            return name.startsWith("#")
                    ? context.getRegistry().lookupByName(name.substring(1)) != null
                    : context.getClassResolver().resolveClass(name) != null;
        } catch (LinkageError e) {
            // it is there, and what it needs is not
            return false;
        }
    }

    private boolean hasAuditComponent() {
        String scheme = settings.get("audit.uri").split(":")[0];
        // a placeholder is replaced later, and nothing at all is told as a wrong setting
        return scheme.isEmpty()
                || scheme.contains("{{")
                || context.hasComponent(scheme) != null
                || ResolverHelper.lookupComponentInRegistryWithFallback(context, scheme) != null
                || context.getCamelContextExtension()
                        .getFactoryFinder(COMPONENTS)
                        .findClass(scheme)
                        .isPresent();
    }
}
