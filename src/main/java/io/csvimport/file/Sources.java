package io.csvimport.file;

import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** Finds the {@link SourceFolders} for a path of the ledger: those of this machine, or of a server that a feed knows. */
public final class Sources {

    /** Of each server the beginning of its paths; more than one feed may know the same server. */
    private final Map<SourceFolders, String> servers = new ConcurrentHashMap<>();

    public void add(String prefix, SourceFolders server) {
        servers.put(server, prefix);
    }

    public void remove(SourceFolders server) {
        servers.remove(server);
    }

    /** Empty where the path is on a server that no feed takes files from now. */
    public Optional<SourceFolders> folders(String path) {
        return path.startsWith("/")
                ? Optional.of(SourceFolders.LOCAL)
                : servers.entrySet().stream()
                        .filter(server -> path.startsWith(server.getValue()))
                        .findFirst()
                        .map(Map.Entry::getKey);
    }
}
