-- Deployments with their schedules, and who executes their runs: work pools, queues, workers.

CREATE TABLE work_pool (
    id                    BYTEA PRIMARY KEY,
    name                  TEXT NOT NULL UNIQUE,
    description           TEXT,
    type                  TEXT NOT NULL,
    base_job_template     TEXT NOT NULL,         -- JSON
    is_paused             BIGINT NOT NULL,
    concurrency_limit     BIGINT,
    status                TEXT,                  -- NULL for a type whose workers do not report
    default_queue_id      BYTEA NOT NULL,
    storage_configuration TEXT NOT NULL,         -- JSON
    created               BIGINT NOT NULL,
    updated               BIGINT NOT NULL
);

CREATE TABLE work_queue (
    id                BYTEA PRIMARY KEY,
    work_pool_id      BYTEA NOT NULL REFERENCES work_pool (id),
    name              TEXT NOT NULL,
    description       TEXT,
    is_paused         BIGINT NOT NULL,
    concurrency_limit BIGINT,
    priority          BIGINT NOT NULL,          -- 1 comes first
    filter            TEXT,                      -- JSON
    last_polled       BIGINT,
    status            TEXT NOT NULL,
    created           BIGINT NOT NULL,
    updated           BIGINT NOT NULL,
    UNIQUE (work_pool_id, name)
);

CREATE INDEX work_queue_by_name ON work_queue (name);
CREATE INDEX work_queue_ready ON work_queue (last_polled) WHERE status = 'READY';

CREATE TABLE worker (
    id                         BYTEA PRIMARY KEY,
    work_pool_id               BYTEA NOT NULL REFERENCES work_pool (id),
    name                       TEXT NOT NULL,
    last_heartbeat_time        BIGINT,
    heartbeat_interval_seconds BIGINT,
    status                     TEXT NOT NULL,
    created                    BIGINT NOT NULL,
    updated                    BIGINT NOT NULL,
    UNIQUE (work_pool_id, name)
);

CREATE INDEX worker_online ON worker (work_pool_id) WHERE status = 'ONLINE';

CREATE TABLE deployment (
    id                         BYTEA PRIMARY KEY,
    flow_id                    BYTEA NOT NULL REFERENCES flow (id),
    name                       TEXT NOT NULL,
    created                    BIGINT NOT NULL,
    updated                    BIGINT NOT NULL,
    version                    TEXT,
    description                TEXT,
    paused                     BIGINT NOT NULL,
    concurrency_limit_id       BYTEA,             -- the limit on its runs, its own (`deployment:<id>`) or shared
    concurrency_options        TEXT,             -- JSON
    parameters                 TEXT NOT NULL,    -- JSON
    parameter_openapi_schema   TEXT,             -- JSON
    enforce_parameter_schema   BIGINT NOT NULL,
    tags                       TEXT NOT NULL,    -- JSON
    labels                     TEXT NOT NULL,    -- JSON
    pull_steps                 TEXT,             -- JSON
    work_queue_id              BYTEA,
    path                       TEXT,
    entrypoint                 TEXT,
    job_variables              TEXT NOT NULL,    -- JSON
    storage_document_id        BYTEA,
    infrastructure_document_id BYTEA,
    created_by                 TEXT,             -- JSON
    updated_by                 TEXT,             -- JSON
    last_polled                BIGINT,
    status                     TEXT NOT NULL,
    UNIQUE (flow_id, name)
);

CREATE INDEX deployment_by_name ON deployment (name, id);
CREATE INDEX deployment_by_created ON deployment (created);
CREATE INDEX deployment_by_updated ON deployment (updated);
CREATE INDEX deployment_by_queue ON deployment (work_queue_id) WHERE work_queue_id IS NOT NULL;
CREATE INDEX deployment_ready ON deployment (last_polled) WHERE status = 'READY';

CREATE TABLE deployment_schedule (
    id                 BYTEA PRIMARY KEY,
    deployment_id      BYTEA NOT NULL REFERENCES deployment (id),
    schedule           TEXT NOT NULL,            -- JSON
    active             BIGINT NOT NULL,
    max_scheduled_runs BIGINT,
    parameters         TEXT NOT NULL,            -- JSON
    slug               TEXT,
    scheduled_until    BIGINT NOT NULL,         -- runs have been made for the slots up to here
    look_again         BIGINT NOT NULL,         -- when more of them will be wanted
    created            BIGINT NOT NULL,
    updated            BIGINT NOT NULL,
    UNIQUE (deployment_id, slug)
);

CREATE INDEX deployment_schedule_due ON deployment_schedule (look_again) WHERE active = 1;

-- what occupies a slot of a queue
CREATE INDEX flow_run_active_in_queue ON flow_run (work_queue_id, state_type)
    WHERE work_queue_id IS NOT NULL AND state_type IN ('PENDING', 'RUNNING', 'CANCELLING');
