package io.csvimport;

import static java.util.stream.Collectors.toMap;
import static java.util.stream.Collectors.toSet;
import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.introspect.Annotated;
import com.fasterxml.jackson.databind.introspect.JacksonAnnotationIntrospector;
import io.csvimport.settings.Settings;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.ServiceAccount;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.StatefulSet;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** The kustomize bases are what Kubernetes accepts, hang together, and fit the product and its image. */
class KubernetesTest {

    private static final Path BASES = Path.of("src/main/kubernetes");
    private static final Map<String, Class<?>> KINDS = Stream.of(
                    ConfigMap.class,
                    Deployment.class,
                    PersistentVolumeClaim.class,
                    PodDisruptionBudget.class,
                    Secret.class,
                    Service.class,
                    ServiceAccount.class,
                    StatefulSet.class)
            .collect(toMap(Class::getSimpleName, kind -> kind));

    /** Refuses what the schema does not have. */
    private static final ObjectMapper SCHEMAS = new ObjectMapper()
            .setAnnotationIntrospector(new JacksonAnnotationIntrospector() {
                @Override
                public Boolean hasAnySetter(Annotated member) {
                    return false;
                }
            });

    private static List<Map<?, ?>> documents(Path file) throws IOException {
        List<Map<?, ?>> documents = new ArrayList<>();
        new Load(LoadSettings.builder().build())
                .loadAllFromString(Files.readString(file))
                .forEach(document -> documents.add((Map<?, ?>) document));
        return documents;
    }

    /** What kustomize makes of a base without patches: all documents of its resources. */
    private static List<Map<?, ?>> build(Path base) throws IOException {
        Map<?, ?> kustomization = documents(base.resolve("kustomization.yaml")).get(0);
        assertEquals(Set.of("apiVersion", "kind", "resources"), kustomization.keySet());
        List<Map<?, ?>> built = new ArrayList<>();
        for (Object resource : (List<?>) kustomization.get("resources")) {
            Path path = base.resolve(resource.toString()).normalize();
            built.addAll(Files.isDirectory(path) ? build(path) : documents(path));
        }
        return built;
    }

    private static Object parse(Map<?, ?> document) {
        Class<?> kind = Objects.requireNonNull(KINDS.get(document.get("kind")), document.toString());
        Object resource = SCHEMAS.convertValue(document, kind);
        assertEquals(
                SCHEMAS.valueToTree(SCHEMAS.convertValue(Map.of(), kind)).path("apiVersion"),
                SCHEMAS.valueToTree(document).path("apiVersion"));
        return resource;
    }

    private static <T> List<T> of(Class<T> kind, List<Object> resources) {
        return resources.stream().filter(kind::isInstance).map(kind::cast).toList();
    }

    @ParameterizedTest
    @ValueSource(strings = {"sqlite", "postgresql"})
    void eachBaseIsValidAndWhatItNamesIsThere(String base) throws IOException {
        List<Object> resources =
                build(BASES.resolve(base)).stream().map(KubernetesTest::parse).toList();
        PodTemplateSpec pod = of(Deployment.class, resources).stream()
                .map(one -> one.getSpec().getTemplate())
                .findFirst()
                .orElseGet(
                        () -> of(StatefulSet.class, resources).get(0).getSpec().getTemplate());
        PodSpec spec = pod.getSpec();
        var container = spec.getContainers().get(0);
        Set<String> claims = of(PersistentVolumeClaim.class, resources).stream()
                .map(claim -> claim.getMetadata().getName())
                .collect(toSet());
        Set<String> maps = of(ConfigMap.class, resources).stream()
                .map(map -> map.getMetadata().getName())
                .collect(toSet());
        Set<String> volumes = spec.getVolumes().stream()
                .peek(volume -> assertTrue(
                        volume.getConfigMap() != null
                                ? maps.contains(volume.getConfigMap().getName())
                                : claims.contains(
                                        volume.getPersistentVolumeClaim().getClaimName())))
                .map(volume -> volume.getName())
                .collect(toSet());
        of(StatefulSet.class, resources).forEach(set -> set.getSpec()
                .getVolumeClaimTemplates()
                .forEach(claim -> volumes.add(claim.getMetadata().getName())));
        Service service = of(Service.class, resources).get(0);
        var security = container.getSecurityContext();
        String dockerfile = Files.readString(Path.of("Dockerfile"));
        long stop = Duration.parse(Settings.defaults().getProperty("csv-import.stop.timeout"))
                .toSeconds();
        assertAll(
                () -> container
                        .getVolumeMounts()
                        .forEach(mount -> assertTrue(
                                volumes.contains(mount.getName())
                                        && dockerfile.contains("\"" + mount.getMountPath() + "\""),
                                mount.toString())),
                () -> assertEquals(
                        pod.getMetadata().getLabels(), service.getSpec().getSelector()),
                () -> assertEquals(
                        container.getPorts().get(0).getName(),
                        service.getSpec().getPorts().get(0).getTargetPort().getStrVal()),
                () -> assertEquals(
                        "/observe/health/live",
                        container.getLivenessProbe().getHttpGet().getPath()),
                () -> assertEquals(
                        "/observe/health/live",
                        container.getStartupProbe().getHttpGet().getPath()),
                () -> assertEquals(
                        "/observe/health/ready",
                        container.getReadinessProbe().getHttpGet().getPath()),
                () -> assertTrue(spec.getTerminationGracePeriodSeconds() > stop),
                () -> assertEquals(false, spec.getEnableServiceLinks()),
                () -> assertEquals(true, security.getReadOnlyRootFilesystem()),
                () -> assertEquals(false, security.getAllowPrivilegeEscalation()),
                () -> assertEquals(List.of("ALL"), security.getCapabilities().getDrop()),
                () -> assertEquals(10001L, spec.getSecurityContext().getRunAsUser()),
                () -> assertTrue(dockerfile.contains("USER 10001:10001")),
                () -> assertEquals(true, spec.getSecurityContext().getRunAsNonRoot()),
                () -> assertEquals(
                        "RuntimeDefault",
                        spec.getSecurityContext().getSeccompProfile().getType()));
    }

    @Test
    void theLedgerInAFileHasOneProcessAndTheSharedOneAVolumeForEach() throws IOException {
        Deployment single = (Deployment)
                parse(documents(BASES.resolve("sqlite/deployment.yaml")).get(0));
        StatefulSet several = (StatefulSet)
                parse(documents(BASES.resolve("postgresql/stateful-set.yaml")).get(0));
        PodDisruptionBudget budget = (PodDisruptionBudget) parse(
                documents(BASES.resolve("postgresql/disruption-budget.yaml")).get(0));
        assertAll(
                () -> assertEquals("Recreate", single.getSpec().getStrategy().getType()),
                () -> assertEquals(1, single.getSpec().getReplicas()),
                () -> assertEquals(
                        "data",
                        several.getSpec()
                                .getVolumeClaimTemplates()
                                .get(0)
                                .getMetadata()
                                .getName()),
                () -> assertEquals(
                        several.getSpec().getSelector(), budget.getSpec().getSelector()),
                () -> assertNull(single.getSpec().getTemplate().getSpec().getContainers().get(0).getEnv().stream()
                        .findFirst()
                        .orElse(null)));
    }

    @Test
    void theSecretHasSettings() throws IOException {
        Secret secret = (Secret)
                parse(documents(BASES.resolve("base/secret.example.yaml")).get(0));
        Set<String> variables = Settings.defaults().stringPropertyNames().stream()
                .map(name -> name.toUpperCase(java.util.Locale.ROOT).replaceAll("[.-]", "_"))
                .collect(toSet());
        assertTrue(variables.containsAll(secret.getStringData().keySet()));
    }

    @Test
    void theRulesForTheOperatorAreThoseForPrometheus() throws IOException {
        Map<?, ?> rule =
                documents(BASES.resolve("monitoring/prometheus-rule.yaml")).get(0);
        Map<?, ?> monitor =
                documents(BASES.resolve("monitoring/service-monitor.yaml")).get(0);
        Service service =
                (Service) parse(documents(BASES.resolve("base/service.yaml")).get(0));
        Map<?, ?> monitored = (Map<?, ?>) monitor.get("spec");
        assertAll(
                () -> assertEquals(
                        documents(Path.of("src/main/observability/csv-import-alerts.yaml"))
                                .get(0),
                        rule.get("spec")),
                () -> assertEquals(Map.of("matchLabels", service.getMetadata().getLabels()), monitored.get("selector")),
                () -> assertNotNull(monitored.get("endpoints")));
    }
}
