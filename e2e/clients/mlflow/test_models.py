"""Models: autologging, log_model with signature and example, and loading back by every address."""

import lightgbm as lgb
import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.models import infer_signature
from sklearn.linear_model import LogisticRegression
from tracking_server import GIVEN

MAJOR = int(mlflow.__version__.split(".")[0])
COLUMNS = ["a", "b", "c"]
# Given, the client need not find the requirements out, which takes it ten seconds per model.
PINNED = {"pip_requirements": ["lightgbm", "scikit-learn"]}
only_3 = pytest.mark.skipif(MAJOR < 3, reason="this client knows no logged models")


def named(name):
    return {"name": name} if MAJOR >= 3 else {"artifact_path": name}


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(size=(300, 3)), columns=COLUMNS)
    frame.loc[::17, "b"] = np.nan
    return frame, (frame["a"] + frame["c"] > 0).astype(int)


@pytest.fixture(scope="module")
def booster(data):
    frame, label = data
    params = {"objective": "binary", "verbose": -1, "num_threads": 1, "deterministic": True, "seed": 1}
    return lgb.train(params, lgb.Dataset(frame, label), 10)


@pytest.fixture
def logged(client, experiment, data, booster, unique):
    """A run with a registered LightGBM model; its run id, what log_model returned, and the registered name."""
    frame, _ = data
    with mlflow.start_run() as run:
        info = mlflow.lightgbm.log_model(booster, signature=infer_signature(frame, booster.predict(frame)), input_example=frame.head(3), registered_model_name=unique, **named("model"), **PINNED)
    return run.info.run_id, info, unique


def test_lightgbm_by_every_address(client, logged, data, booster):
    run, info, name = logged
    frame, _ = data
    expected = booster.predict(frame)
    client.set_registered_model_alias(name, "champion", "1")
    addresses = [info.model_uri, f"runs:/{run}/model", f"models:/{name}/1", f"models:/{name}@champion", f"models:/{name}/latest"]
    if MAJOR >= 3:
        addresses.append(f"models:/{info.model_id}")
    for address in addresses:
        assert (mlflow.lightgbm.load_model(address).predict(frame) == expected).all(), address
        assert (mlflow.pyfunc.load_model(address).predict(frame) == expected).all(), address
    version = client.get_model_version(name, "1")
    assert (version.status, version.run_id, version.current_stage, version.aliases) == ("READY", run, "None", ["champion"])
    assert client.get_model_version_download_uri(name, "1").startswith("mlflow-artifacts:/")


def test_signature_and_example(logged, data):
    run, info, name = logged
    frame, _ = data
    got = mlflow.models.get_model_info(f"models:/{name}/1")
    assert [(c.name, c.type.name) for c in got.signature.inputs.inputs] == [(c, "double") for c in COLUMNS]
    model = mlflow.pyfunc.load_model(f"models:/{name}/1")
    pd.testing.assert_frame_equal(model.input_example, frame.head(3).reset_index(drop=True), check_dtype=False)
    with pytest.raises(mlflow.exceptions.MlflowException, match="missing inputs"):
        model.predict(frame[["a"]])


def test_files_of_a_model(client, logged):
    run, info, name = logged
    listed = mlflow.artifacts.list_artifacts(info.model_uri if MAJOR >= 3 else f"runs:/{run}/model")
    names = {f.path.rsplit("/", 1)[-1] for f in listed}
    assert {"MLmodel", "model.lgb", "requirements.txt", "conda.yaml", "python_env.yaml"} <= names


@only_3
def test_logged_model(client, logged, experiment):
    run, info, name = logged
    model = client.get_logged_model(info.model_id)
    assert (model.status, model.source_run_id, model.experiment_id, model.name) == ("READY", run, experiment, "model")
    assert model.artifact_location.endswith(f"/models/{info.model_id}/artifacts")
    assert [o.model_id for o in client.get_run(run).outputs.model_outputs] == [info.model_id]
    client.set_logged_model_tags(info.model_id, {"k": "v"})
    client.log_metric(run, "acc", 0.75, model_id=info.model_id)
    model = client.get_logged_model(info.model_id)
    assert model.tags["k"] == "v" and [(m.key, m.value) for m in model.metrics] == [("acc", 0.75)]
    client.delete_logged_model_tag(info.model_id, "k")
    assert "k" not in client.get_logged_model(info.model_id).tags
    assert client.get_run(run).data.metrics == {"acc": 0.75}
    found = client.search_logged_models([experiment], "metrics.acc > 0.7 AND name = 'model'")
    assert [m.model_id for m in found] == [info.model_id]
    client.delete_logged_model(info.model_id)
    assert list(client.search_logged_models([experiment])) == []


@only_3
def test_search_of_logged_models(client, experiment):
    made = {}
    with mlflow.start_run():
        for i, name in enumerate("abcd"):
            model = mlflow.initialize_logged_model(name=name, model_type="t", params={"lr": str(i)}, tags={"parity": str(i % 2)})
            mlflow.log_metric("acc", [0.5, 0.9, 0.7, 0.1][i], model_id=model.model_id)
            made[name] = mlflow.finalize_logged_model(model.model_id, "READY" if i < 3 else "FAILED").model_id
    found = lambda f=None, order=None, **kw: "".join(m.name for m in client.search_logged_models([experiment], filter_string=f, order_by=order, **kw))
    by_name = [{"field_name": "name", "ascending": True}]
    assert found(order=by_name) == "abcd"
    if not GIVEN:  # MLflow's own server compares the word with the number that it stores
        assert found("status = 'READY'", by_name) == "abc"
    assert found("params.lr = '2' AND tags.parity = '0'") == "c"
    assert found("metrics.acc >= 0.7", [{"field_name": "metrics.acc", "ascending": True}]) == "cb"
    assert found("model_id IN ('%s')" % made["d"]) == "d"
    first = client.search_logged_models([experiment], order_by=by_name, max_results=3)
    rest = client.search_logged_models([experiment], order_by=by_name, max_results=3, page_token=first.token)
    assert "".join(m.name for m in list(first) + list(rest)) == "abcd" and not rest.token


def test_lightgbm_autolog(client, experiment, data, monkeypatch):
    monkeypatch.setenv("MLFLOW_REQUIREMENTS_INFERENCE_TIMEOUT", "1")  # then it records the usual ones
    frame, label = data
    mlflow.lightgbm.autolog(log_input_examples=True, log_model_signatures=True)
    try:
        with mlflow.start_run() as run:
            train = lgb.Dataset(frame[:200], label[:200])
            valid = lgb.Dataset(frame[200:], label[200:], reference=train)
            params = {"objective": "binary", "metric": ["binary_logloss", "auc"], "verbose": -1, "num_threads": 1, "learning_rate": 0.2}
            booster = lgb.train(params, train, 12, valid_sets=[valid], valid_names=["valid"])
    finally:
        mlflow.lightgbm.autolog(disable=True)
    got = client.get_run(run.info.run_id)
    assert got.data.params["learning_rate"] == "0.2" and got.data.params["num_boost_round"] == "12"
    assert got.data.metrics.keys() >= {"valid-binary_logloss", "valid-auc"}
    assert [m.step for m in client.get_metric_history(run.info.run_id, "valid-auc")] == list(range(12))
    assert {f.path for f in client.list_artifacts(run.info.run_id)} >= {"feature_importance_gain.json", "feature_importance_split.json"}
    assert got.inputs.dataset_inputs, "the training set is an input of the run"
    loaded = mlflow.lightgbm.load_model(f"runs:/{run.info.run_id}/model")
    assert (loaded.predict(frame) == booster.predict(frame)).all()


def test_sklearn_autolog(client, experiment, data):
    frame, label = data
    frame = frame.fillna(0)
    mlflow.sklearn.autolog(log_models=False)
    try:
        with mlflow.start_run() as run:
            model = LogisticRegression(C=0.5).fit(frame, label)
            model.score(frame, label)
    finally:
        mlflow.sklearn.autolog(disable=True)
    got = client.get_run(run.info.run_id)
    assert got.data.params["C"] == "0.5"
    assert got.data.metrics.keys() >= {"training_accuracy_score", "training_roc_auc", "training_f1_score"}
    assert got.data.tags["estimator_name"] == "LogisticRegression"


def test_sklearn_model_without_registry(client, experiment, data):
    frame, label = data
    frame = frame.fillna(0)
    model = LogisticRegression().fit(frame, label)
    with mlflow.start_run() as run:
        info = mlflow.sklearn.log_model(model, signature=infer_signature(frame, model.predict(frame)), input_example=frame.head(2), **named("clf"), **PINNED)
    assert (mlflow.sklearn.load_model(info.model_uri).predict(frame) == model.predict(frame)).all()
    assert (mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/clf").predict(frame) == model.predict(frame)).all()


def test_register_afterwards(client, logged, unique):
    run, info, _ = logged
    name = unique + "-later"
    first = mlflow.register_model(f"runs:/{run}/model", name, tags={"k": "v"})
    second = mlflow.register_model(info.model_uri, name)
    assert (str(first.version), str(second.version)) == ("1", "2")
    assert client.get_model_version(name, "1").tags == {"k": "v"} and client.get_model_version(name, "1").run_id == run
    assert mlflow.pyfunc.load_model(f"models:/{name}/1").metadata.run_id == run
