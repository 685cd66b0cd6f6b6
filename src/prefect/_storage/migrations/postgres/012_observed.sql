-- Which states runs have been in, found by jumping from one to the next; and the task workers that are connected.

CREATE INDEX flow_run_state_by_name ON flow_run_state (type, name, timestamp);

CREATE TABLE task_worker (
    id        BYTEA PRIMARY KEY,       -- of the connection
    name      TEXT NOT NULL,          -- as the worker calls itself
    task_keys TEXT NOT NULL,          -- JSON
    seen      BIGINT NOT NULL
);
