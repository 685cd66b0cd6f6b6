-- Blocks have types, and schemas of these. What was saved before had neither: its types are made from their slugs,
-- and, as nobody knows which of its fields are secret, all of them are, until it is saved again.

CREATE TABLE block_type (
    id                BYTEA PRIMARY KEY,
    name              TEXT NOT NULL UNIQUE,
    slug              TEXT NOT NULL UNIQUE,
    logo_url          TEXT,
    documentation_url TEXT,
    description       TEXT,
    code_example      TEXT,
    is_protected      BIGINT NOT NULL,
    created           BIGINT NOT NULL,
    updated           BIGINT NOT NULL
);

CREATE TABLE block_schema (
    id            BYTEA PRIMARY KEY,
    checksum      TEXT NOT NULL,
    fields        TEXT NOT NULL,      -- JSON schema
    block_type_id BYTEA NOT NULL,
    capabilities  TEXT NOT NULL,      -- JSON
    version       TEXT NOT NULL,
    created       BIGINT NOT NULL,
    updated       BIGINT NOT NULL,
    UNIQUE (checksum, version)
);

CREATE INDEX block_schema_by_type ON block_schema (block_type_id);

ALTER TABLE block_document RENAME TO block_document_before;

CREATE TABLE block_document (
    id              BYTEA PRIMARY KEY,
    name            TEXT NOT NULL,
    data            TEXT NOT NULL,    -- JSON, secrets included; {"$ref": {"block_document_id": …}} is another block
    block_schema_id BYTEA NOT NULL,
    block_type_id   BYTEA NOT NULL,
    is_anonymous    BIGINT NOT NULL,
    created         BIGINT NOT NULL,
    updated         BIGINT NOT NULL,
    UNIQUE (block_type_id, name)
);

CREATE INDEX block_document_by_schema ON block_document (block_schema_id);
CREATE INDEX block_document_by_name ON block_document (name);

INSERT INTO block_type
SELECT uuid_send(gen_random_uuid()), type_slug, type_slug, NULL, NULL, NULL, NULL, 0, MIN(created), MAX(updated)
FROM block_document_before GROUP BY type_slug;

INSERT INTO block_schema
SELECT uuid_send(gen_random_uuid()), 'unknown:' || slug, '{"title":"' || slug || '","type":"object","properties":{},'
       || '"block_type_slug":"' || slug || '","secret_fields":["*"],"block_schema_references":{}}',
       id, '[]', 'non-versioned', created, updated
FROM block_type;

INSERT INTO block_document
SELECT d.id, d.name, d.data, s.id, t.id, 0, d.created, d.updated
FROM block_document_before d
JOIN block_type t ON t.slug = d.type_slug
JOIN block_schema s ON s.block_type_id = t.id;

DROP TABLE block_document_before;
