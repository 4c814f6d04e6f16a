"""Writes golden.json: what scikit-learn and scipy say where the gate has the same number.

Made with Python 3.11, scikit-learn 1.9.1, scipy 1.17.1 and numpy: python3 golden.py > golden.json

One row a day, so that a block is a row: a mean's difference is then the paired t-test. Log-losses are compared within
the cut of 1e-4, which these scores do not reach. The calibration error has ten bins of equal width, a score that equals
a border falling below it. The lines of calibration are maximum likelihood (with slope 1: the root of the score
equation); their comparison is the sandwich over days, from numerical scores.
"""

import json
import sys

import numpy as np
from scipy import optimize, special, stats
from sklearn import metrics
from sklearn.linear_model import LogisticRegression


def ece(y, p):
    bins = np.searchsorted(np.linspace(0, 1, 11)[1:-1], p)
    return sum(abs(np.sum(p[bins == b] - y[bins == b])) for b in range(10)) / len(y)


def line(y, p):
    x = special.logit(p)
    # Newton's method to the end: scikit-learn's own solver stops earlier.
    theta = np.array([0.0, 1.0])
    for _ in range(50):
        q = special.expit(theta[0] + theta[1] * x)
        w = q * (1 - q)
        h = np.array([[w.sum(), (w * x).sum()], [(w * x).sum(), (w * x * x).sum()]])
        score = np.array([y - q, (y - q) * x])
        theta = theta + np.linalg.solve(h, score.sum(axis=1))
    near = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10000).fit(x[:, None], y)
    assert abs(near.coef_[0, 0] - theta[1]) < 1e-4, (near.coef_, theta)
    return theta[1], np.linalg.solve(h, score)[1]


def large(y, p):
    x = special.logit(p)
    a = optimize.brentq(lambda a: np.sum(special.expit(a + x) - y), -20, 20, xtol=1e-14)
    q = special.expit(a + x)
    return a, (y - q) / np.sum(q * (1 - q))


def paired(gain):
    t = stats.ttest_1samp(gain, 0)
    ci = t.confidence_interval(0.95)
    return {"diff": gain.mean(), "stderr": gain.std(ddof=1) / np.sqrt(len(gain)), "lo": ci.low, "hi": ci.high}


def interval(diff, se, df):
    d = stats.t.ppf(0.975, df) * se
    return {"diff": diff, "stderr": se, "lo": diff - d, "hi": diff + d}


def both(f, y, a, b):
    return {"challenger": float(f(y, a)), "champion": float(f(y, b))}


def binary(seed, n):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    y = (rng.uniform(size=n) < special.expit(1.2 * x - 0.4)).astype(float)
    a = special.expit(1.1 * x - 0.3 + 0.1 * rng.normal(size=n))
    b = special.expit(0.6 * x + 0.5 * rng.normal(size=n))
    loss = lambda p: -np.where(y == 1, np.log(p), np.log1p(-p))
    hit = lambda p: ((p >= 0.5) == (y == 1)).astype(float)
    out = {
        "log_loss": both(metrics.log_loss, y, a, b) | paired(loss(b) - loss(a)),
        "brier": both(metrics.brier_score_loss, y, a, b) | paired((b - y) ** 2 - (a - y) ** 2),
        "accuracy": both(lambda y, p: metrics.accuracy_score(y, p >= 0.5), y, a, b) | paired(hit(a) - hit(b)),
        "auc": both(metrics.roc_auc_score, y, a, b),
        "ece": both(ece, y, a, b),
    }
    for name, f, perfect in [("calibration_slope", line, 1), ("calibration_intercept", large, 0)]:
        (va, da), (vb, db) = f(y, a), f(y, b)
        d = np.sign(vb - perfect) * db - np.sign(va - perfect) * da
        se = np.sqrt(n / (n - 1) * np.sum(d**2))
        out[name] = {"challenger": va, "champion": vb} | interval(abs(vb - perfect) - abs(va - perfect), se, n - 1)
    return {"task": "binary", "label": y.tolist(), "challenger": a.tolist(), "champion": b.tolist(), "metrics": out}


def regression(seed, n):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    y = 3 * x + rng.normal(size=n) + 10
    a, b = 3 * x + 10 + 0.2 * rng.normal(size=n), 2.5 * x + 10.2
    square = paired((b - y) ** 2 - (a - y) ** 2)
    scale = lambda by: {k: v / by for k, v in square.items()}
    rmse = both(metrics.root_mean_squared_error, y, a, b)
    out = {
        "rmse": rmse | scale(rmse["challenger"] + rmse["champion"]),
        "mae": both(metrics.mean_absolute_error, y, a, b) | paired(abs(b - y) - abs(a - y)),
        "r2": both(metrics.r2_score, y, a, b) | scale(np.var(y)),
    }
    return {"task": "regression", "label": y.tolist(), "challenger": a.tolist(), "champion": b.tolist(), "metrics": out}


cases = [binary(1, 60), binary(2, 300), regression(3, 60), regression(4, 250)]
json.dump(cases, sys.stdout, default=float)
