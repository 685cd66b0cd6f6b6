-- Variables: named JSON values.

CREATE TABLE variable (
    id      BLOB PRIMARY KEY,
    name    TEXT NOT NULL UNIQUE,
    value   TEXT,                     -- JSON; NULL is null
    tags    TEXT NOT NULL,            -- JSON
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
