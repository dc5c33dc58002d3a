-- SQLite and PostgreSQL read the same; the placeholder identity is the one word they do not share: a key that counts up.
-- One row a delivery: one file or message, from its first sight to its release.
-- Times are ISO-8601 in UTC, as in 2026-01-31T04:05:06.789Z: they sort as text.
CREATE TABLE csv_import_delivery (
    job              ${identity},
    source_key       TEXT NOT NULL,     -- what tells this delivery from the next: path, size, time and inode; message id; ...
    source           TEXT NOT NULL,     -- file, sftp, jms, or the route id of the feed
    state            TEXT NOT NULL,     -- claimed, sending, waiting, unknown, held, accepted, completed, duplicate,
                                        -- rejected, withdrawn, voiding, voided
    organization     TEXT NOT NULL,
    template         TEXT,
    notify           TEXT,              -- comma-separated
    file_name        TEXT,
    file_path        TEXT,              -- where the bytes are, or were
    file_size        BIGINT,            -- bytes
    sha256           TEXT,              -- hex
    duplicates       TEXT NOT NULL,     -- skip or import: the same bytes for the same organization and template again
    single           INTEGER NOT NULL DEFAULT 0, -- 1: the one job of these bytes; later ones are its duplicates
    attempts         INTEGER NOT NULL DEFAULT 0,
    import_id        TEXT,              -- the API's id; of a duplicate, the first import's
    reconciled       INTEGER NOT NULL DEFAULT 0, -- 1: the id was found in the import list
    reason           TEXT,
    detail           TEXT,
    http_status      INTEGER,
    owner            TEXT NOT NULL,     -- the process that has it
    created_at       TEXT NOT NULL,
    sending_at       TEXT,              -- begin of the latest attempt
    api_time         TEXT,              -- the same by the API's clock, where that was known
    next_attempt_at  TEXT,
    settled_at       TEXT,
    released_at      TEXT,              -- the file is moved, the message acknowledged
    released_to      TEXT               -- where the file went
);

CREATE UNIQUE INDEX csv_import_delivery_source
    ON csv_import_delivery (source_key) WHERE released_at IS NULL;

CREATE UNIQUE INDEX csv_import_delivery_bytes
    ON csv_import_delivery (organization, template, sha256)
    WHERE single = 1
      AND state IN ('claimed', 'sending', 'waiting', 'unknown', 'held', 'accepted', 'completed', 'voiding');

CREATE INDEX csv_import_delivery_digest
    ON csv_import_delivery (sha256);

CREATE INDEX csv_import_delivery_import
    ON csv_import_delivery (import_id);

-- One upload in flight for each template and file name, so that a match in the import list is one match.
CREATE UNIQUE INDEX csv_import_delivery_in_flight
    ON csv_import_delivery (organization, template, file_name) WHERE state IN ('sending', 'unknown');

-- What is still to be released is looked through again and again: few rows.
CREATE INDEX csv_import_delivery_unreleased
    ON csv_import_delivery (state) WHERE released_at IS NULL;

-- One row an audit event, written in the transaction that changes the state.
CREATE TABLE csv_import_event (
    sequence    ${identity},
    id          TEXT NOT NULL UNIQUE,   -- <job>/<type>/<n>
    job         BIGINT NOT NULL REFERENCES csv_import_delivery (job),
    payload     TEXT NOT NULL,          -- the CloudEvent, JSON
    created_at  TEXT NOT NULL,
    sent_at     TEXT                    -- when the audit endpoint took it
);

CREATE INDEX csv_import_event_job ON csv_import_event (job);

CREATE INDEX csv_import_event_unsent ON csv_import_event (sequence) WHERE sent_at IS NULL;

-- One row a process that works on the ledger: the data dir's id, and a random one.
CREATE TABLE csv_import_owner (
    owner       TEXT PRIMARY KEY,
    lease_until TEXT NOT NULL           -- by the database's clock; on SQLite there is one process, and no matter
);
