"""POST /endpoints/NAME/invocations beside MLflow's own scoring server and pyfunc, to the last bit and byte."""

import json

import numpy as np
import pytest
import xgboost as xgb
from differences import DIFFERENCES, explained
from peer import ask
from requests_of import good, wrong

MET = set()


def python_answer(s):
    """What Python answers to the rows of the case: pyfunc, or the library where MLflow cannot."""
    if s.case.categories:
        rows = s.case.categorical()
        return s.case.trained.predict(xgb.DMatrix(rows, enable_categorical=True) if isinstance(s.case.trained, xgb.Booster) else rows)
    return np.asarray(s.model.predict(s.case.frame))


def same(ours, theirs):
    return ours.status == theirs.status and (ours.status != 200 or ours.body == theirs.body)


def compare(s, name, ours, theirs):
    """Fails unless both answer the same, or a listed difference covers it."""
    if same(ours, theirs):
        return
    d = explained(s.case.name, name, ours.status, theirs.status)
    assert d, f"{s.case.name}, {name}:\n  ours   {ours}\n  theirs {theirs.status} {theirs.body[:500]}"
    MET.add(d)


def test_answers_are_python_s_to_the_bit(one):
    expected = python_answer(one)
    for name, kind, body in good(one.case):
        if len(expected) != count(one.case, name):
            continue
        answer = ask(one.url + "/invocations", kind, body)
        assert answer.status == 200, f"{name}: {answer}"
        got = np.array(answer.json()["predictions"], dtype=expected.dtype)
        assert got.shape == expected.shape and (got == expected).all(), name
        # Parsed as doubles they are the same numbers, too: no digit is missing.
        assert (np.array(answer.json()["predictions"]) == expected.astype("float64")).all(), name


def count(case, name):
    """The rows of those requests that hold all of them."""
    return len(case.frame) if name in ("split", "records", "csv of 17 digits", "missing values") else -1


def test_good_requests_are_answered_as_by_mlflow(one):
    for name, kind, body in good(one.case):
        ours = ask(one.url + "/invocations", kind, body)
        assert ours.status == 200, f"{name}: {ours}"
        compare(one, name, ours, one.peer.ask(kind, body))


def test_order_of_columns_and_form_do_not_matter(one):
    if one.case.tensor:
        pytest.skip("a tensor has no names")
    answers = {name: ask(one.url + "/invocations", kind, body).json()["predictions"] for name, kind, body in good(one.case)}
    full = answers["split"]
    for name, a in answers.items():
        if name not in ("instances", "inputs"):  # those have other rows
            assert a == full[: len(a)], name


def test_bad_requests_are_refused_as_by_mlflow_but_say_where(one):
    for name, kind, body, column, row in wrong(one.case):
        ours, theirs = ask(one.url + "/invocations", kind, body), one.peer.ask(kind, body)
        compare(one, name, ours, theirs)
        assert ours.status in (200, 400, 415), f"{name}: {ours}"
        if ours.status != 400:
            continue
        error = ours.json()
        assert error["error_code"] == "BAD_REQUEST" and set(error) == {"error_code", "message"}, error
        message = error["message"]
        if one.case.signature is None and (kind.startswith("text/csv") or row is None):
            continue  # nobody declared what to expect
        assert "expected" in message or message.startswith("invalid JSON at byte "), f"{name}: {message}"
        if column is not None:
            assert json.dumps(column, ensure_ascii=False) in message, f"{name}: {message}"
        if row is not None:
            assert f"row {row}" in message and "got" in message, f"{name}: {message}"


def test_one_mistake_is_one_problem(served):
    """What is wrong with the form is not followed by columns that are missing because of it."""
    s = served["lgb_mixed"]
    for name, kind, body, *_ in wrong(s.case):
        if name in ("unknown key in split", "no data", "split is a list", "instances are rows", "column twice"):
            message = ask(s.url + "/invocations", kind, body).json()["message"]
            assert "\n" not in message and "missing" not in message, f"{name}: {message}"


def test_ping_health_and_version(one):
    for path in ("/ping", "/health"):
        answer = ask(one.url + path, None, None)
        assert answer == (200, "\n")
    assert ask(one.url + "/version", None, None).status == 200


def test_every_listed_difference_is_met(request, served):
    if len(request.session.items) < len(served) * 4:
        pytest.skip("only a part of the suite runs")
    assert not [d for d in DIFFERENCES if d not in MET], "these no longer differ"
