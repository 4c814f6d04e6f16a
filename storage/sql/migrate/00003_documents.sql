-- Documents: the governed records of the loop (incidents, decisions, rollouts, …),
-- kept in one way and listed by scope and time. The body is canonical JSON.

-- +goose Up

CREATE TABLE documents (
    workspace <text> NOT NULL,
    kind      <text> NOT NULL,
    name      <text> NOT NULL,
    scope     <text> NOT NULL,
    at        BIGINT NOT NULL,
    state     <text> NOT NULL,
    is_open   BIGINT NOT NULL,
    body      <text> NOT NULL,
    updated   BIGINT NOT NULL,
    entry     <text> NOT NULL,
    PRIMARY KEY (workspace, kind, name)
);
CREATE INDEX documents_scope ON documents (workspace, kind, scope, at DESC, name);
CREATE INDEX documents_time ON documents (workspace, kind, at DESC, name);
CREATE INDEX documents_open ON documents (kind, workspace, at DESC, name) WHERE is_open = 1;

-- +goose Down
DROP TABLE documents;
