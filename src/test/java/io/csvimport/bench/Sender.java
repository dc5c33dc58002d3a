package io.csvimport.bench;

import io.csvimport.Installation;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What uploads the files of a folder: the product, and what a user would pick instead. */
enum Sender {
    PRODUCT("csv-import-routes") {
        @Override
        Process start(Path home, Path inbox, Sink sink, int parallel) throws IOException {
            return product(home, inbox, sink, List.of("-Xmx64m"), parallel);
        }
    },
    CURL("`curl -F`, one a file") {
        @Override
        Process start(Path home, Path inbox, Sink sink, int parallel) throws IOException {
            if (parallel > 1) {
                String script = "printf '%s\\0' \"$1\"/*.csv | xargs -0 -P " + parallel + " -I{} curl -sS -o /dev/null"
                        + " -u key:secret -F 'file=@{};type=text/csv'"
                        + " \"$2/api/organizations/1/csv-import?template=T&fileSize=5000\"";
                return process(home, List.of("bash", "-c", script, "curls", inbox + "/T", sink.url()), Map.of());
            }
            String script = "for file in \"$1\"/*.csv; do"
                    + " curl -sS -o /dev/null -u key:secret -F \"file=@$file;type=text/csv\""
                    + " \"$2/api/organizations/1/csv-import?template=T&fileSize=$(stat -c %s \"$file\")\"; done";
            return process(home, List.of("bash", "-c", script, "curl-loop", inbox + "/T", sink.url()), Map.of());
        }
    },
    PYTHON("the documented Python sample") {
        @Override
        Process start(Path home, Path inbox, Sink sink, int parallel) throws IOException {
            String script =
                    """
                    import os, sys, requests
                    folder, url = sys.argv[1:]
                    for name in sorted(os.listdir(folder)):
                        if not name.endswith('.csv'):
                            continue
                        path = os.path.join(folder, name)
                        with open(path, 'rb') as infile:
                            files = {'file': (name, infile)}
                            r = requests.post(f"{url}/api/organizations/1/csv-import?template=T&fileSize={os.path.getsize(path)}",
                                              auth=('key', 'secret'), files=files, timeout=1200)
                            r.raise_for_status()
                    """;
            return process(home, List.of("python3", "-c", script, inbox + "/T", sink.url()), Map.of());
        }
    },
    ROUTE("ten-line Camel route by hand") {
        @Override
        Process start(Path home, Path inbox, Sink sink, int parallel) throws IOException {
            Files.writeString(
                    home.resolve("by-hand.camel.yaml"),
                    """
                    - route:
                        from:
                          uri: file
                          parameters: { directoryName: "%s/T", delay: 250, initialDelay: 0, move: .done }
                          steps:
                            %s- setHeader: { name: CamelHttpQuery, simple: "template=T&fileSize=${file:size}" }
                            - to:
                                uri: "%s/api/organizations/1/csv-import"
                                parameters: { httpMethod: POST, connectionsPerRoute: 50, multipartUpload: true, multipartUploadName: file,
                                  authMethod: Basic, authUsername: key, authPassword: secret, authenticationPreemptive: true }
                    """
                            .formatted(
                                    inbox,
                                    parallel == 1
                                            ? ""
                                            : "- threads: { poolSize: %1$d, maxPoolSize: %1$d }\n        "
                                                    .formatted(parallel),
                                    sink.url()));
            return process(
                    home,
                    java(
                            List.of(
                                    "-Xmx64m",
                                    "-Dcamel.main.routesIncludePattern=file:by-hand.camel.yaml",
                                    "-cp",
                                    Bench.DISTRIBUTION.resolve("lib") + "/*"),
                            "org.apache.camel.main.Main"),
                    Map.of());
        }
    };

    /** One product runs at a time. */
    static final int MANAGEMENT_PORT = freePort();

    private final String label;

    Sender(String label) {
        this.label = label;
    }

    String label() {
        return label;
    }

    /** Whether it goes on running and watches its folder; the others end with the files that they find. */
    boolean isWatching() {
        return this == PRODUCT || this == ROUTE;
    }

    boolean isInstalled() throws Exception {
        return this != PYTHON
                || new ProcessBuilder("python3", "-c", "import requests")
                                .start()
                                .waitFor()
                        == 0;
    }

    /** @param parallel uploads at a time; 1: in the order of the files */
    abstract Process start(Path home, Path inbox, Sink sink, int parallel) throws IOException;

    /** The product at its defaults, but for what every sender of the comparison is spared. */
    static Process product(Path home, Path inbox, Sink sink, List<String> javaOptions, int parallel)
            throws IOException {
        List<String> options = new ArrayList<>(javaOptions);
        options.add("-jar");
        return run(
                home,
                inbox,
                sink,
                java(
                        options,
                        Bench.DISTRIBUTION.resolve("csv-import-routes.jar").toString()),
                parallel);
    }

    /** The same by the start script, on the Java of the benchmark. */
    static Process script(Path home, Path inbox, Sink sink) throws IOException {
        return run(
                home,
                inbox,
                sink,
                List.of(Bench.DISTRIBUTION.resolve("bin/csv-import-routes").toString()),
                1);
    }

    private static Process run(Path home, Path inbox, Sink sink, List<String> command, int parallel)
            throws IOException {
        Map<String, String> environment = new HashMap<>(Map.of(
                "JAVA_HOME", System.getProperty("java.home"),
                "CSV_IMPORT_API_URL", sink.url(),
                "CSV_IMPORT_API_ORGANIZATION", "1",
                "CSV_IMPORT_API_KEY", "key",
                "CSV_IMPORT_API_SECRET", "secret",
                "CSV_IMPORT_API_REQUESTS_PER_MINUTE", "0",
                "CSV_IMPORT_FILE_DIRECTORY", inbox.toString(),
                "CSV_IMPORT_FILE_QUIET", "PT0S",
                "CSV_IMPORT_MANAGEMENT_PORT", String.valueOf(MANAGEMENT_PORT)));
        if (parallel > 1) {
            environment.put("CSV_IMPORT_ORDER", "none");
            environment.put("CSV_IMPORT_PARALLEL", String.valueOf(parallel));
        }
        return process(home, command, environment);
    }

    private static int freePort() {
        try {
            return Installation.freePort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<String> java(List<String> options, String program) {
        List<String> command = new ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        command.addAll(options);
        command.add(program);
        return command;
    }

    private static Process process(Path home, List<String> command, Map<String, String> environment)
            throws IOException {
        Files.createDirectories(home);
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(home.toFile())
                .redirectErrorStream(true)
                .redirectOutput(home.resolve("output.txt").toFile());
        builder.environment().putAll(environment);
        return builder.start();
    }
}
