"""Experiments, runs, metrics, params and tags through the client."""

import concurrent.futures
import math

import mlflow
import pandas as pd
import pytest
from mlflow.entities import Dataset, DatasetInput, Metric, Param, RunTag, ViewType
from refusal import refused


def test_experiment_life(client, unique):
    location = client.get_experiment(client.create_experiment(f"{unique}-a")).artifact_location
    assert location.startswith("mlflow-artifacts:/")
    number = client.create_experiment(unique, tags={"team": "ops"})
    client.set_experiment_tag(number, "owner", "ann")
    experiment = client.get_experiment(number)
    assert (experiment.name, experiment.lifecycle_stage) == (unique, "active")
    assert {k: v for k, v in experiment.tags.items() if not k.startswith("mlflow.")} == {"team": "ops", "owner": "ann"}
    assert client.get_experiment_by_name(unique).experiment_id == number
    assert client.get_experiment_by_name(unique + "-nobody") is None
    with refused("RESOURCE_ALREADY_EXISTS"):
        client.create_experiment(unique)
    client.rename_experiment(number, unique + "-new")
    assert client.get_experiment(number).name == unique + "-new"
    run = client.create_run(number)
    client.delete_experiment(number)
    assert client.get_experiment(number).lifecycle_stage == "deleted"
    assert client.get_run(run.info.run_id).info.lifecycle_stage == "deleted"
    client.restore_experiment(number)
    assert client.get_run(run.info.run_id).info.lifecycle_stage == "active"
    with refused("RESOURCE_DOES_NOT_EXIST"):
        client.get_experiment("99999999")


def test_default_experiment_and_artifacts(client):
    assert client.get_experiment("0").name == "Default"
    with mlflow.start_run(experiment_id="0") as run:
        assert mlflow.get_artifact_uri().startswith("mlflow-artifacts:/")
        mlflow.log_text("hello", "note.txt")
    assert mlflow.artifacts.load_text(run.info.artifact_uri + "/note.txt") == "hello"


def test_run_life(client, experiment):
    with mlflow.start_run(run_name="first", tags={"a": "1"}, description="what it is") as run:
        mlflow.log_param("lr", 0.1)
        mlflow.log_params({"depth": 3, "objective": "binary"})
        mlflow.log_metric("loss", 0.5, step=1)
        mlflow.log_metrics({"loss": 0.25, "auc": 0.9}, step=2)
        mlflow.set_tag("stage", "test")
        mlflow.set_tags({"x": "y", "to-go": "1"})
        mlflow.delete_tag("to-go")
    got = client.get_run(run.info.run_id)
    assert got.info.status == "FINISHED" and got.info.run_name == "first"
    assert got.info.end_time >= got.info.start_time > 1_600_000_000_000
    assert got.data.params == {"lr": "0.1", "depth": "3", "objective": "binary"}
    assert got.data.metrics == {"loss": 0.25, "auc": 0.9}
    assert got.data.tags["stage"] == "test" and got.data.tags["x"] == "y" and "to-go" not in got.data.tags
    assert got.data.tags["mlflow.note.content"] == "what it is"
    assert got.data.tags["mlflow.runName"] == "first" and got.data.tags["mlflow.user"] == got.info.user_id


def test_run_that_fails_is_marked(client, experiment):
    with pytest.raises(ZeroDivisionError):
        with mlflow.start_run() as run:
            1 / 0
    assert client.get_run(run.info.run_id).info.status == "FAILED"


def test_generated_name_and_rename(client, experiment):
    run = client.create_run(experiment)
    assert run.info.run_name and run.info.run_name == run.data.tags["mlflow.runName"]
    client.update_run(run.info.run_id, name="better", status="KILLED")
    got = client.get_run(run.info.run_id)
    assert (got.info.run_name, got.data.tags["mlflow.runName"], got.info.status) == ("better", "better", "KILLED")
    client.set_terminated(run.info.run_id, "FAILED", end_time=12345)
    assert client.get_run(run.info.run_id).info.end_time == 12345


def test_resume_a_run(client, experiment):
    with mlflow.start_run() as run:
        mlflow.log_metric("m", 1)
    with mlflow.start_run(run_id=run.info.run_id):
        mlflow.log_metric("m", 2, step=1)
    assert client.get_run(run.info.run_id).data.metrics == {"m": 2}


def test_nested_runs(client, experiment):
    with mlflow.start_run(run_name="parent") as parent:
        for i in range(3):
            with mlflow.start_run(run_name=f"child-{i}", nested=True) as child:
                mlflow.log_metric("m", i)
                with mlflow.start_run(run_name=f"grandchild-{i}", nested=True):
                    pass
    children = client.search_runs([experiment], f"tags.mlflow.parentRunId = '{parent.info.run_id}'", order_by=["attributes.run_name"])
    assert [c.info.run_name for c in children] == ["child-0", "child-1", "child-2"]
    assert client.get_parent_run(child.info.run_id).info.run_id == parent.info.run_id


def test_params_never_change(client, experiment):
    run = client.create_run(experiment).info.run_id
    client.log_param(run, "lr", "0.1")
    client.log_param(run, "lr", "0.1")
    with refused("INVALID_PARAMETER_VALUE", "Changing param values is not allowed.*lr.*0.1"):
        client.log_param(run, "lr", "0.2")
    with refused("INVALID_PARAMETER_VALUE", "Changing param values is not allowed.*lr.*0.1"):
        client.log_batch(run, params=[Param("new", "1"), Param("lr", "0.3")])
    assert client.get_run(run).data.params["lr"] == "0.1"


@pytest.mark.parametrize("key", ["a$b", "../up", "/root", "a//b", ""])
def test_keys_that_are_refused(client, experiment, key):
    run = client.create_run(experiment).info.run_id
    store = client._tracking_client.store  # the client itself checks before it sends
    with refused("INVALID_PARAMETER_VALUE"):
        store.log_metric(run, Metric(key, 1.0, 1, 0))
    with refused("INVALID_PARAMETER_VALUE"):
        store.log_param(run, Param(key, "1"))


@pytest.mark.parametrize("key", ["a/b", "a b", "a.b", "a-b_c", "größe", "train:loss"])
def test_keys_with_odd_characters(client, experiment, key):
    run = client.create_run(experiment).info.run_id
    client.log_metric(run, key, 1.5)
    client.log_param(run, key, "v")
    client.set_tag(run, key, "t")
    data = client.get_run(run).data
    assert (data.metrics[key], data.params[key], data.tags[key]) == (1.5, "v", "t")
    assert [m.value for m in client.get_metric_history(run, key)] == [1.5]


def test_metric_history(client, experiment):
    run = client.create_run(experiment).info.run_id
    for timestamp, step, value in [(30, 2, 1.0), (10, 5, 3.0), (10, 1, 9.0), (10, 1, 2.0), (20, -4, 7.0)]:
        client.log_metric(run, "m", value, timestamp=timestamp, step=step)
    client.log_metric(run, "m", 7.0, timestamp=20, step=-4)  # sent twice, kept once
    history = [(m.timestamp, m.step, m.value) for m in client.get_metric_history(run, "m")]
    assert history == [(10, 1, 2.0), (10, 1, 9.0), (10, 5, 3.0), (20, -4, 7.0), (30, 2, 1.0)]
    assert client.get_run(run).data.metrics["m"] == 3.0, "the latest is that of the highest step"
    assert list(client.get_metric_history(run, "nobody")) == []


def test_metrics_that_are_no_numbers(client, experiment):
    run = client.create_run(experiment).info.run_id
    client.log_metric(run, "nan", float("nan"))
    client.log_metric(run, "inf", float("inf"))
    client.log_metric(run, "ninf", float("-inf"))
    client.log_batch(run, metrics=[Metric("both", float("nan"), 1, 0), Metric("both", 1.0, 1, 0)])
    metrics = client.get_run(run).data.metrics
    assert math.isnan(metrics["nan"])
    assert metrics["inf"] == 1.7976931348623157e308 and metrics["ninf"] == -1.7976931348623157e308
    assert len(client.get_metric_history(run, "both")) == 2


def test_exact_values(client, experiment):
    run = client.create_run(experiment).info.run_id
    values = [0.1, 1 / 3, 5e-324, 1.7976931348623157e308, -0.0, 123456789.123456789, 2.0**53 + 2]
    client.log_batch(run, metrics=[Metric("m", v, i, i) for i, v in enumerate(values)])
    got = [m.value for m in client.get_metric_history(run, "m")]
    assert got == values


def test_batches(client, experiment):
    run = client.create_run(experiment).info.run_id
    metrics = [Metric(f"m{i % 5}", i / 7, 1000 + i, i) for i in range(2500)]
    client.log_batch(run, metrics=metrics, params=[Param(f"p{i}", str(i)) for i in range(250)], tags=[RunTag(f"t{i}", str(i)) for i in range(150)])
    got = client.get_run(run)
    assert len(got.data.params) == 250 and sum(t.startswith("t") for t in got.data.tags) == 150
    history = client.get_metric_history(run, "m3")
    assert [(m.step, m.value) for m in history] == [(i, i / 7) for i in range(3, 2500, 5)]


def test_batch_limits(client, experiment):
    run = client.create_run(experiment).info.run_id
    store = client._tracking_client.store
    with refused("INVALID_PARAMETER_VALUE", "at most 1000 metrics"):
        store.log_batch(run, [Metric("m", 1.0, 1, i) for i in range(1001)], [], [])
    with refused("INVALID_PARAMETER_VALUE", "at most 100 params"):
        store.log_batch(run, [], [Param(f"p{i}", "x") for i in range(101)], [])
    with refused("INVALID_PARAMETER_VALUE", "at most 100 tags"):
        store.log_batch(run, [], [], [RunTag(f"t{i}", "x") for i in range(101)])
    with refused("INVALID_PARAMETER_VALUE", "at most 1000 metrics, params, and tags"):
        store.log_batch(run, [Metric("m", 1.0, 1, i) for i in range(950)], [Param(f"p{i}", "x") for i in range(51)], [])
    assert client.get_run(run).data.metrics == {}


def test_long_values(client, experiment):
    run = client.create_run(experiment).info.run_id
    client.log_param(run, "p", "p" * 6000)
    client.set_tag(run, "t", "t" * 8000)
    data = client.get_run(run).data
    assert data.params["p"] == "p" * 6000 and data.tags["t"] == "t" * 8000


def test_delete_and_restore(client, experiment):
    run = client.create_run(experiment).info.run_id
    client.delete_run(run)
    assert client.get_run(run).info.lifecycle_stage == "deleted"
    assert list(client.search_runs([experiment])) == []
    assert [r.info.run_id for r in client.search_runs([experiment], run_view_type=ViewType.DELETED_ONLY)] == [run]
    with refused("INVALID_PARAMETER_VALUE", "must be in the 'active' state"):
        client.log_metric(run, "m", 1)
    client.restore_run(run)
    client.log_metric(run, "m", 1)
    with refused("RESOURCE_DOES_NOT_EXIST"):
        client.get_run("0" * 32)


def test_dataset_inputs(client, experiment):
    frame = pd.DataFrame({"a": [1, 2, 3], "y": [0.5, 1.5, 2.5]})
    train = mlflow.data.from_pandas(frame, source="https://example.com/train.csv", name="train set", targets="y")
    with mlflow.start_run() as run:
        mlflow.log_input(train, context="training")
        mlflow.log_input(mlflow.data.from_pandas(frame[:2], name="test set"), context="eval", tags={"half": "yes"})
        mlflow.log_input(train, context="training")
    inputs = {i.dataset.name: i for i in client.get_run(run.info.run_id).inputs.dataset_inputs}
    assert inputs.keys() == {"train set", "test set"}
    assert {t.key: t.value for t in inputs["train set"].tags} == {"mlflow.data.context": "training"}
    assert {t.key: t.value for t in inputs["test set"].tags} == {"mlflow.data.context": "eval", "half": "yes"}
    assert inputs["train set"].dataset.digest == train.digest
    source = mlflow.data.get_source(inputs["train set"].dataset)
    assert source.url == "https://example.com/train.csv"
    found = lambda f: [r.info.run_id for r in client.search_runs([experiment], f)]
    assert found("dataset.name = 'train set' AND dataset.context = 'training'") == [run.info.run_id]
    assert found(f"dataset.digest = '{train.digest}'") == [run.info.run_id]
    assert found("dataset.name = 'other'") == []


def test_a_large_profile(client, experiment):
    run = client.create_run(experiment).info.run_id
    dataset = Dataset("wide", "digest", "local", "somewhere", schema="{}", profile="p" * 16_000_000)
    client.log_inputs(run, [DatasetInput(dataset)])
    assert client.get_run(run).inputs.dataset_inputs[0].dataset.profile == dataset.profile
    with refused("INVALID_PARAMETER_VALUE", "profile"):
        client.log_inputs(run, [DatasetInput(Dataset("wider", "digest", "local", "somewhere", profile="p" * 16_777_216))])


def test_eight_threads_log_to_runs_of_their_own(client, experiment):
    def work(n):
        run = client.create_run(experiment, run_name=f"worker-{n}").info.run_id
        for step in range(20):
            client.log_metric(run, "loss", n + step / 100, step=step)
            client.log_param(run, f"p{step}", n)
        client.set_terminated(run)
        return run

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(work, range(8)))
    assert len(set(runs)) == 8
    for n, run in enumerate(runs):
        got = client.get_run(run)
        assert got.info.status == "FINISHED" and len(got.data.params) == 20
        assert [m.value for m in client.get_metric_history(run, "loss")] == [n + step / 100 for step in range(20)]


def test_eight_threads_log_to_one_run(client, experiment):
    run = client.create_run(experiment).info.run_id

    def work(n):
        keys = [f"m{(n + i) % 5}" for i in range(5)]  # every thread has its keys in another order
        for step in range(10):
            client.log_batch(run, metrics=[Metric(k, float(n), n, step) for k in keys], params=[Param("shared", "same"), Param(f"p{n}-{step}", "x")])

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    for k in range(5):
        assert {(m.timestamp, m.step) for m in client.get_metric_history(run, f"m{k}")} == {(n, s) for n in range(8) for s in range(10)}
    assert len(client.get_run(run).data.params) == 81
