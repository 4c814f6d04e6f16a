"""Writes importance.json: what the libraries say of the models in this folder.

    python importance.py lightgbm|xgboost FOLDER prints one JSON object a line; the list of all lines is the file

Made with lightgbm 3.3.5 over lightgbm-3.3.5, xgboost 1.7.6 over xgboost-1.7.6, xgboost 2.1.4 over xgboost-2.1.4 and
xgboost 3.2.0 over xgboost-3.2.0-frame, each over the models that its own version wrote.
"""

import gzip
import json
import os
import sys

family, folder = sys.argv[1:]
for case in json.load(open(f"{folder}/cases.json")):
    data = gzip.open(f"{folder}/{case['name']}.model.gz").read()
    out = {"dir": os.path.basename(folder.rstrip("/")), "name": case["name"], "format": case["format"]}
    if family == "lightgbm":
        import lightgbm

        b = lightgbm.Booster(model_str=data.decode())
        out["splits"] = [int(v) for v in b.feature_importance("split")]
        out["gain"] = [float(v) for v in b.feature_importance("gain")]
    else:
        import xgboost

        b = xgboost.Booster()
        b.load_model(bytearray(data))
        n = b.num_features()
        names = b.feature_names or [f"f{i}" for i in range(n)]
        for key, kind in (("splits", "weight"), ("gain", "total_gain"), ("cover", "total_cover")):
            score = b.get_score(importance_type=kind)
            out[key] = [float(score.get(name, 0)) for name in names]
    print(json.dumps(out))
