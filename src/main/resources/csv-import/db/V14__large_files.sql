-- A large file of which no other has the size is digested while it is sent: its sha256 is null until then.
CREATE INDEX csv_import_delivery_large
    ON csv_import_delivery (file_size, template, organization) WHERE file_size >= 10000000;
