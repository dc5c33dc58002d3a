package io.csvimport.source.sftp;

import io.csvimport.settings.Secret;
import java.util.List;
import java.util.stream.Stream;
import org.apache.camel.CamelContext;
import org.apache.camel.CamelContextAware;
import org.apache.camel.component.file.remote.SftpConfiguration;
import org.apache.camel.util.HomeHelper;

/**
 * An SFTP server as one feed knows it: where it is, who logs in there and how, and which folder has the files. It is set
 * up by the Kamelet, so that no secret is ever part of a URI. A password, key file or passphrase may be empty for none.
 */
public final class SftpServer extends SftpConfiguration implements CamelContextAware {

    private CamelContext camelContext;
    private String directory;
    private List<String> algorithms = List.of();
    private boolean readOnly;

    @Override
    public CamelContext getCamelContext() {
        return camelContext;
    }

    @Override
    public void setCamelContext(CamelContext camelContext) {
        this.camelContext = camelContext;
    }

    @Override
    public void setPassword(String password) {
        super.setPassword(Secret.of(camelContext, password));
    }

    @Override
    public void setPrivateKeyPassphrase(String privateKeyPassphrase) {
        super.setPrivateKeyPassphrase(Secret.of(camelContext, privateKeyPassphrase));
    }

    /** Where none is given, the user's own. */
    @Override
    public String getKnownHostsFile() {
        String file = super.getKnownHostsFile();
        return file == null || file.isEmpty() ? HomeHelper.resolveHomeDir() + "/.ssh/known_hosts" : file;
    }

    /** Relative to the login folder, where it does not begin with a slash. */
    @Override
    public void setDirectory(String directory) {
        this.directory = directory.replaceAll("(?<=.)/+$", "");
    }

    /** Without an end of its own, so that a name can follow after a slash. */
    @Override
    public String getDirectory() {
        return directory;
    }

    /** Names, separated by commas, of what old servers need and is not offered otherwise: {@code ssh-rsa}. */
    public void setAlgorithms(String algorithms) {
        this.algorithms = Stream.of(algorithms.split(","))
                .map(String::trim)
                .filter(name -> !name.isEmpty())
                .toList();
    }

    List<String> algorithms() {
        return algorithms;
    }

    /** Whether files stay where they are. */
    public void setReadOnly(boolean readOnly) {
        this.readOnly = readOnly;
    }

    boolean isReadOnly() {
        return readOnly;
    }

    /** The ledger's name of a path on the server: {@code sftp://anna@sftp.example:22/inbox/a.csv}. */
    String location(String path) {
        return "sftp://" + getUsername() + "@" + getHost() + ":" + getPort() + "/" + path;
    }

    /** The path on the server of a name of the ledger's. */
    String path(String location) {
        return location.substring(location("").length());
    }
}
