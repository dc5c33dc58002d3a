-- What lies at a path is deleted only where it is the very file that was put there: its key as SourceFile.key gives it.
ALTER TABLE csv_import_delivery ADD COLUMN released_key TEXT;    -- of the file at released_to; null: released by an earlier version
ALTER TABLE csv_import_delivery ADD COLUMN failed_rows_key TEXT; -- of the file at failed_rows_file; null: likewise

-- An event that the audit endpoint refuses waits, and the later ones of its job behind it; no others do.
ALTER TABLE csv_import_event ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE csv_import_event ADD COLUMN retry_at TEXT NOT NULL DEFAULT ''; -- empty: not refused yet

DROP INDEX csv_import_event_unsent;

CREATE INDEX csv_import_event_due
    ON csv_import_event (retry_at, sequence) WHERE sent_at IS NULL;

-- What is forgotten, and which files are deleted, is found without a look at all the others.
CREATE INDEX csv_import_delivery_done
    ON csv_import_delivery (released_at, job) WHERE released_at IS NOT NULL;

CREATE INDEX csv_import_delivery_kept_files
    ON csv_import_delivery (released_at, job) WHERE COALESCE(released_to, failed_rows_file) IS NOT NULL;

-- The job list is filtered, and counted, by these.
CREATE INDEX csv_import_delivery_state ON csv_import_delivery (state, job);

CREATE INDEX csv_import_delivery_template ON csv_import_delivery (template, job);

CREATE INDEX csv_import_delivery_name ON csv_import_delivery (file_name, job);

CREATE INDEX csv_import_delivery_feed ON csv_import_delivery (source, job);
