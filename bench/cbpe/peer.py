"""NannyML's CBPE on the rows that the benchmark wrote; prints estimates by chunk, CPU seconds and memory as JSON.

Usage: peer.py FOLDER CHUNK
"""

import json
import resource
import sys
import warnings

import numpy as np
import pandas as pd

warnings.filterwarnings("ignore")
import nannyml  # noqa: E402

METRICS = ["accuracy", "precision", "recall", "specificity", "f1", "roc_auc"]


def cpu():
    u = resource.getrusage(resource.RUSAGE_SELF)
    return u.ru_utime + u.ru_stime


def frame(folder, name):
    score = np.fromfile(f"{folder}/{name}.score", "<f8")
    rows = pd.DataFrame({"score": score, "predicted": (score >= 0.5).astype(int)})
    if name == "reference":
        rows["y"] = np.fromfile(f"{folder}/{name}.label", "u1").astype(int)
    return rows


def main():
    folder, chunk = sys.argv[1], int(sys.argv[2])
    reference, current = frame(folder, "reference"), frame(folder, "current")
    start = cpu()
    estimator = nannyml.CBPE(y_pred_proba="score", y_pred="predicted", y_true="y", problem_type="classification_binary", metrics=METRICS, chunk_size=chunk)
    estimator.fit(reference)
    fitted = cpu()
    result = estimator.estimate(current).filter(period="analysis").to_df()
    done = cpu()
    chunks = [{m: float(result[(m, "value")].iloc[i]) for m in METRICS} for i in range(len(result))]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    json.dump({"fit": fitted - start, "estimate": done - fitted, "memory": memory, "chunks": chunks}, sys.stdout)


if __name__ == "__main__":
    main()
