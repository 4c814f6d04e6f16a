"""The loop with real clients: train, register, serve, replay, measure, with the server killed in the middle.

The quality that the monitor reports must equal what scikit-learn computes from the exported predictions and
labels, and a replay that was interrupted by `kill -9` must end in the same table as one that was not.
"""

import json
import os
import random
import subprocess
import time

import lightgbm as lgb
import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.models import infer_signature
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from server import TRIMTAB, Server, run

ROWS = 12_000
COLUMNS = [f"c{i}" for i in range(6)]

PROJECT = """
apiVersion: trimtab.dev/v1alpha1
kind: DataSource
metadata: {name: events}
spec:
  path: events.parquet
  key: [id]
  eventTime: at
  label: {column: late, availableAt: known_at}
---
apiVersion: trimtab.dev/v1alpha1
kind: Model
metadata: {name: events}
spec: {task: binary}
---
apiVersion: trimtab.dev/v1alpha1
kind: Endpoint
metadata: {name: events}
spec:
  model: {name: events, alias: champion}
  logging: {requestId: id, eventTime: at}
---
apiVersion: trimtab.dev/v1alpha1
kind: Monitor
metadata: {name: events}
spec:
  endpoint: events
  window: month
  labelMaturity: 1d
  performance: {task: binary, metrics: [auc, log_loss, brier]}
"""


def events(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(ROWS, len(COLUMNS))), columns=COLUMNS)
    frame["c0"] = frame["c0"].round(1)  # ties in the score
    start = pd.Timestamp("2020-01-01", tz="UTC")
    seconds = np.sort(rng.integers(0, 120 * 86400, size=ROWS))
    frame["at"] = start + pd.to_timedelta(seconds, unit="s")
    frame["known_at"] = frame["at"] + pd.to_timedelta(rng.integers(60, 20 * 3600, size=ROWS), unit="s")
    score = frame["c0"] + 0.5 * frame["c1"] + rng.normal(size=ROWS) * (1 + seconds / seconds.max())
    frame["late"] = (score > 0.6).astype("float64")
    frame.loc[rng.random(ROWS) < 0.05, "late"] = np.nan
    frame.loc[frame["late"].isna(), "known_at"] = pd.NaT
    frame["id"] = [f"e{i}" for i in range(ROWS)]
    return frame


@pytest.fixture(params=["smooth", "killed"])
def kills(request):
    return 0 if request.param == "smooth" else 5


TABLES = {}


def test_served_quality_equals_scikit_learn(kills, tmp_path, database_url):
    frame = events(3)
    project = tmp_path / "project"
    project.mkdir()
    frame.to_parquet(project / "events.parquet")
    (project / "events.yaml").write_text(PROJECT)
    server = Server(tmp_path, database_url)
    try:
        train = frame[frame["at"] < "2020-02-01"].dropna(subset=["late"])
        booster = lgb.train({"objective": "binary", "verbose": -1, "deterministic": True, "num_threads": 1, "seed": 1}, lgb.Dataset(train[COLUMNS], train["late"]), 30)
        mlflow.set_tracking_uri(server.url)
        mlflow.set_experiment("events")
        with mlflow.start_run():
            mlflow.lightgbm.log_model(booster, name="model", signature=infer_signature(train[COLUMNS], booster.predict(train[COLUMNS])), registered_model_name="events")
        mlflow.MlflowClient().set_registered_model_alias("events", "champion", "1")
        run(server, "apply", str(project), "--yes")
        assert run(server, "plan", str(project), check=False).returncode == 0, "a plan after an apply is empty"

        replay = ["replay", "events", "--source", "events", "--from", "2020-02-01", "--to", "2020-05-01", "--follow"]
        rng = random.Random(5)
        for _ in range(kills):
            following = subprocess.Popen([TRIMTAB, *replay], env={**os.environ, "TRIMTAB_SERVER": server.url}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(rng.uniform(0.02, 0.6))
            server.kill()
            following.kill()
            following.wait()
            server.start()
        run(server, *replay)
        run(server, *replay)  # replaying twice doubles nothing

        table = json.loads(run(server, "monitor", "show", "events", "-o", "json").stdout)
        windows = table["windows"] if isinstance(table, dict) else table
        run(server, "endpoint", "export", "events", "--out", str(tmp_path / "served.parquet"))
        served = pd.read_parquet(tmp_path / "served.parquet")
        expected_rows = ((frame["at"] >= "2020-02-01") & (frame["at"] < "2020-05-01")).sum()
        assert len(served) == expected_rows and served["id"].is_unique
        assert len(windows) == 3
        truth = frame.set_index("id")
        for window in windows:
            at = pd.to_datetime(served["event_time"], utc=True)
            rows = served[(at >= window["start"]) & (at < window["end"])]
            labelled = rows.dropna(subset=["label"])
            assert window["rows"] == len(rows) and window["labelled"] == len(labelled)
            assert (truth.loc[labelled["id"], "late"].to_numpy() == labelled["label"].to_numpy()).all()
            quality = {q["metric"]: q["value"] for q in window["quality"]}
            y, p = labelled["label"], labelled["output.prediction"]
            assert quality["auc"] == pytest.approx(roc_auc_score(y, p), abs=1e-9)
            assert quality["log_loss"] == pytest.approx(log_loss(y, p), abs=1e-9)
            assert quality["brier"] == pytest.approx(brier_score_loss(y, p), abs=1e-9)
            python = booster.predict(truth.loc[rows["id"], COLUMNS])
            assert (python == rows["output.prediction"].to_numpy()).all(), "served and Python predictions differ in a bit"
        TABLES[kills] = [(w["start"], w["rows"], w["labelled"], w["quality"]) for w in windows]
        if len(TABLES) == 2:
            first, second = TABLES.values()
            assert first == second, "kills changed the table"
        verify = run(server, "audit", "verify")
        assert verify.returncode == 0
    finally:
        server.stop()
