package io.csvimport.pipeline;

import io.csvimport.CsvRejectedException;
import io.csvimport.job.CsvImportConstants;
import io.csvimport.job.Delivery;
import io.csvimport.job.Job;
import io.csvimport.text.NotifyAddresses;
import io.csvimport.text.Visible;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import org.apache.camel.Exchange;

/**
 * Checks what the route {@code csv-import-enrich} has named a delivery: {@code template}, {@code notify} and {@code
 * fileName}. What is named wrongly is rejected.
 */
public final class Names {

    private static final Pattern SLASH = Pattern.compile("[/\\\\]");

    private Names() {}

    /** What was claimed keeps its names, where neither a header nor a folder says otherwise. */
    static void keep(Exchange exchange, Job.Naming claimed) {
        exchange.setProperty(CsvImportConstants.TEMPLATE, claimed.template());
        exchange.setProperty(CsvImportConstants.NOTIFY, claimed.addressList());
        exchange.setProperty(CsvImportConstants.FILE_NAME, claimed.fileName());
        exchange.setProperty(CsvImportConstants.DUPLICATES, claimed.duplicates());
    }

    /** @throws CsvRejectedException where a name is missing, forbidden or no address. */
    public static void check(Exchange exchange) throws CsvRejectedException {
        Delivery delivery = Delivery.of(exchange);
        String path = named(exchange, CsvImportConstants.FILE_NAME);
        List<String> segments = path == null ? List.of() : Arrays.asList(SLASH.split(path, -1));
        String template = named(exchange, CsvImportConstants.TEMPLATE);
        List<String> notify = NotifyAddresses.of(named(exchange, CsvImportConstants.NOTIFY));
        String fileName = fileName(exchange);
        // named before it is checked: the ledger and the audit event tell what was wrong
        delivery.named(new Job.Naming(template, notify, fileName, named(exchange, CsvImportConstants.DUPLICATES)));

        if (template == null) {
            throw new CsvRejectedException(
                    "no-template",
                    "No template is named: put the file into a folder named after its template, set the header template,"
                            + " or set csv-import.template");
        }
        refuseControl("template", template);
        if (path != null) {
            refuseControl("file-name", path);
            if (path.startsWith("/")
                    || path.startsWith("\\")
                    // a file of that name in a folder is no path of another system
                    || exchange.getMessage()
                            .getHeader("fileName", "", String.class)
                            .matches("[A-Za-z]:.*")
                    || segments.contains("..")) {
                throw new CsvRejectedException(
                        "file-name", "The file name is an absolute path or leads upwards: " + path);
            }
            if (fileName.isBlank() || fileName.equals(".")) {
                throw new CsvRejectedException("file-name", "The file name ends in no name: '" + path + "'");
            }
        }
        String problem = NotifyAddresses.problem(String.join(",", notify));
        if (problem != null) {
            throw new CsvRejectedException("notify", "notify: " + problem);
        }
    }

    /** The last segment of what names the file; null where it has no name yet. */
    static String fileName(Exchange exchange) {
        String path = named(exchange, CsvImportConstants.FILE_NAME);
        return path == null ? null : path.substring(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
    }

    private static void refuseControl(String reason, String name) throws CsvRejectedException {
        for (char c : name.toCharArray()) {
            if (Character.isISOControl(c)) {
                throw new CsvRejectedException(reason, "A control character in '" + Visible.of(name) + "'");
            }
        }
    }

    private static String named(Exchange exchange, String property) {
        String name = exchange.getProperty(property, String.class);
        return name == null || name.isBlank() ? null : name;
    }
}
