DROP INDEX csv_import_delivery_import;

CREATE INDEX csv_import_delivery_import
    ON csv_import_delivery (import_id) WHERE import_id IS NOT NULL;
