-- The distributed trace of a job, as W3C Trace Context: later attempts and the audit events continue it.
ALTER TABLE csv_import_delivery ADD COLUMN traceparent TEXT; -- null: nothing traced its first attempt
ALTER TABLE csv_import_delivery ADD COLUMN tracestate TEXT;  -- null: the trace has none
