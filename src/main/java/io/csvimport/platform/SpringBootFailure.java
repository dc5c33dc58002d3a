package io.csvimport.platform;

import io.csvimport.settings.SettingsException;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Spring Boot says which settings are missing or wrong, without a stack trace. */
public final class SpringBootFailure extends AbstractFailureAnalyzer<SettingsException> {

    @Override
    protected FailureAnalysis analyze(Throwable failure, SettingsException cause) {
        return new FailureAnalysis(cause.getMessage(), null, failure);
    }
}
