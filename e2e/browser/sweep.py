"""Searches parameters of a model of the flights on February, as people do by hand:
one MLflow run for each set, with the curve of every metric over the rounds. The
pages of experiments are looked at with it.

    MLFLOW_TRACKING_URI=http://127.0.0.1:5000 python sweep.py ROWS.parquet
"""

import itertools
import os
import sys
import time

import lightgbm as lgb
import mlflow
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Metric, Param

NUMBERS = ["departs", "arrives", "elapsed", "distance", "temp", "dewp", "humid", "wind_speed", "precip", "pressure", "visib", "plane_year"]
ROUNDS = 30


def main():
    rows = pd.read_parquet(sys.argv[1])
    rows = rows[rows.scheduled.astype(str).str.startswith("2013-02") & rows.late.notna()].sort_values("scheduled")
    rows = rows.iloc[:: max(1, len(rows) // 8_000)]
    x, y = rows[NUMBERS].astype("float64"), rows["late"].astype("int64")
    cut = int(len(rows) * 0.8)
    client = MlflowClient(os.environ["MLFLOW_TRACKING_URI"])
    experiment = client.create_experiment("sweep")
    grid = itertools.product([0.03, 0.1, 0.3], [7, 31], [20, 200])
    for number, (rate, leaves, least) in enumerate(grid):
        run = client.create_run(experiment, run_name=f"sweep-{number:02d}").info.run_id
        params = {"learning_rate": rate, "num_leaves": leaves, "min_data_in_leaf": least}
        curve = {}
        lgb.train(
            # One thread: on so few rows two wait for each other longer than they work.
            params | {"objective": "binary", "metric": ["auc", "binary_logloss"], "num_threads": 1, "verbosity": -1, "seed": 1, "deterministic": True},
            lgb.Dataset(x[:cut], y[:cut]), ROUNDS, valid_sets=[lgb.Dataset(x[cut:], y[cut:])], valid_names=["held_out"],
            callbacks=[lgb.record_evaluation(curve)],
        )
        now = int(time.time() * 1000)
        points = [Metric(name, value, now + step, step) for name, values in curve["held_out"].items() for step, value in enumerate(values)]
        client.log_batch(run, metrics=points, params=[Param(name, str(value)) for name, value in params.items()])
        client.set_tag(run, "size", "small" if leaves == 7 else "large")
        client.set_terminated(run)


if __name__ == "__main__":
    mlflow.set_tracking_uri(os.environ["MLFLOW_TRACKING_URI"])
    main()
