"""Writes calibrated.json: what calibrated.py, the loader of recalibrated versions, answers. Run it with any numpy:

    python3 testdata/calibrated.py > testdata/calibrated.json
"""

import json
import os
import struct
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import calibrated  # noqa: E402

r = np.random.default_rng(1)
scores = {
    "logit": np.concatenate([r.random(150), 10.0 ** -r.uniform(0, 20, 50), 1 - 10.0 ** -r.uniform(0, 20, 50),
                             [0.0, 1.0, 0.5, 1e-320, np.nan, 2.0**-52, 1 - 2.0**-53]]),
    "linear": np.concatenate([r.normal(0, 100, 50), [0.0, -0.0, np.nan, np.inf, 1e308]]),
}
steps = [[(0.0, 1.0)], [(0.3, 0.8)], [(-1.7, 0.1)], [(2.5, 10.0)], [(0.3, -1.5)], [(-300.0, 11.0)], [(0.2, 1.1), (0.0, 1.0), (-0.4, 0.7)]]


def bits(values):
    return [struct.pack(">d", v).hex() for v in values]


out = []
for kind, p in scores.items():
    for chain in steps:
        q = p
        with np.errstate(all="ignore"):
            for a, b in chain:
                q = calibrated.correct(kind, a, b, q)
        out.append({"kind": kind, "steps": [{"a": a, "b": b} for a, b in chain], "scores": bits(p), "want": bits(q)})
json.dump(out, sys.stdout, indent=None)
