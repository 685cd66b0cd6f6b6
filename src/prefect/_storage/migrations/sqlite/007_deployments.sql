-- Deployments with their schedules, and who executes their runs: work pools, queues, workers.

CREATE TABLE work_pool (
    id                    BLOB PRIMARY KEY,
    name                  TEXT NOT NULL UNIQUE,
    description           TEXT,
    type                  TEXT NOT NULL,
    base_job_template     TEXT NOT NULL,         -- JSON
    is_paused             INTEGER NOT NULL,
    concurrency_limit     INTEGER,
    status                TEXT,                  -- NULL for a type whose workers do not report
    default_queue_id      BLOB NOT NULL,
    storage_configuration TEXT NOT NULL,         -- JSON
    created               INTEGER NOT NULL,
    updated               INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE work_queue (
    id                BLOB PRIMARY KEY,
    work_pool_id      BLOB NOT NULL REFERENCES work_pool (id),
    name              TEXT NOT NULL,
    description       TEXT,
    is_paused         INTEGER NOT NULL,
    concurrency_limit INTEGER,
    priority          INTEGER NOT NULL,          -- 1 comes first
    filter            TEXT,                      -- JSON
    last_polled       INTEGER,
    status            TEXT NOT NULL,
    created           INTEGER NOT NULL,
    updated           INTEGER NOT NULL,
    UNIQUE (work_pool_id, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX work_queue_by_name ON work_queue (name);
CREATE INDEX work_queue_ready ON work_queue (last_polled) WHERE status = 'READY';

CREATE TABLE worker (
    id                         BLOB PRIMARY KEY,
    work_pool_id               BLOB NOT NULL REFERENCES work_pool (id),
    name                       TEXT NOT NULL,
    last_heartbeat_time        INTEGER,
    heartbeat_interval_seconds INTEGER,
    status                     TEXT NOT NULL,
    created                    INTEGER NOT NULL,
    updated                    INTEGER NOT NULL,
    UNIQUE (work_pool_id, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX worker_online ON worker (work_pool_id) WHERE status = 'ONLINE';

CREATE TABLE deployment (
    id                         BLOB PRIMARY KEY,
    flow_id                    BLOB NOT NULL REFERENCES flow (id),
    name                       TEXT NOT NULL,
    created                    INTEGER NOT NULL,
    updated                    INTEGER NOT NULL,
    version                    TEXT,
    description                TEXT,
    paused                     INTEGER NOT NULL,
    concurrency_limit_id       BLOB,             -- the limit on its runs, its own (`deployment:<id>`) or shared
    concurrency_options        TEXT,             -- JSON
    parameters                 TEXT NOT NULL,    -- JSON
    parameter_openapi_schema   TEXT,             -- JSON
    enforce_parameter_schema   INTEGER NOT NULL,
    tags                       TEXT NOT NULL,    -- JSON
    labels                     TEXT NOT NULL,    -- JSON
    pull_steps                 TEXT,             -- JSON
    work_queue_id              BLOB,
    path                       TEXT,
    entrypoint                 TEXT,
    job_variables              TEXT NOT NULL,    -- JSON
    storage_document_id        BLOB,
    infrastructure_document_id BLOB,
    created_by                 TEXT,             -- JSON
    updated_by                 TEXT,             -- JSON
    last_polled                INTEGER,
    status                     TEXT NOT NULL,
    UNIQUE (flow_id, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX deployment_by_name ON deployment (name, id);
CREATE INDEX deployment_by_created ON deployment (created);
CREATE INDEX deployment_by_updated ON deployment (updated);
CREATE INDEX deployment_by_queue ON deployment (work_queue_id) WHERE work_queue_id IS NOT NULL;
CREATE INDEX deployment_ready ON deployment (last_polled) WHERE status = 'READY';

CREATE TABLE deployment_schedule (
    id                 BLOB PRIMARY KEY,
    deployment_id      BLOB NOT NULL REFERENCES deployment (id),
    schedule           TEXT NOT NULL,            -- JSON
    active             INTEGER NOT NULL,
    max_scheduled_runs INTEGER,
    parameters         TEXT NOT NULL,            -- JSON
    slug               TEXT,
    scheduled_until    INTEGER NOT NULL,         -- runs have been made for the slots up to here
    look_again         INTEGER NOT NULL,         -- when more of them will be wanted
    created            INTEGER NOT NULL,
    updated            INTEGER NOT NULL,
    UNIQUE (deployment_id, slug)
) STRICT, WITHOUT ROWID;

CREATE INDEX deployment_schedule_due ON deployment_schedule (look_again) WHERE active = 1;

-- what occupies a slot of a queue
CREATE INDEX flow_run_active_in_queue ON flow_run (work_queue_id, state_type)
    WHERE work_queue_id IS NOT NULL AND state_type IN ('PENDING', 'RUNNING', 'CANCELLING');
