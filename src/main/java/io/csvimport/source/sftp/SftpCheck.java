package io.csvimport.source.sftp;

import com.jcraft.jsch.ChannelSftp;
import com.jcraft.jsch.ChannelSftp.LsEntrySelector;
import com.jcraft.jsch.JSchException;
import com.jcraft.jsch.SftpException;
import io.csvimport.settings.Finding;
import io.csvimport.settings.Settings;
import java.io.InputStream;
import java.util.UUID;
import org.apache.camel.CamelContext;

/** Logs in on the SFTP server of the settings, lists the folder, and renames an empty file there, which it takes away again. */
public final class SftpCheck {

    private final SftpServer server = new SftpServer();

    public SftpCheck(Settings settings, CamelContext context) {
        server.setCamelContext(context);
        server.setHost(settings.get("sftp.host"));
        server.setPort(settings.number("sftp.port"));
        server.setUsername(settings.get("sftp.username"));
        server.setPassword("parameter:" + settings.get("sftp.password"));
        server.setPrivateKeyFile(settings.get("sftp.private-key-file"));
        server.setPrivateKeyPassphrase("parameter:" + settings.get("sftp.private-key-passphrase"));
        server.setKnownHostsFile(settings.get("sftp.known-hosts-file"));
        server.setDirectory(settings.get("sftp.directory"));
        server.setReadOnly(settings.flag("sftp.read-only"));
    }

    public Finding check() throws JSchException {
        ChannelSftp channel;
        try {
            channel = new SftpSession(server).open();
        } catch (JSchException e) {
            return Finding.failed(new SftpHealth(null, server).explain(e));
        }
        try {
            return folder(channel);
        } finally {
            channel.getSession().disconnect();
        }
    }

    private Finding folder(ChannelSftp channel) {
        String folder = server.getDirectory();
        String place = server.location(folder);
        try {
            if (!channel.stat(folder).isDir()) {
                return Finding.failed(place + " is no folder: correct csv-import.sftp.directory");
            }
            channel.ls(folder, entry -> LsEntrySelector.BREAK);
        } catch (SftpException e) {
            boolean isMissing = e.id == ChannelSftp.SSH_FX_NO_SUCH_FILE;
            return isMissing && !server.isReadOnly()
                    ? Finding.warning(
                            place + " does not exist, the start will try to make it: check csv-import.sftp.directory")
                    : Finding.failed(place + (isMissing ? " does not exist" : " cannot be listed")
                            + ": make the folder, or let this login read it (csv-import.sftp.directory; "
                            + SftpHealth.plain(e) + ")");
        }
        return server.isReadOnly()
                ? Finding.ok(place + " can be read; nothing is moved there")
                : rename(channel, place);
    }

    private Finding rename(ChannelSftp channel, String place) {
        String probe = server.getDirectory() + "/.csv-import-check-" + UUID.randomUUID();
        try {
            channel.put(InputStream.nullInputStream(), probe);
            channel.rename(probe, probe + ".renamed");
            channel.rm(probe + ".renamed");
            return Finding.ok(place + " can be read, and files can be moved there");
        } catch (SftpException e) {
            remove(channel, probe);
            remove(channel, probe + ".renamed");
            return Finding.failed(place
                    + ": files cannot be written, renamed and deleted there, so that none could be moved"
                    + " into .imported: let this login do so, or set csv-import.sftp.read-only (" + SftpHealth.plain(e)
                    + ")");
        }
    }

    private static void remove(ChannelSftp channel, String file) {
        try {
            channel.rm(file);
        } catch (SftpException e) {
            // it is not there
        }
    }
}
