-- The first job of the same bytes is found by its digest; SQLite took the index on the template alone, and read all its jobs.
DROP INDEX csv_import_delivery_digest;

CREATE INDEX csv_import_delivery_same_bytes
    ON csv_import_delivery (sha256, template, organization);
