-- What was declared before: the journal keeps the digest of each state, this table
-- the state itself under that digest. A run may be the retry of another one.

-- +goose Up

CREATE TABLE resource_states (
    workspace <text> NOT NULL,
    digest    <text> NOT NULL,
    body      <text> NOT NULL,
    PRIMARY KEY (workspace, digest)
);
ALTER TABLE pipeline_runs ADD COLUMN retry_of <text> NOT NULL DEFAULT '';
CREATE INDEX pipeline_runs_pipeline ON pipeline_runs (workspace, pipeline, created DESC, id);

-- +goose Down
DROP INDEX pipeline_runs_pipeline;
ALTER TABLE pipeline_runs DROP COLUMN retry_of;
DROP TABLE resource_states;
