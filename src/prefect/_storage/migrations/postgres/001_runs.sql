-- Flows, flow runs with their states, task runs, logs, and the processes that execute them.
--
-- Ids are 16-byte UUIDs (version 7, so that they grow with time and the tables stay append-only), times are
-- microseconds since the epoch, UTC; columns named as JSON hold JSON text.

CREATE TABLE flow (
    id      BYTEA PRIMARY KEY,
    name    TEXT NOT NULL UNIQUE,
    created BIGINT NOT NULL,
    tags    TEXT NOT NULL DEFAULT '[]',   -- JSON
    labels  TEXT NOT NULL DEFAULT '{}'    -- JSON
);

CREATE TABLE flow_run (
    id                        BYTEA PRIMARY KEY,
    name                      TEXT NOT NULL,
    flow_id                   BYTEA NOT NULL,
    -- the present state, as in flow_run_state
    state_id                  BYTEA NOT NULL,
    state_type                TEXT NOT NULL,
    state_name                TEXT NOT NULL,
    state_timestamp           BIGINT NOT NULL,
    state_message             TEXT,
    state_data                TEXT,             -- JSON: result metadata
    state_details             TEXT,             -- JSON
    created                   BIGINT NOT NULL,
    updated                   BIGINT NOT NULL,
    attempt                   BIGINT NOT NULL, -- fencing token: a write that carries an older one is refused
    owner                     BYTEA,             -- the process that executes the run, while one does
    run_count                 BIGINT NOT NULL,
    parameters                TEXT NOT NULL,    -- JSON, with placeholders for what JSON cannot hold
    tags                      TEXT NOT NULL,    -- JSON
    flow_version              TEXT,
    entrypoint                TEXT,             -- how another process finds the flow: path.py:name or module:name
    working_dir               TEXT,
    deployment_id             BYTEA,
    parent_task_run_id        BYTEA,
    parent_flow_run_id        BYTEA,
    root_flow_run_id          BYTEA,
    idempotency_key           TEXT,
    policy                    TEXT NOT NULL,    -- JSON: retries, delays, pause keys
    context                   TEXT NOT NULL,    -- JSON
    labels                    TEXT NOT NULL,    -- JSON
    extra                     TEXT NOT NULL,    -- JSON: what only deployments and servers fill
    expected_start_time       BIGINT,
    next_scheduled_start_time BIGINT,
    start_time                BIGINT,
    end_time                  BIGINT,
    total_run_time            BIGINT NOT NULL, -- microseconds
    result                    BYTEA,             -- a small result, pickled, recorded for resume
    parameters_pickle         BYTEA              -- the parameters, pickled, where JSON cannot hold them
);

CREATE INDEX flow_run_by_flow ON flow_run (flow_id, id);
CREATE INDEX flow_run_by_owner ON flow_run (owner) WHERE owner IS NOT NULL;
CREATE INDEX flow_run_by_parent ON flow_run (parent_flow_run_id) WHERE parent_flow_run_id IS NOT NULL;
CREATE INDEX flow_run_by_parent_task ON flow_run (parent_task_run_id) WHERE parent_task_run_id IS NOT NULL;
CREATE UNIQUE INDEX flow_run_by_idempotency_key ON flow_run (flow_id, idempotency_key)
    WHERE idempotency_key IS NOT NULL;

CREATE TABLE flow_run_state (
    flow_run_id BYTEA NOT NULL,
    timestamp   BIGINT NOT NULL,
    id          BYTEA NOT NULL,
    type        TEXT NOT NULL,
    name        TEXT NOT NULL,
    message     TEXT,
    data        TEXT,                     -- JSON
    details     TEXT,                     -- JSON
    PRIMARY KEY (flow_run_id, timestamp, id)
);

-- One row a task run: its present state, and its past only where that is not the plain
-- Pending (created), Running (start_time), final (end_time).
CREATE TABLE task_run (
    id                 BYTEA PRIMARY KEY,
    flow_run_id        BYTEA,
    attempt            BIGINT NOT NULL,  -- of the flow run
    task_key           TEXT NOT NULL,
    name               TEXT NOT NULL,
    created            BIGINT NOT NULL,
    flow_run_run_count BIGINT NOT NULL,
    parent_task_run_id BYTEA,
    process_id         BYTEA,              -- the executing process, where no flow run has an owner
    memo               TEXT,              -- the call's name within its flow run: what a resumed run looks for
    state_type         TEXT NOT NULL,
    state_name         TEXT NOT NULL,
    state_timestamp    BIGINT NOT NULL,
    state_message      TEXT,
    start_time         BIGINT,
    end_time           BIGINT,
    run_count          BIGINT NOT NULL,
    inputs_digest      BYTEA,
    result             BYTEA,              -- a small result, pickled, recorded for resume
    detail             TEXT,              -- JSON: tags, inputs, policy, cache key, whatever is rare
    history            TEXT               -- JSON: every state, where the past was not the plain one
);

CREATE INDEX task_run_by_flow_run ON task_run (flow_run_id) WHERE flow_run_id IS NOT NULL;
CREATE INDEX task_run_by_process ON task_run (process_id) WHERE process_id IS NOT NULL;

CREATE TABLE log (
    id          BYTEA PRIMARY KEY,
    timestamp   BIGINT NOT NULL,
    level       BIGINT NOT NULL,
    name        TEXT NOT NULL,
    message     TEXT NOT NULL,
    flow_run_id BYTEA,
    task_run_id BYTEA
);

CREATE INDEX log_by_flow_run ON log (flow_run_id) WHERE flow_run_id IS NOT NULL;
CREATE INDEX log_by_task_run ON log (task_run_id) WHERE task_run_id IS NOT NULL;

-- A process that executes runs, and the lease under which they are believed to be running.
CREATE TABLE process (
    id          BYTEA PRIMARY KEY,
    host        TEXT NOT NULL,
    boot_id     TEXT NOT NULL,
    pid         BIGINT NOT NULL,
    pid_start   BIGINT NOT NULL,         -- tells a reused pid from the process itself
    lease_until BIGINT NOT NULL,
    started     BIGINT NOT NULL,
    oom_kills   BIGINT,                  -- of the control group, when the process last reported
    peak_memory BIGINT                   -- bytes, when the process last reported
);

-- As SQLite has it, for the lists of strings that are kept as JSON text. A NUL, which no text of Postgres can hold,
-- becomes the replacement character. Not STRICT: only so the planner looks into it.
CREATE FUNCTION json_each(document TEXT) RETURNS TABLE (value TEXT) LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT json_array_elements_text(replace(document, '\u0000', '\ufffd')::json)
$$;
