-- Who waits for slots of a limit, in which order, and until when it is believed to wait.

CREATE TABLE concurrency_waiter (
    id          BLOB PRIMARY KEY,                -- of its own choice: it keeps its place by it
    limit_id    BLOB NOT NULL,                   -- the one that is full
    slots       INTEGER NOT NULL,
    holder_type TEXT,
    holder_id   BLOB,
    since       INTEGER NOT NULL,
    expires     INTEGER NOT NULL                 -- renewed while it waits
) STRICT, WITHOUT ROWID;

CREATE INDEX concurrency_waiter_by_limit ON concurrency_waiter (limit_id, since, id);
CREATE INDEX concurrency_lease_by_holder ON concurrency_lease (holder_id) WHERE holder_id IS NOT NULL;
