"""Requests to a model, made of the rows that it is asked: good ones in every form, and every way to be wrong."""

import json

import numpy as np

JSON, CSV = "application/json", "text/csv"


def plain(v):
    """A value as a client writes it into JSON: a missing number is null."""
    if isinstance(v, float | np.floating) and np.isnan(v):
        return None
    return v.item() if isinstance(v, np.generic) else v


def rows(frame):
    return [[plain(v) for v in row] for row in frame.itertuples(index=False)]


def split(frame, **more):
    return {"columns": list(frame.columns), "data": rows(frame)} | more


def records(frame):
    return [dict(zip(frame.columns, row)) for row in rows(frame)]


def text(v):
    return json.dumps(v)


def good(c):
    """Yields (name, content type, body) that must be answered."""
    if c.tensor:
        matrix = np.nan_to_num(c.frame).tolist()
        yield "inputs", JSON, text({"inputs": matrix})
        yield "instances", JSON, text({"instances": matrix[:3]})
        yield "one row", JSON, text({"inputs": matrix[:1]})
        yield "missing values", JSON, text({"inputs": c.frame.tolist()})  # the token NaN
        return
    f, some = c.frame, c.frame.iloc[:5]
    whole = f.dropna().iloc[:4]
    yield "split", JSON, text({"dataframe_split": split(f)})
    yield "split with index", JSON, text({"dataframe_split": split(some, index=list("abcde"))})
    yield "charset", JSON + "; charset=UTF-8", text({"dataframe_split": split(some)})
    yield "split shuffled", JSON, text({"dataframe_split": split(some.iloc[:, ::-1])})
    yield "split with an extra column", JSON, text({"dataframe_split": split(some.assign(note="x"))})
    yield "records", JSON, text({"dataframe_records": records(f)})
    yield "records shuffled", JSON, text({"dataframe_records": [dict(sorted(r.items(), reverse=i % 2 == 1)) for i, r in enumerate(records(some))]})
    yield "records with an extra column", JSON, text({"dataframe_records": records(some.assign(note=1.5, other="x"))})
    yield "instances", JSON, text({"instances": records(whole)})
    yield "inputs", JSON, text({"inputs": {k: [plain(v) for v in whole[k]] for k in whole}})
    yield "one row", JSON, text({"dataframe_split": split(f.iloc[:1])})
    yield "params", JSON, text({"dataframe_split": split(some), "params": {"unknown": 1}})
    yield "the token NaN", JSON, text({"dataframe_split": {"columns": list(f.columns), "data": [[v.item() if hasattr(v, "item") else v for v in r] for r in some.itertuples(index=False)]}})
    yield "unknown key", JSON, text({"dataframe_split": split(some), "note": 1})
    yield "repeated key", JSON, '{"dataframe_split": 1, ' + text({"dataframe_split": split(some)})[1:]
    yield "csv", CSV, f.to_csv(index=False)
    yield "csv with charset", CSV + "; charset=utf-8", some.to_csv(index=False)
    yield "csv shuffled", CSV, some.iloc[:, ::-1].to_csv(index=False)
    yield "csv with an extra column", CSV, some.assign(note="x, y").to_csv(index=False)
    yield "csv of 17 digits", CSV, f.to_csv(index=False, float_format="%.17g")


def wrong(c):
    """Yields (name, content type, body, column, row) of requests at the edge or beyond; column and row are where it is wrong."""
    if c.tensor:
        matrix = np.nan_to_num(c.frame[:3]).tolist()
        yield "too narrow", JSON, text({"inputs": [r[:2] for r in matrix]}), None, None
        yield "too wide", JSON, text({"inputs": [r + [1.0] for r in matrix]}), None, None
        yield "ragged", JSON, text({"inputs": [matrix[0], matrix[1][:2]]}), None, 1
        yield "text", JSON, text({"inputs": [matrix[0], [1.0, "x", 2.0]]}), "1", 1
        yield "empty", JSON, text({"inputs": []}), None, None
        yield "a frame", JSON, text({"dataframe_split": {"columns": ["0", "1", "2"], "data": matrix}}), None, None
        yield "flat", JSON, text({"inputs": matrix[0]}), None, None
        return
    f = c.frame
    some = f.iloc[:3]
    types = {}
    for k in f:
        types.setdefault(str(f[k].dtype), k)

    def put(column, value, row=1):
        s = split(some)
        s["data"][row][list(f.columns).index(column)] = value
        return s

    last = f.columns[-1]
    yield "no last column", JSON, text({"dataframe_split": split(some.drop(columns=last))}), last, None
    yield "no last column in records", JSON, text({"dataframe_records": records(some.drop(columns=last))}), last, None
    yield "no last column in csv", CSV, some.drop(columns=last).to_csv(index=False), last, None
    yield "only unknown columns", JSON, text({"dataframe_split": {"columns": ["a"], "data": [[1]]}}), f.columns[0], None
    yield "one unknown name", JSON, text({"dataframe_split": split(some.rename(columns={last: "unknown"}))}), last, None
    values = {"text": "x", "spelt number": "3", "spelt fraction": "1.5", "empty text": "", "null": None, "true": True, "whole": 7, "zero": 0, "fraction": 1.7, "whole fraction": 2.0,
              "2**53+1": 2**53 + 1, "2**31": 2**31, "2**63": 2**63, "10**30": 10**30, "list": [1], "object": {"a": 1}}
    for dtype, column in types.items():
        for name, value in values.items():
            yield f"{name} into {dtype}", JSON, text({"dataframe_split": put(column, value)}), column, 1
        for name, token in {"1e400": "1e400", "-1e400": "-1e400", "Infinity": "Infinity", "NaN": "NaN", "-0": "-0", "1e39": "1e39", "5e-324": "5e-324"}.items():
            yield f"{name} into {dtype}", JSON, text({"dataframe_split": put(column, "@")}).replace('"@"', token), column, 1
        for name, field in {"text": "x", "nothing": "", "fraction": "1.7", "true": "True", "10**30": str(10**30), "inf": "inf", "hex": "0x1p3"}.items():
            lines = some.astype(object)
            lines.loc[1, column] = field
            yield f"csv: {name} into {dtype}", CSV, lines.to_csv(index=False), column, 1
        yield f"all null into {dtype}", JSON, text({"dataframe_split": split(some.assign(**{column: None}))}), column, 0
        yield f"a key absent of {dtype}", JSON, text({"dataframe_records": [r if i != 1 else {k: v for k, v in r.items() if k != column} for i, r in enumerate(records(some))]}), column, 1
    if "carrier" in f:
        yield "unknown category", JSON, text({"dataframe_split": put("carrier", "ZZ" if str(f["carrier"].dtype) == "str" else 99)}), "carrier", 1
    head = split(some)
    yield "empty frame", JSON, text({"dataframe_split": split(f.iloc[:0])}), None, None
    yield "empty frame without columns", JSON, text({"dataframe_split": {"columns": [], "data": []}}), None, None
    yield "empty records", JSON, text({"dataframe_records": []}), None, None
    yield "empty csv", CSV, f.iloc[:0].to_csv(index=False), None, None
    yield "csv without a byte", CSV, "", None, None
    yield "no columns named", JSON, text({"dataframe_split": {"data": head["data"]}}), None, None
    yield "column twice", JSON, text({"dataframe_split": {"columns": head["columns"] + [last], "data": [r + [1] for r in head["data"]]}}), last, None
    yield "short row", JSON, text({"dataframe_split": dict(head, data=[head["data"][0], head["data"][1][:-1]])}), None, 1
    yield "long row", JSON, text({"dataframe_split": dict(head, data=[head["data"][0], head["data"][1] + [1]])}), None, 1
    yield "unknown key in split", JSON, text({"dataframe_split": dict(head, note=1)}), None, None
    yield "no data", JSON, text({"dataframe_split": {"columns": head["columns"]}}), None, None
    yield "split is a list", JSON, text({"dataframe_split": [1]}), None, None
    yield "records are an object", JSON, text({"dataframe_records": {"a": 1}}), None, None
    yield "a record is a number", JSON, text({"dataframe_records": [records(some)[0], 5]}), None, 1
    yield "instances are rows", JSON, text({"instances": head["data"]}), None, None
    yield "inputs of two lengths", JSON, text({"inputs": {k: [plain(v) for v in some[k]][: 3 if k != last else 2] for k in some}}), last, None
    yield "two formats", JSON, text({"dataframe_split": head, "inputs": []}), None, None
    yield "no format", JSON, text({"data": head}), None, None
    yield "language model", JSON, text({"messages": []}), None, None
    yield "a list", JSON, text([1, 2]), None, None
    yield "a number", JSON, "1", None, None
    yield "parquet", "application/vnd.apache.parquet", f.to_parquet(), None, None
    yield "cut off", JSON, text({"dataframe_split": head})[:-5], None, None
    yield "no body", JSON, "", None, None
    yield "not UTF-8", JSON, b'{"dataframe_split": "\xff"}', None, None
    yield "unknown content type", "text/plain", "x", None, None
    yield "another charset", JSON + "; charset=latin1", "{}", None, None
    yield "unknown parameter", JSON + "; x=y", "{}", None, None
