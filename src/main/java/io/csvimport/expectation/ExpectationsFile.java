package io.csvimport.expectation;

import io.csvimport.expectation.Expectation.Otherwise;
import io.csvimport.expectation.Expectation.Rows;
import io.csvimport.job.Delivery;
import io.csvimport.text.NearestName;
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
import java.util.stream.Collectors;
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

    /** What a value is that cannot be read. */
    private static final Map<String, String> MEANT = Map.of(
            "files", "files is a pattern of names such as people-*.csv",
            "zone", "zone is a time zone such as Europe/Berlin",
            "grace", "grace is an ISO-8601 duration such as PT1H",
            "min", "rows.min is a number from 0 on",
            "max-drop", "rows.max-drop is a percentage from 0% to 100%",
            "encoding", "encoding is one that Java knows, such as UTF-8 or windows-1252",
            "otherwise", "otherwise is hold, reject or warn");

    /**
     * @param bytes in UTF-8
     * @param known the expectations of other files: where each is, by its key
     */
    public static ExpectationsFile read(String name, byte[] bytes, Map<String, String> known) {
        Reader reader = new Reader(name, known);
        LoadSettings settings = LoadSettings.builder().setLabel(name).build();
        ByteBuffer undecoded = ByteBuffer.wrap(bytes);
        try {
            String text = StandardCharsets.UTF_8.newDecoder().decode(undecoded).toString();
            new Compose(settings).composeString(text).ifPresent(reader::entries);
        } catch (CharacterCodingException e) {
            String before = new String(bytes, 0, undecoded.position(), StandardCharsets.ISO_8859_1);
            reader.mistake(before.split("\n", -1).length, "it is not in UTF-8");
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

        private void mistake(Node node, String what) {
            mistake(line(node), what);
        }

        void entries(Node root) {
            if (root instanceof SequenceNode list) {
                list.getValue().forEach(this::entry);
            } else if (!text(root).isBlank() || !(root instanceof ScalarNode)) {
                mistake(root, "a file is a list of entries, each of which begins with \"- template:\"");
            }
        }

        private void entry(Node node) {
            int before = mistakes.size();
            Map<String, Node> values = values(node, "an entry", "", KEYS);
            if (values == null) {
                return;
            }
            if (!values.containsKey("template")) {
                mistake(node, "template is missing: the one of the CSVs that are expected");
            } else if (mistakes.size() == before
                    && Set.of("template", "feed", "otherwise").containsAll(values.keySet())) {
                mistake(node, "nothing is expected: give due, header, rows, encoding or files");
            }
            Node header = values.get("header");
            boolean ofLast = text(header).equals(SAME_AS_LAST);
            Expectation entry = new Expectation(
                    name + ":" + line(node),
                    scalar(values, "template", Function.identity()),
                    scalar(values, "feed", Delivery::from),
                    files(values),
                    due(values),
                    orElse(scalar(values, "grace", Reader::duration), Duration.ZERO),
                    ofLast || header == null ? null : header(header),
                    ofLast,
                    rows(values.get("rows")),
                    scalar(values, "encoding", Charset::forName),
                    orElse(scalar(values, "otherwise", Reader::otherwise), Otherwise.WARN));
            if (before < mistakes.size()) {
                return;
            }
            String earlier = known.putIfAbsent(entry.key(), entry.place());
            if (earlier == null) {
                entries.add(entry);
            } else {
                mistake(node, "the same template, feed, files and due are at " + earlier + ": make one of the two");
            }
        }

        private String files(Map<String, Node> values) {
            String files = scalar(values, "files", text -> {
                FileSystems.getDefault().getPathMatcher("glob:" + text);
                return text;
            });
            if (files != null && files.contains("/")) {
                mistake(values.get("files"), "files is a pattern of names, without folders: '" + files + "'");
            }
            return files;
        }

        private static Otherwise otherwise(String text) {
            return Otherwise.valueOf(matching("[a-z]*", text).toUpperCase(Locale.ROOT));
        }

        private Due due(Map<String, Node> values) {
            ZoneId zone = orElse(scalar(values, "zone", ZoneId::of), ZoneId.systemDefault());
            Due due = scalar(values, "due", text -> {
                Due times = Due.of(text, null, zone);
                if (times.next(Instant.now()).isEmpty()) {
                    throw new IllegalArgumentException("due has no time to come: '" + text + "'");
                }
                return times;
            });
            List<Node> days = list(values.get("days"));
            if (!days.isEmpty()) {
                // beside a due that is wrong or missing, too: all mistakes are told at once
                String time = due == null ? "00:00" : text(values.get("due"));
                String names = days.stream().map(Reader::text).collect(Collectors.joining(","));
                Due onDays = value(values.get("days"), "days", names, text -> Due.of(time, text, zone));
                due = due == null ? null : onDays;
            }
            for (String needs : List.of("days", "zone", "grace")) {
                if (values.containsKey(needs) && !values.containsKey("due")) {
                    mistake(values.get(needs), needs + " goes with due, which is missing");
                }
            }
            return due;
        }

        private List<String> header(Node node) {
            boolean isList = node instanceof SequenceNode list
                    && !list.getValue().isEmpty()
                    && list.getValue().stream().allMatch(ScalarNode.class::isInstance);
            if (!isList) {
                mistake(node, "header is a list of the names of the columns, as in [id, name], or " + SAME_AS_LAST);
            }
            return list(node).stream().map(Reader::text).toList();
        }

        private Rows rows(Node node) {
            int before = mistakes.size();
            Map<String, Node> values = node == null ? null : values(node, "rows", "rows.", ROWS);
            if (values == null) {
                return Rows.NONE;
            }
            if (values.isEmpty() && mistakes.size() == before) {
                mistake(node, "rows is such as { min: 100, max-drop: 30% }");
            }
            return new Rows(
                    orElse(scalar(values, "min", text -> Long.valueOf(matching("\\d{1,18}", text))), 0L),
                    scalar(values, "max-drop", Reader::percent));
        }

        private static Duration duration(String text) {
            Duration duration = Duration.parse(text);
            if (duration.isNegative()) {
                throw new IllegalArgumentException(text);
            }
            return duration;
        }

        private static Integer percent(String text) {
            return Integer.valueOf(matching("(\\d{1,2}|100)\\s*%", text).replaceAll("\\D", ""));
        }

        /** The values of a map by their names, in which each name is known; null where it is none. */
        private Map<String, Node> values(Node node, String what, String prefix, Set<String> keys) {
            if (!(node instanceof MappingNode map)) {
                mistake(node, what + " is names and values: " + String.join(", ", new TreeSet<>(keys)));
                return null;
            }
            Map<String, Node> values = new HashMap<>();
            for (NodeTuple pair : map.getValue()) {
                Node key = pair.getKeyNode();
                String name = text(key);
                if (!keys.contains(name)) {
                    String nearest =
                            NearestName.to(name.toLowerCase(Locale.ROOT), new TreeSet<>(keys), Function.identity());
                    mistake(key, prefix + name + " is not known; the nearest is " + prefix + nearest);
                } else if (values.putIfAbsent(name, pair.getValueNode()) != null) {
                    mistake(key, prefix + name + " is given twice");
                }
            }
            return values;
        }

        /** Null where it is missing or wrong. */
        private <T> T scalar(Map<String, Node> values, String key, Function<String, T> read) {
            Node node = values.get(key);
            if (node instanceof ScalarNode && !text(node).isBlank()) {
                return value(node, key, text(node).strip(), read);
            }
            if (node != null) {
                mistake(node, key + (node instanceof ScalarNode ? " is empty" : " is one value, no list"));
            }
            return null;
        }

        private <T> T value(Node node, String key, String text, Function<String, T> read) {
            try {
                return read.apply(text);
            } catch (IllegalArgumentException | DateTimeException e) {
                mistake(node, MEANT.containsKey(key) ? MEANT.get(key) + ": '" + text + "'" : e.getMessage());
                return null;
            }
        }

        private static String matching(String pattern, String text) {
            if (!text.matches(pattern)) {
                throw new IllegalArgumentException(text);
            }
            return text;
        }

        private static List<Node> list(Node node) {
            return node == null ? List.of() : node instanceof SequenceNode list ? list.getValue() : List.of(node);
        }

        /** Empty where it is no scalar. */
        private static String text(Node node) {
            return node instanceof ScalarNode scalar ? scalar.getValue() : "";
        }

        private static int line(Node node) {
            return node.getStartMark().map(mark -> mark.getLine() + 1).orElse(1);
        }

        private static <T> T orElse(T value, T other) {
            return value == null ? other : value;
        }
    }
}
