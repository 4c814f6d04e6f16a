"""Writes golden.json: what LightGBM makes of made-up data that golden_test.go makes as well, bit for bit.

Run with lightgbm 4.7.0, numpy and scikit-learn installed:  python generate.py
Data use only sums, products and quotients of float64, which Python and Go round alike.
"""
import json
import pathlib

import lightgbm
import numpy as np
from sklearn.metrics import log_loss, mean_squared_error, roc_auc_score

TRAIN, TEST = 10_000, 10_000
N = TRAIN + TEST


def uniform(seed, column, n=N):
    """share(draw(seed, column, i)) of math.go for i in 0..n-1."""
    with np.errstate(over="ignore"):
        z = np.full(n, seed, np.uint64)
        for x in (np.full(n, column, np.uint64), np.arange(n, dtype=np.uint64)):
            z += np.uint64(0x9E3779B97F4A7C15) * (x + np.uint64(1))
            z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
            z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
            z ^= z >> np.uint64(31)
    return (z >> np.uint64(11)).astype(np.float64) * 2.0**-53


def squash(z):
    return 0.5 + 0.5 * (z / (1 + np.abs(z)))


def numeric(seed):
    x = [uniform(seed, k) for k in range(8)]
    z = 3 * (x[0] - 0.5) + 8 * ((x[1] - 0.5) * (x[2] - 0.5)) + np.where(x[3] > 0.7, 1.0, 0.0)
    return x, z


def label(seed, z):
    return np.where(uniform(seed, 100) < squash(z), 1.0, 0.0)


def cases():
    x, z = numeric(1)
    yield "numeric", dict(x=x, y=label(1, z))

    x, z = numeric(2)
    effect = 6 * (uniform(2, 200, 40) - 0.5)
    c = np.floor(40 * (uniform(2, 10) * uniform(2, 11)))
    d = np.floor(6 * uniform(2, 12))
    z = effect[c.astype(int)] + np.where((d == 1) | (d == 4), 1.0, 0.0) + 2 * (x[0] - 0.5)
    yield "categorical", dict(x=[c, d] + x[:3], cat=[0, 1], y=label(2, z))

    x, z = numeric(3)
    y = label(3, z + np.where(uniform(3, 20) < 0.3, 2.0, 0.0))
    x[0] = np.where(uniform(3, 20) < 0.3, np.nan, x[0])
    x[1] = np.where(uniform(3, 21) < 0.2, np.nan, x[1])
    yield "missing", dict(x=x, y=y)

    x, z = numeric(4)
    w = np.where(uniform(4, 30) < 0.4, 0.25, 1.5)
    y = label(4, z)
    y[:TRAIN] = np.where(w[:TRAIN] < 1, 1 - y[:TRAIN], y[:TRAIN])  # light rows of the fit lie
    yield "weighted", dict(x=x, y=y, w=w)

    x, z = numeric(5)
    y = 10 * (x[0] * x[1]) + 5 * ((x[2] - 0.5) * (x[2] - 0.5)) + (uniform(5, 100) - 0.5)
    yield "regression", dict(x=x, y=y, objective="squared")

    x, z = numeric(6)
    yield "init", dict(x=x, y=label(6, z), init=3 * (x[0] - 0.5))

    # (LightGBM guesses the rows of a leaf from second derivatives, so its least number is out of play where these vary.)
    # Few distinct values and one way to bin them: the same trees come out, up to LightGBM's float32 derivatives.
    x, z = numeric(7)
    x = [np.floor(50 * v) for v in x]
    y = (x[0] * x[1]) / 250 + x[2] / 50 + (uniform(7, 100) - 0.5)
    yield "same regression", dict(x=x, y=y, objective="squared", same=True)
    yield "same logistic", dict(x=x, y=label(7, z), same=True, min_leaf=0)
    c = [np.floor(40 * uniform(7, 40)), np.floor(9 * uniform(7, 41))]
    z = 4 * (uniform(7, 200, 40)[c[0].astype(int)] * uniform(7, 201, 9)[c[1].astype(int)])
    yield "same categorical", dict(x=c + x[:3], cat=[0, 1], y=z + (uniform(7, 100) - 0.5), objective="squared", same=True,
                                   cat_smooth=30, cat_l2=5, max_cat_threshold=4)
    for k in (0, 3):
        x[k] = np.where(uniform(7, 20 + k) < 0.2, np.nan, x[k])
    yield "same missing", dict(x=x, y=y, objective="squared", same=True)


def fit(x, y, cat=(), w=None, init=None, objective="logistic", same=False, min_leaf=20,
        cat_smooth=10, cat_l2=10, max_cat_threshold=32):
    params = dict(
        objective={"logistic": "binary", "squared": "regression"}[objective],
        num_leaves=15, learning_rate=0.1, min_data_in_leaf=min_leaf, lambda_l2=1, max_bin=255, min_data_in_bin=1,
        min_sum_hessian_in_leaf=1e-3, cat_smooth=cat_smooth, cat_l2=cat_l2, max_cat_threshold=max_cat_threshold, feature_pre_filter=False,
        enable_bundle=False, num_threads=1, deterministic=True, force_row_wise=True, seed=1, verbose=-1,
    )
    if same:
        params.update(min_data_per_group=1, max_cat_to_onehot=1)  # which boost does not have
    m = np.column_stack(x)
    data = lightgbm.Dataset(
        m[:TRAIN], y[:TRAIN], weight=None if w is None else w[:TRAIN],
        init_score=None if init is None else init[:TRAIN], categorical_feature=list(cat), params=params,
    )
    margin = lightgbm.train(params, data, 30).predict(m[TRAIN:], raw_score=True)
    if init is not None:
        margin = margin + init[TRAIN:]
    truth = y[TRAIN:]
    options = dict(objective=objective, min_leaf=min_leaf, cat_smooth=cat_smooth, cat_l2=cat_l2,
                   max_cat_threshold=max_cat_threshold)
    want = dict(options=options, same=same, cat=list(cat))
    if objective == "logistic":
        p = 1 / (1 + np.exp(-margin))
        want["auc"], want["log_loss"] = roc_auc_score(truth, p), log_loss(truth, p)
    else:
        want["rmse"] = float(np.sqrt(mean_squared_error(truth, margin)))
    # The sums tell whether Go made the same data; in order, so that both round alike.
    want["sums"] = [float(np.cumsum(np.nan_to_num(v))[-1]) for v in [*x, y, *([] if w is None else [w])]]
    want["margin"] = [float(v) for v in margin[:50]]
    return want


out = dict(lightgbm=lightgbm.__version__, train=TRAIN, test=TEST, cases={})
for name, case in cases():
    out["cases"][name] = fit(**case)
path = pathlib.Path(__file__).with_name("golden.json")
path.write_text(json.dumps(out, indent=1) + "\n")
