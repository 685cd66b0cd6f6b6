-- What a server lists flow runs by: columns that deployments and workers fill, an index for each order and each
-- selective filter, tags, and what is sent to runs.

-- The same for a list under a key (path `$.key`) of an object, or for what else stands there.
CREATE FUNCTION json_each(document TEXT, path TEXT) RETURNS TABLE (value TEXT) LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN jsonb_typeof(at.found) = 'array' THEN one.item ELSE at.found #>> '{}' END
    FROM (SELECT replace(document, '\u0000', '\ufffd')::jsonb -> substr(path, 3) AS found) AS at
    CROSS JOIN LATERAL jsonb_array_elements_text(
        CASE WHEN jsonb_typeof(at.found) = 'array' THEN at.found ELSE '[null]'::jsonb END
    ) AS one (item)
    WHERE at.found IS NOT NULL
$$;

ALTER TABLE flow ADD COLUMN updated BIGINT NOT NULL DEFAULT 0;
UPDATE flow SET updated = created;

ALTER TABLE flow_run ADD COLUMN work_queue_id BYTEA;
ALTER TABLE flow_run ADD COLUMN auto_scheduled BIGINT NOT NULL DEFAULT 0;
ALTER TABLE flow_run ADD COLUMN infrastructure_pid TEXT;
-- JSON: id, type, display_value
ALTER TABLE flow_run ADD COLUMN created_by TEXT;

-- orders: the row's id is the last part of each, so that equal times have an order too
CREATE INDEX flow_run_by_name ON flow_run (name, id);
CREATE INDEX flow_run_by_start ON flow_run ((COALESCE(start_time, expected_start_time)), id);
CREATE INDEX flow_run_by_expected_start ON flow_run (expected_start_time, id);
CREATE INDEX flow_run_by_next_start ON flow_run (next_scheduled_start_time, id)
    WHERE next_scheduled_start_time IS NOT NULL;
CREATE INDEX flow_run_by_end ON flow_run (end_time, id) WHERE end_time IS NOT NULL;

-- filters that find little: nearly all runs are Completed, and those are found by walking along an order
CREATE INDEX flow_run_by_state ON flow_run (state_type, state_name) WHERE state_type <> 'COMPLETED';
CREATE INDEX flow_run_by_other_completed ON flow_run (state_name)
    WHERE state_type = 'COMPLETED' AND state_name <> 'Completed';
CREATE INDEX flow_run_by_key ON flow_run (idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX flow_run_by_deployment ON flow_run (deployment_id, id) WHERE deployment_id IS NOT NULL;
CREATE INDEX flow_run_by_deployment_due ON flow_run (deployment_id, next_scheduled_start_time)
    WHERE deployment_id IS NOT NULL AND next_scheduled_start_time IS NOT NULL;
CREATE INDEX flow_run_by_queue_due ON flow_run (work_queue_id, next_scheduled_start_time)
    WHERE work_queue_id IS NOT NULL;

-- the tags of flow_run.tags once more, to be found by
CREATE TABLE flow_run_tag (
    tag         TEXT NOT NULL,
    flow_run_id BYTEA NOT NULL,
    PRIMARY KEY (tag, flow_run_id)
);

CREATE INDEX flow_run_tag_by_run ON flow_run_tag (flow_run_id);

INSERT INTO flow_run_tag (tag, flow_run_id)
SELECT DISTINCT one.value, r.id FROM flow_run r, json_each(r.tags) one WHERE r.tags <> '[]';

CREATE TABLE flow_run_input (
    flow_run_id BYTEA NOT NULL,
    key         TEXT NOT NULL,
    id          BYTEA NOT NULL,
    value       TEXT NOT NULL,            -- as it was sent: JSON, as a rule
    sender      TEXT,
    created     BIGINT NOT NULL,
    updated     BIGINT NOT NULL,
    PRIMARY KEY (flow_run_id, key)
);
