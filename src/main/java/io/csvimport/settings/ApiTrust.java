package io.csvimport.settings;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.KeyStoreException;
import java.security.UnrecoverableKeyException;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.Optional;
import java.util.stream.Stream;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;

/** The certificate authorities of {@code api.trust-store}: JKS, PKCS#12, or certificates in PEM or DER. */
public final class ApiTrust {

    private ApiTrust() {}

    /**
     * Reads them.
     *
     * @param password of JKS or PKCS#12; JKS and unencrypted PKCS#12 need none
     * @throws IOException with the rest of a sentence about the file: what is wrong with it or its password
     */
    public static KeyStore read(Path file, Optional<String> password) throws IOException {
        try {
            KeyStore trust = readAny(file, password.map(String::toCharArray).orElse(null));
            if (password.isEmpty() && !trustsAny(trust)) {
                // without a password, Java skips encrypted entries; some are encrypted with an empty one
                trust = readAny(file, new char[0]);
            }
            if (!trustsAny(trust)) {
                throw new IOException(
                        "it holds no certificate that Java trusts (PKCS#12 by openssl marks none as trusted: name the"
                                + " certificates' PEM file instead)");
            }
            return trust;
        } catch (GeneralSecurityException e) {
            throw new IOException("it is damaged", e);
        }
    }

    private static KeyStore readAny(Path file, char[] password) throws GeneralSecurityException, IOException {
        try {
            return KeyStore.getInstance(file.toFile(), password);
        } catch (KeyStoreException e) {
            return readCertificates(file);
        } catch (IOException e) {
            String why = !(e.getCause() instanceof UnrecoverableKeyException)
                    ? "it is damaged"
                    : password == null || password.length == 0
                            ? "it is encrypted: set csv-import.api.trust-store-password"
                                    + " (CSV_IMPORT_API_TRUST_STORE_PASSWORD)"
                            : "csv-import.api.trust-store-password (CSV_IMPORT_API_TRUST_STORE_PASSWORD) is wrong";
            throw new IOException(why, e);
        }
    }

    /** What is neither JKS nor PKCS#12: certificates, one after another. */
    private static KeyStore readCertificates(Path file) throws IOException {
        try (InputStream in = new BufferedInputStream(Files.newInputStream(file))) {
            KeyStore trust = KeyStore.getInstance(KeyStore.getDefaultType());
            trust.load(null, null);
            for (Certificate certificate :
                    CertificateFactory.getInstance("X.509").generateCertificates(in)) {
                trust.setCertificateEntry("ca-" + trust.size(), certificate);
            }
            return trust;
        } catch (GeneralSecurityException e) {
            throw new IOException("it is neither JKS nor PKCS#12, and holds no certificates in PEM or DER", e);
        }
    }

    /** Whether TLS would have an authority to trust. */
    private static boolean trustsAny(KeyStore trust) throws GeneralSecurityException {
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(trust);
        return Stream.of(factory.getTrustManagers())
                .anyMatch(manager -> manager instanceof X509TrustManager x509 && x509.getAcceptedIssuers().length > 0);
    }
}
