"""Writes curves.json: ROC and precision-recall curves and confusions from scikit-learn's own functions.

Made with Python 3.11, scikit-learn 1.9.1 and numpy 2: python3 curves.py > curves.json
"""

import json
import warnings

import numpy as np
from sklearn import metrics

warnings.filterwarnings("ignore")  # scikit-learn warns of one class, which is among the cases


def numbers(values):
    return [None if not np.isfinite(v) else float(v) for v in values]


def case(name, y, p, w):
    y = np.asarray(y, bool)
    fpr, tpr, thresholds = metrics.roc_curve(y, p, sample_weight=w, drop_intermediate=False)
    precision, recall, at = metrics.precision_recall_curve(y, p, sample_weight=w)
    cells = []
    for t in [0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0, float(np.median(p))]:
        tn, fp, fn, tp = metrics.confusion_matrix(y, p >= t, sample_weight=w, labels=[False, True]).ravel()
        cells.append([t, float(tp), float(fp), float(tn), float(fn)])
    return {
        "name": name, "y": [bool(v) for v in y], "p": p.tolist(), "w": None if w is None else w.tolist(),
        "thresholds": numbers(thresholds), "fpr": numbers(fpr), "tpr": numbers(tpr),
        # Of the least threshold first; the last point has no threshold.
        "precision": numbers(precision), "recall": numbers(recall), "pr_thresholds": numbers(at), "confusion": cells,
    }


def main():
    rng = np.random.default_rng(20130601)
    cases = []
    for n, share, digits in [(300, 0.25, 17), (300, 0.5, 1), (80, 0.05, 2), (2, 0.5, 17)]:
        y = rng.random(n) < share
        y[0], y[1] = True, False
        p = np.round(np.clip(1 / (1 + np.exp(-(rng.normal(0, 1.2, n) + 0.9 * y - 0.8))), 0, 1), digits)
        cases.append(case(f"n={n} share={share} digits={digits}", y, p, None))
        cases.append(case(f"n={n} share={share} digits={digits} weighted", y, p, rng.choice([0.5, 1.0, 2.25, 7.0], n)))
    cases.append(case("perfect", np.arange(40) >= 20, np.arange(40) / 40, None))
    cases.append(case("constant score", rng.random(40) < 0.3, np.full(40, 0.3), None))
    cases.append(case("nothing happened", np.zeros(12, bool), rng.random(12), None))
    cases.append(case("everything happened", np.ones(12, bool), rng.random(12), None))
    print(json.dumps(cases, indent=None, separators=(",", ":")))


main()
