"""Aliases that move under load, and labels in every form."""

import http.client
import json
import subprocess
import threading

import mlflow
import pandas as pd
import pytest
from conftest import declare, ping
from peer import ask
from requests_of import JSON, split
from test_refusals import X, booster, eventually, log

PROJECT = """
apiVersion: trimtab.dev/v1alpha1
kind: Endpoint
metadata: {name: labelled}
spec:
  model: {name: labelled}
  logging: {requestId: id, eventTime: at}
---
apiVersion: trimtab.dev/v1alpha1
kind: Monitor
metadata: {name: labelled}
spec:
  endpoint: labelled
  window: 1d
  labelMaturity: 1d
  performance: {task: binary, metrics: [auc]}
"""

MOVING = """
apiVersion: trimtab.dev/v1alpha1
kind: Endpoint
metadata: {name: moving}
spec:
  model: {name: moving}
"""


def test_no_request_fails_while_the_alias_moves(server, tmp_path):
    client, models = mlflow.MlflowClient(), {"1": booster(5), "2": booster(9)}
    for m in models.values():
        log("lightgbm", m, "moving")
    client.set_registered_model_alias("moving", "champion", "1")
    declare(server, tmp_path / "project", MOVING)
    ping(server, "moving")
    body = json.dumps({"dataframe_split": split(X.iloc[:8])})
    known = {json.dumps({"predictions": m.predict(X.iloc[:8]).tolist()}): v for v, m in models.items()}
    assert len(known) == 2
    done, wrong, counts = threading.Event(), [], []

    def send():
        count = {"1": 0, "2": 0}
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        while not done.is_set():
            connection.request("POST", "/endpoints/moving/invocations", body, {"Content-Type": JSON})
            answer = connection.getresponse()
            text = answer.read().decode()
            if answer.status != 200 or text not in known:
                wrong.append((answer.status, text[:300]))
                break
            count[known[text]] += 1
        counts.append(count)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for t in threads:
        t.start()
    try:
        for i in range(20):
            version = "2" if i % 2 == 0 else "1"
            client.set_registered_model_alias("moving", "champion", version)
            eventually(lambda: wrong or known[ask(f"{server.url}/endpoints/moving/invocations", JSON, body).body] == version)
    finally:
        done.set()
        for t in threads:
            t.join()
    assert not wrong and len(counts) == 4
    assert all(c["1"] > 0 and c["2"] > 0 for c in counts), counts


@pytest.fixture(scope="module")
def labelled(server, tmp_path_factory):
    """An endpoint that has answered ten rows of today, today-0 to today-9, and ten of long ago."""
    log("lightgbm", booster(), "labelled")
    mlflow.MlflowClient().set_registered_model_alias("labelled", "champion", "1")
    declare(server, tmp_path_factory.mktemp("labelled"), PROJECT)
    ping(server, "labelled")
    url = f"{server.url}/endpoints/labelled"
    now = pd.Timestamp.now(tz="UTC")
    for name, at in {"today": now, "old": now - pd.Timedelta(days=30)}.items():
        rows = X.iloc[:10].assign(id=[f"{name}-{i}" for i in range(10)], at=at.isoformat())
        answer = ask(url + "/invocations", JSON, json.dumps({"dataframe_split": split(rows)}))
        assert answer.status == 200, answer
    return url


def receipt(answer):
    assert answer.status == 200, answer
    return answer.json()


def counts(matched=0, unmatched=0, repeated=0, late=0):
    return {"matched": matched, "unmatched": unmatched, "repeated": repeated, "late": late}


def test_labels_as_json(labelled):
    url = labelled + "/labels"
    rows = [{"id": "today-0", "value": 1}, {"id": "today-1", "value": False}, {"id": "nobody", "value": 0}]
    assert receipt(ask(url, JSON, json.dumps(rows))) == counts(matched=2, unmatched=1)
    assert receipt(ask(url, JSON, json.dumps(rows))) == counts(matched=2, unmatched=1, repeated=3)
    assert receipt(ask(url, JSON, json.dumps({"ids": ["today-2", "today-3"], "values": [1, None]}))) == counts(matched=2)
    assert receipt(ask(url, JSON, json.dumps([{"id": "old-0", "value": 1}]))) == counts(matched=1, late=1)
    assert receipt(ask(url, JSON, "[]")) == counts()


def test_labels_as_csv(labelled):
    url = labelled + "/labels"
    assert receipt(ask(url, "text/csv", "id,value\ntoday-4,1\ntoday-5,0\nstranger,1\n")) == counts(matched=2, unmatched=1)
    assert receipt(ask(url, "text/csv", f"known_at,value,id\n{pd.Timestamp.now(tz='UTC').isoformat()},1,old-1\n")) == counts(matched=1, late=1)


def test_labels_as_a_file_of_curl(labelled, tmp_path):
    (tmp_path / "labels.csv").write_text("id,value\ntoday-6,1\ntoday-7,0\nold-2,1\nalien,1\n")
    (tmp_path / "labels.json").write_text('[{"id": "today-8", "value": 1}]')
    for name, expected in {"labels.csv": counts(matched=3, unmatched=1, late=1), "labels.json": counts(matched=1)}.items():
        done = subprocess.run(["curl", "-sS", "-F", f"labels=@{tmp_path / name}", labelled + "/labels"], capture_output=True, text=True)
        assert done.returncode == 0 and json.loads(done.stdout) == expected, done


def test_labels_that_are_wrong(labelled):
    url = labelled + "/labels"
    for kind, body, words in (
        (JSON, '[{"id": "today-9"}]', ["label 0", "today-9", "value"]),
        (JSON, '[{"value": 1}]', ["label 0", "id"]),
        (JSON, '[{"id": "today-9", "value": "x"}]', ["x", "number"]),
        (JSON, '[{"id": "today-9", "value": 1, "note": 1}]', ["note"]),
        (JSON, '{"ids": ["a"], "values": []}', ["1 ids", "0 values"]),
        (JSON, "{", ["JSON"]),
        ("text/csv", "id,value\ntoday-9,x\n", ["value", "x"]),
        ("text/csv", "id\ntoday-9\n", ["value"]),
        ("text/csv", "id,value,note\ntoday-9,1,1\n", ["note"]),
        ("text/csv", "id,value,known_at\ntoday-9,1,yesterday\n", ["row 0", "known_at", "yesterday"]),
        ("text/plain", "x", ["text/plain", "text/csv"]),
    ):
        answer = ask(url, kind, body)
        assert answer.status == 400 and all(w in answer.json()["message"] for w in words), f"{body}: {answer}"
    assert receipt(ask(url, JSON, '[{"id": "today-9", "value": 1}]')) == counts(matched=1), "nothing of the above was kept"
