package io.csvimport.file;

import java.io.IOException;
import java.io.InputStream;

/** A file at its source as it was listed. Its size, time and key tell it from a later file with its name. */
public interface SourceFile {

    /** Its place, as the ledger keeps it. */
    String location();

    /** The ledger's source key. */
    String key();

    /** Bytes. */
    long size();

    /** When it was modified, to be compared with others of its source. */
    long modified();

    /** Whether that other look was at a file of this size and time: some give a file a new identity now and then. */
    default boolean looksLike(SourceFile other) {
        return size() == other.size() && modified() == other.modified();
    }

    /** Whether that other look was at this file, perhaps changed since, and not at another that had its name. */
    boolean isOf(SourceFile other);

    /** False once it is gone, changed or replaced; true where the source does not answer. */
    boolean isThere();

    /** Whether its source is sure to have nothing in its place. */
    default boolean isGone() {
        return false;
    }

    /** Its bytes, read anew. */
    InputStream open() throws IOException;

    /** The folders of its source. */
    SourceFolders folders();
}
