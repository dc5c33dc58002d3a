package io.csvimport.expectation;

import io.csvimport.expectation.Expectation.Otherwise;
import io.csvimport.expectation.Expectation.Rows;
import io.csvimport.job.Delivery;
import io.csvimport.text.Nearest;
import io.csvimport.text.Visible;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;

/**
 * What a file of expectations says.
 *
 * @param entries none where there is a mistake
 * @param mistakes each with the file and the line, as in {@code expectations/people.yaml:7: rows.min is …}
 */
public record ExpectationsFile(List<Expectation> entries, List<String> mistakes) {

    private static final Set<String> KEYS = Set.of(
            "template", "feed", "files", "due", "days", "zone", "grace", "header", "rows", "encoding", "otherwise");
    private static final Set<String> ROWS = Set.of("min", "max-drop");
    private static final String SAME_AS_LAST = "same-as-last";

    /**
     * @param bytes in UTF-8
     * @param known the expectations of other files: where each is, by its key
     */
    public static ExpectationsFile read(String name, byte[] bytes, Map<String, String> known) {
        ByteBuffer undecoded = ByteBuffer.wrap(bytes);
        try {
            return read(
                    name, StandardCharsets.UTF_8.newDecoder().decode(undecoded).toString(), known);
        } catch (CharacterCodingException e) {
            long line = 1
                    + new String(bytes, 0, undecoded.position(), StandardCharsets.ISO_8859_1)
                            .chars()
                            .filter(character -> character == '\n')
                            .count();
            return new ExpectationsFile(List.of(), List.of(name + ":" + line + ": it is not in UTF-8"));
        }
    }

    /** @param known the expectations of other files: where each is, by its key */
    static ExpectationsFile read(String name, String text, Map<String, String> known) {
        Reader reader = new Reader(name, known);
        LoadSettings settings = LoadSettings.builder().setLabel(name).build();
        try {
            new Compose(settings).composeString(text).ifPresent(reader::entries);
        } catch (MarkedYamlEngineException e) {
            reader.mistake(
                    e.getProblemMark().map(mark -> mark.getLine() + 1).orElse(1),
                    "it is no YAML: " + (e.getProblem() == null ? e.getContext() : e.getProblem()));
        } catch (YamlEngineException e) {
            reader.mistake(1, "it is no YAML: " + e.getMessage());
        } catch (StackOverflowError e) {
            reader.mistake(1, "it is nested too deeply");
        }
        List<String> mistakes = reader.mistakes.stream()
                .sorted(Comparator.comparingInt(Mistake::line))
                .map(mistake -> name + ":" + mistake.line + ": " + Visible.of(mistake.what))
                .toList();
        return new ExpectationsFile(mistakes.isEmpty() ? reader.entries : List.of(), mistakes);
    }

    private record Mistake(int line, String what) {}

    /** Goes through the nodes: they know their lines. */
    private static final class Reader {
        private final String name;
        private final Map<String, String> known;
        private final List<Expectation> entries = new ArrayList<>();
        private final List<Mistake> mistakes = new ArrayList<>();

        Reader(String name, Map<String, String> known) {
            this.name = name;
            this.known = new HashMap<>(known);
        }

        void mistake(int line, String what) {
            mistakes.add(new Mistake(line, what));
        }

        void entries(Node root) {
            if (root instanceof SequenceNode list) {
                list.getValue().forEach(this::entry);
            } else if (!isEmpty(root)) {
                mistake(line(root), "a file is a list of entries, each of which begins with \"- template:\"");
            }
        }

        private void entry(Node node) {
            int before = mistakes.size();
            Map<String, Node> values = values(node, "an entry", "", KEYS);
            if (values == null) {
                return;
            }
            if (!values.containsKey("template")) {
                mistake(line(node), "template is missing: the one of the CSVs that are expected");
            } else if (mistakes.size() == before
                    && Set.of("template", "feed", "otherwise").containsAll(values.keySet())) {
                mistake(line(node), "nothing is expected: give due, header, rows, encoding or files");
            }
            Rows rows = rows(values.get("rows"));
            boolean ofLast = values.get("header") instanceof ScalarNode header
                    && header.getValue().equals(SAME_AS_LAST);
            Expectation entry = new Expectation(
                    name + ":" + line(node),
                    scalar(values, "template", Function.identity()),
                    scalar(values, "feed", Delivery::from),
                    scalar(values, "files", Reader::pattern),
                    due(values),
                    orElse(scalar(values, "grace", Reader::duration), Duration.ZERO),
                    ofLast ? null : header(values.get("header")),
                    ofLast,
                    rows,
                    scalar(values, "encoding", Reader::encoding),
                    orElse(scalar(values, "otherwise", Reader::otherwise), Otherwise.WARN));
            if (before < mistakes.size()) {
                return;
            }
            String earlier = known.putIfAbsent(entry.key(), entry.place());
            if (earlier == null) {
                entries.add(entry);
            } else {
                mistake(
                        line(node),
                        "the same template, feed, files and due are at " + earlier + ": make one of the two");
            }
        }

        private Due due(Map<String, Node> values) {
            List<String> names = new ArrayList<>();
            for (Node days : list(values.get("days"))) {
                names.add(days instanceof ScalarNode day ? day.getValue() : "");
            }
            String days = names.isEmpty() ? null : String.join(",", names);
            ZoneId zone = orElse(scalar(values, "zone", Reader::zone), ZoneId.systemDefault());
            Due due = scalar(values, "due", text -> {
                Due times = Due.of(text, null, zone);
                if (times.next(Instant.now()).isEmpty()) {
                    throw new IllegalArgumentException("due has no time to come: '" + text + "'");
                }
                return times;
            });
            if (due != null && days != null) {
                String time = ((ScalarNode) values.get("due")).getValue();
                due = value(line(values.get("days")), days, text -> Due.of(time, text, zone));
            }
            for (String needs : List.of("days", "zone", "grace")) {
                if (values.containsKey(needs) && !values.containsKey("due")) {
                    mistake(line(values.get(needs)), needs + " goes with due, which is missing");
                }
            }
            return due;
        }

        private List<String> header(Node node) {
            if (node == null) {
                return null;
            }
            List<String> columns = new ArrayList<>();
            for (Node column : node instanceof SequenceNode list ? list.getValue() : List.<Node>of()) {
                if (column instanceof ScalarNode named) {
                    columns.add(named.getValue());
                }
            }
            if (!(node instanceof SequenceNode list)
                    || columns.isEmpty()
                    || columns.size() < list.getValue().size()) {
                mistake(
                        line(node),
                        "header is a list of the names of the columns, as in [id, name], or " + SAME_AS_LAST);
            }
            return columns;
        }

        private Rows rows(Node node) {
            if (node == null) {
                return Rows.NONE;
            }
            int before = mistakes.size();
            Map<String, Node> values = values(node, "rows", "rows.", ROWS);
            if (values == null) {
                return Rows.NONE;
            }
            if (values.isEmpty() && mistakes.size() == before) {
                mistake(line(node), "rows is such as { min: 100, max-drop: 30% }");
            }
            return new Rows(
                    orElse(scalar(values, "min", Reader::min), 0L), scalar(values, "max-drop", Reader::percent));
        }

        /** The values of a map by their names, in which each name is known; null where it is none. */
        private Map<String, Node> values(Node node, String what, String prefix, Set<String> keys) {
            if (!(node instanceof MappingNode map)) {
                mistake(line(node), what + " is names and values: " + String.join(", ", new TreeSet<>(keys)));
                return null;
            }
            Map<String, Node> values = new HashMap<>();
            for (NodeTuple pair : map.getValue()) {
                Node key = pair.getKeyNode();
                String name = key instanceof ScalarNode scalar ? scalar.getValue() : "";
                if (!keys.contains(name)) {
                    String nearest =
                            Nearest.to(name.toLowerCase(Locale.ROOT), new TreeSet<>(keys), Function.identity());
                    mistake(line(key), prefix + name + " is not known; the nearest is " + prefix + nearest);
                } else if (values.putIfAbsent(name, pair.getValueNode()) != null) {
                    mistake(line(key), prefix + name + " is given twice");
                }
            }
            return values;
        }

        /** Null where it is missing or wrong. */
        private <T> T scalar(Map<String, Node> values, String key, Function<String, T> read) {
            Node node = values.get(key);
            if (node == null) {
                return null;
            }
            if (!(node instanceof ScalarNode scalar) || scalar.getValue().isBlank()) {
                mistake(line(node), key + (isEmpty(node) ? " is empty" : " is one value, no list"));
                return null;
            }
            return value(line(node), scalar.getValue().strip(), read);
        }

        private <T> T value(int line, String text, Function<String, T> read) {
            try {
                return read.apply(text);
            } catch (IllegalArgumentException e) {
                mistake(line, e.getMessage());
                return null;
            }
        }

        private static String pattern(String text) {
            if (text.contains("/")) {
                throw new IllegalArgumentException("files is a pattern of names, without folders: '" + text + "'");
            }
            try {
                FileSystems.getDefault().getPathMatcher("glob:" + text);
                return text;
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException("files is a pattern of names such as people-*.csv: '" + text + "'");
            }
        }

        private static ZoneId zone(String text) {
            try {
                return ZoneId.of(text);
            } catch (DateTimeException e) {
                throw new IllegalArgumentException("zone is a time zone such as Europe/Berlin: '" + text + "'");
            }
        }

        private static Duration duration(String text) {
            try {
                Duration grace = Duration.parse(text);
                if (!grace.isNegative()) {
                    return grace;
                }
            } catch (DateTimeException e) {
                // said below
            }
            throw new IllegalArgumentException("grace is an ISO-8601 duration such as PT1H: '" + text + "'");
        }

        private static long min(String text) {
            if (!text.matches("\\d{1,18}")) {
                throw new IllegalArgumentException("rows.min is a number from 0 on: '" + text + "'");
            }
            return Long.parseLong(text);
        }

        private static Integer percent(String text) {
            if (!text.matches("(\\d{1,2}|100)\\s*%")) {
                throw new IllegalArgumentException("rows.max-drop is a percentage from 0% to 100%: '" + text + "'");
            }
            return Integer.valueOf(text.replaceAll("\\D", ""));
        }

        private static Charset encoding(String text) {
            try {
                return Charset.forName(text);
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException(
                        "encoding is one that Java knows, such as UTF-8 or windows-1252: '" + text + "'");
            }
        }

        private static Otherwise otherwise(String text) {
            for (Otherwise otherwise : Otherwise.values()) {
                if (otherwise.name().toLowerCase(Locale.ROOT).equals(text)) {
                    return otherwise;
                }
            }
            throw new IllegalArgumentException("otherwise is hold, reject or warn: '" + text + "'");
        }

        private static List<Node> list(Node node) {
            return node == null ? List.of() : node instanceof SequenceNode list ? list.getValue() : List.of(node);
        }

        private static boolean isEmpty(Node node) {
            return node instanceof ScalarNode scalar && scalar.getValue().isBlank();
        }

        private static int line(Node node) {
            return node.getStartMark().map(mark -> mark.getLine() + 1).orElse(1);
        }

        private static <T> T orElse(T value, T other) {
            return value == null ? other : value;
        }
    }
}
