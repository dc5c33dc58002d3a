/**
 * Folders of an SFTP server as a feed: connections, listings, downloads, moves on the server. It may use {@code
 * source} and what is below it; knows no other source. Begin with {@link io.csvimport.source.sftp.SftpFeed}.
 */
package io.csvimport.source.sftp;
