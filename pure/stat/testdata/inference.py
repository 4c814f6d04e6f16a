"""Writes inference.json: what scipy and scikit-learn say where pure/stat defines the same number.

Made with Python 3.11, scikit-learn 1.9.1 and scipy 1.17.1: python3 inference.py > inference.json
"""

import json
import sys

from scipy import stats


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


def main():
    json.dump({"quantiles": quantiles()}, sys.stdout, separators=(",", ":"))
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
