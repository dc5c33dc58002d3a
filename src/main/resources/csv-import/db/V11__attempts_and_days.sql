-- What attempts that did not settle their job have come to; those that came to the same one after another are one row.
CREATE TABLE csv_import_attempt (
    sequence    ${identity},
    job         BIGINT NOT NULL REFERENCES csv_import_delivery (job),
    state       TEXT NOT NULL,          -- waiting, unknown, held
    reason      TEXT,
    detail      TEXT,
    http_status INTEGER,
    times       INTEGER NOT NULL DEFAULT 1,
    first_at    TEXT NOT NULL,
    last_at     TEXT NOT NULL
);

CREATE INDEX csv_import_attempt_job ON csv_import_attempt (job, sequence);

-- The jobs of a day are counted without a look at all the others.
CREATE INDEX csv_import_delivery_created ON csv_import_delivery (created_at);
