"""Trains the model of the bikes example: a plain script with pandas, LightGBM and
the MLflow client. All that it is told, it is told by its environment: IN and OUT
are folders, SEED is a number, and MLflow finds server and run by MLFLOW_*.

    IN=. OUT=. SEED=1 MLFLOW_TRACKING_URI=http://127.0.0.1:5000 python train.py --trees 300
"""

import argparse
import json
import os
import warnings

import lightgbm as lgb
import mlflow
import numpy as np
import pandas as pd
from mlflow.models import infer_signature

WHOLE = ["hour", "weekday", "month", "holiday"]
NUMBERS = ["tmin", "tmax", "rain", "two_days_ago", "week_ago", "week_mean"]
FEATURES = WHOLE + NUMBERS
LABEL = "rentals"


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--trees", type=int, default=300)
    args.add_argument("--leaves", type=int, default=31)
    args.add_argument("--rate", type=float, default=0.05)
    args.add_argument("--model", default="bikes", help="name to register the model under")
    args = args.parse_args()

    rows = pd.read_parquet(os.path.join(os.environ["IN"], "rows.parquet"))
    x = rows[FEATURES].astype({n: "int64" for n in WHOLE} | {n: "float64" for n in NUMBERS})
    y = rows[LABEL].astype("float64")
    print(f"{len(rows)} hours from {rows.starts.min()} to {rows.starts.max()}, {y.mean():.1f} rentals in one", flush=True)

    # The last fifth in time says how good the model is; the model itself is
    # then trained on everything.
    cut = rows.starts.quantile(0.8)
    early, late = (rows.starts < cut).to_numpy(), (rows.starts >= cut).to_numpy()
    params = {
        "objective": "poisson", "metric": ["rmse", "mae"], "learning_rate": args.rate, "num_leaves": args.leaves,
        "min_data_in_leaf": 20, "feature_fraction": 0.9, "bagging_fraction": 0.8, "bagging_freq": 1, "lambda_l2": 1.0,
        "seed": int(os.environ.get("SEED", "1")) % 2**31,
        "deterministic": True, "force_row_wise": True, "num_threads": 2, "verbosity": -1,
    }

    mlflow.lightgbm.autolog(log_models=False, log_datasets=False)
    with mlflow.start_run():
        curve = {}
        lgb.train(params, data(x[early], y[early]), args.trees, valid_sets=[data(x[late], y[late])],
                  valid_names=["held_out"], callbacks=[lgb.record_evaluation(curve)])
        score = {{"l1": "mae"}.get(name, name): float(values[-1]) for name, values in curve["held_out"].items()}
        print("held out:", ", ".join(f"{name} {v:.2f}" for name, v in score.items()), flush=True)
        mlflow.lightgbm.autolog(disable=True)
        booster = lgb.train(params, data(x, y), args.trees)

        # MLflow warns that whole numbers cannot be missing; these never are.
        warnings.filterwarnings("ignore", message="(?s).*integer column")
        example = x.head(5)
        mlflow.lightgbm.log_model(
            booster, name="model", input_example=example,
            signature=infer_signature(x, booster.predict(example)),
            registered_model_name=args.model,
            pip_requirements=[f"lightgbm=={lgb.__version__}", f"pandas=={pd.__version__}", f"numpy=={np.__version__}"],
        )

    os.makedirs(os.environ["OUT"], exist_ok=True)
    with open(os.path.join(os.environ["OUT"], "metrics.json"), "w") as f:
        json.dump({"rows": len(rows), **score}, f, indent=2, sort_keys=True)


def data(x, y):
    return lgb.Dataset(x, y, free_raw_data=False)


if __name__ == "__main__":
    main()
