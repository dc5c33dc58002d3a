package io.csvimport;

import java.io.IOException;

/** The file changed between its first sight and the end of its upload; an upload was broken off before its end. */
public class CsvChangedException extends IOException {

    private static final long serialVersionUID = 1L;

    public CsvChangedException(String file) {
        super(file + " was changed, replaced or taken away while it was read");
    }
}
