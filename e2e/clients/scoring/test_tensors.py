"""The Open Inference Protocol V2 over REST: metadata, readiness, inference by column and by matrix, errors."""

import json

import numpy as np
import pytest
from peer import ask
from requests_of import JSON, plain
from test_invocations import python_answer

DATATYPES = {"float64": "FP64", "float32": "FP32", "int64": "INT64", "int32": "INT32", "bool": "BOOL", "str": "BYTES"}


def by_column(case, rows=None):
    f = case.frame if rows is None else case.frame.iloc[rows]
    return [{"name": c, "datatype": DATATYPES[str(f[c].dtype)], "shape": [len(f), 1], "data": [plain(v) for v in f[c]]} for c in f]


def infer(s, inputs, **more):
    return ask(s.v2 + "/infer", JSON, json.dumps({"inputs": inputs} | more))


def check(answer, s, expected):
    assert answer.status == 200, answer
    body = answer.json()
    assert body["model_name"] == s.case.endpoint and body["model_version"] == "1"
    (output,) = body["outputs"]
    assert output["name"] == "prediction" and output["shape"] == list(expected.shape)
    assert output["datatype"] == {"float64": "FP64", "float32": "FP32", "int64": "INT64", "int32": "INT64"}[str(expected.dtype)]
    assert (np.array(output["data"]).reshape(expected.shape) == expected).all()


def test_one_input_for_each_column(one):
    if one.case.tensor:
        pytest.skip("a tensor signature has no columns")
    check(infer(one, by_column(one.case)), one, python_answer(one))
    check(infer(one, by_column(one.case)[::-1]), one, python_answer(one))


def test_one_matrix(one):
    f = one.case.frame
    if not one.case.tensor and len(set(map(str, f.dtypes))) > 1:
        pytest.skip("columns of several types make no matrix")
    matrix = f if one.case.tensor else f.to_numpy()
    flat = [plain(v) for v in matrix.ravel()]
    nested = [[plain(v) for v in r] for r in matrix]
    for data in (flat, nested):
        answer = infer(one, [{"name": "input-0", "datatype": DATATYPES[str(matrix.dtype)], "shape": list(matrix.shape), "data": data}], id="a1", outputs=[{"name": "prediction"}])
        check(answer, one, python_answer(one))
        assert answer.json()["id"] == "a1"


def test_metadata_and_readiness(one):
    body = ask(one.v2, None, None).json()
    assert body["name"] == one.case.endpoint and body["versions"] == ["1"] and body["platform"].startswith("trimtab_" + one.case.flavor)
    if one.case.tensor:
        assert [i["datatype"] for i in body["inputs"]] == ["FP64"] * one.case.frame.shape[1]
    elif one.case.signature is not None:
        assert [(i["name"], i["datatype"]) for i in body["inputs"]] == [(c, DATATYPES[str(one.case.frame[c].dtype)]) for c in one.case.frame]
    (output,) = body["outputs"]
    expected = python_answer(one)
    assert output["shape"] == [-1] + list(expected.shape[1:])
    assert ask(one.v2 + "/ready", None, None).json() == {"name": one.case.endpoint, "ready": True}
    assert ask(one.v2 + "/versions/1/ready", None, None).status == 200
    assert ask(one.v2 + "/versions/2/ready", None, None).status == 404


def test_server(served, server):
    assert ask(server.url + "/v2", None, None).json()["name"] == "trimtab"
    assert ask(server.url + "/v2/health/live", None, None).json() == {"live": True}
    listed = ask(server.url + "/v2/models", None, None).json()["models"]
    assert {s.case.endpoint for s in served.values()} <= set(listed)
    index = {l["name"]: l for l in ask(server.url + "/v2/repository/index", JSON, b"").json()}
    assert index["lgb-binary"]["state"] == "READY" and index["lgb-binary"]["version"] == "1"


def test_errors(served, server):
    s = served["lgb_mixed"]
    columns = by_column(s.case, slice(0, 3))

    def changed(at, **fields):
        return [c | fields if i == at else c for i, c in enumerate(columns)]

    wrong = {
        "no input": ([], ["no inputs"]),
        "a column missing": (columns[:-1], ['"flag"', "missing", "boolean"]),
        "another length": (changed(1, shape=[2], data=[1, 2]), ['"float"', "3 rows", "[2]"]),
        "text for a number": (changed(0, data=[1, "x", 2]), ['"double"', "row 1", "FP64", '"x"']),
        "a fraction for a long": (changed(2, datatype="FP64", data=[1, 1.7, 2]), ['"long"', "row 1", "long", "1.7"]),
        "null for a long": (changed(2, data=[1, None, 2]), ['"long"', "row 1", "INT64", "null"]),
        "too large": (changed(3, datatype="INT64", data=[1, 2**31, 2]), ['"integer"', "row 1", "integer", "2147483648"]),
        "too many values": (changed(0, data=[1, 2, 3, 4]), ['"double"', "3 elements"]),
        "an unknown datatype": (changed(0, datatype="FP16"), ['"double"', "FP64", '"FP16"']),
        "no shape": ([{"name": "double", "datatype": "FP64", "data": [1]}], ['"double"', "shape"]),
        "twice": (columns + columns[:1], ['"double"', "two inputs"]),
        "three dimensions": (changed(0, shape=[3, 1, 1]), ['"double"', "shape", "[3, 1, 1]"]),
    }
    for name, (inputs, words) in wrong.items():
        answer = infer(s, inputs)
        assert answer.status == 400 and set(answer.json()) == {"error"}, f"{name}: {answer}"
        assert all(w in answer.json()["error"] for w in words), f"{name}: {answer}"
    assert infer(s, columns, outputs=[{"name": "other"}]).status == 400
    assert ask(s.v2 + "/infer", JSON, "{").status == 400
    unknown = ask(f"{server.url}/v2/models/nothing/infer", JSON, json.dumps({"inputs": columns}))
    assert unknown.status == 404 and "nothing" in unknown.json()["error"]
    assert ask(s.v2 + "/versions/7/infer", JSON, json.dumps({"inputs": columns})).status == 404
