package io.csvimport;

import java.io.IOException;
import java.nio.file.Path;

/** Where the failed-rows files of a source go; those that are in the registry are asked before the local folders. */
interface FailedRowsStore {

    /**
     * Stores the rows under a name that nothing has yet, durably. It may be asked again after a crash: the same rows
     * under the wanted name are stored already.
     *
     * @param rows a finished local file, to be copied
     * @return where it went, null where the delivery is not of this source
     * @throws IOException where it cannot be stored now: it is tried again
     */
    String store(Delivery delivery, Path rows) throws IOException;
}
