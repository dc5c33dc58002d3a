package io.csvimport.text;

import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The addresses of {@code notify}: a comma-separated list, blanks around an address allowed. */
public final class NotifyAddresses {

    private static final Pattern BLANKS_AROUND = Pattern.compile("^ +| +$");
    private static final Pattern ADDRESS = Pattern.compile("[^\\s@,;:<>()\"\\p{Cntrl}]+@[^\\s@,;:<>()\"\\p{Cntrl}]+");

    private NotifyAddresses() {}

    /** What is wrong with a comma-separated list of addresses, or null. */
    public static String problem(String list) {
        for (String address : of(list)) {
            if (!ADDRESS.matcher(address).matches()) {
                return "'" + Visible.of(address) + "' is no e-mail address";
            }
        }
        return null;
    }

    public static List<String> of(String list) {
        // only blanks around an address are no part of it: a line break is a reason to refuse
        return Stream.of(list == null ? new String[0] : list.split(","))
                .map(address -> BLANKS_AROUND.matcher(address).replaceAll(""))
                .filter(address -> !address.isEmpty())
                .toList();
    }
}
