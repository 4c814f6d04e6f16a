"""Goldens of pure/schema from MLflow. See README.md beside this file."""

import io
import json
import logging
import math
import sys
import warnings

import numpy as np
import pandas as pd

logging.disable(logging.CRITICAL)
warnings.simplefilter("ignore")

from mlflow.models import ModelSignature, infer_signature  # noqa: E402
from mlflow.models.utils import _enforce_schema  # noqa: E402
from mlflow.pyfunc.scoring_server import infer_and_parse_data, parse_csv_input  # noqa: E402
from mlflow.types import Schema  # noqa: E402
from mlflow.utils.proto_json_utils import MlflowInvalidInputException  # noqa: E402,F401

ALL = [("b", "boolean"), ("i", "integer"), ("l", "long"), ("f", "float"), ("d", "double"), ("s", "string"), ("t", "datetime")]


def columns(*pairs, optional=()):
    return json.dumps([{"type": t, "name": n, "required": n not in optional} for n, t in pairs])


def tensor(dtype, shape, name=None):
    spec = {"type": "tensor", "tensor-spec": {"dtype": dtype, "shape": shape}}
    if name:
        spec["name"] = name
    return spec


def cases():
    one = {t: columns(("x", t)) for t in ("boolean", "integer", "long", "float", "double", "string", "datetime", "binary")}
    values = {
        "int": "1", "zero": "0", "minus_zero": "-0", "minus_zero_float": "-0.0", "two": "2", "negative": "-7", "whole_float": "2.0", "fraction": "1.7",
        "exponent": "1e3", "big": "3000000000", "int64_max": "9223372036854775807", "beyond_int64": "9223372036854775808", "huge": "1e300", "beyond_double": "1e400",
        "tenth": "0.1", "digits": "0.30000000000000004441", "denormal": "5e-324", "float_denormal": "1e-45", "null": "null", "nan": "NaN", "inf": "Infinity",
        "true": "true", "false": "false", "text": '"x"', "empty": '""', "digits_text": '"12"', "float_text": '"1.5"', "blank_text": '" 7 "', "date": '"2013-03-01"',
        "time": '"2013-03-01T07:05:00.123456"', "zone": '"2013-03-01T07:05:00Z"', "base64": '"aGk="', "list": "[1]", "object": '{"a": 1}', "unicode": '"gr\\u00fc\\u00dfe \\ud83d\\ude00"',
    }
    for t, sig in one.items():
        for name, v in values.items():
            yield f"{t} {name}", sig, '{"dataframe_split": {"columns": ["x"], "data": [[%s]]}}' % v, "application/json"
    abc = columns(("a", "long"), ("b", "double"), ("c", "string"))
    opt = columns(("a", "long"), ("b", "double"), ("c", "string"), optional=("b", "c"))
    unnamed = json.dumps([{"type": "long", "required": True}, {"type": "double", "required": True}])
    matrix = json.dumps([tensor("float32", [-1, 3])])
    vectors = json.dumps([tensor("float64", [-1], "a"), tensor("int64", [-1, 1], "b")])
    bodies = [
        ("split", abc, '{"dataframe_split": {"columns": ["a", "b", "c"], "index": [5, 6], "data": [[1, 2, "x"], [3, null, null]]}}'),
        ("split reordered", abc, '{"dataframe_split": {"data": [["x", 1, 2]], "columns": ["c", "a", "b"]}}'),
        ("split extra column", abc, '{"dataframe_split": {"columns": ["a", "z", "b", "c"], "data": [[1, {"q": [1]}, 2, "x"]]}}'),
        ("split missing column", abc, '{"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2]]}}'),
        ("split no columns", abc, '{"dataframe_split": {"data": [[1, 2, "x"]]}}'),
        ("split short row", abc, '{"dataframe_split": {"columns": ["a", "b", "c"], "data": [[1, 2, "x"], [1, 2]]}}'),
        ("split long row", abc, '{"dataframe_split": {"columns": ["a", "b", "c"], "data": [[1, 2, "x", 4]]}}'),
        ("split unknown key", abc, '{"dataframe_split": {"columns": ["a", "b", "c"], "data": [[1, 2, "x"]], "q": 1}}'),
        ("split no data", abc, '{"dataframe_split": {"columns": ["a", "b", "c"]}}'),
        ("split no rows", abc, '{"dataframe_split": {"columns": ["a", "b", "c"], "data": []}}'),
        ("split flat", columns(("x", "long")), '{"dataframe_split": {"columns": ["x"], "data": [1, 2]}}'),
        ("split not an object", abc, '{"dataframe_split": [[1]]}'),
        ("split optional absent", opt, '{"dataframe_split": {"columns": ["a"], "data": [[1]]}}'),
        ("records", abc, '{"dataframe_records": [{"a": 1, "b": 2, "c": "x"}, {"c": "y", "b": 3.5, "a": 4}]}'),
        ("records gap", abc, '{"dataframe_records": [{"a": 1, "c": "x"}, {"a": 4, "b": 3.5}]}'),
        ("records gap in long", abc, '{"dataframe_records": [{"a": 1, "b": 2, "c": "x"}, {"b": 3.5, "c": "y"}]}'),
        ("records repeated key", abc, '{"dataframe_records": [{"a": 1, "a": 2, "b": 2, "c": "x"}]}'),
        ("records not a list", abc, '{"dataframe_records": {"a": 1}}'),
        ("records none", abc, '{"dataframe_records": []}'),
        ("instances records", abc, '{"instances": [{"a": 1, "b": 2, "c": "x"}, {"a": 4, "b": 3.5, "c": "y"}]}'),
        ("instances gap", abc, '{"instances": [{"a": 1, "b": 2, "c": "x"}, {"a": 4, "c": "y"}]}'),
        ("instances list for one column", columns(("x", "double")), '{"instances": [1, 2.5]}'),
        ("instances rows for names", abc, '{"instances": [[1, 2, "x"]]}'),
        ("instances and another key", abc, '{"instances": [{"a": 1, "b": 2, "c": "x"}], "q": 1}'),
        ("instances signature_name", abc, '{"instances": [{"a": 1, "b": 2, "c": "x"}], "signature_name": "s"}'),
        ("inputs columns", abc, '{"inputs": {"a": [1, 4], "b": [2, 3.5], "c": ["x", "y"]}}'),
        ("inputs lengths differ", abc, '{"inputs": {"a": [1, 4], "b": [2], "c": ["x", "y"]}}'),
        ("inputs scalars", columns(("a", "long"), ("b", "double")), '{"inputs": {"a": 1, "b": 2}}'),
        ("inputs fraction in long", columns(("a", "long")), '{"inputs": {"a": [1.7]}}'),
        ("unnamed split", unnamed, '{"dataframe_split": {"columns": ["p", "q"], "data": [[1, 2]]}}'),
        ("unnamed too few", unnamed, '{"dataframe_split": {"data": [[1]]}}'),
        ("tensor instances", matrix, '{"instances": [[1, 2, 3], [0.1, 5, 6]]}'),
        ("tensor inputs", matrix, '{"inputs": [[1, 2, 3]]}'),
        ("tensor wrong width", matrix, '{"inputs": [[1, 2]]}'),
        ("tensor too wide", matrix, '{"inputs": [[1, 2, 3, 4]]}'),
        ("tensor ragged", matrix, '{"inputs": [[1, 2, 3], [1]]}'),
        ("tensor from split", matrix, '{"dataframe_split": {"columns": ["p", "q", "r"], "data": [[1, 2, 3]]}}'),
        ("tensor vectors", vectors, '{"inputs": {"a": [1, 2], "b": [[3], [4]]}}'),
        ("none of the keys", abc, '{"x": 1}'),
        ("two of the keys", abc, '{"inputs": {"a": [1]}, "dataframe_records": []}'),
    ]
    for name, sig, body in bodies:
        yield name, sig, body, "application/json"
    untyped = [
        ("kinds", '{"dataframe_split": {"columns": ["i", "f", "n", "s", "b"], "data": [[1, 1, 1, "x", true], [2, 2.5, null, null, false]]}}'),
        ("all null", '{"dataframe_split": {"columns": ["x"], "data": [[null], [null]]}}'),
        ("bool with null", '{"dataframe_split": {"columns": ["x"], "data": [[true], [null]]}}'),
        ("number and text", '{"dataframe_split": {"columns": ["x"], "data": [[1], ["y"]]}}'),
        ("no columns", '{"dataframe_split": {"data": [[1, 2.5]]}}'),
        ("records", '{"dataframe_records": [{"a": 1}, {"b": 2}]}'),
    ]
    for name, body in untyped:
        yield "untyped " + name, None, body, "application/json"
    csvs = [
        ("plain", abc, "a,b,c\n1,2,x\n3,,\n"),
        ("words", abc, "b,c,a\nNA,NULL,1\nnan,None,2\n"),
        ("extra", abc, "a,b,c,z\n1,2,x,9\n"),
        ("missing", abc, "a,b\n1,2\n"),
        ("fraction in long", abc, "a,b,c\n1.7,2,x\n"),
        ("null in long", abc, "a,b,c\n,2,x\n"),
        ("digits as text", abc, "a,b,c\n1,2,007\n"),
        ("float", columns(("x", "float")), "x\n0.1\n1e-3\n"),
        ("boolean", columns(("x", "boolean")), "x\nTrue\nFalse\n"),
    ]
    for name, sig, body in csvs:
        yield "csv " + name, sig, body, "text/csv"


def text(v):
    if v is None or v is pd.NaT or v is pd.NA:
        return None
    if isinstance(v, (bool, np.bool_)):
        return "true" if v else "false"
    if isinstance(v, (np.integer, int)):
        return str(int(v))
    if isinstance(v, (np.floating, float)):
        return "nan" if math.isnan(v) else float(v).hex()
    if isinstance(v, (pd.Timestamp, np.datetime64)):
        return str(pd.Timestamp(v).as_unit("ns").value)
    if isinstance(v, bytes):
        return v.hex()
    if isinstance(v, str):
        return v
    return repr(v)


def outcome(sig, body, kind):
    schema = Schema.from_json(sig) if sig else None
    try:
        if kind == "text/csv":
            data = parse_csv_input(io.StringIO(body), schema=schema)
        else:
            data = infer_and_parse_data(json.loads(body), schema)
        if schema is not None:
            data = _enforce_schema(data, schema)
    except Exception as e:  # every refusal counts, whatever its class
        return {"error": str(e).splitlines()[0][:200]}
    if isinstance(data, np.ndarray):
        data = pd.DataFrame(data.reshape(len(data), -1))
    if isinstance(data, dict):
        data = pd.DataFrame({k: np.asarray(v).reshape(-1) for k, v in data.items()})
    return {"columns": [str(c) for c in data.columns],
            "types": [str(t) for t in data.dtypes],
            "rows": [[text(v) for v in row] for row in data.itertuples(index=False, name=None)]}


def signatures():
    frame = pd.DataFrame({
        "a": [1, 2], "b": [1.5, 2], "c": ["x", "y"], "d": [True, False], "e": np.array([1, 2], np.float32), "f": np.array([1, 2], np.int32),
        "g": pd.to_datetime(["2013-01-01", "2014-01-01"]), "h": [b"x", b"y"], "i": [1.0, None], "grüße \"q\" <&>": ["x", "y"], "l": [[1, 2], [3]], "o": [{"a": 1}, {"a": 2, "b": "x"}]})
    yield infer_signature(frame, np.array([0.1, 0.2]), params={"t": 0.5, "n": 3, "names": ["a"], "when": np.datetime64("2020-01-01T00:00:00"), "deep": True})
    yield infer_signature(np.zeros((3, 4), np.float32), {"x": np.zeros((3, 2))})
    yield infer_signature({"x": np.zeros((3, 2)), "y": np.zeros(3)})
    yield infer_signature(frame["a"], frame["b"])
    yield ModelSignature(inputs=Schema.from_json('[{"type": "double"}, {"type": "long"}]'))


if __name__ == "__main__":
    out = {
        "signatures": [s.to_dict() for s in signatures()],
        "cases": [{"name": n, "signature": s, "body": b, "type": t, **outcome(s, b, t)} for n, s, b, t in cases()],
    }
    json.dump(out, sys.stdout, indent=0, ensure_ascii=False)
    sys.stdout.write("\n")
