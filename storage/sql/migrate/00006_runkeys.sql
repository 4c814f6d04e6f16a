-- The catalogue of what the runs of an experiment have logged: each metric, param
-- and tag key once, with how many runs have it. Kept by the writes that bring a key
-- to a run, so that a listing of thousands of keys reads no values. Runs by state
-- are counted by an index alone.

-- +goose Up

CREATE TABLE run_keys (
    workspace  <text> NOT NULL,
    experiment BIGINT NOT NULL,
    kind       <text> NOT NULL, -- metric, param or tag
    key        <text> NOT NULL,
    run_count  BIGINT NOT NULL,
    PRIMARY KEY (workspace, experiment, kind, key)
) <clustered>;
INSERT INTO run_keys (workspace, experiment, kind, key, run_count)
    SELECT r.workspace, r.experiment, 'metric', c.key, COUNT(*) FROM series c JOIN runs r ON r.rid = c.rid GROUP BY r.workspace, r.experiment, c.key;
INSERT INTO run_keys (workspace, experiment, kind, key, run_count)
    SELECT r.workspace, r.experiment, 'param', c.key, COUNT(*) FROM params c JOIN runs r ON r.rid = c.rid GROUP BY r.workspace, r.experiment, c.key;
INSERT INTO run_keys (workspace, experiment, kind, key, run_count)
    SELECT r.workspace, r.experiment, 'tag', c.key, COUNT(*) FROM tags c JOIN runs r ON r.rid = c.rid GROUP BY r.workspace, r.experiment, c.key;
CREATE INDEX runs_states ON runs (workspace, experiment, lifecycle, status);

-- +goose Down
DROP INDEX runs_states;
DROP TABLE run_keys;
