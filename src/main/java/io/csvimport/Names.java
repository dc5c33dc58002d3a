package io.csvimport;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.apache.camel.Exchange;
import org.apache.camel.Message;

/**
 * Names a delivery: {@code template}, {@code notify} and {@code fileName}. A header wins over the folder, the folder
 * over what the ledger has claimed already, that over the setting; what is named wrongly is rejected.
 */
public final class Names {

    /** Exchange property: the template that the source's folder names. */
    static final String FOLDER_TEMPLATE = "csvImportFolderTemplate";

    private static final Set<Integer> INVISIBLE = Set.of(
            (int) Character.CONTROL,
            (int) Character.FORMAT,
            (int) Character.LINE_SEPARATOR,
            (int) Character.PARAGRAPH_SEPARATOR,
            (int) Character.SURROGATE);
    private static final Pattern BLANKS_AROUND = Pattern.compile("^ +| +$");
    private static final Pattern SLASH = Pattern.compile("[/\\\\]");
    private static final Pattern ADDRESS = Pattern.compile("[^\\s@,;:<>()\"\\p{Cntrl}]+@[^\\s@,;:<>()\"\\p{Cntrl}]+");

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
                exchange.getProperty(FOLDER_TEMPLATE, String.class),
                delivery.template,
                settings.get("template"));
        delivery.notifyAddresses = addresses(firstNamed(
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
        String problem = checkNotify(String.join(",", delivery.notifyAddresses));
        if (problem != null) {
            throw new CsvRejectedException("notify", "notify: " + problem);
        }
    }

    /** What is wrong with a comma-separated list of addresses, or null. */
    static String checkNotify(String list) {
        for (String address : addresses(list)) {
            if (!ADDRESS.matcher(address).matches()) {
                return "'" + visible(address) + "' is no e-mail address";
            }
        }
        return null;
    }

    static List<String> addresses(String list) {
        List<String> addresses = new ArrayList<>();
        for (String address : list == null || list.isEmpty() ? new String[0] : list.split(",")) {
            // only blanks around an address are no part of it: a line break is a reason to refuse
            String bare = BLANKS_AROUND.matcher(address).replaceAll("");
            if (!bare.isEmpty()) {
                addresses.add(bare);
            }
        }
        return addresses;
    }

    private static void refuseControl(String reason, String name) throws CsvRejectedException {
        for (char c : name.toCharArray()) {
            if (Character.isISOControl(c)) {
                throw new CsvRejectedException(reason, "A control character in '" + visible(name) + "'");
            }
        }
    }

    /** What would end the line, change its direction or not be seen as {@code \\u000a}: what is printed is one line. */
    static String visible(String text) {
        StringBuilder visible = new StringBuilder();
        text.codePoints().forEach(c -> {
            if (INVISIBLE.contains(Character.getType(c))) {
                Character.toString(c).chars().forEach(unit -> visible.append(String.format("\\u%04x", unit)));
            } else {
                visible.appendCodePoint(c);
            }
        });
        return visible.toString();
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
