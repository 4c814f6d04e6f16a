"""Parquet goldens of pure/table, and a reader for what pure/table writes. See README.md beside this file."""

import datetime
import json
import math
import os
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq


def kind(t):
    """The column type of pure/table for an Arrow type."""
    if pa.types.is_dictionary(t):
        t = t.value_type
    if pa.types.is_boolean(t):
        return "bool"
    if t in (pa.int8(), pa.int16(), pa.int32(), pa.uint8(), pa.uint16()):
        return "int32"
    if t in (pa.int64(), pa.uint32(), pa.uint64()):
        return "int64"
    if t in (pa.float16(), pa.float32()):
        return "float32"
    if t in (pa.float64(), pa.null()):
        return "float64"
    if pa.types.is_string(t) or pa.types.is_large_string(t) or pa.types.is_string_view(t):
        return "string"
    if pa.types.is_binary(t) or pa.types.is_large_binary(t) or pa.types.is_fixed_size_binary(t):
        return "bytes"
    if pa.types.is_timestamp(t) or pa.types.is_date(t):
        return "datetime"
    raise ValueError(f"no column type for {t}")


def text(column, name):
    t = column.type
    if pa.types.is_dictionary(t):
        column = column.cast(t.value_type)
    if name == "datetime":
        if pa.types.is_date(t):
            column = column.cast(pa.timestamp("s"))
        values = column.cast(pa.timestamp("ns", tz=getattr(column.type, "tz", None))).cast(pa.int64()).to_pylist()
        return [None if v is None else str(v) for v in values]
    out = []
    for v in column.to_pylist():
        if v is None:
            out.append(None)
        elif name in ("float32", "float64"):
            out.append(float(v).hex())
        elif name == "bytes":
            out.append(v.hex())
        elif name == "bool":
            out.append("true" if v else "false")
        else:
            out.append(str(v))
    return out


def dump(table):
    fields = [[f.name, kind(f.type)] for f in table.schema]
    columns = [text(table.column(i).combine_chunks(), f[1]) for i, f in enumerate(fields)]
    return {"fields": fields, "rows": [list(r) for r in zip(*columns)]}


def arrow_types():
    """Every Arrow type that pure/table reads, with nulls, extremes and ordinary values."""
    far = [datetime.datetime(1677, 9, 22), datetime.datetime(2262, 4, 11), None, datetime.datetime(1969, 12, 31, 23, 59, 59, 999000)]
    near = [datetime.datetime(2013, 3, 1, 7, 5), datetime.datetime(1970, 1, 1), None, datetime.datetime(2024, 2, 29, 12, 0, 0, 123000)]
    columns = {
        "bool": pa.array([True, False, None, True]),
        "int8": pa.array([-128, 127, None, 0], pa.int8()),
        "int16": pa.array([-32768, 32767, None, 0], pa.int16()),
        "int32": pa.array([-(2**31), 2**31 - 1, None, 0], pa.int32()),
        "int64": pa.array([-(2**63), 2**63 - 1, None, 0], pa.int64()),
        "uint8": pa.array([0, 255, None, 1], pa.uint8()),
        "uint16": pa.array([0, 65535, None, 1], pa.uint16()),
        "uint32": pa.array([0, 2**32 - 1, None, 1], pa.uint32()),
        "uint64": pa.array([0, 2**63 - 1, None, 1], pa.uint64()),
        "float16": pa.array(np.array([1.5, -65504, 6e-8, -0.0], np.float16)),
        "float32": pa.array([1e-45, 3.4028234663852886e38, None, -0.0], pa.float32()),
        "float64": pa.array([5e-324, 1.7976931348623157e308, None, -0.0], pa.float64()),
        "special": pa.array([math.nan, math.inf, -math.inf, 0.1], pa.float64()),
        "string": pa.array(["", "grüße ✓", None, 'a,"b"\n'], pa.string()),
        "large_string": pa.array(["x", "y" * 300, None, "x"], pa.large_string()),
        "binary": pa.array([b"", b"\x00\xff", None, b"abc"], pa.binary()),
        "fixed": pa.array([b"abcd", b"\x00\x01\x02\x03", None, b"zzzz"], pa.binary(4)),
        "s": pa.array(near, pa.timestamp("s")),
        "ms": pa.array(near, pa.timestamp("ms")),
        "us": pa.array(far, pa.timestamp("us")),
        "ns": pa.array(near, pa.timestamp("ns")),
        "ms_utc": pa.array(near, pa.timestamp("ms", tz="UTC")),
        "us_zone": pa.array(near, pa.timestamp("us", tz="America/New_York")),
        "ns_utc": pa.array(near, pa.timestamp("ns", tz="UTC")),
        "date32": pa.array([datetime.date(2013, 3, 1), datetime.date(1678, 1, 1), None, datetime.date(1969, 12, 31)], pa.date32()),
        "date64": pa.array([datetime.date(2013, 3, 1), datetime.date(1678, 1, 1), None, datetime.date(1969, 12, 31)], pa.date64()),
        "category": pa.array(["JFK", "LGA", None, "JFK"]).dictionary_encode(),
        "nothing": pa.nulls(4),
    }
    return pa.table(columns)


def pandas_frame():
    """What pandas writes by default, long enough for several pages and row groups."""
    rng = np.random.default_rng(1)
    n = 1200
    return pd.DataFrame({
        "carrier": rng.choice(["UA", "AA", "B6", "DL"], n),
        "distance": rng.integers(80, 5000, n),
        "delay": np.where(rng.random(n) < 0.1, np.nan, rng.normal(10, 40, n)),
        "temp32": rng.normal(50, 10, n).astype(np.float32),
        "late": rng.random(n) < 0.2,
        "origin": pd.Categorical(rng.choice(["JFK", "LGA", "EWR"], n)),
        "seats": pd.array(np.where(rng.random(n) < 0.2, None, rng.integers(50, 400, n)), dtype="Int64"),
        "scheduled": pd.date_range("2013-01-01 05:15", periods=n, freq="7min"),
        "known": pd.date_range("2013-01-01 05:15", periods=n, freq="61s", tz="UTC").as_unit("us"),
    })


def write(folder):
    files = {}
    everything = arrow_types()
    for codec in ("snappy", "zstd", "gzip", "none"):
        files[f"arrow_{codec}"] = (everything, dict(compression=codec))
    files["arrow_v1_nodict"] = (everything, dict(version="1.0", use_dictionary=False, data_page_version="1.0"))
    files["arrow_page2"] = (everything, dict(data_page_version="2.0"))
    files["int96"] = (everything.select(["ms", "us", "ns", "ns_utc"]), dict(use_deprecated_int96_timestamps=True))
    frame = pa.Table.from_pandas(pandas_frame(), preserve_index=False)
    files["pandas_groups"] = (frame, dict(row_group_size=500, data_page_size=1000))
    files["empty"] = (frame.slice(0, 0), {})
    os.makedirs(folder, exist_ok=True)
    for name, (table, options) in files.items():
        path = os.path.join(folder, name + ".parquet")
        pq.write_table(table, path, **options)
        with open(os.path.join(folder, name + ".json"), "w") as out:
            json.dump(dump(pq.read_table(path)), out, separators=(",", ":"))
            out.write("\n")
    # What must be refused by name.
    refused = {
        "refuse_list": pa.array([[1, 2], None]),
        "refuse_struct": pa.array([{"a": 1}, None]),
        "refuse_decimal": pa.array([1, 2]).cast(pa.decimal128(22, 2)),
        "refuse_time": pa.array([datetime.time(1, 2), None]),
    }
    for name, column in refused.items():
        pq.write_table(pa.table({"good": [1, 2], "bad": column}), os.path.join(folder, name + ".parquet"))
    pq.write_table(pa.table({"good": [1, 2], "bad": pa.array([1, 2**64 - 1], pa.uint64())}), os.path.join(folder, "range_uint64.parquet"))
    pq.write_table(pa.table({"good": [1, 2], "bad": pa.array([datetime.datetime(2020, 1, 1), datetime.datetime(2263, 1, 1)], pa.timestamp("us"))}),
                   os.path.join(folder, "range_time.parquet"))


def csv(path):
    frame = pd.read_csv(path, keep_default_na=False, na_values=[""], float_precision="round_trip")
    return dump(pa.Table.from_pandas(frame, preserve_index=False))


if __name__ == "__main__":
    verb, target = sys.argv[1:]
    if verb == "write":
        write(target)
    elif verb == "dump":
        json.dump(dump(pq.read_table(target)), sys.stdout)
    elif verb == "csv":
        json.dump(csv(target), sys.stdout)
    else:
        sys.exit(f"generate.py: no verb {verb!r}; expected write, dump or csv")
