"""Logs small models with the real mlflow client and records what MLflow's own
scoring server answers: the goldens of protocol/serving.

Usage: python generate.py OUTPUT_FOLDER
Needs mlflow 3.17.2, lightgbm 4.7.0, xgboost(-cpu) 3.2.0, scikit-learn, httpx.
Each folder OUTPUT_FOLDER/NAME gets the model's folder as "model" (only the files
that serving reads) and "cases.json": requests with content type, status and body.
"""

import json
import pathlib
import shutil
import sys
import tempfile

import lightgbm as lgb
import mlflow
import numpy as np
import pandas as pd
import xgboost as xgb
from fastapi.testclient import TestClient
from mlflow.models import infer_signature
from mlflow.pyfunc import scoring_server

KEEP = ["MLmodel", "requirements.txt", "model.lgb", "model.ubj", "model.json", "model.xgb", "serving_input_example.json"]


def data(rows=400):
    r = np.random.default_rng(20130301)
    x = pd.DataFrame({
        "distance": r.uniform(80, 5000, rows),
        "temp": r.normal(50, 20, rows),
        "hour": r.integers(0, 24, rows),
        "seats": r.integers(1, 450, rows).astype("int32"),
        "wind": r.uniform(0, 40, rows).astype("float32"),
    })
    x.loc[r.random(rows) < 0.2, "temp"] = np.nan
    s = x["hour"] / 24 + x["distance"] / 5000 + r.normal(0, 0.5, rows) + np.nan_to_num(x["temp"]) / 200
    return x, s


def cases(x):
    part = x.iloc[:12]
    split = json.loads(part.to_json(orient="split", index=False, double_precision=15))
    records = json.loads(part.iloc[:3].to_json(orient="records", double_precision=15))
    shuffled = part.iloc[:4, ::-1]
    out = [
        ("application/json", json.dumps({"dataframe_split": split})),
        ("application/json; charset=utf-8", json.dumps({"dataframe_split": json.loads(shuffled.to_json(orient="split", index=False, double_precision=15))})),
        ("application/json", json.dumps({"dataframe_records": records})),
        ("application/json", json.dumps({"dataframe_split": dict(split, columns=split["columns"] + ["note"], data=[r + ["x"] for r in split["data"][:2]])})),
        ("application/json", json.dumps({"inputs": {c: part[c].iloc[1:3].tolist() for c in part if c != "temp"} | {"temp": [1.5, -2.25]}})),
        ("text/csv", part.iloc[:5].to_csv(index=False)),
        ("application/json", json.dumps({"dataframe_split": dict(split, columns=split["columns"][:-1], data=[r[:-1] for r in split["data"]])})),
        ("application/json", json.dumps({"dataframe_split": split, "inputs": []})),
        ("application/json", json.dumps([1, 2])),
        ("application/json", "{"),
        ("text/plain", "x"),
    ]
    return out


def record(folder, name, save, x, requests):
    with tempfile.TemporaryDirectory() as tmp:
        path = pathlib.Path(tmp) / "model"
        save(path)
        client = TestClient(scoring_server.init(mlflow.pyfunc.load_model(str(path))), raise_server_exceptions=False)
        recorded = []
        for kind, body in requests:
            r = client.post("/invocations", content=body, headers={"Content-Type": kind})
            recorded.append({"kind": kind, "request": body, "status": r.status_code, "answer": r.text if r.status_code == 200 else r.text[:200]})
        target = folder / name
        shutil.rmtree(target, ignore_errors=True)
        (target / "model").mkdir(parents=True)
        for f in KEEP:
            if (path / f).exists():
                shutil.copy(path / f, target / "model" / f)
        (target / "cases.json").write_text(json.dumps(recorded, indent=1) + "\n")
        print(name, [c["status"] for c in recorded])


def main(folder):
    x, s = data()
    y = (s > s.median()).astype(int)
    k = pd.qcut(s, 3, labels=False)
    small = {"num_leaves": 7, "min_data_in_leaf": 5, "deterministic": True, "num_threads": 1, "verbose": -1, "seed": 1}
    rounds = 8
    requests = cases(x)

    def lightgbm_model(params, target, frame=x):
        booster = lgb.train(dict(small, **params), lgb.Dataset(frame, target), rounds)
        def save(path):
            mlflow.lightgbm.save_model(booster, path, signature=infer_signature(frame, booster.predict(frame)), input_example=frame.iloc[:2])
        return save

    def xgboost_model(model, target, predict, frame=x):
        def save(path):
            mlflow.xgboost.save_model(model, path, signature=infer_signature(frame, predict(frame)), input_example=frame.iloc[:2])
        return save

    record(folder, "lightgbm_binary", lightgbm_model({"objective": "binary"}, y), x, requests)
    record(folder, "lightgbm_multiclass", lightgbm_model({"objective": "multiclass", "num_class": 3}, k), x, requests)
    record(folder, "lightgbm_regression", lightgbm_model({"objective": "regression"}, s), x, requests)

    fast = dict(n_estimators=rounds, max_depth=3, tree_method="hist", n_jobs=1, random_state=1)
    booster = xgb.train({"objective": "binary:logistic", "max_depth": 3, "tree_method": "hist", "nthread": 1}, xgb.DMatrix(x, y), rounds)
    record(folder, "xgboost_booster", xgboost_model(booster, y, lambda f: booster.predict(xgb.DMatrix(f))), x, requests)
    classifier = xgb.XGBClassifier(**fast).fit(x, y)
    record(folder, "xgboost_classifier", xgboost_model(classifier, y, classifier.predict), x, requests)
    three = xgb.XGBClassifier(**fast).fit(x, k)
    record(folder, "xgboost_classes", xgboost_model(three, k, three.predict), x, requests)
    regressor = xgb.XGBRegressor(**fast).fit(x, s)
    record(folder, "xgboost_regressor", xgboost_model(regressor, s, regressor.predict), x, requests)

    # A tensor signature: rows come as lists.
    matrix = x.to_numpy(dtype="float64")
    booster = lgb.train(dict(small, objective="binary"), lgb.Dataset(matrix, y), rounds)
    rows = np.nan_to_num(matrix[:4]).tolist()
    record(folder, "lightgbm_tensor",
           lambda path: mlflow.lightgbm.save_model(booster, path, signature=infer_signature(matrix, booster.predict(matrix))),
           x, [("application/json", json.dumps({"inputs": rows})), ("application/json", json.dumps({"instances": rows})),
               ("application/json", json.dumps({"inputs": [[1.0, 2.0]]}))])
    # No signature at all.
    booster = lgb.train(dict(small, objective="binary"), lgb.Dataset(x.astype("float64"), y), rounds)
    whole = x.astype("float64").dropna().iloc[:3]
    record(folder, "lightgbm_unsigned", lambda path: mlflow.lightgbm.save_model(booster, path), x,
           [("application/json", json.dumps({"dataframe_split": json.loads(whole.to_json(orient="split", index=False, double_precision=15))})),
            ("application/json", json.dumps({"dataframe_records": json.loads(whole.to_json(orient="records", double_precision=15))}))])


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
