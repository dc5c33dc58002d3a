package io.csvimport.platform;

import io.csvimport.operations.Readiness;
import io.smallrye.health.api.Wellness;
import org.apache.camel.CamelContext;
import org.apache.camel.health.HealthCheck.Result;
import org.apache.camel.health.HealthCheck.State;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.HealthCheckResponseBuilder;

/**
 * The check {@code csv-import} of Quarkus, in {@code /q/health} and {@code /q/health/well}: neither its readiness nor its
 * liveness. It is a bean only in an application with SmallRye Health, which knows the annotation.
 */
@Wellness
public class QuarkusHealth implements HealthCheck {

    private final CamelContext context;

    QuarkusHealth(CamelContext context) {
        this.context = context;
    }

    @Override
    public HealthCheckResponse call() {
        HealthCheckResponseBuilder health = HealthCheckResponse.named("csv-import");
        Readiness readiness = context.getRegistry().lookupByNameAndType("csvImportReadiness", Readiness.class);
        if (readiness == null) {
            return health.up().withData("reasons", "It does not run here").build();
        }
        Result result = readiness.call();
        Readiness.details(result).forEach(health::withData);
        return health.status(result.getState() != State.DOWN).build();
    }
}
