-- One text for both engines. Words in angle brackets differ by engine and are
-- filled in by the dialect: <text> <bytes> <id> <clustered>.
-- Every mutable governed row carries "entry", the id of its last journal entry.

-- +goose Up

CREATE TABLE counters (
    name  <text> PRIMARY KEY,
    value BIGINT NOT NULL
);

-- Journal -------------------------------------------------------------------

CREATE TABLE journal (
    idx       BIGINT PRIMARY KEY,
    workspace <text> NOT NULL,
    leaf      BIGINT NOT NULL,
    id        <text> NOT NULL UNIQUE,
    time      BIGINT NOT NULL,
    action    <text> NOT NULL,
    kind      <text> NOT NULL,
    name      <text> NOT NULL,
    version   <text> NOT NULL,
    body      <bytes> NOT NULL,
    UNIQUE (workspace, leaf)
);
CREATE INDEX journal_object ON journal (workspace, kind, name, idx);

CREATE TABLE journal_pending (
    seq       <id>,
    workspace <text> NOT NULL,
    id        <text> NOT NULL,
    time      BIGINT NOT NULL,
    action    <text> NOT NULL,
    kind      <text> NOT NULL,
    name      <text> NOT NULL,
    version   <text> NOT NULL,
    body      <bytes> NOT NULL
);

CREATE TABLE journal_hashes (
    workspace <text> NOT NULL,
    pos       BIGINT NOT NULL,
    hash      <bytes> NOT NULL,
    PRIMARY KEY (workspace, pos)
) <clustered>;

CREATE TABLE journal_checkpoints (
    workspace <text> NOT NULL,
    size      BIGINT NOT NULL,
    time      BIGINT NOT NULL,
    note      <bytes> NOT NULL,
    PRIMARY KEY (workspace, size)
) <clustered>;

CREATE TABLE journal_consumers (
    name    <text> PRIMARY KEY,
    cursor  BIGINT NOT NULL,
    parked  <text> NOT NULL DEFAULT ''
);

CREATE TABLE journal_parked (
    consumer <text> NOT NULL,
    idx      BIGINT NOT NULL,
    reason   <text> NOT NULL,
    time     BIGINT NOT NULL,
    PRIMARY KEY (consumer, idx)
) <clustered>;

-- Tracking ------------------------------------------------------------------

CREATE TABLE experiments (
    workspace         <text> NOT NULL,
    id                BIGINT NOT NULL,
    name              <text> NOT NULL,
    artifact_location <text> NOT NULL,
    lifecycle         <text> NOT NULL,
    created           BIGINT NOT NULL,
    updated           BIGINT NOT NULL,
    entry             <text> NOT NULL,
    PRIMARY KEY (workspace, id),
    UNIQUE (workspace, name)
);

CREATE TABLE experiment_tags (
    workspace  <text> NOT NULL,
    experiment BIGINT NOT NULL,
    key        <text> NOT NULL,
    value      <text> NOT NULL,
    PRIMARY KEY (workspace, experiment, key)
) <clustered>;

CREATE TABLE runs (
    rid        <id>,
    workspace  <text> NOT NULL,
    id         <text> NOT NULL,
    experiment BIGINT NOT NULL,
    name       <text> NOT NULL,
    user_id    <text> NOT NULL,
    status     <text> NOT NULL,
    lifecycle  <text> NOT NULL,
    start_time BIGINT NOT NULL,
    end_time   BIGINT NOT NULL DEFAULT 0,
    artifact_uri <text> NOT NULL,
    seal       <text> NOT NULL DEFAULT '',
    dirty      BIGINT NOT NULL DEFAULT 1, -- 0: as sealed; 1: open; 2: sealed once and written since
    attempt    <text> NOT NULL DEFAULT '',
    idempotency <text> NOT NULL DEFAULT '',
    entry      <text> NOT NULL,
    UNIQUE (workspace, id)
);
CREATE INDEX runs_recent ON runs (workspace, experiment, lifecycle, start_time DESC, id);
-- For the newest of all experiments; the condition keeps searches of some from it.
CREATE INDEX runs_newest ON runs (workspace, start_time DESC, id) WHERE experiment >= 0;
CREATE INDEX runs_attempt ON runs (attempt) WHERE attempt <> '';
CREATE INDEX runs_dirty ON runs (rid) WHERE dirty = 2;
CREATE UNIQUE INDEX runs_idempotency ON runs (workspace, idempotency) WHERE idempotency <> '';

CREATE TABLE params (
    rid   BIGINT NOT NULL,
    key   <text> NOT NULL,
    value <text> NOT NULL,
    PRIMARY KEY (rid, key)
) <clustered>;
-- Only short values: PostgreSQL bounds the size of an index row.
CREATE INDEX params_value ON params (key, value, rid) WHERE length(value) <= 256;

CREATE TABLE tags (
    rid   BIGINT NOT NULL,
    key   <text> NOT NULL,
    value <text> NOT NULL,
    PRIMARY KEY (rid, key)
) <clustered>;
CREATE INDEX tags_value ON tags (key, value, rid) WHERE length(value) <= 256;

-- A series is one metric of one run; its row carries the latest point by
-- (step, time, value). Its id is rid * 2^20 + its number within the run, so that
-- the series of a run, and their points, lie together.
CREATE TABLE series (
    id         BIGINT PRIMARY KEY,
    rid        BIGINT NOT NULL,
    key        <text> NOT NULL,
    last_step  BIGINT NOT NULL,
    last_time  BIGINT NOT NULL,
    last_value DOUBLE PRECISION NOT NULL,
    last_nan   BIGINT NOT NULL,
    UNIQUE (rid, key)
) <clustered>;
CREATE INDEX series_latest ON series (key, last_nan, last_value, rid);

CREATE TABLE points (
    series BIGINT NOT NULL,
    step   BIGINT NOT NULL,
    time   BIGINT NOT NULL,
    value  DOUBLE PRECISION NOT NULL,
    nan    BIGINT NOT NULL,
    PRIMARY KEY (series, step, time, value, nan)
) <clustered>;

CREATE TABLE datasets (
    id          <id>,
    workspace   <text> NOT NULL,
    experiment  BIGINT NOT NULL,
    name        <text> NOT NULL,
    digest      <text> NOT NULL,
    source_type <text> NOT NULL,
    source      <text> NOT NULL,
    schema      <text> NOT NULL,
    profile     <text> NOT NULL,
    UNIQUE (workspace, experiment, name, digest)
);

CREATE TABLE run_datasets (
    rid     BIGINT NOT NULL,
    dataset BIGINT NOT NULL,
    tags    <text> NOT NULL,
    context <text>, -- the tag mlflow.data.context, for searches
    PRIMARY KEY (rid, dataset)
) <clustered>;
CREATE INDEX run_datasets_dataset ON run_datasets (dataset, rid);

CREATE TABLE run_models (
    rid       BIGINT NOT NULL,
    direction <text> NOT NULL,
    model     <text> NOT NULL,
    step      BIGINT NOT NULL,
    PRIMARY KEY (rid, direction, model, step)
) <clustered>;

CREATE TABLE logged_models (
    mid        <id>,
    workspace  <text> NOT NULL,
    id         <text> NOT NULL,
    experiment BIGINT NOT NULL,
    name       <text> NOT NULL,
    type       <text> NOT NULL,
    source_run <text> NOT NULL,
    status     <text> NOT NULL,
    message    <text> NOT NULL,
    lifecycle  <text> NOT NULL,
    created    BIGINT NOT NULL,
    updated    BIGINT NOT NULL,
    artifact_uri <text> NOT NULL,
    idempotency <text> NOT NULL DEFAULT '',
    entry      <text> NOT NULL,
    UNIQUE (workspace, id)
);
CREATE INDEX logged_models_experiment ON logged_models (workspace, experiment, created DESC);
CREATE INDEX logged_models_run ON logged_models (workspace, source_run);
CREATE UNIQUE INDEX logged_models_idempotency ON logged_models (workspace, idempotency) WHERE idempotency <> '';

CREATE TABLE logged_model_params (
    mid   BIGINT NOT NULL,
    key   <text> NOT NULL,
    value <text> NOT NULL,
    PRIMARY KEY (mid, key)
) <clustered>;

CREATE TABLE logged_model_tags (
    mid   BIGINT NOT NULL,
    key   <text> NOT NULL,
    value <text> NOT NULL,
    PRIMARY KEY (mid, key)
) <clustered>;

CREATE TABLE logged_model_metrics (
    mid     BIGINT NOT NULL,
    key     <text> NOT NULL,
    dataset_name   <text> NOT NULL,
    dataset_digest <text> NOT NULL,
    run_id  <text> NOT NULL,
    step    BIGINT NOT NULL,
    time    BIGINT NOT NULL,
    value   DOUBLE PRECISION NOT NULL,
    nan     BIGINT NOT NULL,
    PRIMARY KEY (mid, key, dataset_name, dataset_digest, run_id, step, time, value, nan)
) <clustered>;

-- Artifacts -----------------------------------------------------------------

CREATE TABLE artifacts (
    workspace <text> NOT NULL,
    tree      <text> NOT NULL,
    path      <text> NOT NULL,
    digest    <text> NOT NULL,
    size      BIGINT NOT NULL,
    updated   BIGINT NOT NULL,
    PRIMARY KEY (workspace, tree, path)
) <clustered>;

CREATE TABLE manifests (
    workspace <text> NOT NULL,
    digest    <text> NOT NULL,
    body      <bytes> NOT NULL,
    PRIMARY KEY (workspace, digest)
);

-- Registry ------------------------------------------------------------------

CREATE TABLE models (
    workspace    <text> NOT NULL,
    name         <text> NOT NULL,
    description  <text> NOT NULL,
    created      BIGINT NOT NULL,
    updated      BIGINT NOT NULL,
    last_version BIGINT NOT NULL,
    is_prompt    BIGINT NOT NULL DEFAULT 0,
    entry        <text> NOT NULL,
    PRIMARY KEY (workspace, name)
);

CREATE TABLE model_tags (
    workspace <text> NOT NULL,
    name      <text> NOT NULL,
    key       <text> NOT NULL,
    value     <text> NOT NULL,
    PRIMARY KEY (workspace, name, key)
) <clustered>;

CREATE TABLE versions (
    workspace    <text> NOT NULL,
    name         <text> NOT NULL,
    version      BIGINT NOT NULL,
    source       <text> NOT NULL,
    tree         <text> NOT NULL,
    tree_path    <text> NOT NULL,
    run_id       <text> NOT NULL,
    logged_model <text> NOT NULL,
    run_link     <text> NOT NULL,
    description  <text> NOT NULL,
    user_id      <text> NOT NULL,
    stage        <text> NOT NULL,
    status       <text> NOT NULL,
    manifest     <text> NOT NULL,
    attempt      <text> NOT NULL,
    settled      BIGINT NOT NULL,
    is_prompt    BIGINT NOT NULL DEFAULT 0,
    created      BIGINT NOT NULL,
    updated      BIGINT NOT NULL,
    idempotency  <text> NOT NULL DEFAULT '',
    entry        <text> NOT NULL,
    PRIMARY KEY (workspace, name, version)
);
CREATE INDEX versions_updated ON versions (workspace, updated DESC, name, version DESC);
CREATE INDEX versions_run ON versions (workspace, run_id);
CREATE INDEX versions_attempt ON versions (attempt) WHERE attempt <> '';
CREATE INDEX versions_waiting ON versions (workspace, tree) WHERE manifest = '' AND tree <> '';
CREATE UNIQUE INDEX versions_idempotency ON versions (workspace, idempotency) WHERE idempotency <> '';

CREATE TABLE version_tags (
    workspace <text> NOT NULL,
    name      <text> NOT NULL,
    version   BIGINT NOT NULL,
    key       <text> NOT NULL,
    value     <text> NOT NULL,
    PRIMARY KEY (workspace, name, version, key)
) <clustered>;

CREATE TABLE aliases (
    workspace <text> NOT NULL,
    name      <text> NOT NULL,
    alias     <text> NOT NULL,
    version   BIGINT NOT NULL,
    cause     <text> NOT NULL DEFAULT '',
    PRIMARY KEY (workspace, name, alias)
) <clustered>;

-- Declared resources --------------------------------------------------------

CREATE TABLE resources (
    workspace   <text> NOT NULL,
    kind        <text> NOT NULL,
    name        <text> NOT NULL,
    uid         <text> NOT NULL,
    generation  BIGINT NOT NULL,
    labels      <text> NOT NULL,
    annotations <text> NOT NULL,
    spec        <text> NOT NULL,
    manager     <text> NOT NULL,
    inventory   <text> NOT NULL,
    created     BIGINT NOT NULL,
    updated     BIGINT NOT NULL,
    status      <text> NOT NULL DEFAULT '{}',
    entry       <text> NOT NULL,
    PRIMARY KEY (workspace, kind, name)
);

-- Engine --------------------------------------------------------------------

CREATE TABLE pipeline_runs (
    workspace  <text> NOT NULL,
    id         <text> NOT NULL,
    pipeline   <text> NOT NULL,
    generation BIGINT NOT NULL,
    spec       <text> NOT NULL,
    params     <text> NOT NULL,
    state      <text> NOT NULL,
    reason     <text> NOT NULL,
    cause      <text> NOT NULL,
    cache      <text> NOT NULL,
    created    BIGINT NOT NULL,
    ended      BIGINT NOT NULL,
    entry      <text> NOT NULL,
    PRIMARY KEY (workspace, id)
);
CREATE INDEX pipeline_runs_open ON pipeline_runs (ended, created);
CREATE INDEX pipeline_runs_recent ON pipeline_runs (workspace, created DESC, id);

CREATE TABLE steps (
    workspace  <text> NOT NULL,
    run        <text> NOT NULL,
    name       <text> NOT NULL,
    ordinal    BIGINT NOT NULL,
    state      <text> NOT NULL,
    attempt    BIGINT NOT NULL,
    cache_key  <text> NOT NULL,
    cached_of  <text> NOT NULL,
    outputs    <text> NOT NULL,
    reason     <text> NOT NULL,
    not_before BIGINT NOT NULL,
    started    BIGINT NOT NULL,
    ended      BIGINT NOT NULL,
    entry      <text> NOT NULL,
    PRIMARY KEY (workspace, run, name)
);
CREATE INDEX steps_cache ON steps (workspace, cache_key, ended) WHERE cache_key <> '';

CREATE TABLE attempts (
    workspace  <text> NOT NULL,
    run        <text> NOT NULL,
    step       <text> NOT NULL,
    n          BIGINT NOT NULL,
    state      <text> NOT NULL,
    mlflow_run <text> NOT NULL,
    token_hash <text> NOT NULL,
    exit_code  BIGINT NOT NULL,
    reason     <text> NOT NULL,
    started    BIGINT NOT NULL,
    ended      BIGINT NOT NULL,
    entry      <text> NOT NULL,
    PRIMARY KEY (workspace, run, step, n)
);
CREATE INDEX attempts_token ON attempts (token_hash) WHERE token_hash <> '';

CREATE TABLE snapshots (
    workspace   <text> NOT NULL,
    source      <text> NOT NULL,
    digest      <text> NOT NULL,
    source_data <text> NOT NULL,
    as_of       BIGINT NOT NULL,
    from_time   BIGINT NOT NULL,
    to_time     BIGINT NOT NULL,
    rows_kept   BIGINT NOT NULL,
    dropped     <text> NOT NULL,
    created     BIGINT NOT NULL,
    entry       <text> NOT NULL,
    PRIMARY KEY (workspace, source, digest)
);

-- Serving and watching ------------------------------------------------------

CREATE TABLE endpoint_states (
    workspace   <text> NOT NULL,
    endpoint    <text> NOT NULL,
    mode        <text> NOT NULL,
    watermark   BIGINT NOT NULL,
    holder      <text> NOT NULL,
    fence       BIGINT NOT NULL,
    lease_until BIGINT NOT NULL,
    live_since  BIGINT NOT NULL,
    entry       <text> NOT NULL,
    PRIMARY KEY (workspace, endpoint)
);

CREATE TABLE settlements (
    workspace <text> NOT NULL,
    endpoint  <text> NOT NULL,
    listener  <text> NOT NULL,
    through   BIGINT NOT NULL,
    wait      <text> NOT NULL,
    detail    <text> NOT NULL,
    PRIMARY KEY (workspace, endpoint, listener)
);

CREATE TABLE replays (
    workspace <text> NOT NULL,
    id        <text> NOT NULL,
    endpoint  <text> NOT NULL,
    source    <text> NOT NULL,
    data      <text> NOT NULL,
    from_time BIGINT NOT NULL,
    to_time   BIGINT NOT NULL,
    state     <text> NOT NULL,
    reason    <text> NOT NULL,
    created   BIGINT NOT NULL,
    ended     BIGINT NOT NULL,
    position  BIGINT NOT NULL,
    rows_sent BIGINT NOT NULL,
    labels_sent BIGINT NOT NULL,
    failed    BIGINT NOT NULL,
    entry     <text> NOT NULL,
    PRIMARY KEY (workspace, id)
);
CREATE INDEX replays_endpoint ON replays (workspace, endpoint, created DESC);

CREATE TABLE windows (
    workspace <text> NOT NULL,
    monitor   <text> NOT NULL,
    start_time BIGINT NOT NULL,
    end_time  BIGINT NOT NULL,
    endpoint  <text> NOT NULL,
    body      <text> NOT NULL,
    computed  BIGINT NOT NULL,
    entry     <text> NOT NULL,
    PRIMARY KEY (workspace, monitor, start_time)
);

CREATE TABLE segments (
    workspace <text> NOT NULL,
    endpoint  <text> NOT NULL,
    log       <text> NOT NULL,
    id        <text> NOT NULL,
    digest    <text> NOT NULL,
    row_count BIGINT NOT NULL,
    first_time BIGINT NOT NULL,
    last_time BIGINT NOT NULL,
    bytes     BIGINT NOT NULL,
    created   BIGINT NOT NULL,
    entry     <text> NOT NULL,
    PRIMARY KEY (workspace, endpoint, log, id)
);

-- +goose Down
DROP TABLE segments;
DROP TABLE windows;
DROP TABLE replays;
DROP TABLE settlements;
DROP TABLE endpoint_states;
DROP TABLE snapshots;
DROP TABLE attempts;
DROP TABLE steps;
DROP TABLE pipeline_runs;
DROP TABLE resources;
DROP TABLE aliases;
DROP TABLE version_tags;
DROP TABLE versions;
DROP TABLE model_tags;
DROP TABLE models;
DROP TABLE manifests;
DROP TABLE artifacts;
DROP TABLE logged_model_metrics;
DROP TABLE logged_model_tags;
DROP TABLE logged_model_params;
DROP TABLE logged_models;
DROP TABLE run_models;
DROP TABLE run_datasets;
DROP TABLE datasets;
DROP TABLE points;
DROP TABLE series;
DROP TABLE tags;
DROP TABLE params;
DROP TABLE runs;
DROP TABLE experiment_tags;
DROP TABLE experiments;
DROP TABLE journal_parked;
DROP TABLE journal_consumers;
DROP TABLE journal_checkpoints;
DROP TABLE journal_hashes;
DROP TABLE journal_pending;
DROP TABLE journal;
DROP TABLE counters;
