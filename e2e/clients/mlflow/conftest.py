"""The server under test and a client that speaks to it."""

import os
import uuid

os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"  # a wrong 5xx fails at once instead of after minutes
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["GIT_PYTHON_REFRESH"] = "quiet"

import pytest
from tracking_server import GIVEN, serving


@pytest.fixture(scope="session")
def server(request):
    """Address of the server that the tests share."""
    if GIVEN:
        yield GIVEN
        return
    with serving(request.getfixturevalue("databases")()) as s:
        yield s.url


@pytest.fixture
def fresh_server(request):
    """Address of a server that no other test has used."""
    if GIVEN:
        yield GIVEN
        return
    with serving(request.getfixturevalue("database_url")) as s:
        yield s.url


@pytest.fixture
def unique(request):
    """A prefix for names that no other test uses."""
    return f"{request.node.name[:60]}-{uuid.uuid4().hex[:8]}".replace("/", "_").replace(":", "_")


@pytest.fixture
def client(server):
    import mlflow

    mlflow.set_tracking_uri(server)
    mlflow.set_registry_uri(server)
    yield mlflow.MlflowClient()
    while mlflow.active_run():
        mlflow.end_run()


@pytest.fixture
def experiment(client, unique):
    """An experiment of the test's own, made the active one; its id."""
    import mlflow

    return mlflow.set_experiment(f"exp-{unique}").experiment_id
