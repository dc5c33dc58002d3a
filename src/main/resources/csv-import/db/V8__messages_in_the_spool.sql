-- What its source needs to take a delivery back that is rejected after its source has acknowledged it, JSON: of a message,
-- its kind, properties and correlation id.
ALTER TABLE csv_import_delivery ADD COLUMN envelope TEXT;

-- A message is known by its item key. Earlier versions left its bytes with the broker until its fate was settled: what is
-- not settled comes again and takes up its job; what is settled comes again at most to be acknowledged.
UPDATE csv_import_delivery SET item_key = source_key
    WHERE source_key LIKE '%|jms:%' AND item_key IS NULL AND (released_at IS NULL OR source_key NOT LIKE '%|jms:%||%');
UPDATE csv_import_delivery SET released_at = settled_at
    WHERE source_key LIKE '%|jms:%' AND released_at IS NULL AND settled_at IS NOT NULL AND state <> 'held';

DROP INDEX csv_import_delivery_message;

-- An item that is offered again is looked for in whatever state it is.
CREATE INDEX csv_import_delivery_items
    ON csv_import_delivery (item_key) WHERE item_key IS NOT NULL;
