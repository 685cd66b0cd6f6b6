-- Block documents: typed configuration under a name.

CREATE TABLE block_document (
    id        BYTEA PRIMARY KEY,
    type_slug TEXT NOT NULL,
    name      TEXT NOT NULL,
    data      TEXT NOT NULL,          -- JSON, secrets included: the file is the user's own
    created   BIGINT NOT NULL,
    updated   BIGINT NOT NULL,
    UNIQUE (type_slug, name)
);
