-- What pages show of windows, in little room: a window of a hundred columns is some
-- 25 kB as it is stored, and a year of hours has 8,760 of them. Derived from the
-- windows and of one entry with them: a row whose entry is not that of its window
-- counts for nothing and is made anew when it is read. Names of columns are kept
-- once for all windows that share them.

-- +goose Up

CREATE TABLE window_columns (
    workspace <text> NOT NULL,
    monitor   <text> NOT NULL,
    id        <text> NOT NULL,
    names     <text> NOT NULL,
    PRIMARY KEY (workspace, monitor, id)
);
CREATE TABLE window_slims (
    workspace  <text> NOT NULL,
    monitor    <text> NOT NULL,
    start_time BIGINT NOT NULL,
    entry      <text> NOT NULL,
    computed   BIGINT NOT NULL,
    columns_id <text> NOT NULL,
    slim       <bytes> NOT NULL,
    PRIMARY KEY (workspace, monitor, start_time)
);
CREATE INDEX windows_entry ON windows (workspace, monitor, start_time, entry);

-- +goose Down
DROP INDEX windows_entry;
DROP TABLE window_slims;
DROP TABLE window_columns;
