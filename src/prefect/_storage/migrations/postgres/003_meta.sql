-- What the store has to remember about itself: when old runs were last looked for, and the like.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
