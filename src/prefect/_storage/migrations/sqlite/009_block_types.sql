-- Blocks have types, and schemas of these. What was saved before had neither: its types are made from their slugs,
-- and, as nobody knows which of its fields are secret, all of them are, until it is saved again.

CREATE TABLE block_type (
    id                BLOB PRIMARY KEY,
    name              TEXT NOT NULL UNIQUE,
    slug              TEXT NOT NULL UNIQUE,
    logo_url          TEXT,
    documentation_url TEXT,
    description       TEXT,
    code_example      TEXT,
    is_protected      INTEGER NOT NULL,
    created           INTEGER NOT NULL,
    updated           INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE block_schema (
    id            BLOB PRIMARY KEY,
    checksum      TEXT NOT NULL,
    fields        TEXT NOT NULL,      -- JSON schema
    block_type_id BLOB NOT NULL,
    capabilities  TEXT NOT NULL,      -- JSON
    version       TEXT NOT NULL,
    created       INTEGER NOT NULL,
    updated       INTEGER NOT NULL,
    UNIQUE (checksum, version)
) STRICT, WITHOUT ROWID;

CREATE INDEX block_schema_by_type ON block_schema (block_type_id);

ALTER TABLE block_document RENAME TO block_document_before;

CREATE TABLE block_document (
    id              BLOB PRIMARY KEY,
    name            TEXT NOT NULL,
    data            TEXT NOT NULL,    -- JSON, secrets included; {"$ref": {"block_document_id": …}} is another block
    block_schema_id BLOB NOT NULL,
    block_type_id   BLOB NOT NULL,
    is_anonymous    INTEGER NOT NULL,
    created         INTEGER NOT NULL,
    updated         INTEGER NOT NULL,
    UNIQUE (block_type_id, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX block_document_by_schema ON block_document (block_schema_id);
CREATE INDEX block_document_by_name ON block_document (name);

INSERT INTO block_type
SELECT randomblob(16), type_slug, type_slug, NULL, NULL, NULL, NULL, 0, MIN(created), MAX(updated)
FROM block_document_before GROUP BY type_slug;

INSERT INTO block_schema
SELECT randomblob(16), 'unknown:' || slug, '{"title":"' || slug || '","type":"object","properties":{},'
       || '"block_type_slug":"' || slug || '","secret_fields":["*"],"block_schema_references":{}}',
       id, '[]', 'non-versioned', created, updated
FROM block_type;

INSERT INTO block_document
SELECT d.id, d.name, d.data, s.id, t.id, 0, d.created, d.updated
FROM block_document_before d
JOIN block_type t ON t.slug = d.type_slug
JOIN block_schema s ON s.block_type_id = t.id;

DROP TABLE block_document_before;
