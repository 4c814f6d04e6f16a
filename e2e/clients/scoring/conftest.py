"""One server with every model of the catalogue registered, aliased and served."""

import os
import time
import types

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["GIT_PYTHON_REFRESH"] = "quiet"

import mlflow
import pytest
from catalogue import cases
from peer import Peer, ask
from server import Server, run

CASES = {c.name: c for c in cases()}

PROJECT = """
apiVersion: trimtab.dev/v1alpha1
kind: Endpoint
metadata: {{name: {endpoint}}}
spec:
  model: {{name: {model}, alias: champion}}
"""


def declare(server, folder, text):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "trimtab.yaml").write_text(text)
    run(server, "apply", str(folder), "--yes")


def ping(server, endpoint, status=200, seconds=20):
    """Waits until the endpoint answers its ping with the status; returns the answer."""
    end = time.monotonic() + seconds
    while True:
        answer = ask(f"{server.url}/endpoints/{endpoint}/ping", None, None)
        if answer.status == status:
            return answer
        assert time.monotonic() < end, f"endpoint {endpoint}: {answer}"
        time.sleep(0.01)


@pytest.fixture(scope="session")
def server(databases, tmp_path_factory):
    s = Server(tmp_path_factory.mktemp("server"), databases())
    mlflow.set_tracking_uri(s.url)
    mlflow.set_registry_uri(s.url)
    yield s
    s.stop()


@pytest.fixture(scope="session")
def served(server, tmp_path_factory):
    """Every case by name: its endpoint's address, what pyfunc loads back, and MLflow's server for it."""
    client = mlflow.MlflowClient()
    mlflow.set_experiment("scoring")
    for c in CASES.values():
        c.register()
        client.set_registered_model_alias(c.name, "champion", "1")
    declare(server, tmp_path_factory.mktemp("project"), "---".join(PROJECT.format(model=c.name, endpoint=c.endpoint) for c in CASES.values()))
    out = {}
    for c in CASES.values():
        ping(server, c.endpoint)
        folder = mlflow.artifacts.download_artifacts(f"models:/{c.name}@champion", dst_path=str(tmp_path_factory.mktemp(c.name)))
        model = mlflow.pyfunc.load_model(folder)
        out[c.name] = types.SimpleNamespace(case=c, url=f"{server.url}/endpoints/{c.endpoint}", v2=f"{server.url}/v2/models/{c.endpoint}",
                                            folder=folder, model=model, peer=Peer(model))
    return out


@pytest.fixture(params=CASES)
def one(request, served):
    return served[request.param]
