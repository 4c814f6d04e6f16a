"""A pipeline step with the unmodified MLflow client, while the server is killed around it.

The server dies between any two requests of the step, inside `log_model` and inside the registration. The step
outlives it, the client sends again, and in the end there is one attempt, one logged model and one version.
"""

import json
import random
import subprocess
import sys
import time

import mlflow
import pytest

from server import Server, run

TRAIN = """
import os, time
import lightgbm as lgb, mlflow, numpy as np
from mlflow.models import infer_signature

rng = np.random.default_rng(1)
x, y = rng.normal(size=(400, 4)), rng.integers(0, 2, 400)
with open(os.environ["EFFECTS"], "a") as f:
    f.write("begin\\n")
with mlflow.start_run():
    for i in range(40):
        mlflow.log_metric("progress", i, step=i)
        time.sleep(0.02)
    booster = lgb.train({"objective": "binary", "verbose": -1, "num_threads": 1}, lgb.Dataset(x, y), 10)
    mlflow.lightgbm.log_model(booster, name="model", signature=infer_signature(x, booster.predict(x)), registered_model_name="killed", pip_requirements=["lightgbm"])
    for i in range(40, 60):
        mlflow.log_metric("progress", i, step=i)
        time.sleep(0.02)
with open(os.environ["EFFECTS"], "a") as f:
    f.write("end\\n")
"""

PROJECT = """
apiVersion: trimtab.dev/v1alpha1
kind: Model
metadata: {{name: killed}}
---
apiVersion: trimtab.dev/v1alpha1
kind: Pipeline
metadata: {{name: train}}
spec:
  code: {{path: code}}
  steps:
    - name: train
      run: {python} train.py
      env: {{EFFECTS: {effects}}}
    - name: promote
      needs: [train]
      promote: {{model: killed, alias: champion, when: absent}}
"""


@pytest.mark.parametrize("seed", [1, 2])
def test_one_version_although_the_server_died_inside_log_model(seed, tmp_path, database_url, monkeypatch):
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", raising=False)
    project, effects = tmp_path / "project", tmp_path / "effects"
    (project / "code").mkdir(parents=True)
    (project / "code" / "train.py").write_text(TRAIN)
    (project / "train.yaml").write_text(PROJECT.format(python=sys.executable, effects=effects))
    server = Server(tmp_path, database_url)
    try:
        run(server, "apply", str(project), "--yes")
        started = json.loads(run(server, "pipeline", "run", "train", "-o", "json").stdout)
        rng = random.Random(seed)
        deadline = time.time() + 120
        kills = 0
        while time.time() < deadline:
            time.sleep(rng.uniform(0.05, 0.5))
            done = run(server, "pipeline", "show", started["id"], "-o", "json", check=False)
            if done.returncode == 0 and json.loads(done.stdout)["state"] in ("succeeded", "failed", "canceled"):
                break
            if kills < 12:
                server.kill()
                kills += 1
                server.start()
        final = json.loads(run(server, "pipeline", "show", started["id"], "-o", "json").stdout)
        assert final["state"] == "succeeded", final
        assert effects.read_text().split() == ["begin", "end"], "the step ran once"
        assert kills >= 5
        mlflow.set_tracking_uri(server.url)
        client = mlflow.MlflowClient()
        assert [str(v.version) for v in client.search_model_versions("name = 'killed'")] == ["1"]
        assert str(client.get_model_version_by_alias("killed", "champion").version) == "1"
        runs = client.search_runs([e.experiment_id for e in client.search_experiments()])
        assert len(runs) == 1 and runs[0].info.status == "FINISHED"
        assert len(client.get_metric_history(runs[0].info.run_id, "progress")) == 60
        assert subprocess.run(["pgrep", "-f", str(project)], capture_output=True).returncode != 0
        assert run(server, "audit", "verify").returncode == 0
    finally:
        server.stop()
