package io.csvimport.source.sftp;

import com.jcraft.jsch.ChannelSftp;
import io.csvimport.CsvChangedException;
import io.csvimport.text.Visible;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.NoSuchFileException;

/** The bytes of a file as they come from its server; the connection is this stream's until it is closed. */
final class SftpDownload extends FilterInputStream {

    private final SftpFile file;
    private final SftpConnections connections;
    private final ChannelSftp channel;
    private boolean begun;
    private boolean atEnd;
    private boolean closed;

    SftpDownload(SftpFile file, SftpConnections connections, ChannelSftp channel, InputStream bytes) {
        super(bytes);
        this.file = file;
        this.connections = connections;
        this.channel = channel;
    }

    @Override
    public int read(byte[] buffer, int offset, int length) throws IOException {
        try {
            int n = super.read(buffer, offset, length);
            atEnd = n < 0;
            if (!begun) {
                begun = true;
                connections.work();
            }
            return n;
        } catch (IOException e) {
            throw isAlive() ? SftpConnections.failed(file.location(), e) : connections.failed(channel, e);
        }
    }

    /** Whether the connection still takes what is sent: where a send failed, JSch may not know yet that it is cut. */
    private boolean isAlive() {
        try {
            channel.getSession().sendKeepAliveMsg();
            return channel.isConnected();
        } catch (Exception e) {
            // of JSch's kind
            return false;
        }
    }

    /** @throws CsvChangedException where the file was read to its end and has changed meanwhile */
    @Override
    public void close() throws IOException {
        if (closed) {
            return;
        }
        closed = true;
        if (!atEnd) {
            // broken, or not wanted any more: it ends with its connection
            connections.end(channel);
            return;
        }
        try {
            super.close();
        } catch (IOException e) {
            throw connections.failed(channel, e);
        }
        try {
            SftpFile now = connections.call(
                    file.location(), channel, read -> file.folders().find(read, file.location()), true);
            if (!now.looksLike(file)) {
                throw new CsvChangedException(Visible.of(file.location()));
            }
        } catch (NoSuchFileException e) {
            // some servers serve a file once
        }
    }
}
