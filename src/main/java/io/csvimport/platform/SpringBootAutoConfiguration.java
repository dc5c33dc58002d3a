package io.csvimport.platform;

import io.csvimport.operations.Readiness;
import io.csvimport.settings.SettingsSource;
import org.apache.camel.CamelContext;
import org.apache.camel.health.HealthCheck;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.actuate.autoconfigure.health.ConditionalOnEnabledHealthIndicator;
import org.springframework.boot.actuate.health.Health;
import org.springframework.boot.actuate.health.HealthIndicator;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.ConfigurableEnvironment;

/** Spring Boot's auto-configuration: the settings from its environment, and the health of the product for its actuator. */
@AutoConfiguration
@ConditionalOnClass(CamelContext.class)
public class SpringBootAutoConfiguration {

    @Bean
    SettingsSource csvImportSettingsSource(ConfigurableEnvironment environment) {
        return new SpringBootSettings(environment);
    }

    /** Applies if the actuator is on the class path. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass(ConditionalOnEnabledHealthIndicator.class)
    static class Actuator {

        /** DOWN is the status of this component; the groups readiness and liveness do not include it. */
        @Bean(CsvImportPlugin.PLATFORM_HEALTH)
        @ConditionalOnEnabledHealthIndicator("csv-import")
        HealthIndicator health(ObjectProvider<CamelContext> contexts) {
            return () -> contexts.stream()
                    .map(context -> context.getRegistry().lookupByNameAndType("csvImportReadiness", Readiness.class))
                    .filter(readiness -> readiness != null)
                    .findFirst()
                    .map(readiness -> health(readiness.call()))
                    .orElseGet(() -> Health.unknown()
                            .withDetail("reasons", "It does not run here")
                            .build());
        }

        private static Health health(HealthCheck.Result result) {
            return (result.getState() == HealthCheck.State.DOWN ? Health.down() : Health.up())
                    .withDetails(Readiness.details(result))
                    .build();
        }
    }
}
