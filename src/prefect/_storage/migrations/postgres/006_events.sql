-- Events that somebody emitted. What runs go through is in their own tables, and is shown as events from there.

CREATE TABLE event (
    id          BYTEA PRIMARY KEY,
    occurred    BIGINT NOT NULL,
    received    BIGINT NOT NULL,
    name        TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    follows     BYTEA,
    body        TEXT NOT NULL         -- JSON: resource, related, payload
);

CREATE INDEX event_by_occurred ON event (occurred);
CREATE INDEX event_by_received ON event (received);

-- The resources of each event: the one it is about (role ''), and those related to it.
CREATE TABLE event_resource (
    resource_id TEXT NOT NULL,
    occurred    BIGINT NOT NULL,
    event_id    BYTEA NOT NULL,
    role        TEXT NOT NULL,
    PRIMARY KEY (resource_id, occurred, event_id, role)
);

CREATE INDEX event_resource_by_event ON event_resource (event_id);

-- States of flow runs in the order of time: the events that they are shown as.
CREATE INDEX flow_run_state_by_time ON flow_run_state (timestamp);

-- Background runs that wait for a task worker. No other row has an entry here.
CREATE INDEX task_run_waiting ON task_run (task_key, id) WHERE state_name = 'Scheduled';

-- Which of them were handed out, and until when they are not handed out again.
CREATE TABLE task_run_claim (
    task_run_id BYTEA PRIMARY KEY,
    until       BIGINT NOT NULL
);

-- Results by cache key, for those who set the states of task runs through the API.
CREATE TABLE task_run_cache (
    cache_key   TEXT PRIMARY KEY,
    task_run_id BYTEA NOT NULL,
    expiration  BIGINT
);

-- SQLite's tables are kept in the order of their ids, and so are its indexes; here that has to be said.
DROP INDEX IF EXISTS log_by_flow_run;
CREATE INDEX log_by_flow_run ON log (flow_run_id, id) WHERE flow_run_id IS NOT NULL;
DROP INDEX IF EXISTS log_by_task_run;
CREATE INDEX log_by_task_run ON log (task_run_id, id) WHERE task_run_id IS NOT NULL;

CREATE FUNCTION hex(bytea) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT upper(encode($1, 'hex')) $$;

-- Task runs whose id somebody has made who does not begin it with the time (UUIDv7): the few that charts would miss.
CREATE INDEX task_run_with_other_id ON task_run (created) WHERE substr(hex(id), 13, 1) <> '7';
