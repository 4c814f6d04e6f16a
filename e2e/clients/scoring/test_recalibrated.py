"""Recalibrated versions: an unmodified MLflow loads them, and answers what they are served with, to the last bit."""

import pathlib
import shutil
import subprocess
import types

import mlflow
import numpy as np
import pytest
from conftest import CASES, PROJECT, declare, ping
from peer import Peer, ask
from requests_of import good
from test_invocations import count
from test_predict import predict

ROOT = pathlib.Path(__file__).resolve().parents[3]
LOGIT = ("lgb_binary", "lgb_tensor", "lgb_unsigned", "xgb_booster", "xgb_json", "xgb_unsigned", "xgb_tensor", "xgb_classifier")
LINEAR = ("lgb_regression", "lgb_optional", "lgb_mixed", "xgb_regressor", "xgb_mixed", "xgb_poisson")
STEPS = {"logit": [(-1.35, 0.71), (0.4, 1.9)], "linear": [(0.25, 0.9), (-3.5, 1.75)]}


@pytest.fixture(scope="session")
def maker(tmp_path_factory):
    program = tmp_path_factory.mktemp("child") / "child"
    subprocess.run(["go", "build", "-o", str(program), "./e2e/clients/scoring/child"], cwd=ROOT, check=True)
    return program


def make(maker, folder, kind, a, b):
    return subprocess.run([str(maker), str(folder), kind, repr(a), repr(b)], capture_output=True, text=True)


@pytest.fixture(scope="session")
def children(server, served, maker, tmp_path_factory):
    """Of every case: its child, and its child's child, registered and served."""
    client = mlflow.MlflowClient()
    out, projects = {}, []
    for kind, names in (("logit", LOGIT), ("linear", LINEAR)):
        for name in names:
            folder = served[name].folder
            for generation, (a, b) in enumerate(STEPS[kind], 1):
                copy = tmp_path_factory.mktemp(f"{name}{generation}") / "model"
                shutil.copytree(folder, copy)
                done = make(maker, copy, kind, a, b)
                assert done.returncode == 0, done.stderr
                folder = copy
                model = f"{name}_child{generation}"
                with mlflow.start_run() as run:
                    mlflow.log_artifacts(str(copy), "model")
                client.create_registered_model(model)
                version = client.create_model_version(model, f"{run.info.artifact_uri}/model", run.info.run_id)
                client.set_registered_model_alias(model, "champion", version.version)
                endpoint = model.replace("_", "-")
                projects.append(PROJECT.format(model=model, endpoint=endpoint))
                loaded = mlflow.pyfunc.load_model(mlflow.artifacts.download_artifacts(f"models:/{model}@champion", dst_path=str(tmp_path_factory.mktemp(model))))
                out[name, generation] = types.SimpleNamespace(case=CASES[name], url=f"{server.url}/endpoints/{endpoint}", model=loaded, peer=Peer(loaded), folder=str(copy), kind=kind)
    declare(server, tmp_path_factory.mktemp("children"), "---".join(projects))
    for c in out.values():
        ping(server, c.url.rsplit("/", 1)[1])
    return out


@pytest.mark.parametrize("generation", (1, 2))
@pytest.mark.parametrize("name", LOGIT + LINEAR)
def test_child_is_served_as_pyfunc_answers(children, served, server, name, generation, tmp_path):
    c = children[name, generation]
    expected = np.asarray(c.model.predict(c.case.frame))
    parent = np.asarray(served[name].model.predict(c.case.frame))
    assert expected.shape == parent.shape and (expected != parent).any(), "the child answers as its parent"
    asked = 0
    for request, kind, body in good(c.case):
        ours = ask(c.url + "/invocations", kind, body)
        assert ours.status == 200, f"{request}: {ours}"
        if len(expected) == count(c.case, request):
            asked += 1
            got = np.array(ours.json()["predictions"])
            assert got.shape == expected.shape and (got == expected).all(), request
            assert ours == c.peer.ask(kind, body), request
    assert asked
    got = predict(types.SimpleNamespace(case=c.case), server, tmp_path, "csv", c.folder)
    assert (got == expected.reshape(got.shape)).all(), "trimtab predict"


@pytest.mark.parametrize("name, kind, why", (("lgb_multiclass", "logit", "no single probability"), ("xgb_softprob", "linear", "no single number"), ("lgb_regression", "logit", "no single probability")))
def test_what_cannot_be_recalibrated_is_refused(served, maker, tmp_path, name, kind, why):
    copy = tmp_path / "model"
    shutil.copytree(served[name].folder, copy)
    before = {p: p.read_bytes() for p in copy.rglob("*") if p.is_file()}
    done = make(maker, copy, kind, 0.1, 0.9)
    assert done.returncode == 1 and why in done.stderr
    assert before == {p: p.read_bytes() for p in copy.rglob("*") if p.is_file()}
