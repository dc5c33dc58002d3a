-- An expectation with a due time, by what it is known by across restarts.
CREATE TABLE csv_import_expectation (
    expectation  BIGINT PRIMARY KEY,    -- counted from the millisecond in which it was seen first: other ledgers have others
    organization TEXT NOT NULL,
    name         TEXT NOT NULL,         -- template, feed, files and due
    since        TEXT,                  -- due times up to then are dealt with; null: its file is gone
    UNIQUE (organization, name)
);

-- One row a due time that has passed without an import; what is told of it is told once.
CREATE TABLE csv_import_due (
    expectation BIGINT NOT NULL REFERENCES csv_import_expectation (expectation),
    due         TEXT NOT NULL,
    state       TEXT NOT NULL,          -- late, missing, arrived; closed: an import for a later one has come, or it is not
                                        -- expected any more
    job         BIGINT,                 -- the import that came after all
    PRIMARY KEY (expectation, due)
);

CREATE INDEX csv_import_due_open ON csv_import_due (expectation, due) WHERE state IN ('late', 'missing');

-- An event of a due time has no job. Its job is -(expectation): the events of one expectation go in their order, too.
-- SQLite has no statement that takes a foreign key away, and its documentation has this one; the table is not copied.
${postgresql}ALTER TABLE csv_import_event DROP CONSTRAINT csv_import_event_job_fkey;
${sqlite}PRAGMA writable_schema = ON;
${sqlite}UPDATE sqlite_schema SET sql = replace(sql, ' REFERENCES csv_import_delivery (job)', '')
${sqlite}    WHERE type = 'table' AND name = 'csv_import_event';
${sqlite}PRAGMA writable_schema = OFF;
