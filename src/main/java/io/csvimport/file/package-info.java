/**
 * Files in the folders of a source, on this machine or on a server: how a file is recognized and told from another
 * with its name, and moves that overwrite nothing, on this machine in {@link io.csvimport.file.LocalFolders}. It may
 * use {@code text}. Begin with {@link io.csvimport.file.SourceFile}.
 */
package io.csvimport.file;
