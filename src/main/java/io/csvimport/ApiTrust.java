package io.csvimport;

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
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;

/** The certificate authorities of {@code api.trust-store}: JKS, PKCS#12, or certificates in PEM or DER. */
final class ApiTrust {

    private ApiTrust() {}

    /**
     * Reads them.
     *
     * @param password of JKS or PKCS#12; JKS and unencrypted PKCS#12 need none
     * @throws IOException with a sentence that says what is wrong with the file or its password
     */
    static KeyStore read(Path file, Optional<String> password) throws IOException {
        KeyStore trust;
        try {
            trust = readStore(file, password.map(String::toCharArray).orElse(null));
            if (password.isEmpty() && !trustsAny(trust)) {
                // without a password, Java passes over what is encrypted; some is with an empty one
                trust = readStore(file, new char[0]);
            }
        } catch (KeyStoreException e) {
            trust = readCertificates(file);
        } catch (IOException e) {
            if (!(e.getCause() instanceof UnrecoverableKeyException)) {
                throw new IOException("it is damaged", e);
            }
            throw new IOException(
                    password.isPresent()
                            ? "csv-import.api.trust-store-password (CSV_IMPORT_API_TRUST_STORE_PASSWORD) is wrong"
                            : "it is encrypted: set csv-import.api.trust-store-password"
                                    + " (CSV_IMPORT_API_TRUST_STORE_PASSWORD)",
                    e);
        } catch (GeneralSecurityException e) {
            throw new IOException("it is damaged", e);
        }
        if (!trustsAny(trust)) {
            throw new IOException("it holds no certificate that Java trusts (PKCS#12 by openssl marks none as trusted:"
                    + " name the certificates' PEM file instead)");
        }
        return trust;
    }

    /** @throws KeyStoreException where the file is neither JKS nor PKCS#12 */
    private static KeyStore readStore(Path file, char[] password) throws GeneralSecurityException, IOException {
        return KeyStore.getInstance(file.toFile(), password);
    }

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

    /** Whether TLS would have an authority to go by. */
    private static boolean trustsAny(KeyStore trust) throws IOException {
        try {
            TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            factory.init(trust);
            for (TrustManager manager : factory.getTrustManagers()) {
                if (manager instanceof X509TrustManager x509 && x509.getAcceptedIssuers().length > 0) {
                    return true;
                }
            }
            return false;
        } catch (GeneralSecurityException e) {
            throw new IOException("it is damaged", e);
        }
    }
}
