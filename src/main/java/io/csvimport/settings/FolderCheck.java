package io.csvimport.settings;

import java.nio.file.Files;
import java.nio.file.Path;

/** Checks whether this process may read and write a folder, or make it. The check changes nothing. */
public final class FolderCheck {

    private FolderCheck() {}

    public static Finding check(Path folder) {
        Path there = nearest(folder);
        if (!Files.isDirectory(there)) {
            return Finding.failed(there + " is no folder: take it away, or name another folder");
        }
        if (!Files.isReadable(there) || !Files.isWritable(there) || !Files.isExecutable(there)) {
            return Finding.failed(there + " cannot be read and written by the user " + System.getProperty("user.name")
                    + ": give this user the permission; its file system must be writable, too");
        }
        return Finding.ok(folder + (there.equals(folder) ? "" : " does not exist, and will be made"));
    }

    /** The folder itself, or the one above it that exists. */
    public static Path nearest(Path folder) {
        Path there = folder;
        while (!Files.exists(there) && there.getParent() != null) {
            there = there.getParent();
        }
        return there;
    }
}
