/**
 * Files in the folders of a source, on this machine or on a server: how a file is recognized and told from another
 * with its name, moves that overwrite nothing, digests, and the names of files in the spool. On this machine it is
 * {@link io.csvimport.file.LocalFolders}. It may use {@code text}. Begin with {@link io.csvimport.file.SourceFile}.
 */
package io.csvimport.file;
