package io.csvimport;

import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** Finds the folders that a path of the ledger lies in: this machine's, or those of a server that a feed knows. */
public final class Sources {

    private final Map<String, SourceFolders> servers = new ConcurrentHashMap<>();

    void add(String prefix, SourceFolders server) {
        servers.put(prefix, server);
    }

    void remove(String prefix, SourceFolders server) {
        servers.remove(prefix, server);
    }

    /** Empty where the path is on a server that no feed takes files from now. */
    Optional<SourceFolders> folders(String path) {
        return path.startsWith("/")
                ? Optional.of(SourceFolders.LOCAL)
                : servers.keySet().stream().filter(path::startsWith).findFirst().map(servers::get);
    }
}
