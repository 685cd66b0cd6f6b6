-- A store of schema version 1, as `sqlite3 FILE .dump` gives it. Never changes.
BEGIN TRANSACTION;
CREATE TABLE flow (
    id      BLOB PRIMARY KEY,
    name    TEXT NOT NULL UNIQUE,
    created INTEGER NOT NULL,
    tags    TEXT NOT NULL DEFAULT '[]',   -- JSON
    labels  TEXT NOT NULL DEFAULT '{}'    -- JSON
) STRICT, WITHOUT ROWID;
INSERT INTO "flow" VALUES(X'01977420DC0070008000000000000001','etl',1750000000000000,'[]','{}');
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
INSERT INTO "flow_run" VALUES(X'01977420DC0070008000000000000002','merry-otter',X'01977420DC0070008000000000000001',X'01977420DC007000800000000000000C','COMPLETED','Completed',1750000000005000,NULL,NULL,NULL,1750000000000000,1750000000005000,1,NULL,1,'{"n":3}','[]',NULL,'/srv/etl.py:etl','/srv',NULL,NULL,NULL,X'01977420DC0070008000000000000002',NULL,'{"retries":0}','{}','{}','{}',NULL,NULL,1750000000000010,1750000000005000,4990,NULL,NULL);
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
INSERT INTO "flow_run_state" VALUES(X'01977420DC0070008000000000000002',1750000000000000,X'01977420DC007000800000000000000A','PENDING','Pending',NULL,NULL,NULL);
INSERT INTO "flow_run_state" VALUES(X'01977420DC0070008000000000000002',1750000000000010,X'01977420DC007000800000000000000B','RUNNING','Running',NULL,NULL,NULL);
INSERT INTO "flow_run_state" VALUES(X'01977420DC0070008000000000000002',1750000000005000,X'01977420DC007000800000000000000C','COMPLETED','Completed',NULL,NULL,NULL);
CREATE TABLE log (
    id          BLOB PRIMARY KEY,
    timestamp   INTEGER NOT NULL,
    level       INTEGER NOT NULL,
    name        TEXT NOT NULL,
    message     TEXT NOT NULL,
    flow_run_id BLOB,
    task_run_id BLOB
) STRICT, WITHOUT ROWID;
INSERT INTO "log" VALUES(X'01977420DC0070008000000000000004',1750000000000030,20,'prefect.task_runs','loading',X'01977420DC0070008000000000000002',X'01977420DC0070008000000000000003');
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
INSERT INTO "task_run" VALUES(X'01977420DC0070008000000000000003',X'01977420DC0070008000000000000002',1,'load-1','load-1',1750000000000020,1,NULL,NULL,'load-1:0','COMPLETED','Completed',1750000000000040,NULL,1750000000000021,1750000000000040,1,NULL,X'80054B032E',NULL,NULL);
CREATE INDEX flow_run_by_flow ON flow_run (flow_id, id);
CREATE INDEX flow_run_by_owner ON flow_run (owner) WHERE owner IS NOT NULL;
CREATE INDEX flow_run_by_parent ON flow_run (parent_flow_run_id) WHERE parent_flow_run_id IS NOT NULL;
CREATE INDEX flow_run_by_parent_task ON flow_run (parent_task_run_id) WHERE parent_task_run_id IS NOT NULL;
CREATE UNIQUE INDEX flow_run_by_idempotency_key ON flow_run (flow_id, idempotency_key)
    WHERE idempotency_key IS NOT NULL;
CREATE INDEX task_run_by_flow_run ON task_run (flow_run_id) WHERE flow_run_id IS NOT NULL;
CREATE INDEX task_run_by_process ON task_run (process_id) WHERE process_id IS NOT NULL;
CREATE INDEX log_by_flow_run ON log (flow_run_id) WHERE flow_run_id IS NOT NULL;
CREATE INDEX log_by_task_run ON log (task_run_id) WHERE task_run_id IS NOT NULL;
COMMIT;
PRAGMA user_version = 1;
