"""Train on the snapshot in $IN and register the model. It knows nothing of trimtab
but the environment of its step: MLFLOW_TRACKING_URI and MLFLOW_RUN_ID lead to its run."""
import argparse
import os

import lightgbm as lgb
import mlflow
import pandas as pd
from mlflow.models import infer_signature

args = argparse.ArgumentParser()
args.add_argument("--rounds", type=int, default=50)
rounds = args.parse_args().rounds

rows = pd.read_parquet(os.path.join(os.environ["IN"], "rows.parquet"))
features = ["x1", "x2", "x3"]
x, y = rows[features].astype("float64"), rows["label"]

with mlflow.start_run():
    params = {"objective": "binary", "deterministic": True, "num_threads": 2, "seed": int(os.environ.get("SEED", "0")) % 2**31, "verbose": -1}
    mlflow.log_params({"rounds": rounds, **params})
    booster = lgb.train(params, lgb.Dataset(x, label=y), num_boost_round=rounds)
    predicted = booster.predict(x)
    mlflow.log_metric("train_rows", len(rows))
    mlflow.lightgbm.log_model(booster, name="model", signature=infer_signature(x, predicted), input_example=x.head(3),
                              registered_model_name="starter")
print(f"trained on {len(rows)} rows")
