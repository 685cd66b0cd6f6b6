-- Variables: named JSON values.

CREATE TABLE variable (
    id      BYTEA PRIMARY KEY,
    name    TEXT NOT NULL UNIQUE,
    value   TEXT,                     -- JSON; NULL is null
    tags    TEXT NOT NULL,            -- JSON
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL
);
