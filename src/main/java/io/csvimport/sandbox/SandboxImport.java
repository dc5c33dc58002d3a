package io.csvimport.sandbox;

import java.time.Instant;
import java.util.List;
import java.util.Map;

/**
 * An import that the sandbox accepted.
 *
 * @param id numeric, larger than that of every earlier import
 * @param template name of the template, also where the upload gave its id
 * @param addresses to notify, empty where none were given
 * @param fileName the name as it was before it was escaped
 * @param size of the file, bytes
 * @param sha256 of the file, lower-case hex
 * @param created when it was accepted, by the sandbox's clock
 * @param voided whether it was voided since
 * @param failedRows error texts by row number; the header row is row 1
 * @param statementIds one a good row, at most 100
 */
public record SandboxImport(
        String id,
        String template,
        List<String> addresses,
        String fileName,
        long size,
        String sha256,
        Instant created,
        boolean voided,
        Map<String, String> failedRows,
        List<String> statementIds) {

    SandboxImport voidedNow() {
        return new SandboxImport(
                id, template, addresses, fileName, size, sha256, created, true, failedRows, statementIds);
    }
}
