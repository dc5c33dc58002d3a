/**
 * Files where they lie, on this machine or on a server: what tells one from the next under its name, and moves
 * that overwrite nothing. It may use {@code text}. Begin with {@link io.csvimport.file.SourceFile}.
 */
package io.csvimport.file;
