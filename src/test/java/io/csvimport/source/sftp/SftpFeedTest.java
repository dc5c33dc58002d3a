package io.csvimport.source.sftp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.csvimport.CsvImportTestSupport;
import io.csvimport.sandbox.SandboxFault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.util.List;
import java.util.Map;
import org.apache.camel.Route;
import org.apache.camel.health.HealthCheck;
import org.apache.camel.health.HealthCheckRegistry;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** More SFTP servers, each a feed of a few lines: the source of the settings needs not be on. */
class SftpFeedTest extends CsvImportTestSupport {

    private SftpRig partner;
    private SftpRig archive;
    private Path outbox;
    private Path shelf;

    @Override
    public void addRoutes() throws IOException {
        partner = new SftpRig(home.resolve("partner"), home.resolve("partner-login"));
        archive = new SftpRig(home.resolve("archive"), home.resolve("archive-login"));
        try {
            partner.beOld();
        } catch (GeneralSecurityException e) {
            throw new IOException(e);
        }
        outbox = Files.createDirectories(home.resolve("partner-login/outbox"));
        shelf = Files.createDirectories(home.resolve("archive-login/shelf"));
        settings.setProperty("partner.user", SftpRig.USERNAME);
        settings.setProperty("partner.password", SftpRig.PASSWORD);
        settings.setProperty("archive.passphrase", SftpRig.PASSPHRASE);
        addRoute(
                "partner-sftp",
                """
                - route:
                    id: partner-sftp
                    from:
                      uri: kamelet:csv-import-sftp-source
                      parameters:
                        host: 127.0.0.1
                        port: %d
                        username: "{{partner.user}}"
                        password: "#property:partner.password"
                        knownHostsFile: "%s"
                        directory: outbox
                        algorithms: ssh-rsa
                        template: Partner Completions
                      steps:
                        - to:
                            uri: direct:csv-import
                """
                        .formatted(partner.port(), partner.knownHosts()));
        addRoute(
                "archive-sftp",
                """
                - route:
                    id: archive-sftp
                    from:
                      uri: kamelet:csv-import-sftp-source
                      parameters:
                        host: 127.0.0.1
                        port: %d
                        username: "{{partner.user}}"
                        privateKeyFile: "%s"
                        privateKeyPassphrase: "#property:archive.passphrase"
                        knownHostsFile: "%s"
                        directory: shelf
                        template: Archived
                        readOnly: true
                        quiet: PT0.3S
                        quietAfterGrowth: PT1S
                      steps:
                        - setHeader: { name: notify, constant: archive@example.com }
                        - to: direct:csv-import
                """
                        .formatted(archive.port(), archive.directory.resolve("id-locked"), archive.knownHosts()));
    }

    @AfterEach
    void closeServers() throws IOException {
        partner.close();
        archive.close();
    }

    private static Path put(Path file, String content) throws IOException {
        Files.createDirectories(file.getParent());
        Path part = Files.writeString(file.resolveSibling(file.getFileName() + ".part"), content);
        return Files.move(part, file);
    }

    @Test
    void eachServerHasItsOwnLoginFolderAndTemplate() throws Exception {
        Path completions = put(outbox.resolve("completions.csv"), CSV);
        Path people = put(outbox.resolve("People/people.csv"), CSV + 2);
        Path archived = put(shelf.resolve("archived.csv"), CSV + 3);
        awaitIn(".imported", completions);
        awaitIn(".imported", people);
        assertImport("completions.csv", "Partner Completions", "partner-sftp", List.of());
        assertImport("people.csv", "People", "partner-sftp", List.of());
        assertImport("archived.csv", "Archived", "archive-sftp", List.of("archive@example.com"));
        long before = archive.listings("shelf");
        awaitThat(() -> archive.listings("shelf") >= before + 3);
        assertEquals(CSV + 3, Files.readString(archived));
        assertEquals(List.of(), archive.changes());
        assertEquals(0, archive.passwords());
        assertEquals(3, uploads().size());
        assertEquals(3, jobs().size());
    }

    private void assertImport(String name, String template, String from, List<String> notify) throws IOException {
        assertEquals(from, awaitEvent("accepted", name).at("/data/from").asText());
        assertEquals(template, importOf(name).template());
        assertEquals(notify, importOf(name).addresses());
    }

    @Test
    @With({
        "sftp.enabled=true",
        "sftp.host=127.0.0.1",
        "sftp.port=1",
        "sftp.username=main",
        "sftp.password=of-the-main-server",
        "sftp.known-hosts-file={home}/archive/known_hosts"
    })
    void aFeedWithItsOwnServerNeverShowsItThePasswordOfAnother() {
        archive.refuseLogins(true);
        archive.dropConnections();
        int ended = archive.ended();
        awaitThat(() -> archive.keys() > 0 && archive.ended() > ended);
        assertEquals(0, archive.passwords());
    }

    @Test
    void aServerThatIsAwayOrAFileThatWaitsHoldsUpNoOtherServer() throws Exception {
        sandbox.failNext(SandboxFault.status(503, false, Map.of("Retry-After", "600")));
        Path waiting = put(outbox.resolve("Same/waiting.csv"), CSV);
        awaitState("waiting.csv", "waiting");
        put(shelf.resolve("Same/archived.csv"), CSV + 2);
        awaitEvent("accepted", "archived.csv");
        partner.stop();
        put(shelf.resolve("Same/more.csv"), CSV + 3);
        awaitEvent("accepted", "more.csv");
        assertTrue(Files.exists(waiting));
        assertEquals("waiting", job("waiting.csv").get("state"));
    }

    @Test
    @With("health.grace=PT0S")
    void aFeedThatIsTakenAwayIsNoReasonToBeNotReady() throws Exception {
        partner.stop();
        HealthCheck health = context.getCamelContextExtension()
                .getContextPlugin(HealthCheckRegistry.class)
                .getCheck("csv-import")
                .orElseThrow();
        String server = "127.0.0.1:" + partner.port();
        awaitThat(() -> String.valueOf(health.call().getMessage().orElse("")).contains(server));
        for (Route route : context.getRoutes()) {
            if (route.getEndpoint().getEndpointUri().startsWith("csv-import-sftp:")) {
                context.getRouteController().stopRoute(route.getRouteId());
            }
        }
        awaitThat(() -> !String.valueOf(health.call().getMessage().orElse("")).contains(server));
    }

    @Test
    void aServerWhoseHostKeyChangesIsRefusedAndTheOthersGoOn() throws Exception {
        awaitIn(".imported", put(outbox.resolve("before.csv"), CSV));
        partner.changeHostKey(null);
        int connections = partner.connections();
        int passwords = partner.passwords();
        Path file = put(outbox.resolve("people.csv"), CSV + 2);
        put(shelf.resolve("archived.csv"), CSV + 3);
        awaitEvent("accepted", "archived.csv");
        awaitThat(() -> partner.connections() >= connections + 2);
        assertEquals(passwords, partner.passwords());
        assertTrue(Files.exists(file));
        assertEquals(List.of("before.csv", "archived.csv"), importedNames());
    }
}
