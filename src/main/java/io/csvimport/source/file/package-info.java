/**
 * Folders of this machine as a feed, and the spool, where bytes that have no file of their own are kept until they
 * are imported. It may use {@code source} and what is below it; knows no other source. Begin with {@link
 * io.csvimport.source.file.FolderFeed}.
 */
package io.csvimport.source.file;
