-- What a source hands over to the spool with a key of its own, it may offer again: it did not hear that it was kept.
ALTER TABLE csv_import_delivery ADD COLUMN item_key TEXT; -- null: the source has no keys, or no spool is between

-- Kept once; what was rejected or voided may come again. Other bytes, or another template, are another item: a source whose
-- keys are not as unique as it thinks loses nothing.
CREATE UNIQUE INDEX csv_import_delivery_item
    ON csv_import_delivery (item_key, organization, template, sha256)
    WHERE item_key IS NOT NULL AND state NOT IN ('rejected', 'withdrawn', 'voided');
