"""Makes golden model files with the rows they are asked and the bits they answer.

    python generate.py --family xgboost|lightgbm --out FOLDER [--rows 10000] [--only MODEL]

Runs under whatever version of the library is installed and writes into FOLDER:

    rows.gz       the rows, shared by all models: uint32 rows, uint32 columns, then per column a
                  pool (uint32 length, float64 values), then per column one uint16 pool index per row
    NAME.model.gz the model file as the library saved it
    NAME.out.gz   margins of all rows, then transformed outputs, raw little-endian
    cases.json    one entry per model: name, format, library version, widths, and frame cases

Rows are hostile on purpose: NaN, infinities, denormals, -0.0, unseen and broken category codes, and
values on, one float32 step and one float64 step beside the split thresholds of every model.
"""
import argparse
import gzip
import json
import os
import struct
import sys
import tempfile
import warnings

import numpy as np

warnings.filterwarnings("ignore")

COLUMNS = 6
CATEGORIES = (6, 80)
ONLY = []


def put(path, data):
    """Writes data gzipped, with no time stamp, so that equal content gives equal bytes."""
    with open(path, "wb") as f, gzip.GzipFile(filename="", mode="wb", fileobj=f, compresslevel=9, mtime=0) as z:
        z.write(data)


def training(rng, n=3000):
    x = np.empty((n, COLUMNS))
    x[:, 0] = rng.normal(size=n)
    x[:, 1] = np.exp(rng.normal(size=n) * 2)
    x[:, 2] = rng.poisson(1.0, size=n)
    x[:, 3] = rng.normal(size=n) * 1e-3
    x[:, 4] = rng.integers(0, CATEGORIES[0], size=n)
    x[:, 5] = np.minimum(rng.geometric(0.04, size=n) - 1, CATEGORIES[1] - 1)
    effect = rng.normal(size=CATEGORIES[1])
    score = (
        x[:, 0]
        + np.sin(3 * x[:, 0])
        - 0.4 * np.log(x[:, 1])
        + 0.5 * (x[:, 2] == 0)
        + 300 * x[:, 3]
        + np.array([0.5, -1, 0.2, 1, -0.3, 0])[x[:, 4].astype(int)]
        + effect[x[:, 5].astype(int)]
    )
    score = (score - score.mean()) / score.std()
    for column, share in ((0, 0.05), (1, 0.25), (3, 0.1), (4, 0.05), (5, 0.05)):
        x[rng.random(n) < share, column] = np.nan
    noise = rng.normal(size=n) * 0.3
    return x, {
        "binary": (score + noise > 0.4).astype(float),
        "real": score * 3 + noise + 1,
        "positive": np.exp(0.5 * score + noise),
        "count": rng.poisson(np.exp(0.5 * score)).astype(float),
        "share": 1 / (1 + np.exp(-score)),
        "class": np.digitize(score + noise, [-0.5, 0.6]).astype(float),
    }


def hostile(rng, thresholds, rows):
    """Pools of values per column and the index of each row into them."""
    special = [
        np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, -5e-324, 1e-45, -1e-45, 1.1754942e-38, 2e-310,
        1e-35, -1e-35, 1.00000001e-35, 1.0000000180025095e-35, 1.0000000180025097e-35, -1.0000000180025095e-35,
        3.4028234663852886e38, 3.4028235677973366e38, 3.5e38, -3.5e38, 1e300, -1e300, 1.7e308,
        -1.0, -0.5, -0.9999999, -1e-9, 0.5, 1.999999, 1.0, 2.0, 6.0, 31.0, 31.5, 32.0, 33.0, 63.0, 64.0, 65.0, 79.0, 80.0,
        95.0, 96.0, 128.0, 1e4, 16777215.0, 16777216.0, 16777217.0, 2147483647.0, 2147483648.0, 4294967296.0, 1e10, -2147483649.0,
    ]
    pools, index = [], np.empty((COLUMNS, rows), np.uint16)
    for column in range(COLUMNS):
        t = np.unique(np.array(thresholds[column], float))
        t = t[np.isfinite(t)]
        if len(t) > 700:
            t = rng.choice(t, 700, replace=False)
        t32 = t.astype(np.float32)
        near = [t, np.nextafter(t, np.inf), np.nextafter(t, -np.inf)]
        near += [a.astype(float) for a in (t32, np.nextafter(t32, np.float32(np.inf)), np.nextafter(t32, np.float32(-np.inf)))]
        near = np.unique(np.concatenate(near))
        ordinary = {
            0: lambda n: rng.normal(size=n) * 1.2,
            1: lambda n: np.exp(rng.normal(size=n) * 2),
            2: lambda n: rng.poisson(1.0, size=n).astype(float),
            3: lambda n: rng.normal(size=n) * 1e-3,
            4: lambda n: rng.integers(0, CATEGORIES[0], size=n).astype(float),
            5: lambda n: rng.integers(0, CATEGORIES[1], size=n).astype(float),
        }[column](1500 if column in (0, 1, 3) else 300)
        pool = np.concatenate([special, near, ordinary])
        pools.append(pool)
        s, m = len(special), len(near)
        kind = rng.random(rows)
        pick = np.where(
            kind < 0.15, rng.integers(0, s, rows),
            np.where(kind < 0.5, s + rng.integers(0, max(m, 1), rows), s + m + rng.integers(0, len(ordinary), rows)),
        )
        pick[kind > 0.92] = 0
        index[column] = np.minimum(pick, len(pool) - 1)
    # The first rows are gentle: one hostile value at a time in an otherwise ordinary row.
    for row in range(min(rows // 4, len(special) * COLUMNS)):
        column, item = row % COLUMNS, row // COLUMNS
        for other in range(COLUMNS):
            pool = pools[other]
            index[other][row] = item if other == column else len(pool) - 1 - (row * 7 + other) % 250
    x = np.stack([pools[c][index[c]] for c in range(COLUMNS)], axis=1)
    raw = struct.pack("<II", rows, COLUMNS)
    for pool in pools:
        raw += struct.pack("<I", len(pool)) + pool.astype("<f8").tobytes()
    return x, raw + index.astype("<u2").tobytes()


class Set:
    def __init__(self, out, version, width):
        self.out, self.version, self.width, self.cases = out, version, width, []
        os.makedirs(out, exist_ok=True)

    def add(self, name, fmt, model, margin, output, **more):
        if ONLY and name not in ONLY:
            return
        kind = "<f4" if self.width == 4 else "<f8"
        margin, output = np.asarray(margin), np.asarray(output)
        want = np.float32 if self.width == 4 else np.float64
        assert margin.dtype == want and output.dtype == want, (name, margin.dtype, output.dtype)
        rows = margin.shape[0]
        put(f"{self.out}/{name}.model.gz", model)
        put(f"{self.out}/{name}.out.gz", margin.astype(kind).tobytes() + output.astype(kind).tobytes())
        self.cases.append(dict(name=name, format=fmt, library=self.version, width=self.width, rows=rows,
                               margins=margin.size // rows, outputs=output.size // rows, **more))

    def close(self):
        with open(f"{self.out}/cases.json", "w") as f:
            json.dump(self.cases, f, indent=1, sort_keys=True)
            f.write("\n")


def frame_data(rng, n):
    import pandas as pd

    words, numbers = ["ab", "b", "zz", "a", "long name, with comma"], [30, 10, 20]
    f = pd.DataFrame({
        "x": rng.normal(size=n),
        "word": pd.Categorical(rng.choice(words, n), categories=words),
        "n": rng.integers(0, 50, n),
        "number": pd.Categorical(rng.choice(numbers, n), categories=numbers),
    })
    y = (f["x"] + f["word"].cat.codes - 0.1 * f["number"].astype(int) + rng.normal(size=n) > 0).astype(float)
    return f, y


def frame_rows(f):
    """The frame as JSON cells: numbers, strings, null."""
    return [[None if v != v else (v if isinstance(v, str) else float(v)) for v in row] for row in f.astype(object).values.tolist()]


def xgboost_set(out, rows):
    import xgboost as xgb

    version = tuple(int(p) for p in xgb.__version__.split(".")[:2])
    rng = np.random.default_rng(7)
    x, y = training(rng)
    base = {"max_depth": 5, "eta": 0.3, "nthread": 1, "seed": 3, "tree_method": "hist"}
    cats = ["q"] * 4 + ["c"] * 2
    cases = [
        ("logistic", "json", "binary", {"objective": "binary:logistic", "max_depth": 6}, 40),
        ("logistic_base", "ubj", "binary", {"objective": "binary:logistic", "base_score": 0.1, "tree_method": "exact"}, 20),
        ("reglogistic", "json", "share", {"objective": "reg:logistic", "base_score": 0.83, "max_leaves": 20, "grow_policy": "lossguide", "max_depth": 0}, 20),
        ("squared", "ubj", "real", {"objective": "reg:squarederror", "max_depth": 9}, 20),
        ("squaredlog", "json", "positive", {"objective": "reg:squaredlogerror"}, 15),
        ("pseudohuber", "ubj", "real", {"objective": "reg:pseudohubererror"}, 15),
        ("absolute", "json", "real", {"objective": "reg:absoluteerror"}, 15),
        ("poisson", "ubj", "count", {"objective": "count:poisson"}, 15),
        ("gamma", "json", "positive", {"objective": "reg:gamma", "base_score": 1.7}, 15),
        ("tweedie", "ubj", "count", {"objective": "reg:tweedie", "tweedie_variance_power": 1.3}, 15),
        ("hinge", "json", "binary", {"objective": "binary:hinge"}, 15),
        ("logitraw", "ubj", "binary", {"objective": "binary:logitraw", "base_score": 0.3}, 15),
        ("softprob", "json", "class", {"objective": "multi:softprob", "num_class": 3}, 10),
        ("softmax", "ubj", "class", {"objective": "multi:softmax", "num_class": 3}, 10),
        ("rank", "json", "class", {"objective": "rank:pairwise"}, 10),
        ("cox", "ubj", "positive", {"objective": "survival:cox"}, 10),
        ("aft", "json", "positive", {"objective": "survival:aft", "base_score": 1.4}, 10),
        ("dart", "json", "binary", {"objective": "binary:logistic", "booster": "dart", "rate_drop": 0.3, "base_score": 0.5}, 20),
        ("dart_base", "ubj", "real", {"objective": "reg:squarederror", "booster": "dart", "rate_drop": 0.3, "base_score": 2.7}, 20),
        ("forest", "ubj", "binary", {"objective": "binary:logistic", "num_parallel_tree": 5, "subsample": 0.7}, 8),
        ("onehot", "json", "binary", {"objective": "binary:logistic", "max_cat_to_onehot": 100}, 25),
        ("partition", "ubj", "real", {"objective": "reg:squarederror", "max_cat_to_onehot": 2, "max_cat_threshold": 64}, 25),
    ]
    if version >= (2, 0):
        cases.append(("quantile", "json", "real", {"objective": "reg:quantileerror", "quantile_alpha": 0.7}, 15))
        cases.append(("quantiles", "ubj", "real", {"objective": "reg:quantileerror", "quantile_alpha": [0.2, 0.5, 0.9]}, 8))
    models, thresholds = [], [[] for _ in range(COLUMNS)]
    with tempfile.TemporaryDirectory() as tmp:
        for name, fmt, label, params, rounds in cases:
            categorical = name in ("onehot", "partition")
            d = xgb.DMatrix(x, y[label], feature_types=cats if categorical else None, enable_categorical=categorical)
            if name == "aft":
                d.set_float_info("label_lower_bound", y[label])
                d.set_float_info("label_upper_bound", y[label] * 1.5)
            if name == "rank":
                d.set_group([10] * 300)
            b = xgb.train({**base, **params}, d, rounds)
            b.save_model(f"{tmp}/m.{fmt}")
            b.save_model(f"{tmp}/m.json")
            with open(f"{tmp}/m.json") as f:
                booster = json.load(f)["learner"]["gradient_booster"]
            for tree in booster.get("gbtree", booster)["model"]["trees"]:
                for node, left in enumerate(tree["left_children"]):
                    if left != -1 and not tree["split_type"][node]:
                        thresholds[tree["split_indices"][node]].append(tree["split_conditions"][node])
            with open(f"{tmp}/m.{fmt}", "rb") as f:
                models.append((name, fmt, xgb.Booster(model_file=f"{tmp}/m.{fmt}"), f.read()))
        s = Set(out, xgb.__version__, 4)
        q, raw = hostile(rng, thresholds, rows)
        put(f"{out}/rows.gz", raw)
        finite = ~(np.abs(q) > np.finfo(np.float32).max).any(axis=1)
        for name, fmt, b, model in models:
            b.set_param({"nthread": 1})
            margin = b.inplace_predict(q, predict_type="margin", validate_features=False)
            value = b.inplace_predict(q, validate_features=False)
            # DMatrix refuses infinities and anything that rounds to one; on all other rows both paths must agree.
            types = dict(feature_types=cats, enable_categorical=True) if name in ("onehot", "partition") else {}
            rest = finite & ((q[:, 4:] >= 0) & (q[:, 4:] < 1e6) | np.isnan(q[:, 4:])).all(axis=1) if types else finite
            other = b.predict(xgb.DMatrix(q[rest], **types), output_margin=True)
            s.add(name, fmt, model, margin, value)
            if name.startswith("dart"):
                d = xgb.DMatrix(np.where(np.isinf(q.astype(np.float32)), np.nan, q))
                s.add(name + "_dmatrix", fmt, model, b.predict(d, output_margin=True), b.predict(d), dmatrix=True)
            elif not np.array_equal(other.view(np.uint32), margin[rest].view(np.uint32)):
                sys.exit(f"{name}: DMatrix and inplace_predict differ in {np.sum(other != margin[rest])} rows")
        if version >= (3, 1):
            f, label = frame_data(rng, 800)
            b = xgb.train({**base, "objective": "binary:logistic"}, xgb.DMatrix(f, label, enable_categorical=True), 12)
            b.save_model(f"{tmp}/frame.json")
            with open(f"{tmp}/frame.json", "rb") as h:
                model = h.read()
            # A frame whose categories stand in another order: the library maps them through its encoder.
            q = f.copy()
            q["word"] = q["word"].cat.reorder_categories(["zz", "a", "ab", "long name, with comma", "b"])
            q["number"] = q["number"].cat.reorder_categories([10, 20, 30])
            q.loc[::9, "word"] = np.nan
            d = xgb.DMatrix(q, enable_categorical=True)
            s.add("frame", "json", model, b.predict(d, output_margin=True), b.predict(d), frame=frame_rows(q))
        s.close()


def lightgbm_set(out, rows):
    import lightgbm as lgb

    rng = np.random.default_rng(11)
    x, y = training(rng)
    base = {"num_leaves": 15, "learning_rate": 0.2, "verbose": -1, "num_threads": 1, "seed": 3, "deterministic": True,
            "force_row_wise": True, "min_data_in_leaf": 5, "min_data_per_group": 5, "cat_smooth": 1}
    cases = [
        ("binary", "binary", {"objective": "binary"}, 40, False),
        ("binary_sigmoid", "binary", {"objective": "binary", "sigmoid": 1.7}, 15, False),
        ("binary_cat", "binary", {"objective": "binary", "num_leaves": 31}, 30, True),
        ("binary_onehot", "binary", {"objective": "binary", "max_cat_to_onehot": 100}, 20, True),
        ("zero_missing", "binary", {"objective": "binary", "zero_as_missing": True}, 20, False),
        ("none_missing", "binary", {"objective": "binary", "use_missing": False}, 20, True),
        ("l2", "real", {"objective": "regression", "num_leaves": 63}, 20, False),
        ("l2_sqrt", "real", {"objective": "regression", "reg_sqrt": True}, 15, False),
        ("l1", "real", {"objective": "regression_l1"}, 15, True),
        ("huber", "real", {"objective": "huber"}, 10, False),
        ("fair", "real", {"objective": "fair"}, 10, False),
        ("quantile", "real", {"objective": "quantile", "alpha": 0.8}, 10, False),
        ("mape", "positive", {"objective": "mape"}, 10, False),
        ("poisson", "count", {"objective": "poisson"}, 10, False),
        ("gamma", "positive", {"objective": "gamma"}, 10, True),
        ("tweedie", "count", {"objective": "tweedie"}, 10, False),
        ("cross_entropy", "share", {"objective": "cross_entropy"}, 15, False),
        ("multiclass", "class", {"objective": "multiclass", "num_class": 3}, 8, True),
        ("multiclassova", "class", {"objective": "multiclassova", "num_class": 3, "sigmoid": 0.7}, 6, False),
        ("forest", "binary", {"objective": "binary", "boosting": "rf", "bagging_fraction": 0.6, "bagging_freq": 1}, 20, False),
        ("dart", "real", {"objective": "regression", "boosting": "dart", "drop_rate": 0.3}, 15, False),
        ("lambdarank", "class", {"objective": "lambdarank"}, 8, False),
        ("stump", "binary", {"objective": "binary", "min_data_in_leaf": 2900}, 3, False),
    ]
    models, thresholds = [], [[] for _ in range(COLUMNS)]
    for name, label, params, rounds, categorical in cases:
        d = lgb.Dataset(x, y[label], categorical_feature=[4, 5] if categorical else [], group=[10] * 300 if name == "lambdarank" else None)
        b = lgb.train({**base, **params}, d, rounds)
        text = b.model_to_string()
        split = []
        for line in text.splitlines():
            key, _, value = line.partition("=")
            if key == "split_feature":
                split = [int(v) for v in value.split()]
            elif key == "threshold":
                for feature, v in zip(split, value.split()):
                    thresholds[feature].append(float(v))
        models.append((name, lgb.Booster(model_str=text), text.encode()))
    s = Set(out, lgb.__version__, 8)
    q, raw = hostile(rng, thresholds, rows)
    put(f"{out}/rows.gz", raw)
    for name, b, text in models:
        s.add(name, "text", text, b.predict(q, raw_score=True, num_threads=1), b.predict(q, num_threads=1))
    f, label = frame_data(rng, 800)
    b = lgb.train({**base, "objective": "binary"}, lgb.Dataset(f, label), 12)
    text = b.model_to_string()
    b = lgb.Booster(model_str=text)
    q = f.copy()
    q["word"] = q["word"].cat.set_categories(["zz", "unseen", "a", "ab", "long name, with comma", "b"])
    q["number"] = q["number"].cat.set_categories([10, 20, 30, 40])
    q.loc[::9, "word"] = np.nan
    q.loc[::11, "word"] = "unseen"
    q.loc[::13, "number"] = 40
    s.add("frame", "text", text.encode(), b.predict(q, raw_score=True, num_threads=1), b.predict(q, num_threads=1), frame=frame_rows(q))
    f32 = q.copy()
    f32["n"] = f32["n"].astype(np.float32)
    f32["x"] = f32["x"].astype(np.float32)
    s.add("frame32", "text", text.encode(), b.predict(f32, raw_score=True, num_threads=1), b.predict(f32, num_threads=1), frame=frame_rows(f32))
    s.close()


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--family", choices=["xgboost", "lightgbm"], required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--rows", type=int, default=10000)
    p.add_argument("--only", default="", help="keep one model alone")
    a = p.parse_args()
    ONLY.extend(a.only.split())
    {"xgboost": xgboost_set, "lightgbm": lightgbm_set}[a.family](a.out, a.rows)


if __name__ == "__main__":
    main()
