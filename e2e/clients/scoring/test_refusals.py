"""What is not served natively: the endpoint says why, nothing is approximated, and the last good version goes on."""

import json
import time

import lightgbm as lgb
import mlflow
import pytest
import xgboost as xgb
from catalogue import frame, signed, target
from conftest import PROJECT, declare, ping
from peer import ask
from requests_of import JSON, split
from server import run
from sklearn.linear_model import LogisticRegression

X = frame().dropna().reset_index(drop=True)
Y = (target(X) > 0).astype(int)
BODY = json.dumps({"dataframe_split": split(X.iloc[:3])})


class Own(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input.iloc[:, 0]


def booster(trees=5):
    return lgb.train({"objective": "binary", "verbose": -1, "num_threads": 1}, lgb.Dataset(X, Y), trees)


def log(flavor, model, name, **more):
    with mlflow.start_run():
        getattr(mlflow, flavor).log_model(model, name="model", signature=signed(X), registered_model_name=name, pip_requirements=["mlflow"], **more)
    return str(max(int(v.version) for v in mlflow.MlflowClient().search_model_versions(f"name = '{name}'")))


def condition(server, endpoint, typ):
    """The condition of an endpoint, as `trimtab get` shows it."""
    status = json.loads(run(server, "get", "endpoint", endpoint, "-o", "json").stdout).get("status", {})
    return next((c for c in status.get("conditions", []) if c["type"] == typ), None)


def eventually(check, seconds=20):
    end = time.monotonic() + seconds
    while not (value := check()):
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)
    return value


UNSUPPORTED = {
    "sklearn": (lambda name: log("sklearn", LogisticRegression().fit(X, Y), name), "flavor sklearn is not served natively"),
    "lgbm-classifier": (lambda name: log("lightgbm", lgb.LGBMClassifier(n_estimators=3, verbose=-1, n_jobs=1).fit(X, Y), name), "Python objects"),
    "own-code": (lambda name: log("pyfunc", None, name, python_model=Own()), "flavor python_function is not served natively"),
    "linear-booster": (lambda name: log("xgboost", xgb.train({"booster": "gblinear", "nthread": 1}, xgb.DMatrix(X, Y), 3), name), "gblinear"),
    "linear-trees": (lambda name: log("lightgbm", lgb.train({"objective": "regression", "linear_tree": True, "verbose": -1, "num_threads": 1}, lgb.Dataset(X, Y), 3), name), "linear"),
    "ranker": (lambda name: log("xgboost", xgb.XGBRanker(n_estimators=3, n_jobs=1).fit(X, Y, group=[len(X)]), name), "XGBRanker"),
}


@pytest.mark.parametrize("kind", UNSUPPORTED)
def test_an_unsupported_model_is_refused_by_name(kind, server, tmp_path):
    make, reason = UNSUPPORTED[kind]
    make(kind)
    mlflow.MlflowClient().set_registered_model_alias(kind, "champion", "1")
    declare(server, tmp_path / "project", PROJECT.format(model=kind, endpoint=kind))
    ready = eventually(lambda: (c := condition(server, kind, "Ready")) and c["reason"] == "Unsupported" and c)
    assert not ready["status"] and reason in ready["message"] and f"version 1 of model {kind}" in ready["message"], ready
    assert not condition(server, kind, "Loaded")["status"]
    for path, kinds, body in (("/ping", None, None), ("/invocations", JSON, BODY)):
        answer = ask(f"{server.url}/endpoints/{kind}{path}", kinds, body)
        assert answer.status == 503 and answer.json()["error_code"] == "TEMPORARILY_UNAVAILABLE" and reason in answer.json()["message"], answer
    answer = ask(f"{server.url}/v2/models/{kind}/infer", JSON, "{}")
    assert answer.status == 503 and reason in answer.json()["error"], answer
    assert ask(f"{server.url}/v2/models/{kind}/ready", None, None).status == 503
    X.to_csv(tmp_path / "rows.csv", index=False)
    done = run(server, "predict", "--model", f"models:/{kind}@champion", "--input", str(tmp_path / "rows.csv"), "--output", str(tmp_path / "out.csv"), check=False)
    assert done.returncode == 3 and reason in done.stderr and not (tmp_path / "out.csv").exists(), done


def test_the_last_good_version_goes_on(server, tmp_path):
    client, name = mlflow.MlflowClient(), "goes-on"
    first, third = booster(), booster(9)
    log("lightgbm", first, name)
    client.set_registered_model_alias(name, "champion", "1")
    declare(server, tmp_path / "project", PROJECT.format(model=name, endpoint=name))
    ping(server, name)
    url = f"{server.url}/endpoints/{name}/invocations"

    def answers(model):
        answer = ask(url, JSON, BODY)
        assert answer.status == 200, answer
        return answer.json()["predictions"] == model.predict(X.iloc[:3]).tolist()

    assert answers(first)
    assert UNSUPPORTED["sklearn"][0](name) == "2"
    client.set_registered_model_alias(name, "champion", "2")
    loaded = eventually(lambda: (c := condition(server, name, "Loaded")) and not c["status"] and c)
    assert loaded["reason"] == "Unsupported" and "version 2" in loaded["message"] and "sklearn" in loaded["message"], loaded
    assert condition(server, name, "Ready")["status"] and answers(first)
    assert ping(server, name).status == 200
    assert log("lightgbm", third, name) == "3"
    client.set_registered_model_alias(name, "champion", "3")
    eventually(lambda: answers(third))
    eventually(lambda: condition(server, name, "Loaded")["status"])


def test_an_endpoint_without_a_version(server, tmp_path):
    name = "nothing-yet"
    mlflow.MlflowClient().create_registered_model(name)
    declare(server, tmp_path / "project", PROJECT.format(model=name, endpoint=name))
    eventually(lambda: (c := condition(server, name, "Ready")) and c["reason"] == "NoVersion")
    answer = ask(f"{server.url}/endpoints/{name}/invocations", JSON, BODY)  # the condition says so, hence every answer does
    assert answer.status == 503 and "alias champion" in answer.json()["message"], answer
    log("lightgbm", booster(), name)
    mlflow.MlflowClient().set_registered_model_alias(name, "champion", "1")
    ping(server, name)
    mlflow.MlflowClient().delete_registered_model_alias(name, "champion")
    eventually(lambda: "alias champion" in ping(server, name, 503).json()["message"])


def test_an_endpoint_that_is_not_declared(server):
    answer = ask(f"{server.url}/endpoints/nobody/invocations", JSON, BODY)
    assert answer.status == 404 and answer.json()["error_code"] == "RESOURCE_DOES_NOT_EXIST" and "nobody" in answer.json()["message"]
