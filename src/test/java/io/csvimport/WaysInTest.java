package io.csvimport;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.icegreen.greenmail.user.GreenMailUser;
import com.icegreen.greenmail.util.GreenMail;
import com.icegreen.greenmail.util.GreenMailUtil;
import com.icegreen.greenmail.util.ServerSetup;
import io.csvimport.sandbox.SandboxImport;
import io.csvimport.sandbox.SandboxRequest;
import jakarta.mail.internet.MimeUtility;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPairGenerator;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import javax.tools.ToolProvider;
import org.bouncycastle.bcpg.HashAlgorithmTags;
import org.bouncycastle.bcpg.PublicKeyAlgorithmTags;
import org.bouncycastle.bcpg.PublicKeyPacket;
import org.bouncycastle.bcpg.SymmetricKeyAlgorithmTags;
import org.bouncycastle.openpgp.PGPEncryptedDataGenerator;
import org.bouncycastle.openpgp.PGPLiteralData;
import org.bouncycastle.openpgp.PGPLiteralDataGenerator;
import org.bouncycastle.openpgp.PGPSecretKey;
import org.bouncycastle.openpgp.PGPSignature;
import org.bouncycastle.openpgp.operator.PGPDigestCalculator;
import org.bouncycastle.openpgp.operator.jcajce.JcaPGPContentSignerBuilder;
import org.bouncycastle.openpgp.operator.jcajce.JcaPGPDigestCalculatorProviderBuilder;
import org.bouncycastle.openpgp.operator.jcajce.JcaPGPKeyPair;
import org.bouncycastle.openpgp.operator.jcajce.JcePBESecretKeyEncryptorBuilder;
import org.bouncycastle.openpgp.operator.jcajce.JcePGPDataEncryptorBuilder;
import org.bouncycastle.openpgp.operator.jcajce.JcePublicKeyKeyEncryptionMethodGenerator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * The ways in that the manual shows, as they stand there, in the distribution with the jars that the manual adds. The
 * same bytes again would be imported again here: what is taken for a new item shows.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public class WaysInTest {

    /** The feeds of the manual; that from a bucket has a test of its own. */
    public static final Set<String> FEEDS =
            Set.of("people-from-zip", "people-from-gzip", "people-from-mail", "people-from-pgp");

    private static final String JARS =
            ".*/(camel-mail|camel-attachments|angus-[a-z]+|jakarta[.]mail(-api)?|bc(pg|prov|util)-[a-z0-9]+)-[0-9.]+[.]jar";
    private static final String PASSPHRASE = "p&%25 {x}";

    private Path directory;

    private Installation product;
    private GreenMail mails;
    private GreenMailUser mailbox;
    private PGPSecretKey key;
    private PGPSecretKey foreignKey;

    @BeforeAll
    void start(@TempDir Path directory) throws Exception {
        this.directory = directory;
        mails = new GreenMail(new ServerSetup(0, "127.0.0.1", "imap"));
        mails.start();
        mailbox = mails.setUser("people@example.com", "people", "p&%25");
        key = newKey();
        foreignKey = newKey();
        product = installation("all");
        Files.write(product.path("secret.pgp"), key.getEncoded());
        product.with("PEOPLE_MAIL_HOST", "127.0.0.1")
                .with("PEOPLE_MAIL_PORT", String.valueOf(mails.getImap().getPort()))
                .with("PEOPLE_MAIL_USERNAME", "people")
                .with("PEOPLE_MAIL_PASSWORD", "p&%25")
                .with("PEOPLE_PGP_KEYS", product.path("secret.pgp").toString())
                .with("PEOPLE_PGP_PASSPHRASE", PASSPHRASE)
                .with("CSV_IMPORT_MAX_SIZE", "1MB");
        compile(Files.createDirectories(directory.resolve("extra")));
        FEEDS.forEach(this::use);
        run(product);
        product.awaitReady();
    }

    @AfterAll
    void stop() {
        product.close();
        mails.stop();
    }

    private Installation installation(String name) throws IOException {
        return new Installation(directory.resolve(name))
                .withRoutes()
                .with("CSV_IMPORT_DUPLICATES", "import")
                .with("CSV_IMPORT_RECONCILE_WAIT", "PT1S")
                .with("CSV_IMPORT_TRACK_ENABLED", "false")
                .with("CSV_IMPORT_API_REQUESTS_PER_MINUTE", "0");
    }

    private void use(String feed) {
        try {
            // the mail server of the test has no certificate, and files arrive whole
            String route = Manual.example(feed)
                    .yaml()
                    .replace("imaps", "imap")
                    .replace("delay: 30000", "delay: 300")
                    .replace("readLock: changed", "readLock: none");
            product.write("routes/" + feed + ".camel.yaml", route);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** As the manual starts it; with little memory. */
    private Distribution run(Installation product) throws IOException {
        String extra = Stream.of(System.getProperty("java.class.path").split(":"))
                .filter(jar -> jar.matches(JARS))
                .collect(Collectors.joining(":"));
        return product.startHost(List.of(
                "-XX:TieredStopAtLevel=1",
                "-Xmx128m",
                "-cp",
                Distribution.routes().resolveSibling("csv-import-routes.jar") + ":" + directory.resolve("extra") + ":"
                        + extra,
                "io.csvimport.standalone.CsvImportMain"));
    }

    /** The classes that the manual shows. */
    private static void compile(Path folder) throws IOException {
        List<String> arguments =
                new ArrayList<>(List.of("-Xlint:all,-classfile,-processing,-path", "-Werror", "-d", folder.toString()));
        for (String code : Manual.blocks("java").toList()) {
            String name = code.replaceAll("(?s).*public class (\\w+).*", "$1");
            arguments.add(
                    Files.writeString(folder.resolve(name + ".java"), code).toString());
        }
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        int status = ToolProvider.getSystemJavaCompiler().run(null, said, said, arguments.toArray(String[]::new));
        assertEquals(0, status, said::toString);
    }

    /** Renames the file into its place. */
    private void deliver(String path, byte[] bytes) throws IOException {
        Path part = Files.write(product.path("arriving.part"), bytes);
        Files.createDirectories(product.path(path).getParent());
        Files.move(part, product.path(path));
    }

    private void awaitMoved(String folder, String name, String to) {
        product.awaitUntil(
                name + " to be in " + to,
                () -> Files.exists(product.path(folder + "/" + to + "/" + name))
                        && Files.notExists(product.path(folder + "/" + name)));
    }

    private byte[] uploaded(String name) {
        List<SandboxRequest> uploads = new ArrayList<>();
        product.awaitUntil("the upload of " + name, () -> product.uploads().stream()
                .filter(upload -> name.equals(upload.fileName()))
                .anyMatch(uploads::add));
        return uploads.get(0).file();
    }

    private String rejected(String name) throws IOException {
        return product.awaitAudit("csv-import.rejected", name)
                .at("/data/reason")
                .asText();
    }

    private static byte[] csv(String text) {
        return ("name\r\n" + text + "\r\n").getBytes(UTF_8);
    }

    /** A CSV that cannot be compressed well. */
    private static byte[] longCsv(int lines) {
        Random random = new Random(lines);
        return IntStream.range(0, lines)
                .mapToObj(line -> Long.toHexString(random.nextLong()))
                .collect(Collectors.joining("\n", "name\n", "\n"))
                .getBytes(UTF_8);
    }

    // zip

    private static byte[] zip(Map<String, byte[]> files) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
            for (Map.Entry<String, byte[]> file : files.entrySet()) {
                zip.putNextEntry(new ZipEntry(file.getKey()));
                zip.write(file.getValue());
            }
        }
        return bytes.toByteArray();
    }

    @Test
    void eachCsvOfAZipIsAJobOfItsOwnAndOtherFilesAreLeftOut() throws Exception {
        Map<String, byte[]> files = new LinkedHashMap<>();
        files.put("zipped.csv", csv("zipped"));
        files.put("2026/zipped-empty.csv", new byte[0]);
        files.put("readme.txt", csv("readme"));
        files.put("../../zipped-up.csv", csv("up"));
        files.put("/zipped-absolute.csv", csv("absolute"));
        files.put("2026/Jürgen.CSV", csv("Jürgen"));
        deliver("zips/several.zip", zip(files));
        awaitMoved("zips", "several.zip", ".done");
        assertArrayEquals(csv("zipped"), uploaded("zipped.csv"));
        assertArrayEquals(csv("Jürgen"), uploaded("Jürgen.CSV"));
        assertEquals("People", product.awaitImport("Jürgen.CSV").template());
        assertEquals("empty", rejected("zipped-empty.csv"));
        assertEquals("file-name", rejected("zipped-up.csv"));
        assertEquals("file-name", rejected("zipped-absolute.csv"));
        assertEquals(List.of(), product.imports("readme.txt"));
        assertTrue(Files.notExists(directory.resolve("zipped-up.csv")));
    }

    @Test
    void aZipThatIsOfferedAgainIsImportedOnce() throws Exception {
        deliver("zips/again.zip", zip(Map.of("again-1.csv", csv("1"), "again-2.csv", csv("2"))));
        awaitMoved("zips", "again.zip", ".done");
        // as if the process had died before it was moved
        Files.move(product.path("zips/.done/again.zip"), product.path("zips/again.zip"));
        awaitMoved("zips", "again.zip", ".done");
        product.awaitJob("again-1.csv", "accepted");
        product.awaitJob("again-2.csv", "accepted");
        // a new one is a new one
        deliver("zips/again.zip", zip(Map.of("again-1.csv", csv("1"))));
        product.awaitUntil(
                "the second import", () -> product.imports("again-1.csv").size() == 2);
        assertEquals(1, product.imports("again-2.csv").size());
    }

    @Test
    void aZipThatIsBrokenOrEncryptedIsMovedAndNothingThatIsDamagedIsImported() throws Exception {
        Map<String, byte[]> files = new LinkedHashMap<>();
        files.put("damaged.csv", longCsv(5000));
        files.put("damaged-after.csv", csv("after"));
        byte[] whole = zip(files);
        deliver("zips/cut.zip", Arrays.copyOf(whole, whole.length / 2));
        byte[] changed = whole.clone();
        changed[whole.length / 2] ^= 1;
        deliver("zips/changed.zip", changed);
        byte[] encrypted = zip(Map.of("damaged-encrypted.csv", csv("encrypted")));
        // a flag of the entry says so, in both places
        encrypted[6] |= 1;
        encrypted[new String(encrypted, ISO_8859_1).indexOf("PK\1\2") + 8] |= 1;
        deliver("zips/encrypted.zip", encrypted);
        String twice = new String(zip(Map.of("damaged-1.csv", csv("1"), "damaged-2.csv", csv("2"))), ISO_8859_1);
        deliver("zips/twice.zip", twice.replace("damaged-2", "damaged-1").getBytes(ISO_8859_1));
        deliver("zips/no.zip", longCsv(100));
        for (String name : List.of("cut.zip", "changed.zip", "encrypted.zip", "twice.zip", "no.zip")) {
            awaitMoved("zips", name, ".broken");
        }
        assertArrayEquals(changed, Files.readAllBytes(product.path("zips/.broken/changed.zip")));
        deliver("zips/whole.zip", zip(Map.of("whole.csv", csv("whole"))));
        product.awaitImport("whole.csv");
        assertEquals(List.of(), importedNames("damaged"));
    }

    @Test
    void aCsvOfAZipThatUnpacksToMoreThanTheMemoryIsRejectedByMaxSizeAndTheOthersAreImported() throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
            zip.putNextEntry(new ZipEntry("zip-bomb.csv"));
            for (int i = 0; i < 300; i++) {
                zip.write(new byte[1 << 20]);
            }
            zip.putNextEntry(new ZipEntry("beside-bomb.csv"));
            zip.write(csv("beside"));
        }
        deliver("zips/bomb.zip", bytes.toByteArray());
        awaitMoved("zips", "bomb.zip", ".done");
        assertEquals("too-large", rejected("zip-bomb.csv"));
        product.awaitImport("beside-bomb.csv");
    }

    private List<String> importedNames(String beginning) {
        return product.sandbox().imports().stream()
                .map(SandboxImport::fileName)
                .filter(name -> name.startsWith(beginning))
                .toList();
    }

    // gzip

    private static byte[] gzip(byte[] bytes, int times) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (OutputStream gzip = new GZIPOutputStream(out)) {
            for (int i = 0; i < times; i++) {
                gzip.write(bytes);
            }
        }
        return out.toByteArray();
    }

    @Test
    void aGzippedCsvIsImportedUnderItsOwnNameAndOnce() throws Exception {
        deliver("gzips/Jürgen 2.0.csv.gz", gzip(csv("gzip"), 1));
        awaitMoved("gzips", "Jürgen 2.0.csv.gz", ".done");
        assertArrayEquals(csv("gzip"), uploaded("Jürgen 2.0.csv"));
        Files.move(product.path("gzips/.done/Jürgen 2.0.csv.gz"), product.path("gzips/Jürgen 2.0.csv.gz"));
        awaitMoved("gzips", "Jürgen 2.0.csv.gz", ".done");
        product.awaitJob("Jürgen 2.0.csv", "accepted");
    }

    @Test
    void aGzipThatUnpacksToMoreThanTheMemoryIsRejectedByMaxSize() throws Exception {
        deliver("gzips/bomb.csv.gz", gzip(new byte[1 << 20], 500));
        awaitMoved("gzips", "bomb.csv.gz", ".done");
        assertEquals("too-large", rejected("bomb.csv"));
    }

    @Test
    void nothingOfAGzipThatIsDamagedIsImported() throws Exception {
        byte[] whole = gzip(longCsv(5000), 1);
        deliver("gzips/gz-cut.csv.gz", Arrays.copyOf(whole, whole.length / 2));
        byte[] changed = whole.clone();
        changed[whole.length - 6] ^= 1;
        deliver("gzips/gz-changed.csv.gz", changed);
        deliver("gzips/gz-no.csv.gz", csv("no gzip"));
        for (String name : List.of("gz-cut.csv.gz", "gz-changed.csv.gz", "gz-no.csv.gz")) {
            awaitMoved("gzips", name, ".broken");
        }
        assertEquals(List.of(), importedNames("gz-"));
    }

    // mail

    private record Attachment(String name, String type, byte[] bytes) {}

    private void mail(String id, Attachment... attachments) throws Exception {
        StringBuilder mail = new StringBuilder("From: hr@example.com\r\nSubject: " + id + "\r\nMessage-ID: <" + id
                + "@example.com>\r\nContent-Type: multipart/mixed; boundary=x\r\n"
                + "\r\n--x\r\nContent-Type: text/plain\r\n\r\nname\r\nof no attachment\r\n");
        for (Attachment attachment : attachments) {
            mail.append("--x\r\nContent-Type: " + attachment.type + "\r\nContent-Transfer-Encoding: base64\r\n"
                    + "Content-Disposition: attachment; filename=\""
                    + MimeUtility.encodeText(attachment.name, "UTF-8", "Q")
                    + "\"\r\n\r\n" + Base64.getMimeEncoder().encodeToString(attachment.bytes) + "\r\n");
        }
        mailbox.deliver(GreenMailUtil.newMimeMessage(mail + "--x--\r\n"));
    }

    private int inInbox() throws Exception {
        return mails.getManagers().getImapHostManager().getInbox(mailbox).getMessageCount();
    }

    private void awaitMoved(int mailsInAll) throws Exception {
        product.awaitUntil("the mails to be moved", () -> inInbox() == 0);
        assertTrue(mails.getManagers()
                        .getImapHostManager()
                        .getFolder(mailbox, "imported")
                        .getMessageCount()
                >= mailsInAll);
    }

    @Test
    void theCsvsOfAMailAreImportedWithTheirBytesAndItsOtherAttachmentsAreNot() throws Exception {
        byte[] latin = "name\r\nJürgen\r\n".getBytes(ISO_8859_1);
        mail(
                "several",
                new Attachment("mailed.csv", "text/csv", csv("mailed")),
                new Attachment("Jürgen mailed.CSV", "application/octet-stream", latin),
                new Attachment(
                        "mailed-text.csv",
                        "text/plain; charset=utf-8",
                        (new String(latin, ISO_8859_1) + "2").getBytes(ISO_8859_1)),
                new Attachment("mailed-empty.csv", "text/csv", new byte[0]),
                new Attachment("twice.csv", "text/csv", csv("twice 1")),
                new Attachment("twice.csv", "text/csv", csv("twice 2")),
                new Attachment("mailed.png", "image/png", csv("picture")));
        mail("none");
        awaitMoved(2);
        assertArrayEquals(csv("mailed"), uploaded("mailed.csv"));
        assertArrayEquals(latin, uploaded("Jürgen mailed.CSV"));
        assertEquals(latin.length + 1, uploaded("mailed-text.csv").length);
        assertEquals("empty", rejected("mailed-empty.csv"));
        product.awaitUntil("both of one name", () -> importedNames("twice").size() == 2);
        assertEquals(List.of(), importedNames("mailed.png"));
    }

    @Test
    void aMailThatComesAgainIsImportedOnce() throws Exception {
        for (int i = 0; i < 2; i++) {
            mail("again", new Attachment("mailed-again.csv", "text/csv", csv("again")));
            awaitMoved(i + 1);
            product.awaitJob("mailed-again.csv", "accepted");
        }
        mail("another", new Attachment("mailed-again.csv", "text/csv", csv("again")));
        product.awaitUntil(
                "the other", () -> product.imports("mailed-again.csv").size() == 2);
    }

    // OpenPGP

    private static PGPSecretKey newKey() throws Exception {
        KeyPairGenerator rsa = KeyPairGenerator.getInstance("RSA");
        rsa.initialize(2048);
        JcaPGPKeyPair pair = new JcaPGPKeyPair(
                PublicKeyPacket.VERSION_4, PublicKeyAlgorithmTags.RSA_GENERAL, rsa.generateKeyPair(), new Date());
        PGPDigestCalculator sha1 =
                new JcaPGPDigestCalculatorProviderBuilder().build().get(HashAlgorithmTags.SHA1);
        return new PGPSecretKey(
                PGPSignature.POSITIVE_CERTIFICATION,
                pair,
                "hr <hr@example.com>",
                sha1,
                null,
                null,
                new JcaPGPContentSignerBuilder(PublicKeyAlgorithmTags.RSA_GENERAL, HashAlgorithmTags.SHA256),
                new JcePBESecretKeyEncryptorBuilder(SymmetricKeyAlgorithmTags.AES_256, sha1)
                        .build(PASSPHRASE.toCharArray()));
    }

    private static byte[] encrypt(byte[] bytes, PGPSecretKey key) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        PGPEncryptedDataGenerator encryption = new PGPEncryptedDataGenerator(
                new JcePGPDataEncryptorBuilder(SymmetricKeyAlgorithmTags.AES_256).setWithIntegrityPacket(true));
        encryption.addMethod(new JcePublicKeyKeyEncryptionMethodGenerator(key.getPublicKey()));
        try (OutputStream encrypted = encryption.open(out, new byte[1 << 12]);
                OutputStream literal = new PGPLiteralDataGenerator()
                        .open(encrypted, PGPLiteralData.BINARY, "../inner.csv", bytes.length, new Date())) {
            literal.write(bytes);
        }
        return out.toByteArray();
    }

    @Test
    void anEncryptedCsvIsImportedInClearAndOnce() throws Exception {
        byte[] csv = longCsv(5000);
        deliver("encrypted/people.v2.csv.pgp", encrypt(csv, key));
        awaitMoved("encrypted", "people.v2.csv.pgp", ".done");
        assertArrayEquals(csv, uploaded("people.v2.csv"));
        Files.move(product.path("encrypted/.done/people.v2.csv.pgp"), product.path("encrypted/people.v2.csv.pgp"));
        awaitMoved("encrypted", "people.v2.csv.pgp", ".done");
        product.awaitJob("people.v2.csv", "accepted");
    }

    @Test
    void nothingOfAFileThatCannotBeDecryptedIsImportedAndItIsKept() throws Exception {
        byte[] whole = encrypt(longCsv(5001), key);
        deliver("encrypted/pgp-cut.csv.pgp", Arrays.copyOf(whole, whole.length / 2));
        for (int back : List.of(2, whole.length / 2)) {
            byte[] changed = whole.clone();
            changed[whole.length - back] ^= 1;
            deliver("encrypted/pgp-changed-" + back + ".csv.pgp", changed);
        }
        byte[] foreign = encrypt(csv("foreign"), foreignKey);
        deliver("encrypted/pgp-foreign.csv.gpg", foreign);
        deliver("encrypted/pgp-no.csv.asc", csv("in clear"));
        List<String> names = new ArrayList<>(List.of("pgp-cut.csv.pgp", "pgp-foreign.csv.gpg", "pgp-no.csv.asc"));
        names.addAll(List.of("pgp-changed-2.csv.pgp", "pgp-changed-" + whole.length / 2 + ".csv.pgp"));
        for (String name : names) {
            awaitMoved("encrypted", name, ".broken");
        }
        assertArrayEquals(foreign, Files.readAllBytes(product.path("encrypted/.broken/pgp-foreign.csv.gpg")));
        assertEquals(List.of(), importedNames("pgp-"));
    }

    // all of them

    @Test
    void nothingIsReleasedWhileTheSpoolCannotWrite() throws Exception {
        Path spool = product.path("data/spool");
        Path away = Files.move(spool, product.path("data/spool-away"));
        Files.createFile(spool);
        deliver("zips/full.zip", zip(Map.of("full-zip.csv", csv("zip"), "readme.txt", csv("readme"))));
        deliver("gzips/full-gzip.csv.gz", gzip(csv("gzip"), 1));
        deliver("encrypted/full-pgp.csv.pgp", encrypt(csv("pgp"), key));
        mail("full", new Attachment("full-mail.csv", "text/csv", csv("mail")));
        product.awaitUntil("some attempts", () -> product.output().split("; it is tried again").length > 12);
        for (String file : List.of("zips/full.zip", "gzips/full-gzip.csv.gz", "encrypted/full-pgp.csv.pgp")) {
            assertTrue(Files.exists(product.path(file)), file);
        }
        assertEquals(1, inInbox());
        Files.delete(spool);
        Files.move(away, spool);
        for (String name : List.of("full-zip.csv", "full-gzip.csv", "full-pgp.csv", "full-mail.csv")) {
            product.awaitJob(name, "accepted");
        }
        awaitMoved(1);
        awaitMoved("zips", "full.zip", ".done");
    }

    @Test
    @Tag("long")
    void aZipIsImportedOnceWhereverTheProcessIsKilled() throws Exception {
        Map<String, byte[]> files = new LinkedHashMap<>();
        for (int i = 0; i < 300; i++) {
            files.put("killed-" + i + ".csv", csv("killed " + i));
        }
        try (Installation other = installation("killed")) {
            other.write(
                    "routes/zip.camel.yaml", Manual.example("people-from-zip").yaml());
            Files.createDirectories(other.path("zips"));
            Files.write(other.path("zips/killed.zip"), zip(files));
            for (int imports = 1; imports < 60; imports += 20) {
                int enough = imports;
                Distribution running = run(other);
                other.awaitUntil("some imports", () -> other.sandbox().imports().size() >= enough);
                running.kill();
            }
            run(other);
            other.awaitReady();
            other.awaitFile("zips/.done/killed.zip");
            other.awaitAccepted(files.size());
            assertEquals(
                    files.keySet().stream().sorted().toList(),
                    other.sandbox().imports().stream()
                            .map(SandboxImport::fileName)
                            .sorted()
                            .toList());
        }
    }
}
