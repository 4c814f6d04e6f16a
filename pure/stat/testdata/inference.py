"""Writes inference.json: what scipy and scikit-learn say where pure/stat defines the same number.

Made with Python 3.11, scikit-learn 1.9.1 and scipy 1.17.1: python3 inference.py > inference.json
"""

import json
import sys

import numpy as np
from scipy import stats
from scipy.stats import _resampling
from sklearn import metrics
from sklearn.calibration import calibration_curve
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LinearRegression, LogisticRegression


def quantiles():
    out = {"t": [], "beta": [], "normal": []}
    for df in (0.7, 1, 1.5, 2, 4.3, 10, 33.3, 400, 1e5):
        for p in (1e-9, 1e-4, 0.005, 0.025, 0.2, 0.4999, 0.7, 0.95, 0.999):
            t = stats.t.ppf(p, df)
            out["t"].append([p, df, t, stats.t.cdf(t / 2, df)])
    for a, b in ((0.5, 0.5), (1, 1), (1, 40), (3, 9998), (2.5, 0.8), (120, 7), (5e4, 6e4), (1e6, 30), (0.05, 3)):
        for p in (1e-6, 0.01, 0.3, 0.5, 0.9, 0.99999):
            x = stats.beta.ppf(p, a, b)
            out["beta"].append([p, a, b, x, stats.beta.cdf(x, a, b), stats.beta.logpdf(x, a, b)])
    for p in (1e-300, 1e-12, 0.01, 0.3, 0.5, 0.9, 0.999999):
        out["normal"].append([p, stats.norm.ppf(p), stats.norm.cdf(stats.norm.ppf(p) / 2)])
    return out


def placements(y, score):
    """Each row's share of the other class on its wrong side, from all pairs."""
    pos, neg = score[y], score[~y]
    kernel = (pos[:, None] > neg[None, :]) + 0.5 * (pos[:, None] == neg[None, :])
    return kernel.mean(axis=1), kernel.mean(axis=0)


def paired():
    """Paired DeLong from its definition, by rows and by blocks; AUC from scikit-learn."""
    rng = np.random.default_rng(20130102)
    out = []
    for n, share, digits in [(200, 0.3, 17), (150, 0.5, 1), (40, 0.2, 17)]:
        y = rng.random(n) < share
        y[:4] = [True, True, False, False]
        a = np.round(rng.normal(0, 1, n) + 0.8 * y, digits)
        b = np.round(0.7 * a + 0.5 * rng.normal(0, 1, n) + 0.3 * y, digits)
        block = rng.integers(0, n // 8, n)
        (a10, a01), (b10, b01) = placements(y, a), placements(y, b)
        cov = np.cov(np.stack([a10, b10])) / y.sum() + np.cov(np.stack([a01, b01])) / (~y).sum()
        auc = [metrics.roc_auc_score(y, a), metrics.roc_auc_score(y, b)]
        se = np.sqrt(cov[0, 0] + cov[1, 1] - 2 * cov[0, 1])
        z = (auc[1] - auc[0]) / se
        d = np.empty(n)
        d[y] = ((b10 - a10) - (auc[1] - auc[0])) / y.sum()
        d[~y] = ((b01 - a01) - (auc[1] - auc[0])) / (~y).sum()
        groups = np.unique(block)
        totals = np.array([d[block == g].sum() for g in groups])
        blocked = np.sqrt(len(groups) / (len(groups) - 1) * (totals**2).sum())
        out.append({"y": [bool(v) for v in y], "a": a.tolist(), "b": b.tolist(), "block": block.tolist(), "auc": auc, "cov": cov.tolist(), "se": se, "p": 2 * stats.norm.sf(abs(z)), "blocked": blocked})
    return out


def exact():
    """Clopper-Pearson, McNemar's exact test, false discovery rates."""
    rng = np.random.default_rng(20130103)
    cp = []
    for k, n in [(0, 10), (10, 10), (1, 3), (37, 120), (5000, 10000), (2, 100000)]:
        for level in (0.9, 0.95, 0.999):
            # Not binomtest(...).proportion_ci, whose root finder stops at 2e-12 whatever the size of the bound.
            lo = stats.beta.ppf((1 - level) / 2, k, n - k + 1) if k else 0.0
            hi = stats.beta.isf((1 - level) / 2, k + 1, n - k) if k < n else 1.0
            cp.append([k, n, level, lo, hi])
    mcnemar = []
    for b, c in [(1, 7), (0, 3), (12, 5), (11, 13), (0, 24), (20, 11), (40, 90), (500, 620)]:
        p = stats.binomtest(b, b + c).pvalue if b + c < 25 else stats.chi2.sf((abs(b - c) - 1) ** 2 / (b + c), 1)
        mcnemar.append([b, c, p])
    fdr = []
    for n in (1, 5, 40):
        p = np.round(rng.random(n) ** 3, 3)
        fdr.append([p.tolist(), stats.false_discovery_control(p).tolist()])
    return {"clopper_pearson": cp, "mcnemar": mcnemar, "fdr": fdr}


def bca():
    """scipy's interval from the same resampled values, of the mean and of the standard deviation."""
    rng = np.random.default_rng(20130104)
    out = []
    for statistic in (np.mean, np.std):
        x = rng.exponential(size=30)
        values = statistic(x[rng.integers(0, 30, (999, 30))], axis=-1)
        alpha = 0.05 / 2
        got = _resampling._bca_interval((x,), lambda v, axis=-1: statistic(v, axis=axis), -1, alpha, values, None, np)
        lo, hi = np.percentile(values, 100 * float(got[0])), np.percentile(values, 100 * float(got[1]))
        jack = [float(statistic(np.delete(x, i))) for i in range(30)]
        out.append({"values": values.tolist(), "estimate": float(statistic(x)), "jack": jack, "lo": lo, "hi": hi})
    return out


def logistic_line(x, t, w):
    """Maximum of the likelihood with soft targets, each a row of either class; scikit-learn's fit polished by Newton."""
    rows = np.r_[x, x][:, None]
    weight = np.r_[w * t, w * (1 - t)]
    y = np.r_[np.ones(len(x)), np.zeros(len(x))]
    model = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-10, max_iter=1000).fit(rows, y, sample_weight=weight)
    beta = np.array([model.intercept_[0], model.coef_[0, 0]])
    design = np.stack([np.ones(len(x)), x], axis=1)
    for _ in range(5):
        q = 1 / (1 + np.exp(-design @ beta))
        info = design.T @ (design * (w * q * (1 - q))[:, None])
        beta = beta + np.linalg.solve(info, design.T @ (w * (t - q)))
    assert np.allclose(beta, [model.intercept_[0], model.coef_[0, 0]], atol=1e-4)
    return beta, np.linalg.inv(info)


def calibration():
    rng = np.random.default_rng(20130105)
    out = []
    for n, weighted in [(400, False), (400, True), (30, False)]:
        p = 1 / (1 + np.exp(-rng.normal(-1, 1.3, n)))
        if n == 400:
            p = np.round(p, 2)
        y = rng.random(n) < 1 / (1 + np.exp(-(0.4 + 0.7 * np.log(np.clip(p, 0.001, 0.999) / (1 - np.clip(p, 0.001, 0.999))))))
        w = rng.choice([0.0, 0.5, 1.0, 3.0], n) if weighted else np.ones(n)
        eps = np.finfo(float).eps
        q = np.clip(p, eps, 1 - eps)
        x = np.log(q) - np.log1p(-q)
        line, cov = logistic_line(x, y.astype(float), w)
        prior = 50.0
        shadow = prior / n
        fit, _ = logistic_line(x, (w * y + shadow * q) / (w + shadow), w + shadow)
        iso = IsotonicRegression(out_of_bounds="clip", increasing=True).fit(p, y.astype(float), sample_weight=w)
        at = np.linspace(-0.1, 1.1, 61)
        target = 3 + 1.2 * p + rng.normal(0, 0.3, n)
        lin = LinearRegression().fit(np.r_[p, p][:, None], np.r_[target, p], sample_weight=np.r_[w, np.full(n, shadow)])
        case = {
            "y": [bool(v) for v in y], "p": p.tolist(), "w": w.tolist() if weighted else None, "target": target.tolist(), "prior": prior,
            "line": line.tolist(), "line_se": np.sqrt(np.diag(cov)).tolist(), "fit": fit.tolist(),
            "isotonic": [iso.X_thresholds_.tolist(), iso.y_thresholds_.tolist()], "at": at.tolist(), "isotonic_at": iso.predict(at).tolist(),
            "linear": [float(lin.intercept_), float(lin.coef_[0])],
            "brier": metrics.brier_score_loss(y, p, sample_weight=w),
        }
        if not weighted:
            for strategy in ("uniform", "quantile"):
                true, pred = calibration_curve(y, p, n_bins=7, strategy=strategy)
                case[strategy] = [pred.tolist(), true.tolist()]
        out.append(case)
    return out


def main():
    parts = {"quantiles": quantiles(), "paired": paired(), "exact": exact(), "bca": bca(), "calibration": calibration()}
    json.dump(parts, sys.stdout, separators=(",", ":"))
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
