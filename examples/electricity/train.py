"""Trains the model of the electricity example: a plain script with pandas, XGBoost
and the MLflow client. All that it is told, it is told by its environment: IN and
OUT are folders, SEED is a number, and MLflow finds server and run by MLFLOW_*.

    IN=. OUT=. SEED=1 MLFLOW_TRACKING_URI=http://127.0.0.1:5000 python train.py --trees 150
"""

import argparse
import json
import os
import warnings

import mlflow
import numpy as np
import pandas as pd
import xgboost as xgb
from mlflow.models import infer_signature

WHOLE = ["half_hour", "weekday"]
NUMBERS = [
    "price_day", "demand_day", "vic_price_day", "vic_demand_day", "transfer_day", "above_day",
    "price_week", "demand_week", "above_week", "price_mean", "demand_mean",
]
FEATURES = WHOLE + NUMBERS
LABEL = "above"


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--trees", type=int, default=150)
    args.add_argument("--depth", type=int, default=4)
    args.add_argument("--rate", type=float, default=0.05)
    args.add_argument("--model", default="electricity", help="name to register the model under")
    args = args.parse_args()

    rows = pd.read_parquet(os.path.join(os.environ["IN"], "rows.parquet"))
    x = rows[FEATURES].astype({n: "int64" for n in WHOLE} | {n: "float64" for n in NUMBERS})
    y = rows[LABEL].astype("int64")
    print(f"{len(rows)} half hours from {rows.starts.min()} to {rows.starts.max()}, {y.mean():.3f} above", flush=True)

    # The last fifth in time says how good the model is; the model itself is
    # then trained on everything.
    cut = rows.starts.quantile(0.8)
    early, late = (rows.starts < cut).to_numpy(), (rows.starts >= cut).to_numpy()
    params = {
        "objective": "binary:logistic", "eval_metric": ["auc", "logloss"], "eta": args.rate, "max_depth": args.depth,
        "min_child_weight": 20, "subsample": 0.8, "colsample_bytree": 0.7, "lambda": 5.0, "tree_method": "hist",
        "seed": int(os.environ.get("SEED", "1")) % 2**31, "nthread": 2,
    }

    mlflow.xgboost.autolog(log_models=False, log_datasets=False, log_input_examples=False)
    with mlflow.start_run():
        curve = {}
        xgb.train(params, xgb.DMatrix(x[early], y[early]), args.trees, evals=[(xgb.DMatrix(x[late], y[late]), "held_out")],
                  evals_result=curve, verbose_eval=False)
        score = {{"logloss": "log_loss"}.get(name, name): float(values[-1]) for name, values in curve["held_out"].items()}
        print("held out:", ", ".join(f"{name} {v:.4f}" for name, v in score.items()), flush=True)
        mlflow.xgboost.autolog(disable=True)
        booster = xgb.train(params, xgb.DMatrix(x, y), args.trees)

        # MLflow warns that whole numbers cannot be missing; these never are.
        warnings.filterwarnings("ignore", message="(?s).*integer column")
        example = x.head(5)
        mlflow.xgboost.log_model(
            booster, name="model", input_example=example,
            signature=infer_signature(x, booster.predict(xgb.DMatrix(example))),
            registered_model_name=args.model, model_format="ubj",
            pip_requirements=[f"xgboost=={xgb.__version__}", f"pandas=={pd.__version__}", f"numpy=={np.__version__}"],
        )

    os.makedirs(os.environ["OUT"], exist_ok=True)
    with open(os.path.join(os.environ["OUT"], "metrics.json"), "w") as f:
        json.dump({"rows": len(rows), **score}, f, indent=2, sort_keys=True)


if __name__ == "__main__":
    main()
