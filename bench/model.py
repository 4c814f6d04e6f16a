"""Trains the model of the serving bench, saves it, registers it, and writes rows with Python's own answers.

Usage: model.py FOLDER ROWS.json, with MLFLOW_TRACKING_URI set to the server that registers it.
"""

import json
import sys

import lightgbm as lgb
import mlflow
import numpy as np
import pandas as pd
from mlflow.models import infer_signature

folder, rows = sys.argv[1], sys.argv[2]
rng = np.random.default_rng(7)
columns = [f"c{i}" for i in range(20)]
x = pd.DataFrame(rng.normal(size=(20_000, 20)), columns=columns)
y = ((x @ rng.normal(size=20)) + rng.normal(size=len(x)) > 0).astype(int)
booster = lgb.train(
    {"objective": "binary", "max_depth": 6, "num_leaves": 63, "deterministic": True, "num_threads": 2, "verbose": -1, "seed": 7},
    lgb.Dataset(x, y), num_boost_round=100)
signature = infer_signature(x.head(), booster.predict(x.head()))
mlflow.lightgbm.save_model(booster, folder, signature=signature)
mlflow.set_experiment("bench-serving")
with mlflow.start_run():
    mlflow.lightgbm.log_model(booster, name="model", signature=signature, registered_model_name="bench")
mlflow.MlflowClient().set_registered_model_alias("bench", "champion", 1)
sample = x.sample(500, random_state=1)
with open(rows, "w") as f:
    json.dump({"columns": columns, "data": sample.values.tolist(), "expect": booster.predict(sample).tolist()}, f)
