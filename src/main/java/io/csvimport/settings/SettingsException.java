package io.csvimport.settings;

import java.util.List;

/** Settings are missing or wrong; the message has one line for each. */
public final class SettingsException extends IllegalArgumentException {

    private static final long serialVersionUID = 1L;

    public SettingsException(List<String> problems) {
        super(String.join("\n", problems));
    }
}
