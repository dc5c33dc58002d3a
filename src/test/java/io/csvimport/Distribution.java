package io.csvimport;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * The built distribution as a process of its own, in a working directory of its own, as a user would start it. Ended
 * for good by {@link #close()}.
 */
public final class Distribution implements AutoCloseable {

    private static final Path HOME = Path.of(System.getProperty("distribution.directory"));

    /**
     * A third of the processor time of a start with Java's defaults: the build's own class data, as the start script uses
     * it, and no machine code that pays off after minutes only. Later options win over these.
     */
    private static final List<String> QUICK_START = quickStart();

    private final Path directory;
    private final Process process;

    private Distribution(Path directory, Process process) {
        this.directory = directory;
        this.process = process;
    }

    private static List<String> quickStart() {
        List<String> options = new ArrayList<>(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"));
        Path archive = HOME.resolve("cache/" + System.getProperty("java.version") + ".jsa");
        if (Files.exists(archive)) {
            options.addAll(List.of("-XX:SharedArchiveFile=" + archive, "-Xlog:cds*=off,class+path*=off"));
        }
        return options;
    }

    /** @param environment added to nothing but PATH and the locale: no setting of the machine leaks in */
    public static Distribution start(Path directory, Map<String, String> environment, String... javaOptions)
            throws IOException {
        List<String> arguments = new ArrayList<>(QUICK_START);
        arguments.addAll(List.of(javaOptions));
        arguments.addAll(List.of("-jar", HOME.resolve("csv-import-routes.jar").toString()));
        return startJava(directory, environment, arguments);
    }

    /** Another application, on the Java of this test. */
    public static Distribution startJava(Path directory, Map<String, String> environment, List<String> arguments)
            throws IOException {
        List<String> command = new ArrayList<>(arguments);
        command.add(0, Path.of(System.getProperty("java.home"), "bin", "java").toString());
        return start(directory, environment, command);
    }

    /** The same with its start script, on the Java of this test. */
    public static Distribution startScript(Path directory, Map<String, String> environment, String... arguments)
            throws IOException {
        List<String> command = new ArrayList<>(List.of(script().toString()));
        command.addAll(List.of(arguments));
        Map<String, String> variables = new HashMap<>(environment);
        variables.put("JAVA_HOME", System.getProperty("java.home"));
        return start(directory, variables, command);
    }

    public static Path script() {
        return HOME.resolve("bin/csv-import-routes");
    }

    private static Distribution start(Path directory, Map<String, String> environment, List<String> command)
            throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(
                        directory.resolve("output.txt").toFile()));
        Map<String, String> variables = new HashMap<>(environment);
        variables.put("PATH", System.getenv("PATH"));
        variables.putIfAbsent("LC_ALL", "C.UTF-8");
        builder.environment().clear();
        builder.environment().putAll(variables);
        return new Distribution(directory, builder.start());
    }

    /** The routes that the distribution brings, to be copied and edited. */
    public static Path routes() {
        return HOME.resolve("routes");
    }

    /** What it has printed so far, of every start in this directory. */
    public String output() throws IOException {
        return Files.readString(directory.resolve("output.txt"));
    }

    public Process process() {
        return process;
    }

    /** SIGKILL: nothing is finished, nothing is said. */
    public void kill() throws InterruptedException {
        process.destroyForcibly();
        process.waitFor();
    }

    /** SIGTERM; answers the exit status. */
    public int stop() throws InterruptedException {
        process.destroy();
        return exitStatus();
    }

    public int exitStatus() throws InterruptedException {
        if (!process.waitFor(60, TimeUnit.SECONDS)) {
            throw new IllegalStateException("It runs on after a minute");
        }
        return process.exitValue();
    }

    @Override
    public void close() {
        process.destroyForcibly().onExit().join();
    }
}
