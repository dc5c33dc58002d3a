package io.csvimport.bench;

import io.csvimport.file.FileMark;
import io.csvimport.file.Sha256;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * {@code mvn -Pbench verify}: the product against what a user would pick instead, in one run, on one machine. It
 * measures and decides nothing. Prints its table, and writes it to {@code target/benchmark.md}.
 */
public final class Bench {

    static final Path DISTRIBUTION = Path.of(System.getProperty("distribution.directory"));

    private static final int ROUNDS = Integer.getInteger("rounds", 3);
    private static final int SMALL_FILES = 1000;
    private static final int WARM_FILES = 5000;
    private static final int SMALL = 5_000;
    private static final int FAR_FILES = 240;
    /** Milliseconds until the answer of an API on the internet. */
    private static final int FAR = 100;

    /** Bytes a second of a link of 1 Gbit/s. */
    private static final long GIGABIT = 125_000_000;

    private static final long LARGE = Long.getLong("large", 1_500_000_000L);

    private final Path work;
    private final List<String> table = new ArrayList<>();

    private Bench(Path work) {
        this.work = work;
    }

    public static void main(String[] args) throws Exception {
        Bench bench = new Bench(Files.createTempDirectory("csv-import-bench"));
        String cases =
                System.getProperty("cases", "small,warm,unordered,side-by-side,large,latency,start,idle,growth,desk");
        bench.table.add("| " + machine() + " | median (least to most) | csv-import-routes in comparison |");
        bench.table.add("| --- | --- | --- |");
        try {
            for (String name : cases.split(",")) {
                switch (name) {
                    case "small" -> bench.small("1,000 files of 5 kB, s", 1);
                    case "warm" -> bench.small("1,000 files of 5 kB after 5,000 others, s", WARM_FILES);
                    case "unordered" -> bench.unordered();
                    case "side-by-side" -> bench.sideBySide();
                    case "large" -> bench.large();
                    case "latency" -> bench.latency();
                    case "start" -> bench.start();
                    case "idle" -> bench.idle();
                    case "growth" -> bench.growth();
                    case "desk" -> bench.desk();
                    default -> throw new IllegalArgumentException(name);
                }
            }
        } finally {
            delete(bench.work);
        }
        Path report = DISTRIBUTION.resolveSibling("benchmark.md");
        Files.write(report, bench.table);
        bench.table.forEach(System.out::println);
    }

    private static String machine() {
        return Runtime.getRuntime().availableProcessors() + " cores, Java "
                + Runtime.version().feature();
    }

    /** 1,000 files of 5 kB that are there at once, when a watching process has carried some before; seconds. */
    private void small(String title, int before) throws Exception {
        compare(new Load(title, SMALL_FILES, before, 0, 0, 1), List.of(Sender.values()), smallFiles(SMALL_FILES));
    }

    /** The same without an order, as many at a time as the product's default says; seconds. */
    private void unordered() throws Exception {
        compare(
                new Load("1,000 files of 5 kB after 5,000 others, in no order, s", SMALL_FILES, WARM_FILES, 0, 0, 4),
                List.of(Sender.PRODUCT, Sender.PYTHON, Sender.ROUTE),
                smallFiles(SMALL_FILES));
    }

    private static Drop smallFiles(int files) {
        return home -> {
            for (int i = 0; i < files; i++) {
                Files.write(home.resolve("file-" + i + ".csv"), content(SMALL, i));
            }
        };
    }

    /** Files of 5 kB and an API that answers after 100 ms: in their order, and without; seconds. */
    private void sideBySide() throws Exception {
        double inOrder = far("one after another", FAR_FILES, 1, List.of(Sender.PRODUCT, Sender.PYTHON));
        for (int parallel : List.of(8, 32)) {
            double perFile = far(
                    parallel + " at a time",
                    FAR_FILES * 2,
                    parallel,
                    List.of(Sender.PRODUCT, Sender.CURL, Sender.ROUTE));
            row(parallel + " at a time: times as fast as one after another", List.of(inOrder / perFile), "");
        }
    }

    /** Answers the product's seconds a file. */
    private double far(String how, int files, int parallel, List<Sender> senders) throws Exception {
        String title = files + " files of 5 kB, answers after " + FAR + " ms, " + how + ", s";
        return compare(new Load(title, files, 50 * parallel, FAR, 0, parallel), senders, smallFiles(files)) / files;
    }

    /** One file of 1.5 GB; seconds from its renaming into place to its last byte. */
    private void large() throws Exception {
        Path file = work.resolve("large");
        try (FileOutputStream out = new FileOutputStream(file.toFile())) {
            byte[] block = content(1 << 20, 0);
            for (long left = LARGE; left > 0; left -= block.length) {
                out.write(block, 0, (int) Math.min(left, block.length));
            }
            // or the disk would be busy with it while the senders are measured
            out.getFD().sync();
        }
        List<Double> digest = new ArrayList<>();
        for (int round = 0; round < ROUNDS; round++) {
            long began = System.nanoTime();
            Sha256.of(FileMark.of(file));
            digest.add((System.nanoTime() - began) / 1e9);
        }
        row("SHA-256 of one file of 1.5 GB, s", digest, "");
        Drop link = home -> Files.createLink(home.resolve("large.csv"), file);
        compare(new Load("one file of 1.5 GB, s", 1, 1, 0, 0, 1), List.of(Sender.values()), link);
        compare(
                new Load("one file of 1.5 GB through 1 Gbit/s, s", 1, 1, 0, GIGABIT, 1),
                List.of(Sender.PRODUCT, Sender.CURL),
                link);
        Files.delete(file);
    }

    private interface Drop {
        void into(Path folder) throws IOException;
    }

    /**
     * @param before files that a watching process has carried before
     * @param delay of the answers, in milliseconds
     * @param rate of the link to the API, in bytes a second; 0: none
     * @param parallel uploads at a time; 1: in their order
     */
    private record Load(String title, int files, int before, int delay, long rate, int parallel) {}

    /** Answers the product's median, in seconds. */
    private double compare(Load load, List<Sender> senders, Drop drop) throws Exception {
        String title = load.title;
        int files = load.files;
        int before = load.before;
        Map<Sender, List<Double>> seconds = new EnumMap<>(Sender.class);
        Map<Sender, List<Double>> upload = new EnumMap<>(Sender.class);
        for (int round = 0; round < ROUNDS; round++) {
            for (Sender sender : senders) {
                if (!sender.isInstalled()) {
                    continue;
                }
                Path home = Files.createDirectories(work.resolve(sender + "-" + round));
                Path inbox = Files.createDirectories(home.resolve("inbox"));
                Path ready = Files.createDirectories(home.resolve("ready"));
                drop.into(ready);
                try (Sink sink = new Sink(load.delay, load.rate)) {
                    long began = System.nanoTime();
                    Process process;
                    if (sender.isWatching()) {
                        Files.createDirectories(inbox.resolve("T"));
                        for (int i = 1; i <= before; i++) {
                            Files.write(inbox.resolve("T/before-" + i + ".csv"), content(SMALL, -i));
                        }
                        process = sender.start(home, inbox, sink, load.parallel);
                        sink.await(before, process);
                        began = System.nanoTime();
                        try (Stream<Path> all = Files.list(ready)) {
                            for (Path file : all.toList()) {
                                Files.move(
                                        file,
                                        inbox.resolve("T").resolve(file.getFileName()),
                                        StandardCopyOption.ATOMIC_MOVE);
                            }
                        }
                        sink.await(before + files, process);
                    } else {
                        Files.move(ready, inbox.resolve("T"));
                        process = sender.start(home, inbox, sink, load.parallel);
                        sink.await(files, process);
                    }
                    seconds.computeIfAbsent(sender, s -> new ArrayList<>()).add((sink.lastEnd() - began) / 1e9);
                    upload.computeIfAbsent(sender, s -> new ArrayList<>())
                            .add((sink.lastEnd() - sink.lastBegin()) / 1e9);
                    if (sender == Sender.PRODUCT && files == 1) {
                        row(
                                title + ": peak memory of the process with -Xmx64m, MB",
                                List.of(peakMegabytes(process)),
                                "");
                    }
                    end(process);
                }
                delete(home);
            }
        }
        report(title, seconds);
        if (files == 1) {
            report(title + ", the upload alone", upload);
        }
        return median(seconds.get(Sender.PRODUCT));
    }

    private void report(String title, Map<Sender, List<Double>> values) {
        values.forEach((sender, all) -> row(
                title + ": " + sender.label(),
                all,
                sender == Sender.PRODUCT
                        ? ""
                        : String.format(
                                Locale.ROOT,
                                "%.2f times as fast as this",
                                median(all) / median(values.get(Sender.PRODUCT)))));
    }

    /** A file that is renamed into place, one at a time; milliseconds until its first byte is at the API. */
    private void latency() throws Exception {
        Path home = Files.createDirectories(work.resolve("latency"));
        Path inbox = Files.createDirectories(home.resolve("inbox"));
        Files.createDirectories(inbox.resolve("T"));
        List<Double> millis = new ArrayList<>();
        try (Sink sink = new Sink(0)) {
            Files.write(inbox.resolve("T/first.csv"), content(SMALL, -1));
            Process process = Sender.PRODUCT.start(home, inbox, sink, 1);
            sink.await(1, process);
            for (int i = 0; i < 40; i++) {
                Path whole = Files.write(home.resolve("whole"), content(SMALL, i));
                long began = System.nanoTime();
                Files.move(whole, inbox.resolve("T/file-" + i + ".csv"));
                sink.await(i + 2, process);
                millis.add((sink.lastBegin() - began) / 1e6);
                // the next one comes at any moment of a poll's pause
                Thread.sleep(37 * (i % 11));
            }
            end(process);
        }
        row("a file of 5 kB, from its renaming into place to the upload, ms", millis, "");
        delete(home);
    }

    /** From the start of the process to the upload of a file that waits; seconds. */
    private void start() throws Exception {
        start("java -jar", (home, inbox, sink) -> Sender.product(home, inbox, sink, List.of(), 1));
        start("bin/csv-import-routes", Sender::script);
    }

    private interface Starter {
        Process start(Path home, Path inbox, Sink sink) throws IOException;
    }

    private void start(String command, Starter starter) throws Exception {
        List<Double> seconds = new ArrayList<>();
        for (int round = 0; round < ROUNDS + 2; round++) {
            Path home = Files.createDirectories(work.resolve("start-" + round));
            Path inbox = Files.createDirectories(home.resolve("inbox/T")).getParent();
            Files.write(inbox.resolve("T/first.csv"), content(SMALL, -1));
            try (Sink sink = new Sink(0)) {
                long began = System.nanoTime();
                Process process = starter.start(home, inbox, sink);
                sink.await(1, process);
                seconds.add((sink.lastEnd() - began) / 1e9);
                end(process);
            }
            delete(home);
        }
        row("start to the first import by `" + command + "`, s", seconds, "");
    }

    /** Per cent of one core, in 20 seconds without a file, a minute after the start. */
    private void idle() throws Exception {
        Path home = Files.createDirectories(work.resolve("idle"));
        Path inbox = Files.createDirectories(home.resolve("inbox/T")).getParent();
        Files.write(inbox.resolve("T/first.csv"), content(SMALL, -1));
        try (Sink sink = new Sink(0)) {
            Process process = Sender.PRODUCT.start(home, inbox, sink, 1);
            sink.await(1, process);
            Thread.sleep(60_000);
            double before = process.info().totalCpuDuration().orElseThrow().toNanos();
            Thread.sleep(20_000);
            double spent = process.info().totalCpuDuration().orElseThrow().toNanos() - before;
            row("use of one core with nothing to do, %", List.of(spent / 20e9 * 100), "");
            end(process);
        }
        delete(home);
    }

    /** Milliseconds a file, with 1,000 and 50,000 files in the folder, and with a million settled jobs in the ledger. */
    private void growth() throws Exception {
        double few = perFile("few", 1_000, 0);
        row("growth: 1,000 files in the folder, ms a file", List.of(few), "");
        double many = perFile("many", 50_000, 0);
        row(
                "growth: 50,000 files in the folder, ms a file",
                List.of(many),
                String.format(Locale.ROOT, "%.2f times the first", many / few));
        double old = perFile("old", 1_000, 1_000_000);
        row(
                "growth: 1,000 files, a ledger of 1,000,000 settled jobs, ms a file",
                List.of(old),
                String.format(Locale.ROOT, "%.2f times the first", old / few));
    }

    /** Pages with a million jobs in the ledger, 10,000 a day; milliseconds. */
    private void desk() throws Exception {
        Path home = Files.createDirectories(work.resolve("desk"));
        Path inbox = Files.createDirectories(home.resolve("inbox/T")).getParent();
        Files.write(inbox.resolve("T/first.csv"), content(SMALL, -1));
        try (Sink sink = new Sink(0)) {
            Process process = Sender.product(home, inbox, sink, List.of(), 1);
            sink.await(1, process);
            end(process);
            Path ledger = home.resolve("data/csv-import-ledger.db");
            age(ledger, 1_000_000);
            try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + ledger);
                    Statement statement = connection.createStatement()) {
                statement.executeUpdate(
                        "UPDATE csv_import_delivery SET created_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-'"
                                + " || (((SELECT MAX(job) FROM csv_import_delivery) - job) / 10000) || ' days')");
            }
            Files.write(inbox.resolve("T/second.csv"), content(SMALL, -2));
            process = Sender.product(home, inbox, sink, List.of(), 1);
            sink.await(2, process);
            String day =
                    "/desk/files?name=old&day=" + LocalDate.now(ZoneOffset.UTC).minusDays(50);
            for (String page : List.of(
                    "/", "/desk/files", "/desk/files?state=held", "/desk/files?name=old-99", day, "/desk/send")) {
                row("desk with 1,000,000 jobs, `" + page + "`, ms", page(page), "");
            }
            end(process);
        }
        delete(home);
    }

    private static List<Double> page(String path) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + Sender.MANAGEMENT_PORT + path))
                .build();
        List<Double> millis = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            long began = System.nanoTime();
            HttpResponse<String> page = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
            if (page.statusCode() != 200) {
                throw new IOException(path + ": " + page.statusCode());
            }
            // Java has compiled what it runs
            if (i >= 20) {
                millis.add((System.nanoTime() - began) / 1e6);
            }
        }
        return millis;
    }

    private double perFile(String name, int files, int jobs) throws Exception {
        Path home = Files.createDirectories(work.resolve("growth-" + name));
        Path inbox = Files.createDirectories(home.resolve("inbox/T")).getParent();
        Path ready = Files.createDirectories(home.resolve("ready"));
        for (int i = 0; i < files; i++) {
            Files.write(ready.resolve("file-" + i + ".csv"), content(SMALL, i));
        }
        Files.write(inbox.resolve("T/first.csv"), content(SMALL, -1));
        try (Sink sink = new Sink(0)) {
            Process process = Sender.product(home, inbox, sink, List.of(), 1);
            sink.await(1, process);
            if (jobs > 0) {
                end(process);
                age(home.resolve("data/csv-import-ledger.db"), jobs);
                Files.write(inbox.resolve("T/second.csv"), content(SMALL, -2));
                process = Sender.product(home, inbox, sink, List.of(), 1);
                sink.await(2, process);
            }
            // the same warmth for all: a thousand files before the first that counts
            long before = sink.uploads();
            for (int i = 0; i < 1000; i++) {
                Files.write(inbox.resolve("T/warm-" + i + ".csv"), content(SMALL, 1_000_000 + i));
            }
            sink.await(before + 1000, process);
            long began = System.nanoTime();
            try (Stream<Path> all = Files.list(ready)) {
                for (Path file : all.toList()) {
                    Files.move(file, inbox.resolve("T").resolve(file.getFileName()));
                }
            }
            sink.await(before + 1000 + files, process);
            double millis = (sink.lastEnd() - began) / 1e6 / files;
            end(process);
            delete(home);
            return millis;
        }
    }

    /** Multiplies what is settled in the ledger. */
    private static void age(Path ledger, int jobs) throws Exception {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + ledger);
                Statement statement = connection.createStatement()) {
            List<String> columns = new ArrayList<>();
            try (var rows = statement.executeQuery("SELECT name FROM pragma_table_info('csv_import_delivery')")) {
                while (rows.next()) {
                    columns.add(rows.getString(1));
                }
            }
            columns.remove("job");
            String values = columns.stream()
                    .map(column -> switch (column) {
                        case "source_key", "sha256" -> "hex(randomblob(32))";
                        case "import_id" -> "'old-' || n";
                        case "file_name" -> "'old-' || n || '.csv'";
                        case "state" -> "'completed'";
                        case "released_at" -> "settled_at";
                        case "track_at" -> "NULL";
                        default -> column;
                    })
                    .collect(Collectors.joining(", "));
            statement.executeUpdate(
                    "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < "
                            + jobs + ") INSERT INTO csv_import_delivery (" + String.join(", ", columns) + ") SELECT "
                            + values
                            + " FROM numbers, (SELECT * FROM csv_import_delivery LIMIT 1)");
        }
    }

    private static byte[] content(int size, int number) {
        byte[] content = new byte[size];
        Arrays.fill(content, (byte) 'x');
        byte[] head = ("name,number\nAnna," + number + "\n").getBytes(StandardCharsets.UTF_8);
        System.arraycopy(head, 0, content, 0, head.length);
        for (int i = 99; i < size; i += 100) {
            content[i] = '\n';
        }
        return content;
    }

    private static double peakMegabytes(Process process) throws IOException {
        try (RandomAccessFile status = new RandomAccessFile("/proc/" + process.pid() + "/status", "r")) {
            for (String line = status.readLine(); line != null; line = status.readLine()) {
                if (line.startsWith("VmHWM:")) {
                    return Long.parseLong(line.replaceAll("\\D", "")) / 1024.0;
                }
            }
        }
        return Double.NaN;
    }

    private static double median(List<Double> values) {
        return values.stream().sorted().toList().get(values.size() / 2);
    }

    private void row(String title, List<Double> values, String comparison) {
        List<Double> sorted = values.stream().sorted().toList();
        String line = String.format(
                Locale.ROOT,
                values.size() == 1 ? "| %s | %.2f | %s |" : "| %s | %.2f (%4$.2f to %5$.2f) | %3$s |",
                title,
                median(values),
                comparison,
                sorted.get(0),
                sorted.get(sorted.size() - 1));
        System.out.println(line);
        table.add(line);
    }

    private static void end(Process process) throws InterruptedException {
        process.destroy();
        process.waitFor();
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }
}
