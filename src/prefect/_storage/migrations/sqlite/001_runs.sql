-- Flows, flow runs with their states, task runs, logs, and the processes that execute them.
--
-- Ids are 16-byte UUIDs (version 7, so that they grow with time and the tables stay append-only), times are
-- microseconds since the epoch, UTC; columns named as JSON hold JSON text.

CREATE TABLE flow (
    id      BLOB PRIMARY KEY,
    name    TEXT NOT NULL UNIQUE,
    created INTEGER NOT NULL,
    tags    TEXT NOT NULL DEFAULT '[]',   -- JSON
    labels  TEXT NOT NULL DEFAULT '{}'    -- JSON
) STRICT, WITHOUT ROWID;

CREATE TABLE flow_run (
    id                        BLOB PRIMARY KEY,
    name                      TEXT NOT NULL,
    flow_id                   BLOB NOT NULL REFERENCES flow (id),
    -- the present state, as in flow_run_state
    state_id                  BLOB NOT NULL,
    state_type                TEXT NOT NULL,
    state_name                TEXT NOT NULL,
    state_timestamp           INTEGER NOT NULL,
    state_message             TEXT,
    state_data                TEXT,             -- JSON: result metadata
    state_details             TEXT,             -- JSON
    created                   INTEGER NOT NULL,
    updated                   INTEGER NOT NULL,
    attempt                   INTEGER NOT NULL, -- fencing token: a write that carries an older one is refused
    owner                     BLOB,             -- the process that executes the run, while one does
    run_count                 INTEGER NOT NULL,
    parameters                TEXT NOT NULL,    -- JSON, with placeholders for what JSON cannot hold
    tags                      TEXT NOT NULL,    -- JSON
    flow_version              TEXT,
    entrypoint                TEXT,             -- how another process finds the flow: path.py:name or module:name
    working_dir               TEXT,
    deployment_id             BLOB,
    parent_task_run_id        BLOB,
    parent_flow_run_id        BLOB,
    root_flow_run_id          BLOB,
    idempotency_key           TEXT,
    policy                    TEXT NOT NULL,    -- JSON: retries, delays, pause keys
    context                   TEXT NOT NULL,    -- JSON
    labels                    TEXT NOT NULL,    -- JSON
    extra                     TEXT NOT NULL,    -- JSON: what only deployments and servers fill
    expected_start_time       INTEGER,
    next_scheduled_start_time INTEGER,
    start_time                INTEGER,
    end_time                  INTEGER,
    total_run_time            INTEGER NOT NULL, -- microseconds
    result                    BLOB,             -- a small result, pickled, recorded for resume
    parameters_pickle         BLOB              -- the parameters, pickled, where JSON cannot hold them
) STRICT, WITHOUT ROWID;

CREATE INDEX flow_run_by_flow ON flow_run (flow_id, id);
CREATE INDEX flow_run_by_owner ON flow_run (owner) WHERE owner IS NOT NULL;
CREATE INDEX flow_run_by_parent ON flow_run (parent_flow_run_id) WHERE parent_flow_run_id IS NOT NULL;
CREATE INDEX flow_run_by_parent_task ON flow_run (parent_task_run_id) WHERE parent_task_run_id IS NOT NULL;
CREATE UNIQUE INDEX flow_run_by_idempotency_key ON flow_run (flow_id, idempotency_key)
    WHERE idempotency_key IS NOT NULL;

CREATE TABLE flow_run_state (
    flow_run_id BLOB NOT NULL,
    timestamp   INTEGER NOT NULL,
    id          BLOB NOT NULL,
    type        TEXT NOT NULL,
    name        TEXT NOT NULL,
    message     TEXT,
    data        TEXT,                     -- JSON
    details     TEXT,                     -- JSON
    PRIMARY KEY (flow_run_id, timestamp, id)
) STRICT, WITHOUT ROWID;

-- One row a task run: its present state, and its past only where that is not the plain
-- Pending (created), Running (start_time), final (end_time).
CREATE TABLE task_run (
    id                 BLOB PRIMARY KEY,
    flow_run_id        BLOB,
    attempt            INTEGER NOT NULL,  -- of the flow run
    task_key           TEXT NOT NULL,
    name               TEXT NOT NULL,
    created            INTEGER NOT NULL,
    flow_run_run_count INTEGER NOT NULL,
    parent_task_run_id BLOB,
    process_id         BLOB,              -- the executing process, where no flow run has an owner
    memo               TEXT,              -- the call's name within its flow run: what a resumed run looks for
    state_type         TEXT NOT NULL,
    state_name         TEXT NOT NULL,
    state_timestamp    INTEGER NOT NULL,
    state_message      TEXT,
    start_time         INTEGER,
    end_time           INTEGER,
    run_count          INTEGER NOT NULL,
    inputs_digest      BLOB,
    result             BLOB,              -- a small result, pickled, recorded for resume
    detail             TEXT,              -- JSON: tags, inputs, policy, cache key, whatever is rare
    history            TEXT               -- JSON: every state, where the past was not the plain one
) STRICT, WITHOUT ROWID;

CREATE INDEX task_run_by_flow_run ON task_run (flow_run_id) WHERE flow_run_id IS NOT NULL;
CREATE INDEX task_run_by_process ON task_run (process_id) WHERE process_id IS NOT NULL;

CREATE TABLE log (
    id          BLOB PRIMARY KEY,
    timestamp   INTEGER NOT NULL,
    level       INTEGER NOT NULL,
    name        TEXT NOT NULL,
    message     TEXT NOT NULL,
    flow_run_id BLOB,
    task_run_id BLOB
) STRICT, WITHOUT ROWID;

CREATE INDEX log_by_flow_run ON log (flow_run_id) WHERE flow_run_id IS NOT NULL;
CREATE INDEX log_by_task_run ON log (task_run_id) WHERE task_run_id IS NOT NULL;

-- A process that executes runs, and the lease under which they are believed to be running.
CREATE TABLE process (
    id          BLOB PRIMARY KEY,
    host        TEXT NOT NULL,
    boot_id     TEXT NOT NULL,
    pid         INTEGER NOT NULL,
    pid_start   INTEGER NOT NULL,         -- tells a reused pid from the process itself
    lease_until INTEGER NOT NULL,
    started     INTEGER NOT NULL,
    oom_kills   INTEGER,                  -- of the control group, when the process last reported
    peak_memory INTEGER                   -- bytes, when the process last reported
) STRICT, WITHOUT ROWID;
