-- Windows: looked at when they end, closed when their labels have matured.

-- +goose Up

ALTER TABLE windows ADD COLUMN phase <text> NOT NULL DEFAULT '';
CREATE INDEX windows_estimated ON windows (workspace, monitor, start_time) WHERE phase <> '';

-- +goose Down
DROP INDEX windows_estimated;
ALTER TABLE windows DROP COLUMN phase;
