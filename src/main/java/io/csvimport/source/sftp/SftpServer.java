package io.csvimport.source.sftp;

import io.csvimport.settings.Secret;
import java.util.List;
import java.util.stream.Stream;
import org.apache.camel.CamelContext;
import org.apache.camel.CamelContextAware;
import org.apache.camel.util.HomeHelper;

/**
 * An SFTP server as one feed knows it: where it is, who logs in there and how, and which folder has the files. It is set
 * up by the Kamelet, so that no secret is ever part of a URI.
 */
public final class SftpServer implements CamelContextAware {

    private CamelContext camelContext;
    private String host;
    private int port;
    private String username;
    private String password;
    private String privateKeyFile;
    private String privateKeyPassphrase;
    private String knownHostsFile = "";
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

    public void setHost(String host) {
        this.host = host;
    }

    public void setPort(int port) {
        this.port = port;
    }

    public void setUsername(String username) {
        this.username = username;
    }

    public void setPassword(String password) {
        this.password = orNull(Secret.of(camelContext, password));
    }

    public void setPrivateKeyFile(String privateKeyFile) {
        this.privateKeyFile = orNull(privateKeyFile);
    }

    public void setPrivateKeyPassphrase(String privateKeyPassphrase) {
        this.privateKeyPassphrase = orNull(Secret.of(camelContext, privateKeyPassphrase));
    }

    /** Empty: the user's own, {@code ~/.ssh/known_hosts}. */
    public void setKnownHostsFile(String knownHostsFile) {
        this.knownHostsFile = knownHostsFile;
    }

    /** Relative to the login folder, where it does not begin with a slash. */
    public void setDirectory(String directory) {
        this.directory = directory.replaceAll("(?<=.)/+$", "");
    }

    /** Names, separated by commas, of what old servers need and is not offered otherwise: {@code ssh-rsa}. */
    public void setAlgorithms(String algorithms) {
        this.algorithms = Stream.of(algorithms.split(","))
                .map(String::trim)
                .filter(name -> !name.isEmpty())
                .toList();
    }

    /** Whether files stay where they are. */
    public void setReadOnly(boolean readOnly) {
        this.readOnly = readOnly;
    }

    private static String orNull(String value) {
        return value.isEmpty() ? null : value;
    }

    String host() {
        return host;
    }

    int port() {
        return port;
    }

    String username() {
        return username;
    }

    /** Null where there is none, as of the next two. */
    String password() {
        return password;
    }

    String privateKeyFile() {
        return privateKeyFile;
    }

    String privateKeyPassphrase() {
        return privateKeyPassphrase;
    }

    String knownHostsFile() {
        return knownHostsFile.isEmpty() ? HomeHelper.resolveHomeDir() + "/.ssh/known_hosts" : knownHostsFile;
    }

    /** Without an end of its own, so that a name can follow after a slash. */
    String directory() {
        return directory;
    }

    List<String> algorithms() {
        return algorithms;
    }

    boolean isReadOnly() {
        return readOnly;
    }

    /** {@code sftp://anna@sftp.example:22/}. */
    String name() {
        return "sftp://" + username + "@" + host + ":" + port + "/";
    }

    /** The ledger's name of a path on the server. */
    String location(String path) {
        return name() + path;
    }

    /** The path on the server of a name of the ledger's. */
    String path(String location) {
        return location.substring(name().length());
    }
}
