-- A message that a broker gives out again is looked for among all that were ever done with.
CREATE INDEX csv_import_delivery_message
    ON csv_import_delivery (source_key) WHERE source_key LIKE '%|jms:%' AND released_at IS NOT NULL;
