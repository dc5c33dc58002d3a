-- The index of states finds what is open: this one was written four times for each file, and no query needs it.
DROP INDEX csv_import_delivery_unreleased;
