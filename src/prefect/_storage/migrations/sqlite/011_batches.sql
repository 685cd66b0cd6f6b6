-- What processes elsewhere send in numbered batches, and how their death can be told.

CREATE TABLE batch (
    process_id BLOB PRIMARY KEY,
    number     INTEGER NOT NULL,          -- of the last batch that was written
    answer     TEXT,                      -- JSON: what was answered to it
    updated    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX batch_by_updated ON batch (updated);

-- Where pids mean the same processes: a kernel and a namespace in it. NULL: the machine of the store itself.
ALTER TABLE process ADD COLUMN pid_space TEXT;
