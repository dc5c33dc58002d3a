package io.csvimport.platform;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.csvimport.Distribution;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Builds the applications in {@code src/it} as their users would, with the artifact of this build. */
public final class HostRig {

    private static final Path HOSTS = Path.of("target/hosts").toAbsolutePath();
    /** The local repository of Maven that has the artifact. */
    static final Path REPOSITORY = HOSTS.resolve("repository");

    private static final String DEPENDENCIES = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:";

    /** The copies that are built; tests share them. */
    private static final Set<Path> BUILT = new HashSet<>();

    private HostRig() {}

    /** Maven builds a copy of {@code src/it/<host>}, once; answers the folder of the copy. */
    static Path build(String host, String copy, String... arguments) throws Exception {
        return build(host, copy, List.of(), arguments);
    }

    /** @param dependencies more than the host has, {@code group:artifact:version} */
    static synchronized Path build(String host, String copy, List<String> dependencies, String... arguments)
            throws Exception {
        Path project = HOSTS.resolve(copy);
        if (BUILT.contains(project)) {
            return project;
        }
        Path source = Path.of("src/it", host);
        try (Stream<Path> files = Files.walk(source)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Path target = project.resolve(source.relativize(file));
                Files.createDirectories(target.getParent());
                Files.copy(file, target, StandardCopyOption.REPLACE_EXISTING);
            }
        }
        Path pom = project.resolve("pom.xml");
        String text = Files.readString(pom);
        // those of a profile have more indentation
        int end = text.indexOf("\n  </dependencies>") + 1;
        Files.writeString(pom, text.substring(0, end) + elements(dependencies) + text.substring(end));
        List<String> goal = new ArrayList<>(List.of("package"));
        goal.addAll(List.of(arguments));
        maven(project, goal);
        BUILT.add(project);
        return project;
    }

    /**
     * The class path of a host with these dependencies, {@code group:artifact:version}, and with the artifact: what a
     * user's Maven puts there.
     */
    static String classPath(String host, List<String> dependencies) throws Exception {
        List<String> all = new ArrayList<>(List.of("io.csvimport:csv-import-routes:0.1.0-SNAPSHOT"));
        all.addAll(dependencies);
        return jars(host, all);
    }

    /** The class path of these alone, {@code group:artifact:version}. */
    public static synchronized String jars(String name, List<String> dependencies) throws Exception {
        Path project = HOSTS.resolve(name);
        Path file = project.resolve("classpath.txt");
        if (!BUILT.add(project)) {
            return Files.readString(file).strip();
        }
        Files.createDirectories(project);
        Files.writeString(
                project.resolve("pom.xml"),
                """
                <project>
                  <modelVersion>4.0.0</modelVersion>
                  <groupId>com.example</groupId>
                  <artifactId>%s</artifactId>
                  <version>1</version>
                  <packaging>pom</packaging>
                  <dependencies>
                %s
                  </dependencies>
                </project>
                """
                        .formatted(name, elements(dependencies)));
        maven(
                project,
                List.of(DEPENDENCIES + "build-classpath", "-Dmdep.outputFile=" + file, "-Dmdep.includeScope=runtime"));
        return Files.readString(file).strip();
    }

    /** The folder into which Maven copies what this pom.xml names. */
    public static synchronized Path copyDependencies(String name, String pom) throws Exception {
        Path project = HOSTS.resolve(name);
        Path folder = project.resolve("jars");
        if (BUILT.add(project)) {
            Files.createDirectories(project);
            Files.writeString(project.resolve("pom.xml"), pom.strip());
            maven(
                    project,
                    List.of(
                            DEPENDENCIES + "copy-dependencies",
                            "-DincludeScope=runtime",
                            "-DoutputDirectory=" + folder));
        }
        return folder;
    }

    private static String elements(List<String> dependencies) {
        return dependencies.stream()
                .map(coordinates -> coordinates.split(":"))
                .map(parts ->
                        "<dependency><groupId>%s</groupId><artifactId>%s</artifactId><version>%s</version></dependency>\n"
                                .formatted((Object[]) parts))
                .collect(Collectors.joining());
    }

    /** One at a time: the processes of the tests share the repository. */
    static synchronized void maven(Path project, List<String> arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("mvn", "-q", "-B", "-ntp", "-Dmaven.repo.local=" + REPOSITORY));
        command.addAll(arguments);
        Path log = project.resolve("build.txt");
        try (FileChannel lock =
                FileChannel.open(HOSTS.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            lock.lock();
            install();
            Process maven = new ProcessBuilder(command)
                    .directory(project.toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(log.toFile())
                    .start();
            assertEquals(0, maven.waitFor(), () -> "Maven failed, see " + log);
        }
    }

    /** A repository of links to the user's own, with the artifact: that one is not touched. */
    private static void install() throws IOException {
        Path user =
                Path.of(System.getProperty("maven.repo.local", System.getProperty("user.home") + "/.m2/repository"));
        // what a host downloads is kept there
        Files.createDirectories(user.resolve("io/quarkus"));
        link(user, REPOSITORY, "io");
        link(user.resolve("io"), REPOSITORY.resolve("io"), "csvimport");
        Path folder = Files.createDirectories(REPOSITORY.resolve("io/csvimport/csv-import-routes/0.1.0-SNAPSHOT"));
        Path artifact = folder.resolve("csv-import-routes-0.1.0-SNAPSHOT");
        update(Path.of("pom.xml"), Path.of(artifact + ".pom"));
        update(Distribution.routes().resolveSibling("csv-import-routes.jar"), Path.of(artifact + ".jar"));
    }

    /** The jar is not written while the Camel CLI of another test runs it. */
    private static void update(Path from, Path to) throws IOException {
        if (!Files.exists(to) || Files.mismatch(from, to) != -1) {
            Files.copy(from, to, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    private static void link(Path from, Path to, String without) throws IOException {
        Files.createDirectories(to);
        try (Stream<Path> entries = Files.list(from)) {
            for (Path entry : entries.filter(entry -> !entry.endsWith(without)).toList()) {
                Path link = to.resolve(entry.getFileName());
                if (!Files.exists(link)) {
                    Files.createSymbolicLink(link, entry);
                }
            }
        }
    }
}
