-- The index of states finds what is open: this one was written four times for each file, and read by no query.
DROP INDEX csv_import_delivery_unreleased;
