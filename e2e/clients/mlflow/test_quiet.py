"""What this server does not serve keeps quiet: tracing and prompts neither slow nor fail a user's script."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request

import mlflow
import pytest
from tracking_server import GIVEN

MAJOR = int(mlflow.__version__.split(".")[0])

# The client's retries take minutes, so this tells them apart on the busiest machine.
PATIENCE = 20  # seconds

TRACED = """
import json, logging, sys, time
import mlflow
begin = time.time()
mlflow.set_tracking_uri(sys.argv[1])
mlflow.set_experiment(sys.argv[2])

@mlflow.trace
def inner(x):
    return x + 1

@mlflow.trace(name="outer", attributes={"k": "v"})
def outer(x):
    with mlflow.start_span("manual") as span:
        span.set_inputs({"x": x})
        return inner(x) * 2

with mlflow.start_run() as run:
    for i in range(20):
        assert outer(i) == (i + 1) * 2
    mlflow.log_metric("m", 1)
try:
    mlflow.search_traces(experiment_ids=[run.info.experiment_id])
    searched = "answered"
except Exception as e:
    searched = type(e).__name__
print(json.dumps({"run": run.info.run_id, "searched": searched, "begin": begin}))
"""


def script(text, *args):
    """Runs a user's script with the client's own settings, retries included; returns what it prints and its seconds."""
    env = {k: v for k, v in os.environ.items() if k != "MLFLOW_HTTP_REQUEST_MAX_RETRIES"}
    done = subprocess.run([sys.executable, "-c", text, *args], env=env, capture_output=True, text=True, timeout=120)
    end = time.time()
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout.strip().splitlines()[-1])
    return printed, end - printed["begin"], done.stderr


def test_traced_script(client, server, unique):
    printed, seconds, errors = script(TRACED, server, unique)
    assert seconds < PATIENCE, f"the script took {seconds:.1f} s after its imports\n{errors}"
    run = client.get_run(printed["run"])
    assert (run.info.status, run.data.metrics) == ("FINISHED", {"m": 1.0})


PLAIN = """
import json, sys, time
import mlflow
import numpy as np
from sklearn.linear_model import LinearRegression
begin = time.time()
mlflow.set_tracking_uri(sys.argv[1])
mlflow.set_experiment(sys.argv[2])
x = np.arange(6.0).reshape(3, 2)
model = LinearRegression().fit(x, x.sum(axis=1))
with mlflow.start_run() as run:
    mlflow.log_param("p", 1)
    mlflow.log_metric("m", 1)
    where = {"name": "model"} if mlflow.__version__ >= "3" else {"artifact_path": "model"}
    signature = mlflow.models.infer_signature(x, model.predict(x))
    mlflow.sklearn.log_model(model, signature=signature, registered_model_name=sys.argv[2], pip_requirements=["scikit-learn"], **where)
mlflow.pyfunc.load_model(f"models:/{sys.argv[2]}/1").predict(x)
print(json.dumps({"run": run.info.run_id, "begin": begin}))
"""


def test_plain_script_hears_nothing(client, server, unique):
    printed, seconds, errors = script(PLAIN, server, unique)
    assert seconds < PATIENCE, errors
    assert client.get_run(printed["run"]).info.status == "FINISHED"
    assert not any(word in errors for word in ("NOT_FOUND", "404", "Failed to send", "Traceback")), errors


@pytest.mark.skipif(bool(GIVEN), reason="MLflow's own server serves these, or answers with pages")
@pytest.mark.parametrize(
    "method, path",
    [
        ("POST", "/api/3.0/mlflow/traces"),
        ("POST", "/api/3.0/mlflow/traces/search"),
        ("GET", "/api/2.0/mlflow/traces"),
        ("POST", "/v1/traces"),
        ("GET", "/api/2.0/mlflow/webhooks"),
        ("GET", "/api/3.0/mlflow/workspaces"),
        ("POST", "/api/3.0/mlflow/datasets/search"),
        ("GET", "/api/3.0/mlflow/scorers/list"),
        ("GET", "/ajax-api/3.0/mlflow/gateway/endpoints/list"),
        ("POST", "/graphql"),
        ("GET", "/api/2.0/mlflow/nobody/knows"),
    ],
)
def test_absent_routes_answer_at_once(server, method, path):
    request = urllib.request.Request(server + path, method=method, data=b"{}" if method == "POST" else None, headers={"Content-Type": "application/json"})
    begin = time.monotonic()
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(request, timeout=10)
    assert time.monotonic() - begin < 1
    assert error.value.code == 404 and error.value.headers.get_content_type() == "application/json"
    assert json.loads(error.value.read())["error_code"] == "ENDPOINT_NOT_FOUND"


def test_prompts_stay_out_of_the_models(client, unique):
    """A prompt is a registered model with a tag; it is found when asked for and hidden otherwise."""
    store = client._get_registry_client().store
    from mlflow.entities.model_registry import RegisteredModelTag

    store.create_registered_model(f"{unique}-prompt", tags=[RegisteredModelTag("mlflow.prompt.is_prompt", "true")])
    store.create_registered_model(f"{unique}-model")
    found = lambda f: [m.name for m in store.search_registered_models(f)]
    assert found(f"name LIKE '{unique}%'") == [f"{unique}-model"]
    assert found(f"name LIKE '{unique}%' AND tags.`mlflow.prompt.is_prompt` = 'true'") == [f"{unique}-prompt"]


@pytest.mark.skipif(MAJOR < 3, reason="this client has no mlflow.genai")
def test_prompt_script(client, server, unique):
    text = """
import json, sys, time
import mlflow
begin = time.time()
mlflow.set_tracking_uri(sys.argv[1])
mlflow.set_experiment(sys.argv[2])
with mlflow.start_run() as run:
    try:
        mlflow.genai.register_prompt(name=sys.argv[2], template="Hello {{name}}")
        outcome = mlflow.genai.load_prompt(sys.argv[2], version=1).format(name="Ann")
    except mlflow.exceptions.MlflowException as e:
        outcome = e.error_code
    mlflow.log_metric("m", 1)
print(json.dumps({"run": run.info.run_id, "outcome": outcome, "begin": begin}))
"""
    printed, seconds, errors = script(text, server, unique)
    assert seconds < PATIENCE, errors
    assert printed["outcome"] in ("Hello Ann", "ENDPOINT_NOT_FOUND"), errors
    assert client.get_run(printed["run"]).info.status == "FINISHED"
