package io.csvimport.platform;

import io.csvimport.audit.AuditFile;
import io.csvimport.settings.Finding;
import io.csvimport.settings.Settings;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.camel.CamelContext;
import org.apache.camel.RuntimeCamelException;
import org.apache.camel.model.ModelCamelContext;

/** Reads and parses the files of routes, and looks for the component of the audit events; no route is started. */
public final class RoutesCheck {

    private RoutesCheck() {}

    /** @param folders a file of an earlier one replaces a file of a later one */
    public static List<Finding> check(CamelContext context, List<Path> folders) {
        List<Finding> findings = new ArrayList<>();
        RoutesListing listing = new RoutesListing(folders, Set.of());
        listing.scan();
        listing.failed().forEach((entry, why) -> findings.add(Finding.failed(entry + " cannot be read: " + why)));
        Map<String, RouteFile> owners = new HashMap<>();
        listing.files().forEach((path, version) -> {
            try {
                RouteFile file =
                        new RouteFile((ModelCamelContext) context, path, version.folder(), Files.readString(path));
                file.ids.forEach(id -> {
                    RouteFile owner = owners.putIfAbsent(version.folder() + id, file);
                    if (owner != null) {
                        findings.add(Finding.failed(path + " has the id " + id + ", as " + owner.path
                                + " has: edit that file, or choose another id"));
                    }
                });
            } catch (Exception | LinkageError e) {
                findings.add(Finding.failed(path + ": " + RoutesFolder.reason(e)));
            }
        });
        if (findings.isEmpty()) {
            String places = folders.stream().map(Path::toString).collect(Collectors.joining(" and "));
            findings.add(Finding.ok(listing.files().size() + " files in " + places));
        }
        return findings;
    }

    /** Where the audit events go; nothing is sent there. */
    public static Finding audit(CamelContext context, Settings settings) {
        AuditFile file = new AuditFile(settings);
        context.getRegistry().bind("csvImportAuditFile", file);
        String uri = settings.get("audit.uri");
        String target =
                uri.equals("bean:csvImportAuditFile") ? file.file().toString() : "an endpoint of " + uri.split(":")[0];
        return auditProblem(context, settings).map(Finding::failed).orElse(Finding.ok("events go to " + target));
    }

    /** Why the audit events cannot go where they should, and what to do. */
    static Optional<String> auditProblem(CamelContext context, Settings settings) {
        String uri = settings.get("audit.uri");
        try {
            context.getEndpoint(uri);
            return Optional.empty();
        } catch (RuntimeCamelException e) {
            return Optional.of("csv-import.audit.uri (CSV_IMPORT_AUDIT_URI), " + uri.split(":")[0]
                    + ":…, is no Camel endpoint: are its options spelt right?");
        }
    }
}
