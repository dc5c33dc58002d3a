package io.csvimport;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import org.apache.camel.Exchange;
import org.apache.camel.Message;

/**
 * Names a delivery: {@code template}, {@code notify} and {@code fileName}. A header wins over the folder, the folder
 * over what the ledger has claimed already, that over the setting; what is named wrongly is rejected.
 */
public final class Names {

    private static final Pattern SLASH = Pattern.compile("[/\\\\]");

    private final Settings settings;

    Names(Settings settings) {
        this.settings = settings;
    }

    /** @throws CsvRejectedException where a name is missing, forbidden or no address. */
    public void enrich(Exchange exchange) throws CsvRejectedException {
        Message message = exchange.getMessage();
        Delivery delivery = Delivery.of(exchange);
        // set before they are checked: the ledger and the audit event tell what was wrong
        delivery.template = firstNamed(
                message.getHeader("template", String.class),
                exchange.getProperty(Delivery.FOLDER_TEMPLATE, String.class),
                delivery.template,
                settings.get("template"));
        delivery.notifyAddresses = NotifyAddresses.of(firstNamed(
                message.getHeader("notify", String.class),
                String.join(",", delivery.notifyAddresses),
                settings.get("notify")));
        String asked = firstNamed(message.getHeader("fileName", String.class));
        String path = firstNamed(
                asked,
                message.getHeader(Exchange.FILE_NAME, String.class),
                delivery.fileName,
                delivery.path == null
                        ? null
                        : Path.of(delivery.path).getFileName().toString());
        List<String> segments = path == null ? List.of() : Arrays.asList(SLASH.split(path, -1));
        delivery.fileName = segments.isEmpty() ? null : segments.get(segments.size() - 1);

        if (delivery.template == null) {
            throw new CsvRejectedException(
                    "no-template",
                    "No template is named: put the file into a folder named after its template, set the header template,"
                            + " or set csv-import.template");
        }
        refuseControl("template", delivery.template);
        if (path != null) {
            refuseControl("file-name", path);
            if (path.startsWith("/")
                    || path.startsWith("\\")
                    // a file of that name in a folder is no path of another system
                    || asked != null && asked.matches("[A-Za-z]:.*")
                    || segments.contains("..")) {
                throw new CsvRejectedException(
                        "file-name", "The file name is an absolute path or leads upwards: " + path);
            }
            if (delivery.fileName.isBlank() || delivery.fileName.equals(".")) {
                throw new CsvRejectedException("file-name", "The file name ends in no name: '" + path + "'");
            }
        }
        String problem = NotifyAddresses.problem(String.join(",", delivery.notifyAddresses));
        if (problem != null) {
            throw new CsvRejectedException("notify", "notify: " + problem);
        }
    }

    private static void refuseControl(String reason, String name) throws CsvRejectedException {
        for (char c : name.toCharArray()) {
            if (Character.isISOControl(c)) {
                throw new CsvRejectedException(reason, "A control character in '" + Visible.of(name) + "'");
            }
        }
    }

    private static String firstNamed(String... names) {
        for (String name : names) {
            if (name != null && !name.isBlank()) {
                return name;
            }
        }
        return null;
    }
}
