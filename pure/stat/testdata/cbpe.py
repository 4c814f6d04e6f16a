"""Writes cbpe.json: what NannyML estimates without labels, from its own functions.

Made with Python 3.11, nannyml 0.13.1, pandas 2.3.3 and scikit-learn 1.9.1: python3 cbpe.py > cbpe.json

Scores have no ties, as NannyML leaves their order to the sort. Its AUC and average precision round running sums to 5
decimals; `roc_auc` and `ap` are theirs, `roc_auc_exact` and `ap_exact` the same lines of arithmetic without rounding.
"""

import json
import sys

import numpy as np
import pandas as pd
from nannyml.calibration import IsotonicCalibrator, _calculate_expected_calibration_error, _get_bin_index_edges, needs_calibration
from nannyml.performance_estimation.confidence_based import metrics as m
from nannyml.sampling_error import binary_classification as bse


def exact(p, score):
    order = np.argsort(score)[::-1]
    p = p[order]
    tps, fps = np.cumsum(p), np.cumsum(1 - p)
    tpr, fpr = np.r_[0, tps / tps[-1]], np.r_[0, fps / fps[-1]]
    auc = np.trapezoid(tpr, fpr)
    precision = tps / np.arange(1, len(p) + 1)
    return auc, np.sum(np.diff(np.r_[0, tps / tps[-1]]) * precision)


def case(name, seed, base, twist, noise):
    rng = np.random.default_rng(seed)
    def rows(n, shift):
        u = rng.normal(base + shift, 1.2, n)
        y = rng.random(n) < 1 / (1 + np.exp(-u))
        return 1 / (1 + np.exp(-(twist * u + noise * rng.normal(size=n)))), y
    ref, y = rows(2000, 0.0)
    cur, _ = rows(500, 0.6)
    assert len(np.unique(np.r_[ref, cur])) == 2500
    needs = needs_calibration(y.astype(int), ref, IsotonicCalibrator())
    calibrator = IsotonicCalibrator()
    calibrator.fit(ref, y.astype(int))
    p = calibrator.calibrate(cur) if needs else cur
    predicted, predicted_ref = (cur >= 0.5).astype(int), (ref >= 0.5).astype(int)
    auc, ap = exact(p, cur)
    ys, ps, scores = pd.Series(y.astype(int)), pd.Series(predicted_ref), pd.Series(ref)
    sampling = {
        "accuracy": bse.accuracy_sampling_error(bse.accuracy_sampling_error_components(ys, ps), cur),
        "precision": bse.precision_sampling_error(bse.precision_sampling_error_components(ys, ps), cur),
        "recall": bse.recall_sampling_error(bse.recall_sampling_error_components(ys, ps), cur),
        "specificity": bse.specificity_sampling_error(bse.specificity_sampling_error_components(ys, ps), cur),
        "f1": bse.f1_sampling_error(bse.f1_sampling_error_components(ys, ps), cur),
        "roc_auc": bse.auroc_sampling_error(bse.auroc_sampling_error_components(ys, scores), cur),
    }
    return {
        "name": name, "score": ref.tolist(), "y": [bool(v) for v in y], "current": cur.tolist(), "needs": bool(needs),
        "want": {
            "accuracy": m.estimate_accuracy(predicted, p), "precision": m.estimate_precision(predicted, p), "recall": m.estimate_recall(predicted, p),
            "specificity": m.estimate_specificity(predicted, p), "f1": m.estimate_f1(predicted, p), "roc_auc_exact": auc, "ap_exact": ap,
        },
        "rounded": {"roc_auc": m.estimate_roc_auc(p, cur), "ap": m.estimate_ap(p, cur)},
        "ece": [[bins, n, float(_calculate_expected_calibration_error(y[:n], ref[:n], _get_bin_index_edges(n, bins)))] for bins, n in ((10, 2000), (10, 1999), (7, 300), (10, 25), (10, 15))],
        "sampling": {k: float(v) for k, v in sampling.items()},
    }


def main():
    cases = [case("bent", 1, -1.0, 0.5, 0.2), case("right", 2, -0.5, 1.0, 0.0), case("frequent", 3, 1.2, 1.6, 0.5)]
    json.dump(cases, sys.stdout, separators=(",", ":"), default=float)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
