package io.csvimport.settings;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.csvimport.standalone.StartTest;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Properties;
import java.util.stream.Collectors;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import org.apache.camel.main.Main;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is said of the settings before anything starts; how it ends a start is in {@link StartTest}. */
public class SettingsTest {

    @TempDir
    private Path directory;

    private final Properties given = new Properties();

    SettingsTest() {
        set("api.url", "http://127.0.0.1:9");
        set("api.organization", "5664");
        set("api.key", "key");
        set("api.secret", "secret");
    }

    private void set(String name, String value) {
        given.setProperty(Settings.PREFIX + name, value);
    }

    private Settings settings() {
        return new Settings(given);
    }

    @ParameterizedTest
    @CsvSource({
        "api.url, http://127.0.0.1:99999, 99999",
        "api.url, http://127.0.0.1:0, 0 is no port",
        "api.url, http://my_host, my_host",
        "api.url, http://my_host:99999, 99999",
        "api.url, https://müller.example, müller",
        "api.url, 'http://exa mple.com', exa mple.com",
        "api.url, 'http://127.0.0.1\nx', line end",
        "api.url, {{my.url}}, placeholders",
        "api.organization, ., neither",
        "api.organization, .., neither",
        "api.key, ke:y, no colon",
        "api.timeout, PT0.0001S, millisecond",
        "api.timeout, PT9999999999H, at most",
        "api.timeout, PT99999999999999999999H, ISO-8601",
        "api.requests-per-minute, 007, a number",
        "api.proxy.host, http://proxy, host alone",
        "api.proxy.host, proxy:8080, host alone",
        "data-dir, 'a\0b', control character",
        "template, 'a\u0085b', control character",
        "file.directory, data/spool, data dir",
        "file.directory, data, data dir",
        "file.directory, ., data dir",
        "file.directory, data/audit/x, data dir",
        "file.quiet, PT9999999999H, at most",
        "ledger.keep, P-2Y, a period",
        "ledger.keep, P0D, a period",
        "ledger.keep, P999999999Y, a period",
        "max-size, 99999999999GB, expected is a size",
        "order, sometimes, template or none",
        "sftp.host, 'sftp example', host alone",
        "sftp.port, 0, 1 to 65535",
        "sftp.known-hosts-file, ., no such file",
        "jms.url, 'amqp://bro ker', without blanks",
        "jms.url, amqp://broker:99999, 99999",
        "jms.url, 'failover:(amqp://a:5672,amqp://u:88888@b:77777)', 77777",
        "management.host, a b, host alone",
        "management.port, 70000, 0 to 65535",
        "routes, no-such-folder, no such folder",
        "stop.timeout, PT9999999999H, at most",
    })
    void aValueThatCannotBeUsedIsNamedOnOneLine(String name, String value, String why) {
        set(name, value);
        List<String> problems = settings().problems();
        assertEquals(1, problems.size(), problems.toString());
        String line = problems.get(0);
        assertTrue(
                line.contains("csv-import." + name + " (" + Settings.variable(Settings.PREFIX + name) + ")")
                        && line.contains(why),
                line);
        assertFalse(line.contains("\n"), line);
    }

    @ParameterizedTest
    @CsvSource({
        "api.url, example.com",
        "api.url, ftp://example.com",
        "api.url, https://example.com/api",
        "api.url, https://example.com?x=y",
        "api.url, https://key:hunter2-%25@example.com",
        "api.organization, a/b",
        "api.timeout, 20 minutes",
        "api.timeout, PT0S",
        "api.requests-per-minute, -1",
        "api.proxy.port, 65536",
        "api.trust-store, no-such.p12",
        "template, 'a\tb'",
        "notify, nobody",
        "tag-file-name, yes",
        "ledger.url, jdbc:mysql://localhost/ledger",
        "ledger.keep, 2 years",
        "imported.keep, for ever",
        "duplicates, keep",
        "reconcile.wait, -PT1M",
        "reconcile.not-found, ignore",
        "max-size, 10 gigabytes",
        "max-size, 0",
        "parallel, 0",
        "file.enabled, 1",
        "file.quiet, 2",
        "file.quiet-after-growth, 5s",
        "sftp.enabled, on",
        "sftp.port, ssh",
        "sftp.private-key-file, no-such-key",
        "sftp.known-hosts-file, no-such-hosts",
        "sftp.read-only, maybe",
        "jms.enabled, on",
        "jms.url, http://broker",
        "jms.consumers, 0",
        "preview, on",
        "track.enabled, on",
        "track.interval, PT0S",
        "void.path, imports",
        "management.port, health",
        "management.username, a:b",
        "health.grace, five",
        "log.format, xml",
        "stop.timeout, PT0S",
    })
    void aWrongValueIsNamedWithItsVariable(String name, String value) {
        set(name, value);
        String problems = String.join("\n", settings().problems());
        assertTrue(
                problems.contains("csv-import." + name + " (" + Settings.variable(Settings.PREFIX + name) + ")"),
                problems);
        assertFalse(problems.contains("hunter2"), problems);
    }

    @ParameterizedTest
    @CsvSource({
        "api.proxy.port, 8080, api.proxy.host",
        "api.proxy.username, me, api.proxy.host",
        "api.trust-store-password, x, api.trust-store",
        "sftp.private-key-passphrase, x, sftp.private-key-file",
        "ledger.password, x, ledger.username",
        "jms.password, x, jms.username",
    })
    void aSettingThatNeedsAnotherNamesThatOne(String name, String value, String needed) {
        set(name, value);
        List<String> problems = settings().problems();
        assertEquals(1, problems.size(), problems.toString());
        assertTrue(problems.get(0).startsWith("csv-import." + needed + " ("), problems.toString());
    }

    @ParameterizedTest
    @CsvSource({
        "PKCS12, secret, secret,",
        "PKCS12, secret, , it is encrypted: set csv-import.api.trust-store-password",
        "PKCS12, secret, wrong, trust-store-password (CSV_IMPORT_API_TRUST_STORE_PASSWORD) is wrong",
        "JKS, secret, secret,",
        "JKS, secret, ,",
        "JKS, secret, wrong, trust-store-password (CSV_IMPORT_API_TRUST_STORE_PASSWORD) is wrong",
        "PEM, , ,",
        "PEM, , needless,",
        "DER, , ,",
        "text, , , neither JKS nor PKCS#12",
        "nothing, , , holds no certificate",
        "cut, secret, secret, damaged",
        "no entry, secret, secret, holds no certificate",
    })
    void aTrustStoreIsReadOrNamedWithWhatIsWrong(String type, String secret, String password, String why)
            throws Exception {
        TrustManagerFactory known = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        known.init((KeyStore) null);
        X509Certificate ca = ((X509TrustManager) known.getTrustManagers()[0]).getAcceptedIssuers()[0];
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        switch (type) {
            case "PEM" -> {
                String base64 = Base64.getMimeEncoder().encodeToString(ca.getEncoded());
                String pem = "-----BEGIN CERTIFICATE-----\n" + base64 + "\n-----END CERTIFICATE-----\n";
                out.writeBytes(("# our authority\n" + pem + "\n# the one before\n" + pem).getBytes());
            }
            case "DER" -> out.writeBytes(ca.getEncoded());
            case "text" -> out.writeBytes("-- no certificate, whoever wrote it\n".getBytes());
            case "nothing" -> {}
            default -> {
                KeyStore store = KeyStore.getInstance(type.equals("JKS") ? "JKS" : "PKCS12");
                store.load(null, null);
                if (!type.equals("no entry")) {
                    store.setCertificateEntry("ca", ca);
                }
                store.store(out, secret.toCharArray());
            }
        }
        byte[] bytes = out.toByteArray();
        Path file = Files.write(
                directory.resolve("trust"), type.equals("cut") ? Arrays.copyOf(bytes, bytes.length - 20) : bytes);
        set("api.trust-store", file.toString());
        set("api.trust-store-password", password == null ? "" : password);
        String problems = String.join("\n", settings().problems());
        if (why == null) {
            assertEquals("", problems);
        } else {
            assertTrue(
                    problems.startsWith("csv-import.api.trust-store (CSV_IMPORT_API_TRUST_STORE) is '" + file + "': ")
                            && problems.contains(why),
                    problems);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "api.url, HTTP://127.0.0.1:9/, http://127.0.0.1:9",
        "api.url, 'https://example.com\n', https://example.com",
        "api.url, https://[::1]:8443, https://[::1]:8443",
        "preview, 'gate ', gate",
        "template, '\u00A0\uFEFFPeople\u00A0\r\n', People",
        "jms.url, 'tcp://user:pass@broker:61616 ', tcp://user:pass@broker:61616",
        "data-dir, inbox/.data, inbox/.data",
        "management.host, '::1', ::1",
    })
    void blanksAndLineEndsAroundAValueAreCutOff(String name, String value, String used) {
        set(name, value);
        assertEquals(List.of(), settings().problems());
        assertEquals(used, settings().get(name));
    }

    @Test
    void everySettingHasAType() {
        assertEquals(
                Settings.defaults().stringPropertyNames(),
                SettingChecks.CHECKS.keySet().stream()
                        .map(name -> Settings.PREFIX + name)
                        .collect(Collectors.toSet()));
    }

    @Test
    void blanksOfASecretArePartOfItAndItsLineEndIsNot() {
        set("api.secret", " s ecret\t \r\n");
        assertEquals(List.of(), settings().problems());
        assertEquals(" s ecret\t ", settings().get("api.secret"));
    }

    @Test
    void whatWasCheckedIsWhatTheRoutesHave() {
        set("preview", "gate ");
        set("api.url", "HTTP://127.0.0.1:9\r\n");
        set("data-dir", directory.resolve("data") + " ");
        Main main = new Main();
        main.setPropertyPlaceholderLocations("false");
        main.configure().withRoutesIncludePattern("false");
        main.setOverrideProperties(given);
        main.start();
        try {
            assertEquals(
                    "gate http://127.0.0.1:9 " + directory.resolve("data") + "/spool",
                    main.getCamelContext()
                            .resolvePropertyPlaceholders(
                                    "{{csv-import.preview}} {{csv-import.api.url}} {{csv-import.data-dir}}/spool"));
        } finally {
            main.stop();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "csv-import.api.urll, csv-import.api.url (CSV_IMPORT_API_URL)",
        "csv-import.API.URL, csv-import.api.url (CSV_IMPORT_API_URL)",
        "csv-import.inbox.directory, csv-import.file.directory (CSV_IMPORT_FILE_DIRECTORY)",
        "CSV_IMPORT_API_SECRET, csv-import.api.secret (CSV_IMPORT_API_SECRET)",
    })
    void aNameThatIsNoSettingIsNamedWithTheNearestThatIsOne(String name, String nearest) {
        given.setProperty(name, "x");
        List<String> problems = settings().problems();
        assertEquals(1, problems.size(), problems.toString());
        assertTrue(
                problems.get(0).startsWith(name) && problems.get(0).endsWith("the nearest is " + nearest),
                problems.toString());
    }

    @ParameterizedTest
    @CsvSource({
        "ISO-8859-1, 'a=b\n\ncsv-import.template=Schüler\n', 3",
        "UTF-16, 'csv-import.template=People\n', 1",
        "UTF-16LE, 'csv-import.template=People\n', 1",
        "UTF-8, '# C:\\users\na=\\\\users\nb=C:\\users\n', 3",
        "UTF-8, 'b=\\\\\\u12\n', 1",
    })
    void aPropertiesFileThatCannotBeReadIsNamedWithItsLine(String charset, String text, int line) throws IOException {
        Path file = Files.write(directory.resolve("application.properties"), text.getBytes(Charset.forName(charset)));
        String message =
                assertThrows(IOException.class, () -> PropertiesFile.read(file)).getMessage();
        assertTrue(message.startsWith(file + ", line " + line + ": "), message);
    }

    @Test
    void aFolderInPlaceOfAPropertiesFileIsNamed() throws IOException {
        Path folder = Files.createDirectories(directory.resolve("application.properties"));
        String message = assertThrows(IOException.class, () -> PropertiesFile.read(folder))
                .getMessage();
        assertTrue(message.startsWith(folder + " cannot be read"), message);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "\uFEFF"})
    void aByteOrderMarkIsNoPartOfTheFirstLine(String mark) throws IOException {
        Path file = Files.writeString(directory.resolve("application.properties"), mark + "csv-import.template=Ä\n");
        assertEquals("Ä", PropertiesFile.read(file).getProperty("csv-import.template"));
    }
}
