-- Concurrency limits and who holds their slots; artifacts; automations; saved searches.

CREATE TABLE concurrency_limit (
    id                     BYTEA PRIMARY KEY,
    name                   TEXT NOT NULL UNIQUE, -- `tag:…` for a limit on task runs with a tag
    slot_limit             BIGINT NOT NULL,
    active                 BIGINT NOT NULL,     -- 0: everybody passes
    slot_decay_per_second  DOUBLE PRECISION NOT NULL,        -- above 0: a rate limit
    denied_slots           BIGINT NOT NULL,     -- as clients have set it
    avg_slot_occupancy     DOUBLE PRECISION NOT NULL,        -- seconds: how soon to ask again when all slots are taken
    created                BIGINT NOT NULL,
    updated                BIGINT NOT NULL
);

-- Who has taken slots, together and until when. It may own none: of limits that do not exist nothing is taken.
CREATE TABLE concurrency_lease (
    id          BYTEA PRIMARY KEY,
    holder_type TEXT,
    holder_id   BYTEA,
    created     BIGINT NOT NULL,
    expires     BIGINT                          -- NULL: when it is given back
);

CREATE INDEX concurrency_lease_by_expiry ON concurrency_lease (expires) WHERE expires IS NOT NULL;

-- How many slots of a limit a lease owns. Slots that decay are free at `expires` whatever becomes of the lease.
CREATE TABLE concurrency_slot (
    limit_id BYTEA NOT NULL,
    lease_id BYTEA NOT NULL,
    slots    BIGINT NOT NULL,
    decays   BIGINT NOT NULL,
    expires  BIGINT,                            -- as the lease's, or when the last of them has decayed
    PRIMARY KEY (limit_id, lease_id)
);

CREATE INDEX concurrency_slot_by_lease ON concurrency_slot (lease_id);
CREATE INDEX concurrency_slot_by_expiry ON concurrency_slot (expires) WHERE expires IS NOT NULL;

CREATE TABLE artifact (
    id          BYTEA PRIMARY KEY,
    key         TEXT,
    type        TEXT,
    description TEXT,
    data        TEXT,                            -- JSON
    metadata_   TEXT,                            -- JSON
    flow_run_id BYTEA,
    task_run_id BYTEA,
    created     BIGINT NOT NULL,
    updated     BIGINT NOT NULL
);

-- ids grow with time: the last of a key is its latest
CREATE INDEX artifact_by_key ON artifact (key, id);
CREATE INDEX artifact_by_updated ON artifact (updated);
CREATE INDEX artifact_by_flow_run ON artifact (flow_run_id) WHERE flow_run_id IS NOT NULL;
CREATE INDEX artifact_by_task_run ON artifact (task_run_id) WHERE task_run_id IS NOT NULL;

-- A key of artifacts and its latest one, so that listing keys need not look at every artifact.
CREATE TABLE artifact_collection (
    id        BYTEA PRIMARY KEY,
    key       TEXT NOT NULL UNIQUE,
    latest_id BYTEA NOT NULL,
    created   BIGINT NOT NULL
);

CREATE INDEX artifact_collection_by_latest ON artifact_collection (latest_id);

CREATE TABLE automation (
    id                 BYTEA PRIMARY KEY,
    name               TEXT NOT NULL,
    description        TEXT NOT NULL,
    enabled            BIGINT NOT NULL,
    tags               TEXT NOT NULL,            -- JSON
    trigger_           TEXT NOT NULL,            -- JSON
    actions            TEXT NOT NULL,            -- JSON
    actions_on_trigger TEXT NOT NULL,            -- JSON
    actions_on_resolve TEXT NOT NULL,            -- JSON
    owner_resource     TEXT,
    related            TEXT NOT NULL,            -- JSON: the resources it is about
    created            BIGINT NOT NULL,
    updated            BIGINT NOT NULL
);

CREATE INDEX automation_by_name ON automation (name);
CREATE INDEX automation_by_owner ON automation (owner_resource) WHERE owner_resource IS NOT NULL;

CREATE TABLE saved_search (
    id      BYTEA PRIMARY KEY,
    name    TEXT NOT NULL UNIQUE,
    filters TEXT NOT NULL,                       -- JSON
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL
);
