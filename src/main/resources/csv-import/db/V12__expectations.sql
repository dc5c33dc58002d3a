-- What was found out about the content of a file of which something is expected; null: nothing was looked at.
ALTER TABLE csv_import_delivery ADD COLUMN csv_header TEXT;  -- the names of its columns, a JSON array
ALTER TABLE csv_import_delivery ADD COLUMN csv_rows BIGINT;  -- its records after the header
ALTER TABLE csv_import_delivery ADD COLUMN expected TEXT;    -- what it breaks, in words; null: nothing
ALTER TABLE csv_import_delivery ADD COLUMN found TEXT;       -- what it has instead
ALTER TABLE csv_import_delivery ADD COLUMN waived INTEGER NOT NULL DEFAULT 0; -- 1: a person lets it through all the same

-- The header that the next file of a template must have, where that is the one of the last import without failed rows.
CREATE TABLE csv_import_header (
    organization TEXT NOT NULL,
    template     TEXT NOT NULL,
    header       TEXT NOT NULL,          -- a JSON array
    set_at       TEXT NOT NULL,          -- when its import was accepted, or a person accepted it
    PRIMARY KEY (organization, template)
);

-- The last import of a template is found without a look at all the others.
CREATE INDEX csv_import_delivery_rows
    ON csv_import_delivery (organization, template, settled_at) WHERE csv_rows IS NOT NULL;
