"""Trains one LightGBM model per window of every stream and stores what each of them scores on all later rows.

    python prepare.py STREAMS OUT [PATTERN]

STREAMS holds NAME.parquet files (columns: time in milliseconds, label, features; c_* are categorical codes, negative
ones missing) and streams.json: {"streams": [{"name", "file", "task": "binary" | "regression", "window_ms", "kind"}]}.
OUT/NAME/ receives meta.json, label.f64, time.i64, feat.f64 (column after column) and scores.f32 (version after version;
version i has learnt all rows before window init+i), little endian. Then:

    TRIMTAB_STREAMS=OUT go test -timeout 2h -v -run TestResearch ./lifecycle/retrain

Needs numpy, pandas, pyarrow and lightgbm (written with 4.6). Windows are halved until there are at least 26 and merged
until there are at most 64; a stream of more than 120,000 rows is thinned at random with a fixed seed.
"""

import json
import os
import re
import sys

import lightgbm as lgb
import numpy as np
import pandas as pd

PARAMS = dict(learning_rate=0.08, num_leaves=15, min_child_samples=30, feature_fraction=0.8, verbose=-1, num_threads=1,
              seed=1, deterministic=True)


def prepare(stream, source, target):
    df = pd.read_parquet(os.path.join(source, stream["file"])).sort_values("time", kind="stable")
    df = df[df.label.notna()].reset_index(drop=True)
    if len(df) > 120_000:
        df = df.iloc[np.sort(np.random.default_rng(0).choice(len(df), 120_000, replace=False))].reset_index(drop=True)
    time, label = df.time.to_numpy("int64"), df.label.to_numpy("float64")
    names = [c for c in df.columns if c not in ("time", "label")]
    x = df[names].astype("float64").to_numpy().copy()
    cats = [i for i, c in enumerate(names) if c.startswith("c_")]
    x[:, cats] = np.where(x[:, cats] < 0, np.nan, x[:, cats])

    window = int(stream["window_ms"])
    while (time[-1] - time[0]) / window < 26 and window % 2 == 0:
        window //= 2
    window *= int(np.ceil(len(np.unique(time // window)) / 64))
    ids, begins = np.unique(time // window, return_index=True)
    borders, count = [int(b) for b in begins] + [len(df)], len(ids)
    if count < 8:
        return print(stream["name"], "has too few windows")
    init = max(2, int(np.ceil(count * 0.12)))
    while borders[init] < 600 and init < count - 4:
        init += 1

    objective = "regression" if stream["task"] == "regression" else "binary"
    scores = np.zeros((count - init, len(df)), dtype="<f4")
    for i, w in enumerate(range(init, count)):
        end = borders[w]
        begin = max(0, end - 40_000)
        data = lgb.Dataset(x[begin:end], label[begin:end], categorical_feature=cats or "auto")
        model = lgb.train(PARAMS | {"objective": objective}, data, num_boost_round=80)
        scores[i, end:] = model.predict(x[end:], num_threads=1)

    os.makedirs(target, exist_ok=True)
    x.T.astype("<f8").tofile(os.path.join(target, "feat.f64"))
    label.astype("<f8").tofile(os.path.join(target, "label.f64"))
    time.astype("<i8").tofile(os.path.join(target, "time.i64"))
    scores.tofile(os.path.join(target, "scores.f32"))
    with open(os.path.join(target, "meta.json"), "w") as f:
        json.dump(dict(name=stream["name"], task=stream["task"], n=len(df), features=names, borders=borders, init=init,
                       window_ms=window, starts=[int(i) * window for i in ids], kind=stream.get("kind", "")), f)
    print(stream["name"], len(df), "rows,", count, "windows", flush=True)


def main():
    source, out = sys.argv[1:3]
    only = re.compile(sys.argv[3] if len(sys.argv) > 3 else "")
    with open(os.path.join(source, "streams.json")) as f:
        streams = json.load(f)["streams"]
    for stream in streams:
        target = os.path.join(out, stream["name"])
        if only.search(stream["name"]) and not os.path.exists(os.path.join(target, "meta.json")):
            prepare(stream, source, target)


main()
