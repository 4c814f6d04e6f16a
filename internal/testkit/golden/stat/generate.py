"""Goldens of pure/stat from scikit-learn and scipy. See README.md beside this file."""

import json
import sys

import numpy as np
from scipy import stats
from sklearn import metrics


def delong(y, score):
    """DeLong's variance from its definition: the placements of each row against every row of the other class."""
    pos, neg = score[y], score[~y]
    kernel = (pos[:, None] > neg[None, :]) + 0.5 * (pos[:, None] == neg[None, :])
    v10, v01 = kernel.mean(axis=1), kernel.mean(axis=0)
    auc = kernel.mean()
    if len(pos) < 2 or len(neg) < 2:
        return auc, None
    return auc, v10.var(ddof=1) / len(pos) + v01.var(ddof=1) / len(neg)


def binary(name, y, p, w, threshold=0.5):
    y = np.asarray(y, bool)
    guess = p >= threshold
    auc, variance = delong(y, p)
    out = {
        "auc": metrics.roc_auc_score(y, p, sample_weight=w),
        "average_precision": metrics.average_precision_score(y, p, sample_weight=w),
        "log_loss": metrics.log_loss(y, p, sample_weight=w, labels=[False, True]),
        "brier": metrics.brier_score_loss(y, p, sample_weight=w),
        "accuracy": metrics.accuracy_score(y, guess, sample_weight=w),
        "precision": metrics.precision_score(y, guess, sample_weight=w),
        "recall": metrics.recall_score(y, guess, sample_weight=w),
        "f1": metrics.f1_score(y, guess, sample_weight=w),
        "delong_auc": auc, "delong_variance": variance,
    }
    if variance is not None:
        z = stats.norm.ppf(0.975)
        out["delong_lo"], out["delong_hi"] = max(0.0, auc - z * variance**0.5), min(1.0, auc + z * variance**0.5)
    loss = -np.log(np.clip(np.where(y, p, 1 - p), np.finfo(float).eps, 1 - np.finfo(float).eps))
    if w is None:
        out["log_loss_se"] = stats.sem(loss)
    return {"name": name, "y": [bool(v) for v in y], "p": p.tolist(), "w": None if w is None else w.tolist(), "threshold": threshold, "want": {k: (None if v is None else float(v)) for k, v in out.items()}}


def regression(name, y, p, w):
    out = {
        "mse": metrics.mean_squared_error(y, p, sample_weight=w),
        "rmse": metrics.mean_squared_error(y, p, sample_weight=w) ** 0.5,
        "mae": metrics.mean_absolute_error(y, p, sample_weight=w),
        "r2": metrics.r2_score(y, p, sample_weight=w),
        "max_error": metrics.max_error(y, p),
    }
    if w is None:
        out["mae_se"] = stats.sem(np.abs(p - y))
        out["mse_se"] = stats.sem((p - y) ** 2)
    return {"name": name, "y": y.tolist(), "p": p.tolist(), "w": None if w is None else w.tolist(), "want": {k: float(v) for k, v in out.items()}}


def main():
    rng = np.random.default_rng(20130101)
    cases = []
    for n, share, digits in [(400, 0.2, 17), (400, 0.5, 2), (150, 0.05, 1), (60, 0.5, 17), (2, 0.5, 17), (5, 0.5, 17)]:
        y = rng.random(n) < share
        y[0], y[1] = True, False
        p = np.round(np.clip(1 / (1 + np.exp(-(rng.normal(0, 1.2, n) + 0.9 * y - 0.8))), 0, 1), digits)
        cases.append(binary(f"n={n} share={share} digits={digits}", y, p, None))
        cases.append(binary(f"n={n} share={share} digits={digits} weighted", y, p, rng.choice([0.0, 0.5, 1.0, 2.25, 7.0], n) + (np.arange(n) < 2)))
    y = np.array([True, False, True, False, True])
    cases.append(binary("zeros and ones", y, np.array([1.0, 0.0, 0.0, 1.0, 1e-300]), None))
    cases.append(binary("perfect", np.arange(50) >= 25, np.arange(50) / 50, None, 0.25))
    cases.append(binary("inverted", np.arange(50) < 25, np.arange(50) / 50, None))
    cases.append(binary("constant score", rng.random(40) < 0.3, np.full(40, 0.3), None, 0.2))
    cases.append(binary("one positive", np.arange(30) == 17, rng.random(30), None))
    numbers = []
    for n, offset in [(300, 0.0), (50, 1000.0), (2, 0.0)]:
        y = rng.normal(offset, 3, n)
        p = y + rng.normal(0.2, 1, n)
        numbers.append(regression(f"n={n} offset={offset}", y, p, None))
        numbers.append(regression(f"n={n} offset={offset} weighted", y, p, rng.random(n) + 0.1))
    numbers.append(regression("constant, wrong", np.full(5, 2.5), np.arange(5.0), None))
    numbers.append(regression("constant, perfect", np.full(5, 2.5), np.full(5, 2.5), None))
    wilson = []
    for k, n in [(0, 10), (10, 10), (1, 3), (37, 120), (5000, 10000)]:
        for level in (0.9, 0.95, 0.999):
            ci = stats.binomtest(k, n).proportion_ci(level, method="wilson")
            wilson.append([k, n, level, ci.low, ci.high])
    z = [[level, stats.norm.isf((1 - level) / 2)] for level in (0.5, 0.8, 0.9, 0.95, 0.99, 0.999, 1 - 2.0**-30)]
    json.dump({"binary": cases, "regression": numbers, "wilson": wilson, "z": z}, sys.stdout, separators=(",", ":"))
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
