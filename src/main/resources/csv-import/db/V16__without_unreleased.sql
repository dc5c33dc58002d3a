-- The indexes of states and of sources find what is open: this one was written four times for each file, and no query needs it.
DROP INDEX csv_import_delivery_unreleased;
