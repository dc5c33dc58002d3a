package io.csvimport;

import java.io.IOException;

/** The file changed before the end of its upload. An upload that had begun was broken off before its end. */
public class CsvChangedException extends IOException {

    private static final long serialVersionUID = 1L;

    public CsvChangedException(String file) {
        super(file + " was changed, replaced or taken away while it was read");
    }
}
