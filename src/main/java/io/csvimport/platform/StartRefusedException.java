package io.csvimport.platform;

import java.util.List;

/**
 * The product does not start. The message has one line for each reason, and there is no stack trace: a host prints both,
 * and the reasons are all that its user needs.
 */
public final class StartRefusedException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /** @param reasons what to correct, one line each */
    public StartRefusedException(List<String> reasons) {
        super("csv-import-routes does not start:\n  " + String.join("\n  ", reasons), null, false, false);
    }
}
