package io.csvimport.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What uploads the files of a folder: the product, and what a user would pick instead. */
enum Sender {
    PRODUCT("csv-import-routes") {
        @Override
        Process start(Path home, Path inbox, Sink sink) throws IOException {
            return product(home, inbox, sink, List.of("-Xmx64m"));
        }
    },
    CURL("`curl -F`, one a file") {
        @Override
        Process start(Path home, Path inbox, Sink sink) throws IOException {
            String script = "for file in \"$1\"/*.csv; do"
                    + " curl -sS -o /dev/null -u key:secret -F \"file=@$file;type=text/csv\""
                    + " \"$2/api/organizations/1/csv-import?template=T&fileSize=$(stat -c %s \"$file\")\"; done";
            return process(home, List.of("bash", "-c", script, "curl-loop", inbox + "/T", sink.url()), Map.of());
        }
    },
    PYTHON("the documented Python sample") {
        @Override
        Process start(Path home, Path inbox, Sink sink) throws IOException {
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
        Process start(Path home, Path inbox, Sink sink) throws IOException {
            Files.writeString(
                    home.resolve("by-hand.camel.yaml"),
                    """
                    - route:
                        from:
                          uri: file
                          parameters: { directoryName: "%s/T", delay: 250, initialDelay: 0, move: .done }
                          steps:
                            - setHeader: { name: CamelHttpQuery, simple: "template=T&fileSize=${file:size}" }
                            - to:
                                uri: "%s/api/organizations/1/csv-import"
                                parameters: { httpMethod: POST, multipartUpload: true, multipartUploadName: file,
                                  authMethod: Basic, authUsername: key, authPassword: secret, authenticationPreemptive: true }
                    """
                            .formatted(inbox, sink.url()));
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

    abstract Process start(Path home, Path inbox, Sink sink) throws IOException;

    /** The product at its defaults, but for what every sender of the comparison is spared. */
    static Process product(Path home, Path inbox, Sink sink, List<String> javaOptions) throws IOException {
        List<String> options = new ArrayList<>(javaOptions);
        options.add("-jar");
        return run(
                home,
                inbox,
                sink,
                java(
                        options,
                        Bench.DISTRIBUTION.resolve("csv-import-routes.jar").toString()));
    }

    /** The same by the start script, on the Java of the benchmark. */
    static Process script(Path home, Path inbox, Sink sink) throws IOException {
        return run(
                home,
                inbox,
                sink,
                List.of(Bench.DISTRIBUTION.resolve("bin/csv-import-routes").toString()));
    }

    private static Process run(Path home, Path inbox, Sink sink, List<String> command) throws IOException {
        return process(
                home,
                command,
                Map.of(
                        "JAVA_HOME", System.getProperty("java.home"),
                        "CSV_IMPORT_API_URL", sink.url(),
                        "CSV_IMPORT_API_ORGANIZATION", "1",
                        "CSV_IMPORT_API_KEY", "key",
                        "CSV_IMPORT_API_SECRET", "secret",
                        "CSV_IMPORT_API_REQUESTS_PER_MINUTE", "0",
                        "CSV_IMPORT_FILE_DIRECTORY", inbox.toString(),
                        "CSV_IMPORT_FILE_QUIET", "PT0S",
                        "CSV_IMPORT_MANAGEMENT_PORT", "0"));
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
