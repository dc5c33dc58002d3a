-- A file that fails for reasons of its own is held after so many failures; a person's retry begins anew.
ALTER TABLE csv_import_delivery ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
