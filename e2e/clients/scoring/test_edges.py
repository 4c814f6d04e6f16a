"""MLflow's scoring client, other outputs of a model, parameters, and numbers that JSON cannot hold."""

import json

import mlflow
import numpy as np
import pytest
import xgboost as xgb
from conftest import declare, ping
from mlflow.models import infer_signature
from mlflow.pyfunc.scoring_server.client import ScoringServerClient
from peer import Peer, ask
from requests_of import JSON, split
from test_invocations import python_answer
from test_refusals import eventually

SPEC = """
apiVersion: trimtab.dev/v1alpha1
kind: Endpoint
metadata: {{name: {endpoint}}}
spec:
  model: {{name: {model}, alias: champion, output: {output}}}
"""


def test_the_client_of_mlflow(one, server):
    if one.case.tensor:
        pytest.skip("it sends a frame")
    client = ScoringServerClient("127.0.0.1", f"{server.port}/endpoints/{one.case.endpoint}")
    client.wait_server_ready(timeout=5)
    assert client.get_version() == mlflow.__version__
    expected = python_answer(one)
    got = client.invoke(one.case.frame).get_predictions().to_numpy()
    assert (got == expected.reshape(got.shape)).all()


OUTPUTS = {
    ("lgb_multiclass", "margin"): lambda c: c.trained.predict(c.frame, raw_score=True),
    ("lgb_binary", "proba"): lambda c: c.trained.predict(c.frame),
    ("xgb_classifier", "margin"): lambda c: c.trained.predict(c.frame, output_margin=True),
    ("xgb_classifier", "proba"): lambda c: c.trained.predict_proba(c.frame),
    ("xgb_classes", "proba"): lambda c: c.trained.predict_proba(c.frame),
    ("xgb_poisson", "margin"): lambda c: c.trained.predict(xgb.DMatrix(c.frame), output_margin=True),
}


@pytest.mark.parametrize("model, output", OUTPUTS)
def test_other_outputs(served, server, tmp_path, model, output):
    endpoint = f"{served[model].case.endpoint}-{output}"
    declare(server, tmp_path, SPEC.format(endpoint=endpoint, model=model, output=output))
    ping(server, endpoint)
    case = served[model].case
    expected = OUTPUTS[model, output](case)
    answer = ask(f"{server.url}/endpoints/{endpoint}/invocations", JSON, json.dumps({"dataframe_split": split(case.frame)}))
    got = np.array(answer.json()["predictions"])
    assert got.shape == expected.shape and (got == expected.astype("float64")).all()


def test_an_output_that_the_model_has_not(served, server, tmp_path):
    declare(server, tmp_path, SPEC.format(endpoint="no-proba", model="lgb_regression", output="proba"))
    eventually(lambda: "no probabilities" in ping(server, "no-proba", 503).json()["message"])


def test_an_infinite_answer_is_an_error_and_no_token_that_is_not_json(server, tmp_path):
    x = np.array([[0.0], [1.0]])
    booster = xgb.train({"objective": "count:poisson", "nthread": 1, "base_score": 1.0, "min_child_weight": 0, "lambda": 0, "max_delta_step": 0, "eta": 1e4},
                        xgb.DMatrix(x, np.array([0.0, 50.0])), 1)
    with mlflow.start_run():
        mlflow.xgboost.log_model(booster, name="model", signature=infer_signature(x), registered_model_name="infinite", pip_requirements=["xgboost==3.2.0"])
    mlflow.MlflowClient().set_registered_model_alias("infinite", "champion", "1")
    declare(server, tmp_path, SPEC.format(endpoint="infinite", model="infinite", output="predict"))
    ping(server, "infinite")
    body = json.dumps({"inputs": x.tolist()})
    theirs = Peer(mlflow.pyfunc.load_model("models:/infinite@champion")).ask(JSON, body)
    assert theirs.status == 200 and "Infinity" in theirs.body, theirs
    for path in ("endpoints/infinite/invocations", "v2/models/infinite/infer"):
        request = body if "endpoints" in path else json.dumps({"inputs": [{"name": "x", "datatype": "FP64", "shape": [2, 1], "data": [0, 1]}]})
        answer = ask(f"{server.url}/{path}", JSON, request)
        assert answer.status == 400 and "row 1" in answer.body and "inf" in answer.body.lower(), answer


def test_a_large_request_and_one_over_the_limit(served):
    s = served["lgb_mixed"]
    many = s.case.frame.iloc[np.arange(10_000) % len(s.case.frame)].reset_index(drop=True)
    answer = ask(s.url + "/invocations", JSON, json.dumps({"dataframe_split": split(many)}))
    assert answer.status == 200 and (np.array(answer.json()["predictions"]) == s.model.predict(many)).all()
    more = json.dumps({"dataframe_split": split(many.iloc[np.arange(10_001) % len(many)])})
    answer = ask(s.url + "/invocations", JSON, more)
    assert answer.status == 400 and "10001 rows" in answer.json()["message"] and "10000" in answer.json()["message"], answer
    answer = ask(s.url + "/invocations", JSON, b" " * (10 << 20) + b"{}")
    assert answer.status == 413, answer
