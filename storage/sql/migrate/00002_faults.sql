-- The faults of a replay: a JSON list of their texts, '' for none. The previous
-- release writes replays without the column, so it has a default.

-- +goose Up

ALTER TABLE replays ADD COLUMN faults <text> NOT NULL DEFAULT '';

-- +goose Down

ALTER TABLE replays DROP COLUMN faults;
