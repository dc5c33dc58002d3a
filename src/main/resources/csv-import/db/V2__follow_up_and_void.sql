-- An accepted import is followed until the API lists it twice alike; an import may be voided.
ALTER TABLE csv_import_delivery ADD COLUMN failed_rows INTEGER;   -- how many rows failed: of a completed import, or of a file
                                                                  -- that the preview gate has rejected; null: not known
ALTER TABLE csv_import_delivery ADD COLUMN failed_rows_file TEXT; -- where the failed rows of a completed import are written
ALTER TABLE csv_import_delivery ADD COLUMN preview_rows TEXT;     -- JSON, row to error: what the preview said, the first of them
ALTER TABLE csv_import_delivery ADD COLUMN track_at TEXT;         -- when it is looked up in the API's list; null: it is not followed
ALTER TABLE csv_import_delivery ADD COLUMN track_looks INTEGER NOT NULL DEFAULT 0; -- how often it was looked up
ALTER TABLE csv_import_delivery ADD COLUMN listed TEXT;           -- failed rows, their digest and the statements, as listed last

-- What is followed is looked through again and again: few rows of however many.
CREATE INDEX csv_import_delivery_followed
    ON csv_import_delivery (track_at) WHERE track_at IS NOT NULL;

-- What is being voided goes on by itself.
CREATE INDEX csv_import_delivery_voiding
    ON csv_import_delivery (job) WHERE state = 'voiding';
