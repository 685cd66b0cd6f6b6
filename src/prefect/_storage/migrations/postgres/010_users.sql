-- Who may ask the server, what was changed by whom, and the indexes of the server's services.

CREATE TABLE account (
    id       BYTEA PRIMARY KEY,
    name     TEXT NOT NULL UNIQUE,
    role     TEXT NOT NULL,           -- viewer, operator, admin
    password TEXT,                    -- argon2id; NULL: this user has only tokens
    created  BIGINT NOT NULL,
    updated  BIGINT NOT NULL
);

CREATE TABLE access_token (
    id         BYTEA PRIMARY KEY,
    account_id BYTEA NOT NULL REFERENCES account (id),
    name       TEXT NOT NULL,
    digest     BYTEA NOT NULL,         -- SHA-256 of the token, which is 256 random bits
    created    BIGINT NOT NULL,
    expires    BIGINT,               -- NULL: never
    revoked    BIGINT
);

CREATE INDEX access_token_by_account ON access_token (account_id);

CREATE TABLE audit_entry (
    id        BYTEA PRIMARY KEY,
    timestamp BIGINT NOT NULL,
    actor     TEXT,                   -- NULL: the server asked nobody for a name
    endpoint  TEXT,                   -- NULL: no endpoint has that path
    method    TEXT NOT NULL,
    path      TEXT NOT NULL,
    status    BIGINT NOT NULL,
    address   TEXT
);

CREATE INDEX audit_entry_by_actor ON audit_entry (actor, id);
CREATE INDEX audit_entry_by_endpoint ON audit_entry (endpoint, id);

CREATE TABLE csrf_token (
    client  TEXT PRIMARY KEY,
    id      BYTEA NOT NULL,
    digest  BYTEA NOT NULL,            -- SHA-256 of the token
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    expires BIGINT NOT NULL
);

CREATE INDEX csrf_token_by_expiry ON csrf_token (expires);

-- What the services look for every few seconds is few among many: each has an index of those few.
CREATE INDEX flow_run_due ON flow_run (next_scheduled_start_time)
    WHERE state_type = 'SCHEDULED' AND state_name = 'Scheduled';
CREATE INDEX flow_run_paused ON flow_run (state_timestamp) WHERE state_type = 'PAUSED';
CREATE INDEX flow_run_cancelling ON flow_run (state_timestamp) WHERE state_type = 'CANCELLING';
CREATE INDEX flow_run_cancelled ON flow_run (state_timestamp) WHERE state_type = 'CANCELLED';
CREATE INDEX task_run_unfinished ON task_run (flow_run_id)
    WHERE state_type NOT IN ('COMPLETED','FAILED','CANCELLED','CRASHED');
