-- A list of the API's that shows none of the imports that it showed before proves nothing.
ALTER TABLE csv_import_delivery ADD COLUMN shown TEXT; -- list: a whole list has shown it; template: the list of its template, too;
                                                       -- null: neither, or not known
